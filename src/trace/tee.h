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
  void add(std::unique_ptr<Sink> sink) {
    sinks_.push_back(sink.get());
    owned_.push_back(std::move(sink));
  }
  void add(Sink& sink) { sinks_.push_back(&sink); }  // must outlive the Tee's use
  bool empty() const { return sinks_.empty(); }

  void header(const Header& header) override {
    for (Sink* sink : sinks_) sink->header(header);
  }
  void existing(const Existing& process) override {
    for (Sink* sink : sinks_) sink->existing(process);
  }
  void event(const Event& event) override {
    for (Sink* sink : sinks_) sink->event(event);
  }
  void idle() override {
    for (Sink* sink : sinks_) sink->idle();
  }
  void footer(const Footer& footer) override {
    for (Sink* sink : sinks_) sink->footer(footer);
  }

 private:
  std::vector<Sink*> sinks_;
  std::vector<std::unique_ptr<Sink>> owned_;
};

}  // namespace nstrace::trace
