// SPDX-License-Identifier: MIT
#include "cli/formats.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "capture/targets.h"
#include "cli/zstd_output.h"
#include "model/model.h"
#include "trace/error.h"
#include "trace/file.h"
#include "vis/draw.h"

namespace nstrace::cli {
namespace {

struct Ending {
  std::string_view ending;
  Format format;
  bool zstd;
  std::string_view what;
};
constexpr std::array<Ending, 14> kEndings{{
    {"jsonl", Format::Json, false, "the trace, to be shown, drawn and checked later"},
    {"jsonl.zst", Format::Json, true, "the same, compressed"},
    {"txt", Format::Lines, false, "lines, as strace writes them"},
    {"log", Format::Lines, false, "the same"},
    {"out", Format::Lines, false, "the same"},
    {"strace", Format::Lines, false, "the same"},
    {"trace", Format::Lines, false, "the same"},
    {"dot", Format::Dot, false, "a graph for Graphviz"},
    {"svg", Format::Svg, false, "a picture"},
    {"html", Format::Html, false, "a page with all views, to look around in, in one file"},
    {"png", Format::Png, false, "the picture as pixels"},
    {"pdf", Format::Pdf, false, "the picture as a page to print"},
    {"mmd", Format::Mermaid, false, "a Mermaid sequence diagram, for Markdown"},
    {"json", Format::Perfetto, false, "Chrome's trace events, for ui.perfetto.dev"},
}};

std::string endings() {
  std::string all;
  for (const Ending& e : kEndings) all += fmt::format("{}.{}", all.empty() ? "" : " ", e.ending);
  return all;
}

class JsonSink : public trace::JsonWriter {
 public:
  explicit JsonSink(std::unique_ptr<Output> output)
      : trace::JsonWriter([this](std::string_view line) { output_->write(line); }), output_(std::move(output)) {}
  void idle() override { output_->flush(); }
  void footer(const trace::Footer& footer) override {
    trace::JsonWriter::footer(footer);
    output_->flush();
  }

 private:
  std::unique_ptr<Output> output_;
};

class ZstdSink : public trace::JsonWriter {
 public:
  explicit ZstdSink(std::unique_ptr<Output> output)
      : trace::JsonWriter([this](std::string_view line) { zstd_.write(line); }), zstd_(std::move(output)) {}
  void idle() override { zstd_.flush(); }
  void footer(const trace::Footer& footer) override {
    trace::JsonWriter::footer(footer);
    zstd_.finish();
  }

 private:
  ZstdOutput zstd_;
};

vis::Picture picture_of(Format format) {
  switch (format) {
    case Format::Dot:
      return vis::Picture::Dot;
    case Format::Mermaid:
      return vis::Picture::Mermaid;
    case Format::Html:
      return vis::Picture::Html;
    case Format::Png:
      return vis::Picture::Png;
    case Format::Pdf:
      return vis::Picture::Pdf;
    case Format::Perfetto:
      return vis::Picture::Perfetto;
    case Format::Svg:
    case Format::Lines:
    case Format::Json:
      break;
  }
  return vis::Picture::Svg;
}

class PictureSink : public vis::Recording {
 public:
  PictureSink(std::unique_ptr<Output> output, Format format, PictureOptions options)
      : PictureSink(std::move(output), picture_of(format), vis::view_from_name(options.view).value_or(vis::View::Tree),
                    options) {}
  void footer(const trace::Footer& footer) override {
    vis::Recording::footer(footer);
    draw();
  }
  void draw() {
    vis::DrawOptions options;
    options.all = options_.all;
    options.title = options_.title;
    if (options_.at) options.at = static_cast<trace::Time>(*options_.at * 1e6);
    output_->write(vis::draw(*this, view_, picture_, options));
    output_->flush();
  }

 private:
  PictureSink(std::unique_ptr<Output> output, vis::Picture picture, vis::View view, PictureOptions options)
      : vis::Recording(vis::needs_calls(picture), vis::needs_times(view, picture)),
        output_(std::move(output)),
        picture_(picture),
        view_(view),
        options_(std::move(options)) {}

  std::unique_ptr<Output> output_;
  vis::Picture picture_;
  vis::View view_;
  PictureOptions options_;
};

// A lower-case word before a colon was meant as a format: a file of that name would be a surprise.
void refuse_unknown_format(const std::string& given, const std::string& word) {
  const auto in_word = [](char c) { return (c >= 'a' && c <= 'z') || c == '.'; };
  if (word.empty() || word[0] == '.' || !std::ranges::all_of(word, in_word)) return;
  std::vector<std::string> words;
  for (const Ending& e : kEndings) words.emplace_back(e.ending);
  std::vector<std::string> near = capture::near_names(word, words);
  // letters that have changed places are the likeliest slip
  if (const auto swapped =
          std::ranges::find_if(near, [&](const auto& w) { return std::ranges::is_permutation(w, word); });
      swapped != near.end())
    near = {*swapped};
  const std::string meant = near.empty() ? fmt::format("write one of {}", fmt::join(words, ": "))
                                         : fmt::format("write {}", fmt::join(near, ": or "));
  throw Error(
      fmt::format("-o {0}: there is no format {1}; {2}: in front, or, if the file is to have that name, -o ./{0}",
                  given, word, meant));
}

}  // namespace

Destination parse_destination(const std::string& given, bool prefix) {
  if (given.starts_with('|') || given.starts_with('!'))
    throw Error(fmt::format("-o '{0}': nstrace starts no command to write to; let the shell do it: -o txt:>({1})",
                            given, given.substr(1)));
  Destination destination;
  const std::size_t colon = given.find(':');
  if (colon != std::string::npos) {
    for (const Ending& e : kEndings) {
      if (given.substr(0, colon) != e.ending) continue;
      return {.format = e.format, .zstd = e.zstd, .path = given.substr(colon + 1)};
    }
    refuse_unknown_format(given, given.substr(0, colon));
  }
  destination.path = given;
  if (given.empty()) throw Error("-o needs the name of a file");
  const std::size_t slash = given.rfind('/');
  const std::string name = slash == std::string::npos ? given : given.substr(slash + 1);
  const std::size_t dot = name.find_last_of('.');
  if (prefix || dot == std::string::npos || dot == 0) return destination;  // no ending: lines
  const Ending* longest = nullptr;
  for (const Ending& e : kEndings)
    if (name.ends_with(fmt::format(".{}", e.ending)) && (!longest || e.ending.size() > longest->ending.size()))
      longest = &e;
  if (!longest)
    throw Error(fmt::format("{}: no format goes by the ending {}; use one of {}, or say it in front: -o txt:{}", given,
                            name.substr(dot), endings(), given));
  destination.format = longest->format;
  destination.zstd = longest->zstd;
  return destination;
}

bool is_picture(Format format) {
  return format != Format::Lines && format != Format::Json;
}

std::unique_ptr<trace::Sink> open_destination(const Destination& destination, const PictureOptions& picture) {
  std::unique_ptr<Output> output = Output::open(destination.path);
  if (destination.write_behind) output->write_behind();
  if (is_picture(destination.format))
    return std::make_unique<PictureSink>(std::move(output), destination.format, picture);
  if (destination.zstd) return std::make_unique<ZstdSink>(std::move(output));
  return std::make_unique<JsonSink>(std::move(output));
}

std::string formats_help() {
  std::string text;
  for (const Ending& e : kEndings) text += fmt::format("  .{:<12} {}\n", e.ending, e.what);
  return text;
}

}  // namespace nstrace::cli
