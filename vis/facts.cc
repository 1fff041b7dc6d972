// SPDX-License-Identifier: MIT
// Takes the header and the footer of a trace, gives the head of a picture.
#include "vis/facts.h"

#include <fmt/format.h>

#include "vis/text.h"

namespace nstrace::vis {

namespace {
constexpr std::string_view kCutOff = "cut off";  // the end that a reader gives to a trace without one
}

bool has_times(const model::Model& model) {
  const trace::Header& header = model.header();
  return header.start_boottime != 0 || header.start_realtime != 0 || !header.kernel.empty();
}

Facts facts_of(const model::Model& model, const std::string& title) {
  const trace::Header& header = model.header();
  Facts facts;
  const std::string command = shorten(short_command_line(header.command), 90);
  std::string followed;
  for (const std::string& target : header.follow)
    followed += (followed.empty() ? "" : ", ") + display_whole(target, 60);
  followed = shorten(followed, 60);
  if (!title.empty()) {
    facts.title = shorten(display_whole(title, 400), 72);
  } else if (!command.empty()) {
    facts.title = command;
  } else {
    facts.title = followed.empty() ? (header.calls_known ? "processes and namespaces" : "as strace saw it")
                                   : "following " + followed;
  }
  if (!command.empty() && facts.title != command) facts.facts.push_back(command);
  if (!followed.empty() && facts.title != "following " + followed) facts.facts.push_back("following " + followed);
  if (!header.kernel.empty()) facts.facts.push_back("Linux " + shorten(display_whole(header.kernel, 100), 32));
  if (!header.tool.empty()) facts.facts.push_back(shorten(display_whole(header.tool, 100), 32));
  const auto& footer = model.footer();
  if (!footer) {
    facts.loss = "INCOMPLETE: the trace has no end";
    facts.lossy = true;
  } else {
    facts.facts.push_back(fmt::format("{} events", footer->events));
    facts.lossy = footer->lost != 0 || footer->end == kCutOff;
    facts.loss = fmt::format("{} {}", footer->lost, facts.lossy ? "LOST" : "lost");
    if (!header.calls_known && footer->lost == 0) {
      facts.lossy = true;
      facts.loss = "imported: what the log lacks is not known";
    }
    if (footer->end == kCutOff) facts.loss = "INCOMPLETE: the trace was cut off";
  }
  return facts;
}

}  // namespace nstrace::vis
