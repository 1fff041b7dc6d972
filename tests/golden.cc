// SPDX-License-Identifier: MIT
#include "tests/golden.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/catch.h"

namespace nstrace::testing {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string data_path(const std::string& name) { return std::string(NSTRACE_SOURCE_DIR) + "/tests/" + name; }
std::string golden_path(const std::string& name) { return data_path("golden/" + name); }

void check_golden(const std::string& name, const std::string& text) {
  const std::string path = golden_path(name);
  if (std::getenv("NSTRACE_REWRITE_GOLDENS")) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  INFO("golden file: " << path);
  REQUIRE(read_file(path) == text);
}

}  // namespace nstrace::testing
