// SPDX-License-Identifier: MIT
// Three-valued answers, the bindings of captures, and the budget of a search.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "check/ast.h"

namespace nstrace::check {

// Maybe: the trace does not say. In this order, so that `and` is the least and `or` the greatest.
enum class Truth : std::uint8_t { No, Maybe, Yes };
inline Truth both(Truth a, Truth b) {
  return a < b ? a : b;
}
inline Truth either(Truth a, Truth b) {
  return a < b ? b : a;
}
inline Truth negated(Truth a) {
  return a == Truth::Maybe ? a : a == Truth::Yes ? Truth::No : Truth::Yes;
}
inline Truth truth(bool b) {
  return b ? Truth::Yes : Truth::No;
}

// A reference to something callable, for callbacks that do not outlive the call.
template <typename Signature>
class FunctionRef;
template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
 public:
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
      FunctionRef(F&& f)  // NOLINT: converts like the callable itself
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

// What captures stand for so far; taken back in the reverse order.
class Bindings {
 public:
  explicit Bindings(std::size_t captures) : values_(captures) {}
  const std::string* get(CaptureId id) const {
    const auto at = static_cast<std::size_t>(id);
    return at < values_.size() && values_[at] ? &*values_[at] : nullptr;
  }
  void set(CaptureId id, std::string value) {
    values_[static_cast<std::size_t>(id)] = std::move(value);
    trail_.push_back(id);
  }
  std::size_t mark() const { return trail_.size(); }
  void undo(std::size_t mark) {
    for (; trail_.size() > mark; trail_.pop_back()) values_[static_cast<std::size_t>(trail_.back())].reset();
  }
  const std::vector<std::optional<std::string>>& values() const { return values_; }

 private:
  std::vector<std::optional<std::string>> values_;
  std::vector<CaptureId> trail_;
};

// Steps that a search may still take. Thrown when they are used up: BudgetPassed.
struct BudgetPassed {};
class Budget {
 public:
  explicit Budget(std::uint64_t steps) : left_(steps) {}
  void step(std::uint64_t steps = 1) {
    if (left_ < steps) throw BudgetPassed{};
    left_ -= steps;
  }

 private:
  std::uint64_t left_;
};

}  // namespace nstrace::check
