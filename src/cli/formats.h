// SPDX-License-Identifier: MIT
// Formats: what the ending of an output file's name means. One table, for -o of every command.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/output.h"
#include "trace/sink.h"

namespace nstrace::cli {

enum class Format { Lines, Json, Dot, Svg, Mermaid, Html, Png, Pdf, Perfetto };

struct Destination {
  Format format = Format::Lines;
  bool zstd = false;
  std::string path;
  bool write_behind = false;  // by a thread of its own
};

// "FILE", or "FORMAT:FILE" where FORMAT is an ending without its dot. Throws Error for an unknown ending.
// prefix: of files of lines (-ff), so that what looks like an ending is none.
Destination parse_destination(const std::string& given, bool prefix = false);

bool is_picture(Format format);

struct PictureOptions {
  std::string title;
  bool all = false;           // fold nothing
  std::string view = "tree";  // see vis::view_from_name()
  std::optional<double> at;   // ms after the start of the trace, for the view "namespaces"
};

// A sink that writes a trace file, or draws a picture when the trace ends. The file is created at once, so that a path
// that cannot be written is an error before anything is traced. Not for Format::Lines (see cli/lines.h).
std::unique_ptr<trace::Sink> open_destination(const Destination& destination, const PictureOptions& picture = {});

// The endings with what they mean, for --help.
std::string formats_help();

}  // namespace nstrace::cli
