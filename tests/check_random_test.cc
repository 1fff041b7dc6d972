// SPDX-License-Identifier: MIT
// The matcher against what cannot be wrong: small random sequences against trying every combination of calls; and
// random rules of every kind on traces of which a part was taken away, where "holds" and "fails" must be what the whole
// trace says; and on several threads, which must say what one says. Seeds are fixed: every run is the same.
#include <functional>
#include <random>

#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "tests/catch.h"
#include "tests/scene.h"
#include "trace/syscalls.h"

using namespace nstrace;
using namespace nstrace::check;
using nstrace::testing::Scene;

namespace {

struct Random {
  explicit Random(unsigned seed) : engine(seed) {}
  int below(int n) { return static_cast<int>(engine() % static_cast<unsigned>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  std::mt19937 engine;
};

// A call of the little world: role 0 or 1, one of three names, one of three strings, success or not.
struct Did {
  int role = 0;
  int name = 0;
  int arg = 0;
  bool ok = true;
  std::uint64_t number = 0;
  trace::Time time = 0;
};

constexpr const char* kNames[] = {"chroot", "sethostname", "umount2"};
constexpr const char* kArgs[] = {"p", "q", "pq"};
constexpr const char* kRole[] = {"a", "b"};

std::vector<trace::Arg> args_of(int name, int arg) {
  std::vector<trace::Arg> args{testing::string_arg("text", kArgs[arg])};
  if (name != 0) args.push_back(testing::integer_arg("more", 0));
  return args;
}

struct World {
  Scene scene;
  std::vector<Did> calls;
};

World world(Random& random, int calls) {
  World w;
  w.scene.header().calls = trace::parse_call_set("%lifecycle");
  w.scene.existing(100, "top", {"top"});
  w.scene.fork(100, 200);
  w.scene.exec(200, "/bin/a", {"a"});
  w.scene.fork(100, 300);
  w.scene.exec(300, "/bin/b", {"b"});
  for (int i = 0; i < calls; ++i) {
    Did did{random.below(2), random.below(3), random.below(3), !random.chance(20)};
    w.scene.wait(random.below(3) * 1'000'000);
    w.scene.syscall(did.role ? 300 : 200, kNames[did.name], args_of(did.name, did.arg), did.ok ? 0 : -1);
    did.number = w.scene.last().number;
    did.time = w.scene.last().time;
    w.calls.push_back(did);
  }
  if (random.chance(50)) w.scene.exit(200);
  if (random.chance(50)) w.scene.exit(300);
  return w;
}

// An item as data and as text.
struct Wish {
  int role = 0, name = 0;
  int arg = -1;      // -1 = anything, 3 = "p*"
  int capture = -1;  // 0 or 1: $x or $y stands for the argument; 2: "p$x"
  int ok = -1;       // -1 = anything
  bool next = false;
  int within = -1;  // ms

  std::string call() const {
    std::string text = capture == 2   ? "\"p$x\""
                       : capture >= 0 ? (capture ? "$y" : "$x")
                       : arg < 0      ? "_"
                       : arg == 3     ? "\"p*\""
                                      : std::string("\"") + kArgs[arg] + "\"";
    text = std::string(kNames[name]) + "(" + text + (name ? ", _)" : ")");
    if (ok >= 0) text += ok ? " = 0" : " = -1";
    return text;
  }
  std::string line() const {
    std::string text = next ? "next " : "";
    text += std::string(kRole[role]) + ": " + call();
    if (within >= 0) text += " within " + std::to_string(within) + "ms";
    return text;
  }
  bool fits(const Did& did, std::array<std::string, 2>& bound) const {
    if (did.role != role || did.name != name || (ok >= 0 && ok != did.ok)) return false;
    const std::string text = kArgs[did.arg];
    if (capture == 2) {
      if (text.size() < 2 || text[0] != 'p') return false;
      if (bound[0].empty()) bound[0] = text.substr(1);
      return bound[0] == text.substr(1);
    }
    if (capture >= 0) {
      std::string& value = bound[static_cast<std::size_t>(capture)];
      if (value.empty()) value = text;
      return value == text;
    }
    return arg < 0 || (arg == 3 ? text[0] == 'p' : arg == did.arg);
  }
};

Wish wish(Random& random, bool captures) {
  Wish w;
  w.role = random.below(2);
  w.name = random.below(3);
  if (random.chance(60)) w.arg = random.below(4);
  if (captures && random.chance(50)) w.capture = random.below(3);
  if (random.chance(25)) w.ok = random.chance(70);
  return w;
}

struct Block {
  bool any = false;
  std::vector<Wish> wishes;
};

struct Plan {
  std::vector<Block> blocks;
  int within = -1;
  std::string text() const {
    std::string out = "sequence \"s\"";
    if (within >= 0) out += " within " + std::to_string(within) + "ms";
    out += " {\n";
    for (const Block& block : blocks) {
      if (block.any) out += "  any {\n";
      for (const Wish& one : block.wishes) out += "  " + one.line() + "\n";
      if (block.any) out += "  }\n";
    }
    return out + "}\n";
  }
};

Plan plan(Random& random, bool captures) {
  Plan p;
  const int blocks = 1 + random.below(3);
  for (int i = 0; i < blocks; ++i) {
    Block block;
    block.any = random.chance(30);
    const int wishes = block.any ? 1 + random.below(3) : 1;
    for (int j = 0; j < wishes; ++j) block.wishes.push_back(wish(random, captures));
    if (!block.any && i > 0) {
      block.wishes[0].next = random.chance(20);
      if (random.chance(20)) block.wishes[0].within = 1 + random.below(6);
    }
    p.blocks.push_back(std::move(block));
  }
  if (random.chance(25)) p.within = 2 + random.below(12);
  return p;
}

// Every combination of calls, tried one after the other.
bool brute(const Plan& plan, const std::vector<Did>& calls, std::size_t block, std::vector<bool> done, int last,
           trace::Time start, int entry, std::array<std::string, 2> bound) {
  if (block == plan.blocks.size()) return true;
  const Block& now = plan.blocks[block];
  if (done.empty()) done.resize(now.wishes.size());
  if (std::find(done.begin(), done.end(), false) == done.end())
    return brute(plan, calls, block + 1, {}, last, start, last, bound);
  for (std::size_t w = 0; w < now.wishes.size(); ++w) {
    if (done[w]) continue;
    const Wish& wish = now.wishes[w];
    for (int i = last + 1; i < static_cast<int>(calls.size()); ++i) {
      const Did& did = calls[static_cast<std::size_t>(i)];
      std::array<std::string, 2> trial = bound;
      if (!wish.fits(did, trial)) continue;
      if (wish.within >= 0 && did.time - calls[static_cast<std::size_t>(last)].time > wish.within * 1'000'000) continue;
      if (wish.next) {
        bool between = false;
        for (int k = last + 1; k < i; ++k) between = between || calls[static_cast<std::size_t>(k)].role == wish.role;
        if (between) continue;
      }
      const trace::Time begin = last < 0 ? did.time : start;
      if (plan.within >= 0 && did.time - begin > plan.within * 1'000'000) continue;
      std::vector<bool> then = done;
      then[w] = true;
      if (brute(plan, calls, block, then, i, begin, entry, trial)) return true;
    }
  }
  return false;
}

const std::string kRoleLines = "role a = exec \"/bin/a\"\nrole b = exec \"/bin/b\"\n";

Result check_trace(const std::string& rules, const trace::Trace& trace, CheckOptions options = {}) {
  Checker checker(parse("random.expect", kRoleLines + rules), options);
  checker.header(trace.header);
  for (const auto& process : trace.existing) checker.existing(process);
  for (const auto& event : trace.events) checker.event(event);
  if (trace.footer) checker.footer(*trace.footer);
  return checker.result();
}

const Finding& rule_of(const Result& result) {
  return result.findings.back();
}

}  // namespace

TEST_CASE("random sequences: the search finds a way exactly when there is one") {
  int holds = 0;
  for (unsigned seed = 0; seed < 2500; ++seed) {
    Random random(seed);
    const World w = world(random, 4 + random.below(11));
    const Plan p = plan(random, random.chance(50));
    const bool expected = brute(p, w.calls, 0, {}, -1, 0, -1, {});
    const Result result = check_trace(p.text(), w.scene.trace());
    holds += expected;
    if (result.verdict == (expected ? Verdict::Holds : Verdict::Fails)) continue;
    std::string calls;
    for (const Did& did : w.calls)
      calls += std::to_string(did.number) + " " + kRole[did.role] + " " + kNames[did.name] + " " + kArgs[did.arg] +
               (did.ok ? " ok " : " failed ") + std::to_string(did.time / 1'000'000) + "ms\n";
    INFO("seed " << seed << "\n" << p.text() << calls << text_report(result));
    FAIL("expected " << (expected ? "holds" : "fails"));
  }
  CHECK(holds > 400);
  CHECK(holds < 2100);
}

namespace {

std::string rule(Random& random) {
  switch (random.below(4)) {
    case 0:
      return plan(random, random.chance(30)).text();
    case 1:
    case 2: {
      const Wish w = wish(random, false);
      std::string text = std::string(random.chance(50) ? "never " : "count ") + kRole[w.role] + ": " + w.call();
      const bool count = text[0] == 'c';
      const auto anchor = [&] {
        const Wish x = wish(random, false);
        return std::string(kRole[x.role]) + ": " + x.call();
      };
      switch (random.below(4)) {
        case 0:
          text += std::string(" before ") + (random.chance(30) ? "last " : "") + anchor();
          break;
        case 1:
          text += std::string(" after ") + (random.chance(30) ? "last " : "") + anchor();
          break;
        case 2:
          text += " between " + anchor() + " and " + anchor();
          break;
        default:
          break;
      }
      static constexpr const char* kBounds[] = {" == 1", " <= 1", " >= 2", " != 1", " == 1..2", " == 0"};
      if (count) text += kBounds[random.below(6)];
      return text + "\n";
    }
    default: {
      const Wish w = wish(random, false);
      static constexpr const char* kSelect[] = {"", "first ", "last ", "any "};
      static constexpr const char* kStates[] = {"comm: \"a\"", "comm: \"b\"", "comm: \"z\"", "ns net: host",
                                                "ns pid: new"};
      return std::string("at ") + kRole[w.role] + ": " + kSelect[random.below(4)] + w.call() + " { " +
             kStates[random.below(5)] + " }\n";
    }
  }
}

// The trace with a part taken away, as if it had been recorded that way.
trace::Trace taken_away(Random& random, const trace::Trace& whole, std::string& how) {
  trace::Trace trace = whole;
  const auto is_call = [](const trace::Event& event) { return event.as<trace::Syscall>() != nullptr; };
  switch (random.below(5)) {
    case 0: {  // -e without one of the calls
      const std::string gone = kNames[random.below(3)];
      how = "without " + gone;
      std::erase(trace.header.calls, gone);
      std::erase_if(trace.events, [&](const auto& event) { return event.call.name == gone; });
      break;
    }
    case 1:
      how = "-z";
      trace.header.results = "successful";
      std::erase_if(trace.events, [&](const auto& event) { return is_call(event) && event.call.failed(); });
      break;
    case 2:
      how = "-Z";
      trace.header.results = "failed";
      std::erase_if(trace.events, [&](const auto& event) { return is_call(event) && !event.call.failed(); });
      break;
    case 3:
      how = "cut short";
      trace.footer.reset();
      trace.events.resize(4 + static_cast<std::size_t>(random.below(static_cast<int>(trace.events.size()) - 3)));
      break;
    default: {
      how = "with losses";
      std::size_t last = 4 + static_cast<std::size_t>(random.below(static_cast<int>(trace.events.size()) - 3));
      std::uint64_t lost = 0;
      for (std::size_t i = last; i-- > 4;)
        if (is_call(trace.events[i]) && random.chance(50)) {
          trace.events.erase(trace.events.begin() + static_cast<std::ptrdiff_t>(i));
          ++lost;
          --last;
        }
      if (!lost) break;
      trace.footer->lost = lost;
      trace::Event event;
      event.what = trace::Lost{lost, 0, "ring buffer full"};
      event.time = last ? trace.events[last - 1].time : 0;
      if (random.chance(70)) trace.events.insert(trace.events.begin() + static_cast<std::ptrdiff_t>(last), event);
      break;
    }
  }
  for (std::size_t i = 0; i < trace.events.size(); ++i) trace.events[i].number = i + 1;
  return trace;
}

// Strings that were cut by an import: only their first byte is known.
trace::Trace cut_strings(const trace::Trace& whole) {
  trace::Trace trace = whole;
  for (auto& event : trace.events)
    if (event.as<trace::Syscall>() && !event.call.args.empty() && event.call.args[0].text.size() > 1) {
      event.call.args[0].text.resize(1);
      event.call.args[0].cut = true;
    }
  return trace;
}

}  // namespace

TEST_CASE("random rules: what a poorer trace decides, the whole trace decides alike") {
  std::map<Verdict, int> decided;
  for (unsigned seed = 0; seed < 6000; ++seed) {
    Random random(seed + 1000000);
    const World w = world(random, 3 + random.below(9));
    const std::string text = rule(random);
    const trace::Trace whole = w.scene.trace();
    std::string how = "with cut strings";
    const trace::Trace poor = random.chance(15) ? cut_strings(whole) : taken_away(random, whole, how);
    const Result full = check_trace(text, whole), part = check_trace(text, poor);
    const Verdict expected = rule_of(full).verdict, got = rule_of(part).verdict;
    INFO("seed " << seed << ", " << how << "\n" << text << text_report(full) << text_report(part));
    REQUIRE(expected != Verdict::CannotTell);
    ++decided[got];
    if (got == Verdict::CannotTell) {
      REQUIRE_FALSE(rule_of(part).reasons.empty());
      continue;
    }
    REQUIRE(got == expected);
  }
  // Neither answer is given up lightly.
  CHECK(decided[Verdict::Holds] > 500);
  CHECK(decided[Verdict::Fails] > 500);
  CHECK(decided[Verdict::CannotTell] > 500);
}

TEST_CASE("random rules: any number of threads says the same, word for word") {
  const auto told = [](const std::string& rules, const trace::Trace& trace, CheckOptions options) {
    const Result result = check_trace(rules, trace, options);
    return text_report(result, {.verbose = true}) + json_report(result, {.verbose = true});
  };
  std::map<Verdict, std::size_t> decided;
  for (unsigned seed = 0; seed < 60; ++seed) {
    Random random(seed + 2000000);
    const World w = world(random, 6 + random.below(12));
    std::string rules, how;
    for (int i = 0; i < 45; ++i) rules += rule(random);
    trace::Trace trace = w.scene.trace();
    if (random.chance(50)) trace = taken_away(random, trace, how);
    CheckOptions options;
    if (random.chance(30)) options.budget = 3 + static_cast<std::uint64_t>(random.below(60));
    options.threads = 1;
    const std::string one = told(rules, trace, options);
    for (const Finding& finding : check_trace(rules, trace, options).findings) ++decided[finding.verdict];
    for (const std::size_t threads : {2, 5}) {
      options.threads = threads;
      INFO("seed " << seed << ", " << threads << " threads " << how << "\n" << rules);
      REQUIRE(told(rules, trace, options) == one);
    }
  }
  CHECK(decided[Verdict::Holds] > 300);
  CHECK(decided[Verdict::Fails] > 300);
  CHECK(decided[Verdict::CannotTell] > 300);
}
