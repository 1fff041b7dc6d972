// SPDX-License-Identifier: MIT
// The text of expectation files and what is wrong with it: places, and diagnostics that show the line and a caret.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nstrace::check {

// A stretch of one line. Lines and columns count from 1, columns in bytes.
struct Place {
  int file = 0;  // index into Sources
  int line = 0;
  int column = 0;
  int length = 1;
};

struct SourceFile {
  std::string path;
  std::string text;
  std::vector<std::size_t> lines;           // offset of each line
  std::string_view line(int number) const;  // without its end; empty if there is no such line
};

class Sources {
 public:
  int add(std::string path, std::string text);
  const SourceFile& file(int index) const { return files_[static_cast<std::size_t>(index)]; }
  bool has(const std::string& path) const;
  std::string where(const Place& place) const;  // "path:3:7"
  std::string_view line(const Place& place) const;
  std::size_t size() const { return files_.size(); }

 private:
  std::vector<SourceFile> files_;
};

struct Diagnostic {
  Place place;
  std::string message;  // one sentence, without its end
  std::string hint;     // "did you mean `init`?"; may be empty
  bool syntax = false;  // a line that could not be read: what follows on it is no news
};

// path:3:7: error: message
//     child: unshare(CLONE_NEWNS
//            ^~~~~~~
//     hint: ...
std::string render(const Sources& sources, const Diagnostic& diagnostic);
// All of them in order of place, at most `limit`, and how many more there are.
std::string render(const Sources& sources, const std::vector<Diagnostic>& diagnostics, std::size_t limit = 20);

// The candidate nearest to `word` by edits, if one is near enough to be what was meant; else empty.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace nstrace::check
