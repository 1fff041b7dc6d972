// SPDX-License-Identifier: MIT
// Small parts of the checker by themselves: work on several threads, numbers by hashes, captures in globs.
#include <algorithm>
#include <atomic>
#include <stdexcept>

#include "check/glob.h"
#include "check/hash_index.h"
#include "check/share_out.h"
#include "tests/catch.h"

using namespace nstrace::check;

TEST_CASE("share_out: every piece once, on no more threads than asked for") {
  for (const std::size_t workers : {0, 1, 2, 7})
    for (const std::size_t pieces : {0, 1, 3, 500}) {
      std::vector<std::atomic<int>> done(pieces);
      std::atomic<std::size_t> highest = 0;
      share_out(pieces, workers, [&](std::size_t worker, std::size_t piece) {
        ++done[piece];
        if (worker > highest) highest = worker;
      });
      CHECK(std::ranges::all_of(done, [](const auto& times) { return times == 1; }));
      CHECK(highest < std::max<std::size_t>(workers, 1));
    }
}

TEST_CASE("share_out: what is thrown comes out in the caller, that of the first piece") {
  for (const std::size_t workers : {1, 2, 5})
    for (int again = 0; again < 50; ++again) {
      std::string what;
      try {
        share_out(100, workers, [](std::size_t, std::size_t piece) {
          if (piece == 17 || piece == 18 || piece == 20) throw std::runtime_error(std::to_string(piece));
        });
      } catch (const std::runtime_error& error) {
        what = error.what();
      }
      CHECK(what == "17");
    }
}

TEST_CASE("numbers by hashes: those with the same hash are told apart, also where the table grew") {
  HashIndex index;
  const auto hash = [](std::uint32_t number) { return std::uint64_t{number / 3} * 1024; };  // all into one place
  for (std::uint32_t number = 0; number < 3000; ++number) {
    CHECK_FALSE(index.find(hash(number), [&](std::uint32_t other) { return other == number; }));
    index.put(hash(number), number);
  }
  for (std::uint32_t number = 0; number < 3000; ++number)
    CHECK(index.find(hash(number), [&](std::uint32_t other) { return other == number; }) == number);
  CHECK_FALSE(index.find(hash(4000), [](std::uint32_t) { return true; }));
}

namespace {

// Every way to fit the pieces from `i` on to the text from `at` on, with the values of the captures: tried one by one.
void ways(const Glob& glob, std::size_t i, std::string_view text, std::vector<std::string> bound,
          std::vector<std::vector<std::string>>& out) {
  if (i == glob.pieces.size()) {
    if (text.empty()) out.push_back(std::move(bound));
    return;
  }
  const GlobPiece& piece = glob.pieces[i];
  const bool last_star = piece.kind == GlobPiece::Kind::Star && i + 1 == glob.pieces.size();
  for (std::size_t size = last_star ? text.size() : 0; size <= text.size(); ++size) {
    const std::string taken(text.substr(0, size));
    std::vector<std::string> now = bound;
    switch (piece.kind) {
      case GlobPiece::Kind::Literal:
        if (taken != piece.text) continue;
        break;
      case GlobPiece::Kind::One:
        if (size != 1) continue;
        break;
      case GlobPiece::Kind::Star:
        break;
      case GlobPiece::Kind::Capture: {
        std::string& value = now[static_cast<std::size_t>(piece.capture)];
        if (taken.empty() || (value.empty() ? taken.find('/') != std::string::npos : taken != value)) continue;
        value = taken;
        break;
      }
    }
    ways(glob, i + 1, text.substr(size), now, out);
  }
}

}  // namespace

TEST_CASE("captures in globs: every way, in the order of the text") {
  using Kind = GlobPiece::Kind;
  const GlobPiece kinds[] = {{Kind::Literal, "a", -1}, {Kind::Literal, "b/", -1}, {Kind::Star, "", -1},
                             {Kind::One, "", -1},      {Kind::Capture, "x", 0},   {Kind::Capture, "y", 1}};
  std::size_t found = 0;
  for (int pattern = 0; pattern < 6 * 6 * 6 * 6; ++pattern) {
    Glob glob;
    for (int rest = pattern; glob.pieces.size() < 4; rest /= 6) glob.pieces.push_back(kinds[rest % 6]);
    if (!glob.captures()) continue;
    for (const char* text : {"", "a", "ab/", "b/a", "aab/a", "b/ab/", "a/a/a", "abab", "b/b/b/"}) {
      std::vector<std::vector<std::string>> expected, got;
      ways(glob, 0, text, {"", ""}, expected);
      Bindings bindings(2);
      Budget budget(100000);
      glob_solve(glob, text, false, bindings, budget, [&](Truth truth) {
        CHECK(truth == Truth::Yes);
        got.emplace_back();
        for (const CaptureId id : {0, 1}) got.back().push_back(bindings.get(id) ? *bindings.get(id) : "");
        return false;
      });
      INFO("pattern " << pattern << ", text " << text);
      REQUIRE(got == expected);
      found += got.size();
    }
  }
  CHECK(found > 1000);
}
