// SPDX-License-Identifier: MIT
// What a program and a process are called in a picture.
#pragma once

#include <string>
#include <vector>

#include "model/model.h"
#include "vis/graph.h"

namespace nstrace::vis {

// A program in a few words: "sleep 100", "runc create", "containerd-shim-runc-v2 start". For the runtimes' programs:
// the name and the verb; for others the name and the arguments. From display(), of any length.
std::string headline(const model::Program& program);

// A process: the name it gave itself last, else the program it became last, else its comm.
std::string headline(const model::Process& process);

// The same where there is little room. What many have in front goes, so that what they differ in stays:
// "containerd-shim-runc-v2 start" -> "shim-runc-v2 start".
std::string_view short_name(std::string_view headline);

// As many whole words of a headline as a card has room for.
std::string card_title(const std::string& headline);

// A container, by the name that people gave it, else by its id: "container web", "container cbab362df10a".
std::string headline(const model::Container& container, std::size_t columns);

// "pid 511", "pid 511 outside, 1 inside".
std::string pid_text(const model::Process& process);

// Made by the tracer, which recorded itself among those that existed, to run the traced command.
bool launched(const model::Model& model, const model::Process& process);

// What it was called from which event on: as above, at every moment of its life.
// `launched`: made by the tracer to run the traced command.
std::vector<Called> names_of(const model::Process& process, bool launched);

// Its arguments in one line for the eye. What stands before a runtime's verb (--root, --log, ...) is left out.
std::string short_arguments(const model::Program& program);

// The program that ran at a time, nullptr if it is not known.
const model::Program* program_at(const model::Process& process, trace::Time at);

}  // namespace nstrace::vis
