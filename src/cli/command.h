// SPDX-License-Identifier: MIT
// The commands of the program, one file each. Each takes what follows its name, and gives the exit code; what it cannot
// handle it throws as Error, which main prints.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace nstrace::cli {

using Arguments = std::vector<std::string>;

int trace_command(const Arguments& arguments);  // nstrace [OPTIONS] --follow TARGET... [-- COMMAND]
int show_command(const Arguments& arguments);
int draw_command(const Arguments& arguments);
int check_command(const Arguments& arguments);
int expect_command(const Arguments& arguments);
int explain_command(const Arguments& arguments);
int diff_command(const Arguments& arguments);
int import_command(const Arguments& arguments);
int lab_command(const Arguments& arguments);
int doctor_command(const Arguments& arguments);

struct Command {
  std::string_view name;
  std::string_view what;  // one phrase for --help
  int (*run)(const Arguments&);
  int failure;  // the exit code of an Error that brings none of its own
};
std::span<const Command> commands();

// Parses `arguments` with CLI11. Gives an exit code when the command is to end here (--help); throws Error for bad
// usage: a sentence that names the option and the cure.
std::optional<int> parse(CLI::App& app, const Arguments& arguments, int failure);

// "nstrace 0.1.0"
std::string version_text();

// One sentence to stderr, with the program's name before it.
void tell(std::string_view sentence) noexcept;

// A text to stdout, whole. Throws Error when it cannot be written.
void say(std::string_view text);

}  // namespace nstrace::cli
