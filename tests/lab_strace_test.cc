// SPDX-License-Identifier: MIT
// The plan is the trace: strace watches every scene, and what it prints of each process must be that process's stage in
// the plan, line by line, with nothing before, between or after.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <regex>
#include <sstream>

#include "lab/lab.h"
#include "tests/catch.h"
#include "tests/golden.h"

using namespace nstrace::lab;
using nstrace::testing::read_file;

namespace {

using Log = std::map<int, std::vector<std::string>>;  // pid -> its calls, each in one line

// strace -f splits a call that another process's line interrupts: "call(a <unfinished ...>", "<... call resumed>) = 0".
Log read_strace(const std::string& path) {
  Log log;
  std::map<int, std::string> begun;
  std::istringstream in(read_file(path));
  for (std::string line; std::getline(in, line);) {
    const std::size_t blank = line.find(' ');
    const int pid = std::stoi(line);
    std::string text = line.substr(line.find_first_not_of(' ', blank));
    if (text.rfind("---", 0) == 0 || text.rfind("+++", 0) == 0) continue;
    const std::string unfinished = " <unfinished ...>";
    if (text.size() > unfinished.size() &&
        text.compare(text.size() - unfinished.size(), std::string::npos, unfinished) == 0) {
      begun[pid] = text.substr(0, text.size() - unfinished.size());
      continue;
    }
    if (text.rfind("<... ", 0) == 0) text = begun[pid] + text.substr(text.find("resumed>") + 8);
    if (text.find("= ? ERESTART") != std::string::npos) continue;  // the kernel begins the call once more
    text = std::regex_replace(text, std::regex("\\) +="), ") =");
    log[pid].push_back(text);
  }
  return log;
}

// What the plan prints, as a pattern: <names> are numbers; [<names>] and what the kernel alone knows, anything.
std::regex pattern_of(const Step& step) {
  std::string text = step.call_text() + step.shown_result;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t end = text.find('>', i);
    if (text.compare(i, 2, "[<") == 0) {
      out += ".*";
      i = end + 1;
    } else if (text[i] == '<' && i + 1 < text.size() && std::islower(static_cast<unsigned char>(text[i + 1])) != 0) {
      out += "0?[0-9]+";
      i = end;
    } else if (text.compare(i, 5, "[...]") == 0) {
      out += ".*";
      i += 4;
    } else if (text.compare(i, 16, "child_stack=NULL") == 0) {
      out += "child_stack=(NULL|0x[0-9a-f]+)";
      i += 15;
    } else {
      if (std::string("^$\\.*+?()[]{}|").find(text[i]) != std::string::npos) out += '\\';
      out += text[i];
    }
  }
  if (text.rfind("prctl(PR_SET_NAME", 0) == 0) out.insert(out.rfind("\\) = "), "(\\.\\.\\.)?");  // at 15 bytes
  if (step.tolerated != 0) out = "(" + out + ")|(" + out.substr(0, out.rfind(" = ")) + " = -1 E.*)";
  return std::regex(out);
}

bool plays(const std::vector<std::string>& calls, const Stage& stage) {
  if (calls.size() < stage.steps.size()) return false;
  for (std::size_t i = 0; i < stage.steps.size(); ++i) {
    if (!std::regex_match(calls[i], pattern_of(stage.steps[i]))) return false;
  }
  return true;
}

// Who created a process in a pid namespace was told another number than strace: then it is the one that plays the part.
int find_child(const Log& log, int pid, const Stage& stage) {
  if (log.count(pid) == 1) return pid;
  for (const auto& [process, calls] : log) {
    if (plays(calls, stage)) return process;
  }
  return pid;
}

// Each process is taken out of the log as it is compared; what is left at the end is in no plan.
void compare(const Plan& plan, const Stage& stage, Log& log, const std::vector<std::string>& calls, std::size_t at) {
  for (const Step& step : stage.steps) {
    INFO(stage.name << ", plan: " << step.call_text());
    if (step.expect == LAB_UNTIL)
      while (at < calls.size() && calls[at].rfind(step.name + "(", 0) == 0 && calls[at].ends_with(" = 0")) ++at;
    REQUIRE(at < calls.size());
    INFO("strace: " << calls[at]);
    REQUIRE(std::regex_match(calls[at], pattern_of(step)));
    if (step.child != LAB_NONE) {
      const Stage& child = plan.stages[step.child];
      const int pid = find_child(log, std::stoi(calls[at].substr(calls[at].rfind("= ") + 2)), child);
      REQUIRE(log.count(pid) == 1);
      compare(plan, child, log, log.extract(pid).mapped(), 0);
    }
    ++at;
    if (step.next != LAB_NONE) {  // went through an execve of its own program, and maps the plan anew
      REQUIRE(at < calls.size());
      REQUIRE(calls[at].rfind("mmap(", 0) == 0);
      compare(plan, plan.stages[step.next], log, calls, at + 1);
      return;
    }
  }
  // After the last step there is nothing but the command's own calls.
  REQUIRE((stage.steps.back().name == "execve" || at == calls.size()));
}

struct TemporaryDirectory {
  TemporaryDirectory() { REQUIRE(mkdtemp(path) != nullptr); }
  ~TemporaryDirectory() {
    unlink((std::string(path) + "/log").c_str());
    rmdir(path);
  }
  char path[32] = "/tmp/nstrace-strace-XXXXXX";
};

void check_scene(const RunOptions& options) {
  const TemporaryDirectory directory;
  const std::string file = std::string(directory.path) + "/log";
  const Launch launch = prepare_run(options);
  const pid_t pid = fork();
  if (pid == 0) {
    fcntl(launch.program_fd, F_SETFD, 0);
    // -D: the command is this process, and so a child of the one that made the plan; strace is the grandchild.
    std::vector<std::string> strings = {"strace",
                                        "-D",
                                        "-f",
                                        "-v",
                                        "-s",
                                        "100000",
                                        "-o",
                                        file,
                                        "-E",
                                        launch.env[0],
                                        "/proc/self/fd/" + std::to_string(launch.program_fd),
                                        "run"};
    std::vector<char*> argv;
    for (std::string& s : strings) argv.push_back(s.data());
    argv.push_back(nullptr);
    execvp("strace", argv.data());
    _exit(127);
  }
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  if (const auto why = launch.failure()) FAIL(*why);
  REQUIRE(WEXITSTATUS(status) == 0);
  std::string end = std::to_string(pid);
  end.resize(std::max<std::size_t>(end.size(), 5), ' ');
  end += " +++ exited with 0 +++\n";
  for (int i = 0; i < 500 && read_file(file).find(end) == std::string::npos; ++i) usleep(10000);  // strace is not done
  Log log = read_strace(file);
  REQUIRE(log.at(pid)[0].rfind("execve(\"/proc/self/fd/", 0) == 0);
  REQUIRE(log.at(pid)[1].rfind("mmap(", 0) == 0);
  compare(launch.plan, launch.plan.stages[0], log, log.extract(pid).mapped(), 2);
  REQUIRE(log.empty());
}

void check_all(Scene scene, const std::string& like) {
  for (const bool rootless : {false, true}) {
    if (!rootless && geteuid() != 0) continue;
    INFO("like " << like << (rootless ? ", in a user namespace" : ""));
    check_scene({.scene = scene, .like = like, .command = {"true"}, .rootless = rootless});
  }
}

bool no_strace() {
  const bool missing = std::system("strace -f -o /dev/null true 2> /dev/null") != 0;
  if (missing) std::cout << "SKIPPED: this needs strace, and the right to use it\n";
  return missing;
}

}  // namespace

TEST_CASE("strace sees the plan and nothing else") {
  if (no_strace()) return;
  for (const SceneName& scene : scenes()) {
    INFO("scene " << scene.name);
    check_all(scene.scene, "lab");
  }
}

TEST_CASE("strace sees the plan of every runtime that is played") {
  if (no_strace()) return;
  for (const VariantName& variant : variant_names()) {
    if (variant.name == "lab") continue;
    for (const Scene scene : {Scene::Run, Scene::Exec, Scene::Userns}) {
      if (variant.name == "bwrap" && scene == Scene::Exec) continue;
      check_all(scene, std::string(variant.name));
    }
  }
}

TEST_CASE("strace sees the faults that were put into the plan") {
  if (no_strace() || geteuid() != 0) return;
  for (const FaultName& fault : fault_names()) {
    if (fault.name.starts_with("failing-")) continue;  // ends before its plan does
    INFO("fault " << fault.name);
    check_scene({.fault = std::string(fault.name), .command = {"true"}});
  }
}
