// SPDX-License-Identifier: MIT
#include "cli/outputs.h"

#include <string>
#include <utility>

#include "cli/command.h"
#include "cli/output.h"
#include "trace/error.h"

namespace nstrace::cli {

class Outputs::Guarded : public trace::Sink {
 public:
  Guarded(Outputs& outputs, std::unique_ptr<trace::Sink> sink) : outputs_(outputs), sink_(std::move(sink)) {}
  void header(const trace::Header& header) override {
    guard([&] { sink_->header(header); });
  }
  void existing(const trace::Existing& process) override {
    guard([&] { sink_->existing(process); });
  }
  void event(const trace::Event& event) override {
    stage_ = Stage::Trace;
    guard([&] { sink_->event(event); });
  }
  void idle() override {
    guard([&] { sink_->idle(); });
  }
  void footer(const trace::Footer& footer) override {
    stage_ = Stage::End;
    guard([&] { sink_->footer(footer); });
  }

 private:
  template <typename Call>
  void guard(const Call& call) {
    if (!sink_) return;
    try {
      call();
    } catch (...) {
      sink_.reset();
      outputs_.dropped_out(stage_);
    }
  }

  Outputs& outputs_;
  std::unique_ptr<trace::Sink> sink_;
  Stage stage_ = Stage::Start;
};

void Outputs::add(trace::Tee& to, std::unique_ptr<trace::Sink> sink) {
  to.add(std::make_unique<Guarded>(*this, std::move(sink)));
  ++living_;
}

void Outputs::add_sure(trace::Tee& to, trace::Sink& sink) {
  to.add(sink);
  ++living_;
}

void Outputs::dropped_out(Stage stage) {
  --living_;
  const bool go_on = command_ || living_ > 0 || stage == Stage::End;
  try {
    throw;
  } catch (const PipeClosed&) {
    if (!go_on) throw;  // whoever read has seen enough
  } catch (const Error& error) {
    if (stage == Stage::Start || !go_on) throw;
    failed_ = true;
    const char* rest = stage == Stage::End ? ""
                       : living_ > 0       ? "; the rest goes on without it"
                                           : "; COMMAND goes on, but nothing of it is recorded any more";
    tell(error.what() + std::string(rest));
  }
}

}  // namespace nstrace::cli
