// SPDX-License-Identifier: MIT
// Which chapter of the story an event belongs to, and what is known of each chapter: whose container, which runtime and
// version, which manager.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "story/rule.h"
#include "story/story.h"

namespace nstrace::story {

class Chapters {
 public:
  explicit Chapters(const model::Model& model) : model_(model) {}

  // The chapter that the event belongs to; a new one if need be. `phase`: of the step that it becomes.
  ChapterId of(const Moment& moment, Phase phase);
  // A step is found to belong to it that came before what it was made for.
  void begins_with(ChapterId id, std::uint64_t event, trace::Time begin);
  void look_for_names() { look_for_names_ = true; }
  // Titles, and the containers that were made meanwhile.
  void finish();

  const std::vector<Chapter>& all() const { return chapters_; }
  std::vector<ChapterId> order() const;  // by begin; what was done to one container stays together

 private:
  using Key = std::pair<Kind, std::string>;
  Key key_of(const Moment& moment);
  bool over(const std::string& id) const;
  std::size_t set_up_of(const Moment& moment, const Actor& actor, const std::string& id);
  std::size_t last_ended(const std::string& id, std::size_t count) const;
  std::string where(const Chapter& chapter, const std::string& container) const;
  void correct(const Key& key, const Moment& moment);
  void learn(Chapter& chapter, const Moment& moment, Phase phase);
  void learn_version(Chapter& chapter, const Moment& moment);

  const model::Model& model_;
  bool look_for_names_ = false;
  std::vector<Chapter> chapters_;
  std::vector<bool> has_program_, has_setup_, has_sandbox_;
  std::map<Key, ChapterId> by_key_;
  std::map<model::ProcessId, Key> unsure_;  // stages whose command was not seen, and what they were taken to do
  std::map<model::ProcessId, std::vector<model::ProcessId>> set_ups_;  // first stages, by session
  std::set<std::pair<ChapterId, model::ProcessId>> joined_;  // which have joined a namespace other than a user's
};

// The phases that one would expect in such a chapter.
std::span<const Phase> expected_phases(Kind kind);

}  // namespace nstrace::story
