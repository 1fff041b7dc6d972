// SPDX-License-Identifier: MIT
// Bytes as JSON text. Strings of traced processes are any bytes; JSON is UTF-8. What is no UTF-8 is written as U+FFFD,
// and the exact bytes go beside it in base64.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nstrace::trace {

class JsonBuffer;

// Appends `bytes` as a JSON string with its quotes. Control characters (C0, DEL, C1) are escaped, so that no terminal
// acts on them; each byte that is not part of valid UTF-8 becomes one U+FFFD. False when there was such a byte.
bool append_json_string(std::string& out, std::string_view bytes);
bool append_json_string(JsonBuffer& out, std::string_view bytes);

// RFC 4648, section 4, with padding.
void append_base64(std::string& out, std::string_view bytes);
void append_base64(JsonBuffer& out, std::string_view bytes);
std::optional<std::string> decode_base64(std::string_view text);  // nullopt: not base64

// The length of the well-formed UTF-8 sequence that `bytes` begins with (Unicode 15, table 3-7); 0 if there is none.
std::size_t utf8_length(std::string_view bytes);

}  // namespace nstrace::trace
