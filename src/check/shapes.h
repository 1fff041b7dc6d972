// SPDX-License-Identifier: MIT
// What the arguments of each call can be when they are recorded: numbers, words, strings, lists, structures. Asked from
// the decoders themselves, which are given every bit and every small number, so that there is no second list of words.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "check/ast.h"

namespace nstrace::check {

struct Shape {
  enum Kind : std::uint8_t {
    Number = 1,
    Address = 2,
    Word = 4,  // flags, or a name
    String = 8,
    List = 16,
    Struct = 32,
    Descriptor = 64,
  };
  std::string name;  // of the argument or field
  std::uint8_t kinds = 0;
  bool inner = false;                           // it stands in a structure or list, and is compared as text
  std::int64_t low = kHighest, high = kLowest;  // of numbers
  std::size_t longest = SIZE_MAX;               // of strings
  std::set<std::string> words;                  // of a function only its name: "makedev("
  std::vector<Shape> fields;
  std::vector<Shape> element;  // of a list: one; none = whatever

  bool is(Kind kind) const { return (kinds & kind) != 0; }
};

// One way in which a call is recorded: prctl(PR_SET_NAME, string), prctl(PR_CAPBSET_DROP, capability), ...
using Form = std::vector<Shape>;

// Of a call of the table or a pseudo call; empty for the others, whose arguments are not known.
const std::vector<Form>& forms_of(const std::string& call);
// Of a line of a state; `fields`: the value asks for fields.
Shape shape_of(StateLine::Kind state, bool fields);

// Adds what `more` can be.
void merge(Shape& shape, const Shape& more);

}  // namespace nstrace::check
