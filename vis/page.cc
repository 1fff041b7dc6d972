// SPDX-License-Identifier: MIT
// Takes a recording, puts the drawn tree, the trace as JSON and the program that shows it (vis/page/) into one file.
// Hostile text is in two places only: in the SVG, as markup() left it, and in the JSON, without any `<`. The policy in
// the head forbids every connection, and every script but ours.
#include "vis/page.h"

#include <fmt/format.h>

#include <string_view>

#include "vis/brief.h"
#include "vis/page_data.h"
#include "vis/svg.h"
#include "vis/text.h"

extern "C" {
extern const char nstrace_page_css[], nstrace_page_css_end[];
extern const char nstrace_page_body[], nstrace_page_body_end[];
extern const char nstrace_page_js[], nstrace_page_js_end[];
}

namespace nstrace::vis {
namespace {

std::string_view file(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

// FNV-1a, twice with different beginnings: what nobody can put into an argv, since it depends on all of them.
std::string nonce_of(std::string_view data) {
  std::uint64_t a = 0xcbf29ce484222325u, b = 0x84222325cbf29ce4u;
  for (const char c : data) {
    a = (a ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    b = (b ^ static_cast<unsigned char>(c)) * 0x100000001b3u + 0x9e37u;
  }
  return fmt::format("{:016x}{:016x}", a, b);
}

// The colours of the pictures, as CSS variables.
std::string tones(bool dark) {
  std::string css = ":root {";
  for (const Tone& tone : tone::kAll) css += fmt::format(" --{}: {};", tone.name, dark ? tone.dark : tone.light);
  return css + " }";
}

std::string head(const Graph& graph) {
  std::string out = fmt::format("<h1>{}</h1>\n<p id=\"facts\">", markup(graph.title));
  for (const std::string& fact : graph.facts) out += fmt::format("<span>{}</span>", markup(fact));
  out += fmt::format("<span class=\"{}\">{}</span>", graph.lossy ? "lost" : "ok", markup(graph.loss));
  for (const Headline& chapter : graph.chapters) {
    out += fmt::format("<br><span{}>{}</span>", chapter.failed ? " class=\"lost\"" : "", markup(chapter.text));
  }
  for (const std::string& note : graph.notes) out += fmt::format("<br><span>{}</span>", markup(note));
  return out + "</p>\n";
}

}  // namespace

std::string html_page(const Recording& recording, const DrawOptions& options) {
  const Graph graph = build_tree(recording, options);
  const std::string svg = to_svg(options.all ? graph : brief(graph), Head::None);
  const std::string data = page_data(recording, graph);
  const std::string nonce = nonce_of(data);
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src "
      "'nonce-{}'\">\n<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<title>{}</title>\n<style>\n",
      nonce, markup(graph.title));
  out += tones(false) + "@media screen and (prefers-color-scheme: dark) { " + tones(true) + " }\n";
  out += file(nstrace_page_css, nstrace_page_css_end);
  out += "</style>\n</head>\n<body>\n";
  std::string_view body = file(nstrace_page_body, nstrace_page_body_end);
  const auto put = [&](std::string_view mark, const std::string& what) {  // instead of a line of the page
    const std::size_t at = body.find(mark);
    out += body.substr(0, at);
    out += what;
    body.remove_prefix(at + mark.size());
  };
  put("<!-- head -->\n", head(graph));
  put("<!-- the tree -->\n", svg);
  out += body;
  out += "<script type=\"application/json\" id=\"trace\">\n";
  out += data;
  out += fmt::format("\n</script>\n<script nonce=\"{}\">\n", nonce);
  out += file(nstrace_page_js, nstrace_page_js_end);
  out += "</script>\n</body>\n</html>\n";
  return out;
}

}  // namespace nstrace::vis
