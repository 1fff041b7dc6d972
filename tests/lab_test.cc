// SPDX-License-Identifier: MIT
// The mini runtime, run for real and untraced. As root and as an ordinary user in a user namespace; skipped, aloud,
// only where the machine allows no namespaces at all.
#include "lab/lab.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>

#include "tests/catch.h"
#include "tests/golden.h"
#include "trace/error.h"

using namespace nstrace::lab;
using nstrace::Error;
using nstrace::testing::check_golden;
using nstrace::testing::read_file;

extern "C" const char nstrace_lab_helper[];
extern "C" const char nstrace_lab_helper_end[];

namespace {

constexpr uid_t kOrdinaryUser = 65534;

struct Outcome {
  int code = 0;
  std::string text;  // what it wrote to stdout and stderr; an Error's sentence
};

// Catch's handlers would report a signal as the test's failure, in children too.
void default_signals() {
  for (const int number : {SIGINT, SIGTERM}) ::signal(number, SIG_DFL);
}

// Runs in a process of its own: as another user, with its output taken.
Outcome in_process(const std::function<int()>& what, uid_t user = geteuid()) {
  int out[2];
  REQUIRE(pipe(out) == 0);
  std::cout.flush();
  const pid_t pid = fork();
  if (pid == 0) {
    default_signals();
    dup2(out[1], 1);
    dup2(out[1], 2);
    close(out[0]);
    close(out[1]);
    if (user != geteuid() && (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0)) _exit(99);
    int code = 98;
    try {
      code = what();
    } catch (const Error& e) {
      code = e.exit_code();
      const std::string sentence = std::string("Error: ") + e.what() + '\n';
      if (write(2, sentence.data(), sentence.size()) < 0) code = 97;
    } catch (...) {  // a REQUIRE in there: this process must not go on with the tests
      code = 96;
    }
    _exit(code);
  }
  close(out[1]);
  Outcome outcome;
  char buffer[4096];
  ssize_t count;
  while ((count = read(out[0], buffer, sizeof buffer)) > 0)
    outcome.text.append(buffer, static_cast<std::size_t>(count));
  close(out[0]);
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  outcome.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return outcome;
}

Outcome run(std::vector<std::string> command, std::optional<bool> rootless = {}, uid_t user = geteuid()) {
  return in_process([&] { return run_untraced({.command = command, .rootless = rootless}); }, user);
}

bool no_namespaces() {
  const Outcome can = in_process([] { return unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS); });
  if (can.code != 0) std::cout << "SKIPPED: this machine lets this user make no namespaces\n";
  return can.code != 0;
}

// Every process started below here that lost its parent becomes this one's child, and so cannot hide.
void expect_no_process_left() {
  for (int i = 0; i < 500; ++i) {
    const pid_t pid = waitpid(-1, nullptr, WNOHANG);
    if (pid < 0 && errno == ECHILD) return;
    if (pid == 0) usleep(10000);
  }
  FAIL("processes of the container are still there after 5 s");
}

// Everything that can be played, one after the other.
std::vector<RunOptions> all_plays() {
  std::vector<RunOptions> plays;
  for (const SceneName& scene : scenes()) plays.push_back({.scene = scene.scene});
  for (const VariantName& variant : variant_names()) {
    const std::string like(variant.name);
    plays.push_back({.scene = Scene::Run, .like = like});
    if (like != "bwrap") plays.push_back({.scene = Scene::Exec, .like = like});
  }
  return plays;
}

// Descendants of `top`, as /proc has them at this moment.
std::vector<pid_t> descendants(pid_t top) {
  std::vector<pid_t> found = {top};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::string task = "/proc/" + std::to_string(found[i]) + "/task/" + std::to_string(found[i]) + "/children";
    std::ifstream children(task);
    for (pid_t child; children >> child;) found.push_back(child);
  }
  return found;
}

// Until one of the descendants of `top` is that program.
void wait_for_command(pid_t top, const std::string& name) {
  for (int i = 0; i < 2000; ++i) {
    for (const pid_t pid : descendants(top)) {
      std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
      std::string word;
      if (comm >> word && word == name) return;
    }
    usleep(5000);
  }
  FAIL(name << " did not begin within 10 s");
}

// The mounts, such that what others on this machine mount meanwhile is not among them. Where that takes rights that are
// lacking they are the host's.
std::string own_mounts() {
  if (geteuid() == 0) {
    REQUIRE(unshare(CLONE_NEWNS) == 0);
    REQUIRE(mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    REQUIRE(mount("", "/", nullptr, MS_REC | MS_SHARED, nullptr) == 0);  // what a container lets out would come here
  }
  return read_file("/proc/self/mountinfo");
}

// Starts one play after the other, each running `pause`, has `kill_something` strike after a random time, and sees that
// no process and no mount is left.
void strike(int times, const std::function<void(pid_t, int)>& kill_something) {
  default_signals();
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const std::string before = own_mounts();
  const std::vector<RunOptions> plays = all_plays();
  std::srand(1);
  for (int i = 0; i < times; ++i) {
    RunOptions play = plays[static_cast<std::size_t>(i) % plays.size()];
    play.command = {"pause"};
    play.rootless = geteuid() != 0 || (i / static_cast<int>(plays.size())) % 2 == 1;
    INFO("play " << i << " like " << play.like);
    const pid_t pid = fork();
    if (pid == 0) {
      try {
        run_untraced(play);
      } catch (const Error&) {
      }
      _exit(0);
    }
    usleep(static_cast<useconds_t>(std::rand() % 12000));
    kill_something(pid, i);
    expect_no_process_left();
  }
  REQUIRE(read_file("/proc/self/mountinfo") == before);
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
}

}  // namespace

TEST_CASE("lab_run") {
  if (no_namespaces()) return;
  const Outcome hello = run({});
  REQUIRE(hello.text == "hello from pid 1 on lab\n");
  REQUIRE(hello.code == 0);
}

TEST_CASE("lab_run: by root in a user namespace, and by an ordinary user") {
  if (no_namespaces()) return;
  const Outcome by_root = run({"id"}, true);
  REQUIRE(by_root.text == "uid=0 gid=0\n");
  REQUIRE(by_root.code == 0);
  if (geteuid() != 0) return;
  const Outcome by_user = run({"id"}, {}, kOrdinaryUser);
  REQUIRE(by_user.text == "uid=0 gid=0\n");
  REQUIRE(by_user.code == 0);
}

TEST_CASE("lab_run: the container sees its own root, pids, host name and devices only") {
  if (no_namespaces()) return;
  for (const bool rootless : {false, true}) {
    if (!rootless && geteuid() != 0) continue;
    REQUIRE(run({"ls", "/"}, rootless).text == "tmp\nsys\nproc\ndev\nbin\n");
    REQUIRE(run({"hostname"}, rootless).text == "lab\n");
    REQUIRE_THAT(run({"cat", "/proc/1/comm"}, rootless).text, ContainsSubstring("cat\n"));
    REQUIRE(run({"cat", "/dev/null"}, rootless).code == 0);
    const std::string mounts = run({"cat", "/proc/self/mountinfo"}, rootless).text;
    REQUIRE_THAT(mounts, ContainsSubstring(" / / rw,nosuid,nodev"));
    REQUIRE(mounts.find("/tmp ") == std::string::npos);  // nothing of the host's tree is left
    const std::string status = run({"cat", "/proc/self/status"}, rootless).text;
    REQUIRE_THAT(status, ContainsSubstring("NoNewPrivs:\t1\n"));
    REQUIRE_THAT(status, ContainsSubstring("CapEff:\t00000000a80425fb\n"));
    REQUIRE_THAT(status, ContainsSubstring("CapBnd:\t00000000a80425fb\n"));
    for (const char* path : {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"})
      REQUIRE_THAT(mounts, ContainsSubstring(std::string(" ") + path + " ro,nosuid,nodev,noexec"));
    for (const char* path : {"/proc/keys", "/proc/timer_list"})
      if (access(path, F_OK) == 0) REQUIRE(run({"cat", path}, rootless).text.empty());
    REQUIRE(run({"ls", "/proc/self/fd"}, rootless).text == "0\n1\n2\n3\n");  // 3 is the directory that ls reads
  }
}

TEST_CASE("lab scenes: each runs its command, as root, in a user namespace, and by an ordinary user") {
  if (no_namespaces()) return;
  for (const SceneName& scene : scenes()) {
    const auto outcome = [&](const char* command, std::optional<bool> rootless, uid_t user) {
      return in_process(
          [&] { return run_untraced({.scene = scene.scene, .command = {command}, .rootless = rootless}); }, user);
    };
    INFO(scene.name);
    const std::string pid = scene.scene == Scene::Exec ? "2" : "1";
    REQUIRE(outcome("hello", {}, geteuid()).text == "hello from pid " + pid + " on lab\n");
    REQUIRE(outcome("hello", true, geteuid()).text == "hello from pid " + pid + " on lab\n");
    REQUIRE(outcome("false", {}, geteuid()).code == 1);
    if (geteuid() == 0) REQUIRE(outcome("hello", {}, kOrdinaryUser).text == "hello from pid " + pid + " on lab\n");
  }
}

TEST_CASE("lab_userns: root inside is an id that nobody has outside, and may drop groups") {
  if (no_namespaces() || geteuid() != 0) return;
  const Outcome map = in_process([] {
    return run_untraced({.scene = Scene::Userns, .command = {"cat", "/proc/self/uid_map", "/proc/self/setgroups"}});
  });
  REQUIRE_THAT(map.text, ContainsSubstring("0     100000      65536\nallow\n"));
}

TEST_CASE("lab_run: exit codes are the command's") {
  if (no_namespaces()) return;
  REQUIRE(run({"true"}).code == 0);
  REQUIRE(run({"false"}).code == 1);
  const Outcome missing = run({"no-such-command"});
  REQUIRE(missing.code == 127);
  REQUIRE_THAT(missing.text, ContainsSubstring("it has hello true"));
  const Outcome missing_file = run({"/no/such/file"});
  REQUIRE(missing_file.code == 127);
  REQUIRE_THAT(missing_file.text, ContainsSubstring("cannot run /no/such/file: No such file or directory"));
}

TEST_CASE("lab_run: a program of the host's, if it is static") {
  if (no_namespaces()) return;
  char directory[] = "/tmp/nstrace-lab-test-XXXXXX";  // in /tmp: hidden in the container by its own root
  REQUIRE(mkdtemp(directory) != nullptr);
  REQUIRE(chmod(directory, 0755) == 0);
  const std::string path = std::string(directory) + "/echo";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  const std::size_t size = static_cast<std::size_t>(nstrace_lab_helper_end - nstrace_lab_helper);
  REQUIRE(write(fd, nstrace_lab_helper, size) == static_cast<ssize_t>(size));
  REQUIRE(fchmod(fd, 0755) == 0);
  close(fd);
  REQUIRE(run({path, "a", "b c"}).text == "a b c\n");
  REQUIRE(run({path, "a"}, true).text == "a\n");
  for (const SceneName& scene : scenes()) {
    INFO(scene.name);
    for (const std::optional<bool> rootless : {std::optional<bool>(), std::optional<bool>(true)}) {
      const Outcome o = in_process([&] {
        return run_untraced({.scene = scene.scene, .command = {path, "a"}, .rootless = rootless});
      });
      REQUIRE(o.text == "a\n");
    }
  }
  for (const char* name : {"hold", "lab"}) {  // the scenes need these in /bin
    const std::string other = std::string(directory) + '/' + name;
    REQUIRE(symlink(path.c_str(), other.c_str()) == 0);
    const Outcome o = run({other});
    REQUIRE(o.code == 126);
    REQUIRE_THAT(o.text, ContainsSubstring("of its own; give "));
    REQUIRE(unlink(other.c_str()) == 0);
  }
  if (geteuid() == 0) {
    const Outcome noexec = in_process([&] {
      REQUIRE(unshare(CLONE_NEWNS) == 0);
      REQUIRE(mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
      REQUIRE(mount(directory, directory, nullptr, MS_BIND, nullptr) == 0);
      REQUIRE(mount("", directory, nullptr, MS_REMOUNT | MS_BIND | MS_NOEXEC, nullptr) == 0);
      return run_untraced({.command = {path}});
    });
    REQUIRE(noexec.code == 126);
    REQUIRE_THAT(noexec.text, ContainsSubstring("mounted noexec"));
  }
  REQUIRE(chmod(path.c_str(), 0644) == 0);
  REQUIRE(run({path}).code == 126);
  REQUIRE(unlink(path.c_str()) == 0);
  REQUIRE(rmdir(directory) == 0);

  const Outcome dynamic = run({"/proc/self/exe"});
  REQUIRE(dynamic.code == 126);
  REQUIRE_THAT(dynamic.text, ContainsSubstring("dynamically linked"));
  const Outcome script = run({nstrace::testing::data_path("run.sh")});
  REQUIRE((script.code == 126 || script.code == 127));
}

TEST_CASE("lab_run: root without root's power makes a user namespace") {
  if (no_namespaces() || geteuid() != 0) return;
  const Outcome fake = in_process(
      [] {  // unshare -Ur
        const std::string uid = "0 " + std::to_string(geteuid()) + " 1\n",
                          gid = "0 " + std::to_string(getegid()) + " 1\n";
        REQUIRE(prctl(PR_SET_DUMPABLE, 1) == 0);  // else its files in /proc are root's
        REQUIRE(unshare(CLONE_NEWUSER) == 0);
        for (const auto& [file, text] :
             {std::pair<const char*, std::string>{"setgroups", "deny"}, {"uid_map", uid}, {"gid_map", gid}})
          std::ofstream(std::string("/proc/self/") + file) << text;
        return run_untraced({.command = {"id"}});
      },
      kOrdinaryUser);
  REQUIRE(fake.text == "uid=0 gid=0\n");
  const Outcome weak = in_process([] {  // as in most containers
    REQUIRE(prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) == 0);
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2];
    REQUIRE(syscall(SYS_capget, &header, sets) == 0);
    sets[0].effective &= ~(1u << CAP_SYS_ADMIN);
    sets[0].permitted = sets[0].effective;
    sets[0].inheritable = sets[1].inheritable = 0;
    REQUIRE(syscall(SYS_capset, &header, sets) == 0);
    return run_untraced({.command = {"id"}});
  });
  REQUIRE(weak.text == "uid=0 gid=0\n");
}

TEST_CASE("lab_run: few descriptors are enough, if the limit can be raised; it is as before in the container") {
  if (no_namespaces()) return;
  const auto with_limit = [](rlim_t soft, rlim_t hard) {
    return in_process([=] {
      const rlimit limit = {soft, hard};
      REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
      return run_untraced({.command = {"cat", "/proc/self/limits"}});
    });
  };
  REQUIRE_THAT(with_limit(100, 1024).text, ContainsSubstring("Max open files            100 "));
  const Outcome low = with_limit(100, 100);
  REQUIRE(low.code == 125);
  REQUIRE_THAT(low.text, ContainsSubstring("the limit is 100; raise it: ulimit -n"));
}

TEST_CASE("lab_run: a step that fails is told as the call with its error") {
  if (no_namespaces() || geteuid() != 0) return;
  const Outcome denied = run({}, false, kOrdinaryUser);
  REQUIRE(denied.code == 125);
  REQUIRE(denied.text ==
          "Error: the container could not be set up: lab:[1:CHILD]: "
          "unshare(CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWPID|CLONE_NEWNET) = -1 EPERM "
          "(Operation not permitted)\n");
  expect_no_process_left();
}

TEST_CASE("lab_run: nothing changes on the host") {
  if (no_namespaces()) return;
  const std::string before = own_mounts();
  REQUIRE(run({"true"}).code == 0);
  REQUIRE(run({"true"}, true).code == 0);
  REQUIRE(read_file("/proc/self/mountinfo") == before);
  char name[65];
  REQUIRE(gethostname(name, sizeof name) == 0);
  REQUIRE(std::string(name) != "lab");
}

TEST_CASE("lab: killed at any moment, nothing stays behind") {
  if (no_namespaces()) return;
  strike(160, [](pid_t nstrace, int i) {
    constexpr int kSignals[] = {SIGKILL, SIGTERM, SIGINT};
    kill(nstrace, kSignals[i % 3]);
  });
}

// Not at any moment, but when all is done: what the kernel was told at the beginning, it may have forgotten since.
TEST_CASE("lab: nstrace killed when the command is up, nothing stays behind, whatever the way and the user namespace") {
  if (no_namespaces()) return;
  default_signals();
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  std::vector<RunOptions> plays = all_plays();
  for (const VariantName& variant : variant_names())
    plays.push_back({.scene = Scene::Userns, .like = std::string(variant.name)});
  for (const bool rootless : {false, true}) {
    if (!rootless && geteuid() != 0) continue;
    for (RunOptions play : plays) {
      INFO("scene " << static_cast<int>(play.scene) << " like " << play.like << (rootless ? ", rootless" : ""));
      play.command = {"pause"};
      play.rootless = rootless;
      const pid_t pid = fork();
      if (pid == 0) {
        try {
          run_untraced(play);
        } catch (const Error&) {
        }
        _exit(0);
      }
      wait_for_command(pid, "pause");
      kill(pid, SIGKILL);
      expect_no_process_left();
    }
  }
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
}

TEST_CASE("lab: whichever process is killed, at any moment, all others end too") {
  if (no_namespaces()) return;
  strike(160, [](pid_t nstrace, int) {
    // A play that has not begun, or a victim that was just ending, is tried again.
    for (int attempt = 0; attempt < 1000; ++attempt) {
      const std::vector<pid_t> all = descendants(nstrace);
      if (all.size() > 1) kill(all[1 + static_cast<std::size_t>(std::rand()) % (all.size() - 1)], SIGKILL);
      usleep(2000);
      if (waitpid(nstrace, nullptr, WNOHANG) == nstrace) return;
    }
    FAIL("the container lives on without one of its processes");
  });
}

TEST_CASE("lab_run: its first process killed, the container ends too") {
  if (no_namespaces()) return;
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const Outcome o = in_process([] {
    const Launch launch = prepare_run({.command = {"pause"}});
    const pid_t pid = fork();
    if (pid == 0) {
      char* argv[] = {const_cast<char*>("nstrace-lab"), nullptr};
      char* env[] = {const_cast<char*>(launch.env[0].c_str()), nullptr};
      fexecve(launch.program_fd, argv, env);
      _exit(1);
    }
    usleep(100000);
    kill(pid, SIGKILL);
    int status = 0;
    waitpid(pid, &status, 0);
    return WTERMSIG(status);
  });
  REQUIRE(o.code == SIGKILL);
  expect_no_process_left();
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
}

TEST_CASE("lab_run: a signal is passed on, and its number is the exit code") {
  if (no_namespaces()) return;
  const Outcome o = in_process([] {
    const pid_t self = getpid();
    const pid_t killer = fork();
    if (killer == 0) {
      usleep(100000);
      kill(self, SIGTERM);
      _exit(0);
    }
    const int code = run_untraced({.command = {"pause"}});
    waitpid(killer, nullptr, 0);
    return code;
  });
  REQUIRE(o.code == 128 + SIGTERM);
}

TEST_CASE("lab_plan: every call of every stage, as strace writes it") {
  for (const SceneName& scene : scenes()) {
    check_golden("lab/plan-" + std::string(scene.name) + ".txt", plan_text({.scene = scene.scene, .rootless = false}));
  }
  const std::string rootless = plan_text({.rootless = true});
  REQUIRE_THAT(rootless, ContainsSubstring("unshare(CLONE_NEWUSER) = 0\n"));
  REQUIRE_THAT(rootless, ContainsSubstring("openat(AT_FDCWD, \"/proc/<child>/setgroups\", O_WRONLY|O_CLOEXEC) = 7\n"));
  REQUIRE(rootless.find("mknodat") == std::string::npos);
}

TEST_CASE("lab_plan: each way to change the root, and the container has its own files by each") {
  const std::string dot = plan_text({.rootless = false});
  for (const PivotName& way : pivots()) {
    const std::string name(way.name);
    INFO(name);
    REQUIRE((plan_text({.pivot = name, .rootless = false}) == dot) == (name == "dot"));
    REQUIRE_THAT(in_process([&] {
                   return run_untraced({.pivot = name, .command = {"ls", "/bin"}});
                 }).text,
                 ContainsSubstring("hello"));
  }
  REQUIRE_THAT(plan_text({.pivot = "path"}), ContainsSubstring("pivot_root(\"/tmp\", \"/tmp/oldroot\") = 0\n"));
  REQUIRE_THAT(plan_text({.pivot = "move"}), ContainsSubstring("mount(\".\", \"/\", NULL, MS_MOVE, NULL) = 0\n"));
  REQUIRE_THAT(plan_text({.pivot = "none"}), !ContainsSubstring("pivot_root("));
  REQUIRE_THROWS_WITH(plan_text({.pivot = "up"}), ContainsSubstring("it has dot path move none"));
  REQUIRE_THROWS_WITH(plan_text({.like = "crun", .pivot = "path"}), ContainsSubstring("leave --like out"));
  REQUIRE_THROWS_WITH(plan_text({.scene = Scene::Exec, .pivot = "none"}), ContainsSubstring("the host's root"));
}

TEST_CASE("lab exec cannot enter the host's network from a user namespace, and says so") {
  REQUIRE_THROWS_WITH(plan_text({.scene = Scene::Exec, .fault = "host-network", .rootless = true}),
                      ContainsSubstring("without --userns"));
}

TEST_CASE("lab_plan: the way of each runtime") {
  for (const VariantName& variant : variant_names()) {
    if (variant.name == "lab") continue;
    const std::string name(variant.name);
    if (name == "bwrap" && geteuid() != 0)
      continue;  // always with a user namespace, whose map has the caller's id in it
    check_golden("lab/plan-run-" + name + ".txt", plan_text({.like = name, .rootless = false, .overlays = false}));
    if (name == "bwrap") continue;
    check_golden("lab/plan-exec-" + name + ".txt",
                 plan_text({.scene = Scene::Exec, .like = name, .rootless = false, .overlays = false}));
  }
  REQUIRE_THROWS_WITH(plan_text({.like = "rkt"}), ContainsSubstring("it knows lab runc-1.1"));
  REQUIRE_THROWS_WITH(plan_text({.scene = Scene::Pod, .like = "crun"}), ContainsSubstring("leave --like out"));
}

TEST_CASE("lab_plan: an overlay over the runtime's program, where the kernel takes it; a sealed copy else") {
  check_golden("lab/plan-run-runc-1.3-overlay.txt",
               plan_text({.like = "runc-1.3", .rootless = false, .overlays = true}));
  REQUIRE(plan_text({.like = "runc-1.1", .rootless = false, .overlays = true}) ==
          plan_text({.like = "runc-1.1", .rootless = false, .overlays = false}));
}

TEST_CASE("lab: the way of each runtime leads to a container, as root, in a user namespace, by an ordinary user") {
  if (no_namespaces()) return;
  for (const VariantName& variant : variant_names()) {
    INFO(variant.name);
    const auto outcome = [&](Scene scene, std::optional<bool> rootless, uid_t user) {
      const std::string like(variant.name);
      return in_process(
          [&] { return run_untraced({.scene = scene, .like = like, .command = {"hello"}, .rootless = rootless}); },
          user);
    };
    const std::string alone = variant.name == "bwrap" ? "hello from pid 2 on lab\n" : "hello from pid 1 on lab\n";
    REQUIRE(outcome(Scene::Run, {}, geteuid()).text == alone);
    REQUIRE(outcome(Scene::Run, true, geteuid()).text == alone);
    REQUIRE(outcome(Scene::Userns, {}, geteuid()).text == alone);
    if (geteuid() == 0) REQUIRE(outcome(Scene::Run, {}, kOrdinaryUser).text == alone);
    if (variant.name == "bwrap") continue;
    REQUIRE(outcome(Scene::Exec, {}, geteuid()).text == "hello from pid 2 on lab\n");
    REQUIRE(outcome(Scene::Exec, true, geteuid()).text == "hello from pid 2 on lab\n");
  }
}

TEST_CASE("lab faults: each changes the plan, and the container is as wrong as it says") {
  for (const FaultName& fault : fault_names()) {
    INFO(fault.name);
    const Scene scene = fault.name == "failing-hook" ? Scene::Hooks : Scene::Run;
    REQUIRE(plan_text({.scene = scene, .fault = std::string(fault.name), .rootless = false}) !=
            plan_text({.scene = scene, .rootless = false}));
  }
  REQUIRE_THROWS_WITH(plan_text({.fault = "no-such"}), ContainsSubstring("there are no-umount leaked-descriptor"));
  REQUIRE_THROWS_WITH(plan_text({.fault = "no-setgroups", .rootless = true}), ContainsSubstring("has no place"));

  if (no_namespaces() || geteuid() != 0) return;
  const auto with = [](const char* fault, std::vector<std::string> command) {
    return in_process([&] { return run_untraced({.fault = fault, .command = command}); });
  };
  const std::vector<std::string> status = {"cat", "/proc/self/status"};
  const auto roots = [](const std::string& mounts) {  // how many of these lines are of something mounted on "/"
    std::istringstream lines(mounts);
    int count = 0;
    for (std::string line, word; std::getline(lines, line);) {
      std::istringstream words(line);
      for (int i = 0; i < 5; ++i) words >> word;
      count += word == "/";
    }
    return count;
  };
  REQUIRE(roots(run({"cat", "/proc/self/mountinfo"}).text) == 1);
  REQUIRE(roots(with("no-umount", {"cat", "/proc/self/mountinfo"}).text) == 2);
  REQUIRE(with("leaked-descriptor", {"ls", "/proc/self/fd/20/usr"}).code == 0);
  REQUIRE(run({"ls", "/proc/self/fd/20/usr"}).code == 1);
  REQUIRE(with("all-capabilities", status).text.find("a80425fb") == std::string::npos);
  REQUIRE_THAT(with("inheritable-capabilities", status).text, ContainsSubstring("CapInh:\t00000000a80425fb"));
  REQUIRE_THAT(with("no-new-privs-missing", status).text, ContainsSubstring("NoNewPrivs:\t0"));
  REQUIRE_THAT(with("no-filter", status).text, ContainsSubstring("Seccomp:\t0"));
  REQUIRE(with("no-hostname", {"hostname"}).text != "lab\n");
  REQUIRE(with("failing-mount", {}).text ==
          "Error: the container could not be set up: lab:[2:INIT]: mount(\"nothing\", \"dev/mqueue\", "
          "\"no-such-file-system\", 0, NULL) = -1 ENODEV (No such device)\n");
  REQUIRE(with("failing-mount", {}).code == 125);
  expect_no_process_left();
}

TEST_CASE("lab faults: each fits the ways of others too, and where it does not, one is told where it does") {
  for (const FaultName& fault : fault_names()) {
    for (const VariantName& variant : variant_names()) {
      const std::string like(variant.name);
      const RunOptions options{.like = like, .fault = std::string(fault.name), .rootless = false};
      INFO(fault.name << " like " << like);
      if (fault.where.starts_with("only in")) {
        REQUIRE_THROWS_WITH(plan_text(options), ContainsSubstring("try it with `lab hooks`"));
        continue;
      }
      if (fault.where.find(like) != std::string::npos && like != "lab") {
        REQUIRE_THROWS_WITH(plan_text(options), ContainsSubstring("has no place in this plan; try it with `lab run`, "
                                                                  "without --like"));
        continue;
      }
      REQUIRE(plan_text(options) != plan_text({.like = like, .rootless = false}));
      REQUIRE(fault.where.find("runc") == std::string::npos);  // runc is what the lab does, so all fit
      if (no_namespaces() || geteuid() != 0) continue;
      RunOptions play = options;
      play.command = {"true"};
      const Outcome o = in_process([&] { return run_untraced(play); });
      REQUIRE(o.code == (fault.name == "failing-mount" ? 125 : 0));
      if (o.code == 125) REQUIRE_THAT(o.text, ContainsSubstring("-1 ENODEV (No such device)"));
    }
  }
  REQUIRE_THROWS_WITH(plan_text({.fault = "no-setgroups", .rootless = true}),
                      ContainsSubstring(geteuid() == 0 ? "`lab run`, without --userns" : "`lab run` as root"));
}

TEST_CASE("lab_hooks: one that fails before the command begins ends it all") {
  if (no_namespaces()) return;
  const Outcome o = in_process([] { return run_untraced({.scene = Scene::Hooks, .fault = "failing-hook"}); });
  REQUIRE(o.code == 125);
  REQUIRE_THAT(o.text, ContainsSubstring("lab: wait4(<createRuntime>, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, "
                                         "NULL): it ended with status 1\n"));
  expect_no_process_left();
}

TEST_CASE("lab faults: a leak in a container leaves the one in it what it is") {
  if (no_namespaces() || geteuid() != 0) return;
  const Outcome o = in_process(
      [] { return run_untraced({.scene = Scene::Nested, .fault = "leaked-descriptor", .command = {"true"}}); });
  INFO(o.text);
  REQUIRE(o.code == 0);
}

TEST_CASE("lab faults: none that would lead who enters into the host's tree, or let a container outlive nstrace") {
  for (const VariantName& variant : variant_names()) {
    const std::string like(variant.name);
    const auto plan = [&](Scene scene, const std::string& fault) {
      return plan_text({.scene = scene, .like = like, .fault = fault, .rootless = false});
    };
    INFO(like);
    REQUIRE_THROWS_WITH(plan(Scene::Run, "without prctl(PR_SET_PDEATHSIG"), ContainsSubstring("would not be safe"));
    REQUIRE_NOTHROW(plan(Scene::Run, "without umount2("));
    if (like == "bwrap") continue;
    for (const char* fault :
         {"no-umount", "chroot-only", "without umount2(", "without pivot_root(", "without fchdir("}) {
      INFO(fault);
      REQUIRE_THROWS_WITH(plan(Scene::Exec, fault), ContainsSubstring("the host's tree"));
    }
  }
}

TEST_CASE("lab_plan: an argument of hostile bytes is written in one line") {
  const std::string text = plan_text({.command = {"echo",
                                                  "a\"\\\n\x01"
                                                  "9\xff"},
                                      .rootless = false});
  REQUIRE_THAT(text,
               ContainsSubstring(R"(execve("/bin/echo", ["echo", "a\"\\\n\0019\377"], ["PATH=/bin", "HOME=/"]) = 0)"));
}

TEST_CASE("lab_plan: too long a command line is refused, not cut") {
  RunOptions options{.command = {"echo", std::string(300000, 'x')}};
  REQUIRE_THROWS_WITH(prepare_run(options), ContainsSubstring("does not fit"));
  options.command = std::vector<std::string>(1100, "echo");
  REQUIRE_THROWS_WITH(prepare_run(options), ContainsSubstring("more than 1024 arguments"));
}
