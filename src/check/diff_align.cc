// SPDX-License-Identifier: MIT
// The longest common subsequence of the steps' texts is what stayed. Of the rest, a text that is on both sides was
// moved; in the gaps between what stayed, calls of one name that share most of their arguments were changed, those that
// share most first to be paired; what is left is gone or new.
#include "check/diff_align.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "check/diff_cut.h"

namespace nstrace::check {
namespace {

constexpr std::size_t kTable = 16'000'000;  // cells: two processes of 4,000 calls each without a common end

using Ids = std::vector<std::uint32_t>;
using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

Pairs counted(const Ids& a, const Ids& b) {
  std::unordered_map<std::uint32_t, std::vector<std::size_t>> places;
  for (std::size_t j = b.size(); j-- > 0;) places[b[j]].push_back(j);
  Pairs pairs;
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto& left = places[a[i]];
    if (left.empty()) continue;
    pairs.emplace_back(i, left.back());
    left.pop_back();
  }
  return pairs;
}

// Pairs of a common subsequence, the longest. False if the table would be too big.
bool common_subsequence(const Ids& a, const Ids& b, Pairs& pairs) {
  std::size_t head = 0, tail = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
  while (tail < a.size() - head && tail < b.size() - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  const std::size_t n = a.size() - head - tail, m = b.size() - head - tail;
  if (m != 0 && n > kTable / m) return false;
  for (std::size_t i = 0; i < head; ++i) pairs.emplace_back(i, i);
  std::vector<std::uint32_t> best((n + 1) * (m + 1));  // of the rests from (i, j)
  const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& { return best[i * (m + 1) + j]; };
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t j = m; j-- > 0;)
      at(i, j) = a[head + i] == b[head + j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    if (a[head + i] == b[head + j]) {
      pairs.emplace_back(head + i++, head + j++);
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      ++i;
    } else {
      ++j;
    }
  }
  for (std::size_t i = tail; i-- > 0;) pairs.emplace_back(a.size() - 1 - i, b.size() - 1 - i);
  return true;
}

const CallPart* find_part(const CallStep& step, const std::string& name) {
  for (const CallPart& part : step.parts)
    if (part.name == name) return &part;
  return nullptr;
}

const std::string* part(const CallStep& step, const std::string& name) {
  const CallPart* found = find_part(step, name);
  return found ? &found->text : nullptr;
}

std::string result(const CallStep& step) {
  return step.call == "exit" ? step.outcome : step.outcome.empty() ? "success" : "-1 " + step.outcome;
}

std::vector<ValueChange> differences(const CallStep& a, const CallStep& b) {
  std::vector<ValueChange> values;
  for (const CallPart& before : a.parts) {
    const CallPart* after = find_part(b, before.name);
    if (!after || !same_part(before, *after)) values.push_back({before.name, before.text, after ? after->text : ""});
  }
  for (const CallPart& after : b.parts)
    if (!part(a, after.name)) values.push_back({after.name, "", after.text});
  if (a.outcome != b.outcome) values.push_back({"result", result(a), result(b)});
  return values;
}

// Whether two mounts are of the same: by what is mounted, or by a place that tells; a descriptor's path does not.
bool same_mount(const CallStep& a, const CallStep& b) {
  const std::string *from = part(a, "source"), *from_b = part(b, "source");
  const std::string *to = part(a, "target"), *to_b = part(b, "target");
  if (!from || !from_b || !to || !to_b) return true;
  if (*from == *from_b && *from != "NULL" && *from != "\"\"") return true;
  return *to == *to_b && to->find("/fd/") == std::string::npos;
}

// How much of two different calls is the same, 1 to 100; 0 if they are not one call that was changed.
int likeness(const CallStep& a, const CallStep& b) {
  if (a.call != b.call) return 0;
  if (a.call == "exit" || a.call.starts_with("exec") || a.call == "unshare" || a.call.starts_with("clone")) return 100;
  const std::size_t all = std::max(a.parts.size(), b.parts.size());
  if (all == 0) return 100;
  std::size_t same = 0;
  for (const CallPart& before : a.parts) {
    const CallPart* after = find_part(b, before.name);
    same += after && same_part(before, *after);
  }
  if (a.call == "mount" && !same_mount(a, b)) return 0;
  // Where most of it differs it is another call.
  if (all > 1 && 2 * same < all) return 0;
  if (all == 1 && a.outcome == b.outcome && a.call != "comm" && a.call != "cgroup" && a.call != "unshare") return 0;
  return static_cast<int>(1 + 99 * same / all);
}

// Which of the steps in a gap were changed into which: in order, so that the sum of likenesses is greatest.
Pairs changed(const std::vector<CallStep>& a, const std::vector<std::size_t>& left, const std::vector<CallStep>& b,
              const std::vector<std::size_t>& right) {
  Pairs pairs;
  const std::size_t n = left.size(), m = right.size();
  if (n == 0 || m == 0 || n > kTable / 16 / m) return pairs;
  std::vector<int> best((n + 1) * (m + 1)), like(n * m);
  const auto at = [&](std::size_t i, std::size_t j) -> int& { return best[i * (m + 1) + j]; };
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t j = m; j-- > 0;) {
      const int likes = like[i * m + j] = likeness(a[left[i]], b[right[j]]);
      at(i, j) = std::max({at(i + 1, j), at(i, j + 1), likes ? at(i + 1, j + 1) + likes : 0});
    }
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    const int likes = like[i * m + j];
    if (likes && at(i, j) == at(i + 1, j + 1) + likes)
      pairs.emplace_back(left[i++], right[j++]);
    else if (at(i, j) == at(i + 1, j))
      ++i;
    else
      ++j;
  }
  return pairs;
}

CallChange gone(const CallStep& step) {
  return {Change::Gone, step.phase, step.call, step.text(), "", {}, step.event, 0};
}
CallChange added(const CallStep& step) {
  return {Change::New, step.phase, step.call, "", step.text(), {}, 0, step.event};
}

}  // namespace

Alignment align(const std::vector<CallStep>& a, const std::vector<CallStep>& b, bool ordered) {
  std::unordered_map<std::string, std::uint32_t> known;
  const auto ids = [&](const std::vector<CallStep>& steps) {
    Ids out;
    for (const CallStep& step : steps)
      out.push_back(known.try_emplace(step.text(), static_cast<std::uint32_t>(known.size())).first->second);
    return out;
  };
  const Ids ids_a = ids(a), ids_b = ids(b);

  Alignment out;
  Pairs same;
  out.in_order = ordered && common_subsequence(ids_a, ids_b, same);
  if (!out.in_order) same = counted(ids_a, ids_b);
  out.same = same.size();

  enum class Fate : std::uint8_t { Open, Same, Moved, Changed };
  std::vector<Fate> fate_a(a.size()), fate_b(b.size());
  std::vector<std::size_t> other(a.size());
  for (const auto& [i, j] : same) fate_a[i] = fate_b[j] = Fate::Same;
  const auto open = [](const std::vector<Fate>& fates, std::size_t from, std::size_t to) {
    std::vector<std::size_t> places;
    for (std::size_t i = from; i < to; ++i)
      if (fates[i] == Fate::Open) places.push_back(i);
    return places;
  };

  // moved: on both sides, but not in the same order
  {
    const auto left = open(fate_a, 0, a.size()), right = open(fate_b, 0, b.size());
    Ids left_ids, right_ids;
    for (const std::size_t i : left) left_ids.push_back(ids_a[i]);
    for (const std::size_t j : right) right_ids.push_back(ids_b[j]);
    for (const auto& [x, y] : counted(left_ids, right_ids)) {
      fate_a[left[x]] = fate_b[right[y]] = Fate::Moved;
      other[left[x]] = right[y];
    }
  }

  // changed: between two that stayed; without an order, anywhere
  const auto pair_up = [&](std::size_t from_a, std::size_t to_a, std::size_t from_b, std::size_t to_b) {
    for (const auto& [i, j] : changed(a, open(fate_a, from_a, to_a), b, open(fate_b, from_b, to_b))) {
      fate_a[i] = fate_b[j] = Fate::Changed;
      other[i] = j;
    }
  };
  if (out.in_order) {
    std::size_t i = 0, j = 0;
    for (const auto& [x, y] : same) {
      pair_up(i, x, j, y);
      i = x + 1, j = y + 1;
    }
    pair_up(i, a.size(), j, b.size());
  } else {
    pair_up(0, a.size(), 0, b.size());
  }

  std::size_t j = 0;
  const auto news_until = [&](std::size_t end) {
    for (; j < end; ++j)
      if (fate_b[j] == Fate::Open) out.changes.push_back(added(b[j]));
  };
  std::size_t next_same = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    switch (fate_a[i]) {
      case Fate::Open:
        out.changes.push_back(gone(a[i]));
        break;
      case Fate::Same:
        if (out.in_order) news_until(same[next_same++].second);
        break;
      case Fate::Moved:
        out.changes.push_back(
            {Change::Moved, a[i].phase, a[i].call, a[i].text(), b[other[i]].text(), {}, a[i].event, b[other[i]].event});
        break;
      case Fate::Changed:
        if (out.in_order) news_until(other[i]);
        out.changes.push_back({Change::Changed, b[other[i]].phase, a[i].call, a[i].text(), b[other[i]].text(),
                               differences(a[i], b[other[i]]), a[i].event, b[other[i]].event});
        break;
    }
  }
  news_until(b.size());
  return out;
}

}  // namespace nstrace::check
