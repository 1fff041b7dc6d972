// SPDX-License-Identifier: MIT
// The words that stand in braces in the sentences of rules: {program}, {new}, {arg1}. Whatever bytes a traced process
// had, what is filled in is printable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "story/rule.h"

namespace nstrace::story {

// Fills in all words; of {each} and {count} it marks the places, for fold(). An unknown word stays as it is, with its
// braces.
std::string fill(std::string_view text, const Moment& moment);
// "a, b and c"; {count} = how often. Of a longer list than `most` it says how many more there are.
std::string fold(std::string_view text, const std::vector<std::string>& each, std::uint32_t count,
                 std::size_t most = 12);

// "mount, UTS, IPC, network and PID": the namespaces in which the two differ.
std::string kinds(const trace::NsSet& before, const trace::NsSet& after);
std::string_view kind_title(trace::Ns ns);  // "network"
// The first 12 characters of a long hexadecimal id; other words as they are, escaped.
std::string short_id(std::string_view id);
std::string join(const std::vector<std::string>& words);
// A command line, shortened: "runc --root ... create 8df35371db8d" is not what is wanted, but its program and what
// follows: "sleep 100".
std::string command_line(const std::vector<std::string>& argv, std::size_t limit = 60);

}  // namespace nstrace::story
