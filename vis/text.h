// SPDX-License-Identifier: MIT
// Text for pictures: from the bytes of traced processes to what may be shown, shortened and put into markup. Three
// steps, in this order: display() makes it harmless, shorten() makes it fit, markup() lets it into XML.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace nstrace::vis {

// Valid UTF-8 of characters that stay where they are put: one glyph, one cell, left to right. All others (control,
// invalid, right-to-left, combining, zero width, unassigned) are escaped as strace or as \u{202e}.
std::string display(std::string_view bytes);

// As display(), but of a text beyond `limit` bytes the middle is left out, and the text says how much.
std::string display_whole(std::string_view bytes, std::size_t limit = 2000);

// Width in cells of a text that display() gave; wide (East Asian) characters count two.
std::size_t columns(std::string_view text);

// The longest beginning of such a text that takes at most `width` cells.
std::string_view first_columns(std::string_view text, std::size_t width);

// At most `width` cells: what does not fit is replaced by one … in the middle. `text` from display().
std::string shorten(std::string_view text, std::size_t width);
// The same with the … nearer to the front, so that the last part of a path stays readable.
std::string shorten_path(std::string_view text, std::size_t width);

// Breaks `text` into lines of at most `width` cells, at blanks where it can; the last of `max_lines` is shortened.
std::vector<std::string> wrap(std::string_view text, std::size_t width, std::size_t max_lines);

// An argument vector as one line: elements with blanks or quotes stand in quotes. From raw bytes; not longer than
// `limit` bytes by much.
std::string command_line(const std::vector<std::string>& argv, std::size_t limit = 2000);

// The same for the eye: each element is shortened by itself (paths, ids), the whole is not longer than 400 cells.
std::string short_command_line(const std::vector<std::string>& argv);

// Whether it is what docker and podman call a container by: 32 or more hexadecimal digits.
bool is_long_id(std::string_view text);

// The last part of a path.
std::string_view base_name(std::string_view path);

// & < > " ' as entities: for element text and for attribute values, in XML and in DOT's HTML-like labels.
std::string markup(std::string_view text);

}  // namespace nstrace::vis
