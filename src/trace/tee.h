// SPDX-License-Identifier: MIT
// Tee: one trace into several sinks.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "trace/sink.h"

namespace nstrace::trace {

class Tee : public Sink {
 public:
  void add(std::unique_ptr<Sink> sink) { sinks_.push_back(std::move(sink)); }
  bool empty() const { return sinks_.empty(); }

  void header(const Header& header) override {
    for (const auto& sink : sinks_) sink->header(header);
  }
  void existing(const Existing& process) override {
    for (const auto& sink : sinks_) sink->existing(process);
  }
  void event(const Event& event) override {
    for (const auto& sink : sinks_) sink->event(event);
  }
  void footer(const Footer& footer) override {
    for (const auto& sink : sinks_) sink->footer(footer);
  }

 private:
  std::vector<std::unique_ptr<Sink>> sinks_;
};

}  // namespace nstrace::trace
