// SPDX-License-Identifier: MIT
// From what is wanted to a running container: options -> Spec -> Plan -> memory files -> the helper.
#include "lab/lab.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "lab/container.h"
#include "lab/faults.h"
#include "lab/like.h"
#include "trace/error.h"

// The helper program, as the build embeds it (helper_image.S).
extern "C" const char nstrace_lab_helper[];
extern "C" const char nstrace_lab_helper_end[];

namespace nstrace::lab {
namespace {

enum { kFailed = 125, kCannotExecute = 126, kNotFound = 127 };

// Descriptors that the helper gets stand here and above, so that their numbers, which a trace shows, do not depend on
// what else the caller has open.
constexpr int kFirstFd = 500;

[[noreturn]] void fail(const std::string& what, int error = errno) {
  throw Error("the mini runtime cannot start: " + what + ": " + std::strerror(error), kFailed);
}

// ---- options -> Spec

// A dynamically linked program or a script needs other files of the host's, which the container does not have.
void check_static(const std::string& path, int fd) {
  Elf64_Ehdr head = {};
  if (pread(fd, &head, sizeof head, 0) != sizeof head || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
      head.e_ident[EI_CLASS] != ELFCLASS64) {
    throw Error(path + " is not a 64-bit ELF program; give a static one, or one of the lab's own commands",
                kCannotExecute);
  }
  for (int i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr segment = {};
    const auto at = static_cast<off_t>(head.e_phoff) + i * static_cast<off_t>(sizeof segment);
    if (pread(fd, &segment, sizeof segment, at) != sizeof segment) break;
    if (segment.p_type == PT_INTERP) {
      throw Error(path + " is dynamically linked, and its libraries are not in the container; give a static program",
                  kCannotExecute);
    }
  }
}

std::uint64_t mount_flags_of(int fd) {
  struct statvfs host = {};
  if (fstatvfs(fd, &host) != 0) return 0;
  std::uint64_t flags = 0;
  if ((host.f_flag & ST_NOSUID) != 0) flags |= MS_NOSUID;
  if ((host.f_flag & ST_NODEV) != 0) flags |= MS_NODEV;
  if ((host.f_flag & ST_NOEXEC) != 0) flags |= MS_NOEXEC;
  return flags;
}

std::uint64_t own_capabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  if (syscall(SYS_capget, &header, sets) != 0) return ~std::uint64_t{0};
  return sets[0].permitted | static_cast<std::uint64_t>(sets[1].permitted) << 32;
}

// Who may make namespaces of all kinds and device nodes: root with its powers, whose ids are the host's. Root in a
// user namespace has the former, and root in most containers neither.
bool is_powerful() {
  constexpr std::uint64_t kNeeded = std::uint64_t{1} << CAP_SYS_ADMIN | std::uint64_t{1} << CAP_MKNOD;
  if (geteuid() != 0 || (own_capabilities() & kNeeded) != kNeeded) return false;
  std::ifstream map("/proc/self/uid_map");
  std::uint64_t inside = 0, outside = 0, count = 0;
  return !(map >> inside >> outside >> count) || (inside == 0 && outside == 0 && count == UINT32_MAX);
}

// The container's /bin has programs of these names that scenes rely on.
void check_name(const std::string& path) {
  const std::string_view base = std::string_view(path).substr(path.rfind('/') + 1);
  if (base != "lab" && base != "hold") return;
  throw Error("the container's /bin has a " + std::string(base) + " of its own; give " + path +
                  " another name, a symbolic link will do",
              kCannotExecute);
}

void set_program(Spec& spec) {
  const std::string& program = spec.argv[0];
  if (std::find(commands().begin(), commands().end(), program) != commands().end()) return;
  if (program.empty() || program[0] != '/') {
    std::string names;
    for (const std::string& name : commands()) names += ' ' + name;
    throw Error("the lab has no command '" + program + "'; it has" + names +
                    "; or give the absolute path of a static program of the host's",
                kNotFound);
  }
  const OwnedFd fd(open(program.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    throw Error("cannot run " + program + ": " + std::strerror(errno), errno == ENOENT ? kNotFound : kCannotExecute);
  }
  check_name(program);
  if ((mount_flags_of(fd.get()) & MS_NOEXEC) != 0) {
    throw Error("cannot run " + program + ": its file system is mounted noexec; copy it to another one",
                kCannotExecute);
  }
  if (access(program.c_str(), X_OK) != 0) {
    throw Error("cannot run " + program + ": it is not executable; chmod +x it", kCannotExecute);
  }
  check_static(program, fd.get());
  spec.host_program = program;
  spec.host_mount_flags = mount_flags_of(fd.get());
}

// Who enters a mount namespace comes to the root that it has, and not to where its processes have chrooted.
Pivot pivot_of(const RunOptions& options) {
  std::string names;
  for (const PivotName& way : pivots()) {
    names += ' ' + std::string(way.name);
    if (way.name != options.pivot) continue;
    if (way.pivot != Pivot::Dot && options.like != "lab")
      throw Error("--pivot is for the lab's own way only; leave --like out");
    if (way.pivot == Pivot::None && options.scene == Scene::Exec)
      throw Error("with --pivot none, who enters the container has the host's root; choose another scene than exec");
    return way.pivot;
  }
  throw Error("the lab has no way '" + options.pivot + "' to change the root; it has" + names);
}

Spec spec_of(const RunOptions& options) {
  if (options.hostname.empty() || options.hostname.size() > 64) {
    throw Error("a host name has 1 to 64 bytes; give a shorter --hostname");
  }
  Spec spec;
  if (!options.command.empty()) spec.argv = options.command;
  spec.hostname = options.hostname;
  spec.pivot = pivot_of(options);
  spec.user_namespace = options.rootless.value_or(!is_powerful());
  spec.borrow_devices = spec.user_namespace;
  spec.drop_groups = !spec.user_namespace;
  spec.overlays = options.overlays.value_or(!spec.user_namespace && options.like.starts_with("runc-1.") &&
                                            options.like != "runc-1.1" && overlay_is_possible());
  spec.uid_map = "0 " + std::to_string(geteuid()) + " 1\n";
  spec.gid_map = "0 " + std::to_string(getegid()) + " 1\n";
  if (options.scene == Scene::Userns && !spec.user_namespace && options.like != "bwrap") {
    // Of root's making: all ids inside are ids outside that nobody has.
    spec.user_namespace = spec.borrow_devices = spec.drop_groups = true;
    spec.uid_map = spec.gid_map = "0 100000 65536\n";
  }
  spec.caller = getpid();
  if (!spec.user_namespace && geteuid() == 0) spec.capabilities = own_capabilities();
  set_program(spec);
  return spec;
}

// ---- Spec -> Plan

std::string_view name_of(Scene wanted) {
  for (const SceneName& scene : scenes())
    if (scene.scene == wanted) return scene.name;
  return {};
}

const Variant& variant_of(const RunOptions& options) {
  std::string names;
  for (const Variant& variant : variants()) {
    if (variant.name == options.like) return variant;
    names += ' ' + std::string(variant.name);
  }
  throw Error("the lab cannot play '" + options.like + "'; it knows" + names);
}

Plan sound_plan_of(const RunOptions& options, const Spec& spec) {
  const Variant& variant = variant_of(options);
  const bool own = variant.name == "lab";
  switch (options.scene) {
    case Scene::Run:
    case Scene::Userns:
      return variant.run(spec);
    case Scene::Exec:
      if (variant.exec == nullptr) throw Error(options.like + " has no exec; choose another --like");
      return variant.exec(spec);
    case Scene::Pod:
      if (own) return pod_plan(spec);
      break;
    case Scene::Nested:
      if (own) return nested_plan(spec);
      break;
    case Scene::Hooks:
      if (own) return hooks_plan(spec);
      break;
  }
  throw Error("this scene is played in the lab's own way only; leave --like out");
}

bool fits(const RunOptions& options, const Spec& spec) {
  Plan plan = sound_plan_of(options, spec);
  return put_fault(plan, options.fault, false);
}

// Where a fault has no place; or, if that is in no `lab run` of the lab's own way, the scenes where it has one.
std::string places_of(const Fault& fault) {
  RunOptions options{.fault = std::string(fault.name)};
  std::string without, only;
  const auto add = [](std::string& list, std::string_view word) {
    list += (list.empty() ? "" : ", ") + std::string(word);
  };
  Spec rootless;
  rootless.user_namespace = rootless.borrow_devices = true;
  rootless.drop_groups = false;
  for (const Variant& variant : variants()) {
    options.like = variant.name;
    if (!fits(options, {})) add(without, variant.name);
  }
  options.like = "lab";
  if (fits(options, {})) {
    std::string out = without.empty() ? "" : "not --like " + without;
    if (!fits(options, rootless)) out += out.empty() ? "not --userns" : "; not --userns";
    return out;
  }
  for (const SceneName& scene : scenes()) {
    options.scene = scene.scene;
    if (fits(options, {})) add(only, scene.name);
  }
  return "only in lab " + only;
}

// A fault that has no place in a plan: the command whose plan has one, as near to what was asked for as can be.
std::string cure_for(RunOptions options, Spec spec) {
  const auto command = [&] { return "try it with `lab " + std::string(name_of(options.scene)) + '`'; };
  options.like = "lab";
  if (fits(options, spec)) return command() + ", without --like";
  spec.user_namespace = spec.borrow_devices = false;
  spec.drop_groups = true;
  for (const SceneName& scene : scenes()) {
    options.scene = scene.scene;
    if (fits(options, spec)) return command() + (geteuid() == 0 ? ", without --userns" : " as root");
  }
  return "`nstrace lab faults` says where it has";
}

Plan plan_of(const RunOptions& options, const Spec& spec) {
  if (options.fault == "host-network" && options.scene == Scene::Exec && spec.user_namespace)
    throw Error(
        "nobody can enter the host's network from a user namespace, which does not own it (EPERM): lab exec with "
        "--fault host-network is for root without --userns");
  Plan plan = sound_plan_of(options, spec);
  if (options.fault.empty() || put_fault(plan, options.fault, options.scene == Scene::Exec)) return plan;
  throw Error("the fault " + options.fault + " has no place in this plan; " + cure_for(options, spec));
}

// What the first program is called with, as a trace shows it: what is done, and the containers' ids.
std::vector<std::string> arguments_of(const RunOptions& options) {
  const Variant& variant = variant_of(options);
  if (variant.name != "lab") return {std::string(variant.program), "run", "lab"};  // runtimes have no other word
  std::vector<std::string> out = {"nstrace-lab", std::string(name_of(options.scene)), "lab"};
  if (options.scene == Scene::Nested) out.back() = "outer";
  if (options.scene == Scene::Pod) {
    out.back() = "pause";
    out.push_back("app");
  }
  return out;
}

// ---- Plan -> memory files

OwnedFd at_high_number(int fd, int command) {
  OwnedFd low(fd);
  OwnedFd high(fcntl(fd, command, kFirstFd));
  if (high.get() < 0) fail("fcntl(F_DUPFD)");
  return high;
}

// As high as kFirstFd and above can only be used under a high enough limit: where the soft one is lower, it is raised
// for this while. What is open stays open when it is as before.
class DescriptorLimit {
 public:
  DescriptorLimit() {
    constexpr rlim_t kNeeded = kFirstFd + 12;
    if (getrlimit(RLIMIT_NOFILE, &before_) != 0 || before_.rlim_cur >= kNeeded) return;
    if (before_.rlim_max < kNeeded) {
      throw Error("the mini runtime needs descriptors up to " + std::to_string(kNeeded) + ", and the limit is " +
                      std::to_string(before_.rlim_max) + "; raise it: ulimit -n 1024",
                  kFailed);
    }
    const rlimit raised = {kNeeded, before_.rlim_max};
    raised_ = setrlimit(RLIMIT_NOFILE, &raised) == 0;
  }
  ~DescriptorLimit() {
    if (raised_) setrlimit(RLIMIT_NOFILE, &before_);
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_ = {};
  bool raised_ = false;
};

// A file that exists in memory only, and that nobody can change once it is sealed: what runs is what was embedded.
OwnedFd new_memory_file(const char* name, int duplicate_command) {
  constexpr unsigned kExecutable = 0x0010;  // MFD_EXEC, Linux 6.3
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | kExecutable);
  if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) fail("memfd_create (is the sysctl vm.memfd_noexec 2? set it to 1)");
  return at_high_number(fd, duplicate_command);
}

void fill_and_seal(const OwnedFd& file, std::string_view content) {
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t count = write(file.get(), content.data() + done, content.size() - done);
    if (count < 0) fail("writing a memory file");
    done += static_cast<std::size_t>(count);
  }
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) fail("sealing");
}

// Descriptors 0, 1 and 2 exist in every program; a caller without them would give their numbers to other things.
void fill_standard_descriptors() {
  int fd = 0;
  while (fd >= 0 && fd < 3) {
    fd = fcntl(0, F_GETFD) < 0 || fcntl(1, F_GETFD) < 0 || fcntl(2, F_GETFD) < 0 ? open("/dev/null", O_RDWR) : 3;
  }
}

Launch launch(const RunOptions& options, Spec spec) {
  fill_standard_descriptors();
  const DescriptorLimit limit;
  Launch out;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) fail("pipe2");
  out.report_reader = at_high_number(ends[0], F_DUPFD_CLOEXEC);
  out.report_writer = at_high_number(ends[1], F_DUPFD);
  spec.report_fd = out.report_writer.get();
  OwnedFd plan = new_memory_file("nstrace-lab-plan", F_DUPFD);
  spec.plan_fd = plan.get();
  out.plan = plan_of(options, spec);
  fill_and_seal(plan, flatten(out.plan));
  out.plan_file = std::move(plan);
  out.program = new_memory_file("nstrace-lab", F_DUPFD_CLOEXEC);
  fill_and_seal(out.program, {nstrace_lab_helper, nstrace_lab_helper_end});
  out.program_fd = out.program.get();
  // The container has no descriptor of the caller's but 0, 1 and 2. (Before Linux 5.11 this fails, and it may have.)
  syscall(SYS_close_range, 3, kFirstFd - 1, CLOSE_RANGE_CLOEXEC);
  out.argv = arguments_of(options);
  out.env = {"_LAB_PLAN=" + std::to_string(out.plan_file.get())};
  return out;
}

// ---- running without a tracer

// Signals as something to wait for, and the mask as it was when this goes.
class Signals {
 public:
  Signals() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&wanted, signal);
    pthread_sigmask(SIG_BLOCK, &wanted, &before_);
    fd_ = OwnedFd(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  int fd() const { return fd_.get(); }
  const sigset_t& before() const { return before_; }
  void pass_on(pid_t to) const {
    signalfd_siginfo info;
    while (read(fd_.get(), &info, sizeof info) == sizeof info) kill(to, static_cast<int>(info.ssi_signo));
  }

 private:
  sigset_t before_;
  OwnedFd fd_;
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

std::span<const SceneName> scenes() {
  static constexpr SceneName kScenes[] = {
      {Scene::Run, "run", "a container for one command"},
      {Scene::Exec, "exec", "a command that enters a container which runs already"},
      {Scene::Pod, "pod", "two containers that share network, ipc and host name"},
      {Scene::Nested, "nested", "a container in a container"},
      {Scene::Hooks, "hooks", "a container with hooks at each turn of its life"},
      {Scene::Userns, "userns", "a container in a user namespace, with ids of its own"},
  };
  return kScenes;
}

std::vector<VariantName> variant_names() {
  std::vector<VariantName> out;
  for (const Variant& variant : variants()) out.push_back({variant.name, variant.what});
  return out;
}

std::vector<FaultName> fault_names() {
  std::vector<FaultName> out;
  for (const Fault& fault : faults()) out.push_back({fault.name, fault.what, places_of(fault)});
  return out;
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) close(fd_);
}

std::optional<std::string> Launch::failure() const {
  lab_report report;
  if (read(report_reader.get(), &report, sizeof report) != sizeof report) return std::nullopt;
  return "the container could not be set up: " + failure_text(plan, report);
}

Launch prepare_run(const RunOptions& options) {
  return launch(options, spec_of(options));
}

std::string plan_text(const RunOptions& options, const PlanText& how) {
  return text_of(plan_of(options, spec_of(options)), how);
}

int run_untraced(const RunOptions& options) {
  const Launch launch = prepare_run(options);
  const std::vector<char*> argv = pointers(launch.argv);
  const std::vector<char*> env = pointers(launch.env);
  const Signals signals;
  const pid_t pid = vfork();  // there is no memory to copy for a child that executes at once
  if (pid < 0) fail("vfork");
  if (pid == 0) {
    sigprocmask(SIG_SETMASK, &signals.before(), nullptr);
    syscall(SYS_execveat, launch.program_fd, "", argv.data(), env.data(), AT_EMPTY_PATH);
    _exit(kFailed);
  }
  const OwnedFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (process.get() < 0) fail("pidfd_open");
  int status = 0;
  for (;;) {
    pollfd events[2] = {{process.get(), POLLIN, 0}, {signals.fd(), POLLIN, 0}};
    if (poll(events, 2, -1) < 0 && errno != EINTR) fail("poll");
    if ((events[1].revents & POLLIN) != 0) signals.pass_on(pid);
    if ((events[0].revents & POLLIN) != 0) break;
  }
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  if (const auto why = launch.failure()) throw Error(*why, code);
  return code;
}

}  // namespace nstrace::lab
