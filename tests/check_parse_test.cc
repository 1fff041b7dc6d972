// SPDX-License-Identifier: MIT
// The parser: what it accepts, and what it says about what it does not. Every error stands in a golden.
#include <map>

#include "check/parse.h"
#include "tests/catch.h"
#include "tests/golden.h"

using namespace nstrace;
using namespace nstrace::check;

namespace {

std::string errors_of(const std::string& text, const std::map<std::string, std::string>& files = {}) {
  const Loader load = [&](const std::string& path) {
    const auto found = files.find(path);
    if (found == files.end()) throw Error("cannot read " + path + ": No such file or directory");
    return found->second;
  };
  try {
    parse("test.expect", text, load);
  } catch (const ParseError& error) {
    return error.what();
  }
  return "no error\n";
}

const std::string kRoles =
    "role runc = exec \"*/runc\" with \"create\"\nrole init = comm \"runc:[2:INIT]\" below runc\n";

Expectations good(const std::string& rules) {
  return parse("test.expect", kRoles + rules);
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

struct Bad {
  std::string trap;
  std::string text;
};

// One trap each. Those that need roles have `runc` and `init` in front.
const Bad kLexical[] = {
    {"string_not_closed", "role a = exec \"*/runc\nnever a: setns(...)\n"},
    {"unknown_escape", "role a = exec \"*/\\qrunc\"\nnever a: setns(...)\n"},
    {"octal_above_byte", "role a = exec \"\\777\"\nnever a: setns(...)\n"},
    {"hex_without_digits", "role a = exec \"\\xzz\"\nnever a: setns(...)\n"},
    {"curly_quotes", "role a = exec \xe2\x80\x9c*/runc\xe2\x80\x9d\nnever a: setns(...)\n"},
    {"single_quotes", "role a = exec 'runc'\nnever a: setns(...)\n"},
    {"control_bytes_are_shown_escaped", "role a = \x1b[31m exec \"x\"\nnever a: setns(...)\n"},
    {"semicolon", "role a = exec \"x\"; never a: setns(...)\n"},
    {"comment_not_closed", "role a = exec \"x\" /* why\nnever a: setns(...)\n"},
    {"empty_capture_name", "role a = exec \"x\"\nsequence { a: setns($, ...) }\n"},
    {"empty_capture_name_in_string", "role a = exec \"x\"\nsequence { a: chroot(\"/run/$/x\") }\n"},
    {"number_too_large", "role a = exec \"x\"\ncount a: setns == 99999999999999999999\n"},
    {"octal_with_nine", "role a = exec \"x\"\nsequence { a: mount(_, _, _, 0199, _) }\n"},
    {"unknown_unit", "role a = exec \"x\"\nsequence within 3h { a: setns(...) }\n"},
    {"time_out_of_range", "role a = exec \"x\"\nsequence within 99999999999s { a: setns(...) }\n"},
    {"target_not_closed", "role a = exec \"x\"\nsequence { a: setns(_<mnt:*, CLONE_NEWNS) }\n"},
    {"long_line",
     "role a = exec \"x\"\nnever a: " + std::string(300, ' ') + "setnss(...) " + std::string(300, 'x') + "\n"},
};

const Bad kRules[] = {
    {"empty_file", ""},
    {"only_comments", "# nothing\n\n"},
    {"only_roles", kRoles},
    {"unknown_rule", kRoles + "nevr init: setns(...)\n"},
    {"unknown_rule_far", kRoles + "frobnicate init\n"},
    {"call_outside_a_sequence", kRoles + "init: setns(...)\n"},
    {"line_pasted_from_strace", kRoles + "[pid 12<runc>] setns(3, CLONE_NEWNS) = 0\n"},
    {"brace_closes_nothing", kRoles + "}\n"},
    {"optional_in_front", "optional role a = exec \"x\"\n"},
    {"role_without_clauses", "role a = optional\nnever a: setns(...)\n"},
    {"role_without_equals", "role a exec \"x\"\n"},
    {"role_twice", kRoles + "role runc = exec \"x\"\nnever init: setns(...)\n"},
    {"role_below_itself", "role a = exec \"x\" below a\nnever a: setns(...)\n"},
    {"roles_in_a_circle", "role a = exec \"x\" below b\nrole b = exec \"y\" below a\nnever a: setns(...)\n"},
    {"role_below_twice", kRoles + "role c = exec \"x\" below runc below init\nnever c: setns(...)\n"},
    {"role_unknown_near", kRoles + "never inti: setns(...)\n"},
    {"role_unknown_far", kRoles + "never shim: setns(...)\n"},
    {"role_named_by_keyword", "role never = exec \"x\"\n"},
    {"role_with_wildcard", "role run* = exec \"x\"\n"},
    {"role_with_misspelt_clause", "role a = exce \"x\"\nnever a: setns(...)\n"},
    {"role_with_capture", "role a = exec \"/run/$id/x\"\nnever a: setns(...)\n"},
    {"exec_without_quotes", "role a = exec runc\n"},
    {"with_without_quotes", "role a = exec \"x\" with start\n"},
    {"comm_without_quotes", "role a = comm runc\n"},
    {"pid_without_number", "role a = pid one\n"},
    {"below_nothing", "role a = exec \"x\" below\n"},
    {"include_missing_file", "include \"gone.expect\"\n" + kRoles + "never init: setns(...)\n"},
    {"include_without_quotes", "include common.expect\n" + kRoles + "never init: setns(...)\n"},
    {"include_with_wildcard", "include \"*.expect\"\n" + kRoles + "never init: setns(...)\n"},
    {"sequence_empty", kRoles + "sequence \"x\" {\n}\n"},
    {"sequence_not_closed", kRoles + "sequence \"x\" {\n  init: setns(...)\n"},
    {"sequence_not_closed_before_a_rule", kRoles + "sequence \"x\" {\n  init: setns(...)\nnever init: mount(...)\n"},
    {"sequence_without_brace", kRoles + "sequence \"x\"\n  init: setns(...)\n"},
    {"call_without_role", kRoles + "sequence {\n  setns(...)\n}\n"},
    {"two_calls_on_a_line", kRoles + "sequence {\n  init: setns(...) init: mount(...)\n}\n"},
    {"within_a_word", kRoles + "sequence within soon {\n  init: setns(...)\n}\n"},
    {"sequence_too_long", kRoles + "sequence {\n" + repeated("  init: setns(...)\n", 2001) + "}\n"},
    {"any_too_long", kRoles + "sequence {\n  any {\n" + repeated("    init: setns(...)\n", 65) + "  }\n}\n"},
    {"within_in_any", kRoles + "sequence {\n  any {\n    init: setns(...) within 5ms\n  }\n}\n"},
    {"any_in_any", kRoles + "sequence {\n  any {\n    any {\n      init: setns(...)\n    }\n  }\n}\n"},
    {"any_empty", kRoles + "sequence {\n  any {\n  }\n  init: setns(...)\n}\n"},
    {"next_in_any", kRoles + "sequence {\n  any {\n    next init: setns(...)\n  }\n}\n"},
    {"next_first", kRoles + "sequence {\n  next init: setns(...)\n}\n"},
    {"within_without_unit", kRoles + "sequence {\n  init: setns(...)\n  init: mount(...) within 500\n}\n"},
    {"never_without_colon", kRoles + "never init setns(...)\n"},
    {"never_nobody", kRoles + "never : setns(...)\n"},
    {"between_last", kRoles + "never init: setns(...) between last execve(...) and mount(...)\n"},
    {"never_two_spans", kRoles + "never init: setns(...) before execve(...) after pivot_root(...)\n"},
    {"between_without_and", kRoles + "never init: setns(...) between execve(...)\n"},
    {"count_without_bound", kRoles + "count init: setns(...)\n"},
    {"count_with_one_equals", kRoles + "count init == 1\ncount init: setns(...) = 1\n"},
    {"count_nobody", kRoles + "count == 1\n"},
    {"count_processes_with_one_equals", kRoles + "count init = 1\n"},
    {"count_empty_range", kRoles + "count init: setns(...) == 3..1\n"},
    {"count_below_zero", kRoles + "count init: setns(...) < 0\n"},
    {"count_of_anything", kRoles + "count init: setns(...) >= 0\n"},
    {"count_negative", kRoles + "count init: setns(...) == -1\n"},
    {"at_without_braces", kRoles + "at init: execve(...)\n"},
    {"at_empty", kRoles + "at init: execve(...) {\n}\n"},
    {"at_unknown_state", kRoles + "at init: execve(...) {\n  nss pid: new\n  capss: none\n  weather: fine\n}\n"},
    {"at_unknown_namespace", kRoles + "at init: execve(...) {\n  ns mount: new\n}\n"},
    {"at_unknown_state_of_namespace", kRoles + "at init: execve(...) {\n  ns mnt: fresh\n}\n"},
    {"at_nobody", kRoles + "at (\n"},
    {"at_without_role", kRoles + "at execve(...) { pid: 1 }\n"},
    {"at_a_string", kRoles + "at init: execve(...) {\n  \"uid\": 0\n}\n"},
    {"at_without_colon", kRoles + "at init: execve(...) {\n  uid 0\n}\n"},
    {"at_any_value", kRoles + "at init: execve(...) {\n  uid: ...\n}\n"},
    {"at_capture", kRoles + "at init: execve(...) {\n  uid: $id\n}\n"},
    {"at_no_namespace", kRoles + "at init: execve(...) {\n  ns : new\n}\n"},
    {"at_namespace_without_colon", kRoles + "at init: execve(...) {\n  ns mnt new\n}\n"},
    {"at_same_with", kRoles + "at init: execve(...) {\n  ns mnt: same with runc\n}\n"},
    {"at_same_as_nobody", kRoles + "at init: execve(...) {\n  ns mnt: same as 1\n}\n"},
    {"at_joined_by", kRoles + "at init: execve(...) {\n  ns mnt: joined by runc\n}\n"},
    {"at_joined_from_nobody", kRoles + "at init: execve(...) {\n  ns mnt: joined from 1\n}\n"},
    {"capture_bound_by_nothing", kRoles + "never init: setns($fd, ...)\n"},
    {"several_errors_in_one_run",
     "role a = exec \"x\"\nnever b: setns(...)\nsequence {\n  a: setnss(...)\n  a: mount(...\n  a: "
     "unshare(CLONE_NEWNET, 3)\n}\n"
     "count a: chroot(...) = 1\n"},
};

const Bad kCalls[] = {
    {"unknown_call", kRoles + "never init: pivotroot(...)\n"},
    {"unknown_call_far", kRoles + "never init: frobnicate_it(...)\n"},
    {"unknown_set", kRoles + "never init: %mounts(...)\n"},
    {"unknown_set_far", kRoles + "never init: %frobnicate(...)\n"},
    {"star_alone", kRoles + "never init: *(...)\n"},
    {"unknown_flag", kRoles + "never init: unshare(CLONE_NEWNT)\n"},
    {"unknown_flag_optional", kRoles + "never init: unshare(?CLONE_NEWCGROUPS|...)\n"},
    {"unknown_signal", kRoles + "never init: killed(SIGKIL)\n"},
    {"too_many_arguments", kRoles + "never init: unshare(CLONE_NEWNS, 0)\n"},
    {"too_few_arguments", kRoles + "never init: setns(_)\n"},
    {"arguments_not_closed", kRoles + "never init: setns(_, CLONE_NEWNS\nnever init: mount(...)\n"},
    {"argument_missing", kRoles + "never init: setns(, CLONE_NEWNS)\n"},
    {"list_not_closed", kRoles + "never init: execve(_, [\"a\", _, _)\n"},
    {"no_arguments_at_all", kRoles + "never init: setns()\n"},
    {"no_arguments_of_several", kRoles + "never init: setns|unshare()\nnever init: fork|setns()\n"},
    {"pseudo_call_without_argument", kRoles + "never init: killed()\n"},
    {"too_few_named_arguments", kRoles + "never init: setns(fd=_)\n"},
    {"clone_by_place", kRoles + "never init: clone(CLONE_NEWNET|...)\n"},
    {"structure_not_closed", kRoles + "never init: clone3({flags=_, exit_signal=SIGCHLD, _)\n"},
    {"arguments_at_the_end_of_the_file", kRoles + "never init: setns("},
    {"name_in_a_list", kRoles + "never init: execve(_, [argv=\"a\"])\n"},
    {"capture_behind_not", kRoles + "never init: chroot(!\"/run/$id\")\n"},
    {"range_without_end", kRoles + "never init: exited(1..)\n"},
    {"pseudo_call_with_a_name", kRoles + "never init: exited(code=1)\n"},
    {"named_and_positional", kRoles + "never init: setns(fd=_, CLONE_NEWNS)\n"},
    {"unknown_argument_name", kRoles + "never init: setns(df=_, ...)\n"},
    {"field_without_name", kRoles + "never init: clone3({CLONE_NEWNS, ...}, _)\n"},
    {"ampersand_between_flags", kRoles + "never init: unshare(CLONE_NEWNS & CLONE_NEWPID)\n"},
    {"flag_missing_behind_pipe", kRoles + "never init: unshare(CLONE_NEWNS|)\n"},
    {"empty_range_of_numbers", kRoles + "never init: exited(5..3)\n"},
    {"error_without_minus_one", kRoles + "never init: setns(...) = EPERM\n"},
    {"unknown_error", kRoles + "never init: setns(...) = -1 EPREM\n"},
    {"negative_result", kRoles + "never init: setns(...) = -22\n"},
    {"string_as_result", kRoles + "never init: setns(...) = \"0\"\n"},
    {"not_of_anything", kRoles + "never init: setns(!_, ...)\n"},
    {"pseudo_call_with_result", kRoles + "never init: exited(1) = 0\n"},
    {"pseudo_call_with_two_arguments", kRoles + "never init: exited(1, 2)\n"},
    {"time_as_argument", kRoles + "never init: exited(500ms)\n"},
    {"nested_too_deeply", kRoles + "never init: execve(" + std::string(40, '[') + std::string(40, ']') + ", ...)\n"},
};

// What nothing can match, so that a `never` would hold whatever the trace shows.
Bad hopeless(const std::string& call) {
  return {call, kRoles + "never init: " + call + "\n"};
}
Bad hopeless_state(const std::string& line) {
  return {line, kRoles + "at init: execve(...) {\n  " + line + "\n}\n"};
}
const Bad kHopeless[] = {
    hopeless("frob*"),
    hopeless("capset(_, {inheritible=!0, ...})"),
    hopeless("capset(_, {inheritable=!CAP_SYS_ADMIN, ...})"),
    hopeless("prctl(PR_CAPBSET_DRP, _)"),
    hopeless("prctl(PR_CAPBSET_DROP, CAP_SYS_ADMN, ...)"),
    hopeless("prctl(PR_CAPBSET_DROP, SIGKILL)"),
    hopeless("prctl(PR_SET_NAME, \"x\", 0)"),
    hopeless("prctl(PR_SET_NAME, PR_SET_NAME)"),
    hopeless("seccomp(SECCOMP_SET_MODE_FILTR, ...)"),
    hopeless("mount(_, _, _, MS_BIND|SIGKILL|..., _)"),
    hopeless("mount(_, _, _, !MS_PRIVAT, _)"),
    hopeless("mount(_, _, _, \"MS_SLAVE\", _)"),
    hopeless("mount(_, _, _, MS_SLAVE or MS_PRIVAT, _)"),
    hopeless("unshare(\"x\")"),
    hopeless("unshare(CLONE_NEWFOO*)"),
    hopeless("setuid(\"root\")"),
    hopeless("setuid(root)"),
    hopeless("setuid(!\"root\")"),
    hopeless("setuid(-5)"),
    hopeless("execve([\"sh\"], ...)"),
    hopeless("execve(_, \"sh\", ...)"),
    hopeless("execve(_, [{x=1}], ...)"),
    hopeless("exec([\"sh\"], ...)"),
    hopeless("exited(\"0\")"),
    hopeless("exited(256)"),
    hopeless("killed(\"SIGKILL\")"),
    hopeless("renamed(\"a name of more than fifteen\")"),
    hopeless("setns(_<mntx:*>, ...)"),
    hopeless("setns(_<host/*>, ...)"),
    hopeless("setns(_, CLONE_NEWNS<mnt:*>)"),
    hopeless("setresuid|setresgid(uid=0, ...)"),
    hopeless("setresuid|setresgid(ruid=0, ...)"),
    hopeless("%creds(\"x\", ...)"),
    hopeless("clone(flags=CLONE_NEWFOO|..., ...)"),
    hopeless("clone3({flags=MS_BIND|..., ...}, _)"),
    hopeless("clone3(CLONE_NEWNS, _)"),
    hopeless("setgroups(_, [root])"),
    hopeless("chroot(5)"),
    hopeless("shmdt(\"x\")"),
    hopeless("prctl(PR_CAPBSET_READ or PR_SET_PDEATHSIG, CAP_CHOWN|SIGKILL)"),
    hopeless("chroot({path=\"/\"})"),
    hopeless("setns(...) = !\"0\""),
    hopeless("setns(...) = < -1"),
    hopeless("open_tree(...) = 7</x>"),
    hopeless_state("seccomp: fliter"),
    hopeless_state("seccomp: !\"non\""),
    hopeless_state("seccomp: 3"),
    hopeless_state("caps: !CAP_SYS_ADMN"),
    hopeless_state("caps: !\"CAP_SYS_ADMIN\""),
    hopeless_state("caps: {inheritible=0, ...}"),
    hopeless_state("caps: {inheritable=CAP_SYS_ADMN, ...}"),
    hopeless_state("groups: !0"),
    hopeless_state("groups: [root]"),
    hopeless_state("no_new_privs: !on"),
    hopeless_state("no_new_privs: !\"1\""),
    hopeless_state("no_new_privs: yes"),
    hopeless_state("uid: root"),
    hopeless_state("pid: 0"),
    hopeless_state("comm: sh"),
    hopeless_state("comm: !\"a name of more than fifteen\""),
    hopeless_state("cwd: !5"),
    hopeless_state("fds: !3"),
    hopeless_state("fds: ![..., O_RDONLY, ...]"),
};

template <typename List>
void check_errors(const std::string& golden, const List& list) {
  std::string all;
  for (const Bad& bad : list) {
    const std::string errors = errors_of(bad.text);
    INFO(bad.trap);
    CHECK(errors != "no error\n");
    all += "== " + bad.trap + "\n" + errors;
  }
  testing::check_golden("check/" + golden, all);
}

}  // namespace

TEST_CASE("errors in words") {
  check_errors("errors-words.txt", kLexical);
}
TEST_CASE("errors in rules") {
  check_errors("errors-rules.txt", kRules);
}
TEST_CASE("errors in calls") {
  check_errors("errors-calls.txt", kCalls);
}

TEST_CASE("what nothing can match") {
  check_errors("errors-hopeless.txt", kHopeless);
}

TEST_CASE("errors in files") {
  std::map<std::string, std::string> files;
  for (int i = 0; i < 20; ++i)
    files["f" + std::to_string(i)] =
        "include \"f" + std::to_string(i + 1) + "\"\nrole a" + std::to_string(i) + " = pid 1\n";
  std::string all = "== included too deeply\n" + errors_of("include \"f0\"\n", files);
  try {
    parse("test.expect", std::string((16u << 20) + 1, ' '));
  } catch (const Error& error) {
    all += "== too large\n" + std::string(error.what()) + "\n";
  }
  try {
    parse_file("/nowhere/x.expect");
  } catch (const Error& error) {
    all += "== no file\n" + std::string(error.what()) + "\n";
  }
  testing::check_golden("check/errors-files.txt", all);
}

TEST_CASE("the example of the design is understood") {
  const Expectations e = parse("docker.expect", R"(# docker run, runc 1.1
role runc  = exec "*/runc" with "create"
role child = comm "runc:[1:CHILD]" below runc
role init  = comm "runc:[2:INIT]"  below runc

sequence "container set-up" {
  child: unshare(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWPID|CLONE_NEWNET|?CLONE_NEWCGROUP) = 0
  init:  pivot_root(".", ".") = 0
  init:  umount2(".", MNT_DETACH) = 0
  init:  execve("*/sleep", ["sleep", ...]) = 0
}
never init: setns(...)
count child: unshare(...) == 1
at init: execve("*/sleep", ...) {
  ns mnt, pid, uts, ipc, net: new
  ns user, time: host
}
)");
  REQUIRE(e.roles.size() == 3);
  REQUIRE(e.roles[1].below == 0);
  REQUIRE(e.rules.size() == 4);
  const auto& sequence = std::get<Sequence>(e.rules[0].what);
  REQUIRE(sequence.steps.size() == 4);
  const Value& flags = sequence.steps[0].items[0].call.args[0];
  REQUIRE(flags.flags.size() == 6);
  REQUIRE(flags.flags[5].kind == FlagPattern::Kind::Optional);
  REQUIRE(std::get<At>(e.rules[3].what).state[0].ns.size() == 5);
  REQUIRE(e.rules[1].source == "never init: setns(...)");
}

TEST_CASE("lines of strace can be pasted") {
  const Expectations e = good(
      "sequence {\n"
      "  runc: execve(\"/proc/self/fd/6\", [\"runc\", \"init\"], 0xc0004c8600 /* 44 vars */) = 0\n"
      "  runc: execve(\"/run/snap.docker\"..., [\"runc\", \"--root\", \"/run/snap.docker/runtime-runc/mo\"..., ...], "
      "_) = 0\n"
      "  runc: setns(14<mnt:[4026533533]>, CLONE_NEWNS) = 0\n"
      "  runc: setns(14, CLONE_NEWNS) = -1 EPERM (Operation not permitted)\n"
      "  runc: clone(child_stack=NULL, flags=CLONE_PARENT|SIGCHLD) = 2558511\n"
      "}\n");
  const auto& steps = std::get<Sequence>(e.rules[0].what).steps;
  REQUIRE(steps.size() == 5);
  REQUIRE(steps[1].items[0].call.args[0].text.pieces.back().kind == GlobPiece::Kind::Star);
  REQUIRE(steps[2].items[0].call.args[0].target->literal_text() == "mnt:[4026533533]");
  REQUIRE(steps[3].items[0].call.result->error_number == 1);
}

TEST_CASE("rules may go over several lines") {
  const Expectations e = good(
      "never init: mount(_,\n    _,\n  ...)\n   between pivot_root(...)\n   and execve(...)\n"
      "role other = exec \"*/x\"\n  with \"a\", \"b\"\n  below runc\n"
      "sequence \"s\" within 2s { any { init: setns(...)\n init: mount(...) }\n next init: execve within 5ms }\n");
  REQUIRE(e.rules.size() == 2);
  REQUIRE(e.roles[2].execs[0].with.size() == 2);
  const auto& sequence = std::get<Sequence>(e.rules[1].what);
  REQUIRE(sequence.within == 2000000000);
  REQUIRE(sequence.steps[0].any);
  REQUIRE(sequence.steps[1].items[0].next);
  REQUIRE(sequence.steps[1].items[0].within == 5000000);
}

TEST_CASE("include: each file once, beside the file that names it, errors with its name") {
  std::map<std::string, std::string> files = {
      {"lib/a.expect", "include \"b.expect\"\nrole runc = exec \"*/runc\"\n"},
      {"lib/b.expect", "include \"a.expect\"\nnever runc: setnss(...)\n"},
  };
  const std::string errors = errors_of("include \"lib/a.expect\"\ninclude \"lib/b.expect\"\n", files);
  REQUIRE_THAT(errors, ContainsSubstring("lib/b.expect:2:13: error: there is no call `setnss`"));
  files["lib/b.expect"] = "never runc: setns(...)\n";
  REQUIRE(errors_of("include \"lib/a.expect\"\ninclude \"lib/b.expect\"\n", files) == "no error\n");
}

TEST_CASE("hostile text: no crash, an error each") {
  for (const char* text : {"\x00",
                           "(((((((",
                           "role",
                           "role a",
                           "role a =",
                           "sequence {{{{",
                           "\"\\",
                           "$",
                           "at a: b(",
                           "\xff\xfe\xfd",
                           "count a: b(...) == ",
                           "never a: b(...) between c and",
                           "sequence { any {",
                           "%",
                           "1<<",
                           "?",
                           "= = =",
                           "role a = exec \"x\" sequence",
                           "include \"",
                           "a<b>",
                           "-",
                           "0x",
                           "}}}}",
                           "a: b",
                           "sequence \"\" within"})
    CHECK(errors_of(text) != "no error\n");
  std::string deep = kRoles + "never init: execve(";
  for (int i = 0; i < 100000; ++i) deep += "!";
  CHECK(errors_of(deep) != "no error\n");
}
