// SPDX-License-Identifier: MIT
#include "cli/help.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "vis/text.h"

namespace nstrace::cli {
namespace {

constexpr std::size_t kColumns = 80;       // where stdout is no terminal
constexpr std::size_t kNarrowest = 40;     // what is narrower gets lines that the terminal breaks
constexpr std::size_t kOptionColumn = 30;  // where descriptions of options begin

// Where the lines below `line` begin: 0 when there is nothing to go by.
std::size_t hanging_indent(std::string_view line) {
  const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t gap = line.find("  ", begin);
  if (gap == line.npos) return begin;
  const std::size_t column = line.find_first_not_of(' ', gap);
  return column == line.npos ? begin : column;
}

std::string wrapped_line(std::string_view line, std::size_t columns) {
  if (vis::columns(line) <= columns) return std::string(line);
  std::size_t indent = hanging_indent(line);
  if (indent + kNarrowest / 2 > columns) indent = 2;
  std::string out(line.substr(0, indent));
  std::size_t used = vis::columns(out);
  bool first = true;
  for (std::size_t at = indent; at < line.size();) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    const std::string_view word = line.substr(at, end - at);
    const std::size_t needed = vis::columns(word) + !first;
    if (!first && used + needed > columns) {
      out += '\n' + std::string(indent, ' ');
      used = indent;
      first = true;
    }
    if (!first) out += ' ';
    out += word;
    used += vis::columns(word) + !first;
    first = false;
    at = end + 1;
  }
  return out;
}

class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(std::size_t columns) : columns_(columns) {}

  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    const std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
    return CLI::detail::find_and_replace(text, "\n\n\n", "\n\n");
  }
  std::string make_description(const CLI::App* app) const override {
    return wrapped(CLI::Formatter::make_description(app), columns_);
  }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    if (app->get_description().find("[OPTIONS]") != std::string::npos) return "";  // it tells more than this line
    return wrapped(CLI::Formatter::make_usage(app, std::move(name)), columns_);
  }
  std::string make_footer(const CLI::App* app) const override {
    return wrapped(CLI::Formatter::make_footer(app), columns_);
  }
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    std::string left = "  " + (is_positional ? option->get_name(true, false) : names(*option));
    if (!is_positional && option->get_type_size() != 0) left += ' ' + value_name(option->get_type_name());
    if (left.size() + 2 > kOptionColumn)
      left += '\n' + std::string(kOptionColumn, ' ');
    else
      left.resize(kOptionColumn, ' ');
    // only the line with the description may be too long, and it hangs at the column's beginning
    const std::size_t line = left.rfind('\n') + 1;
    return left.substr(0, line) + wrapped_line(left.substr(line) + option->get_description(), columns_) + '\n';
  }

 private:
  static std::string names(const CLI::Option& option) {
    std::string all;
    for (const std::string& name : option.get_snames()) all += (all.empty() ? "-" : ", -") + name;
    for (const std::string& name : option.get_lnames()) all += (all.empty() ? "--" : ", --") + name;
    return all;
  }
  // CLI11 writes the type and what it is checked for: "TEXT:{auto,raw}", "MS:INT in [0 - 3600000]".
  static std::string value_name(const std::string& type) {
    const std::size_t colon = type.find(':');
    if (colon != type.npos && type[colon + 1] == '{') {
      std::string words = type.substr(colon + 2, type.find('}') - colon - 2);
      std::ranges::replace(words, ',', '|');
      return words;
    }
    return type.substr(0, colon);
  }

  const std::size_t columns_;
};

}  // namespace

std::size_t text_columns() {
  winsize size{};
  const bool terminal = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return terminal ? std::max<std::size_t>(size.ws_col, kNarrowest) : kColumns;
}

std::string wrapped(std::string_view text, std::size_t columns) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    out += wrapped_line(text.substr(0, end), columns);
    if (end == text.npos) break;
    out += '\n';
    text.remove_prefix(end + 1);
  }
  return out;
}

std::shared_ptr<CLI::FormatterBase> help_formatter(std::size_t columns) {
  return std::make_shared<HelpFormatter>(columns);
}

}  // namespace nstrace::cli
