// SPDX-License-Identifier: MIT
// The table of variants, and the steps that several runtimes take in the same way.
#include "lab/like.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

#include "lab/lab.h"
#include "lab/root.h"

namespace nstrace::lab {

std::span<const Variant> variants() {
  static constexpr Variant kVariants[] = {
      {"lab", "nstrace-lab", "the lab's own way: runc's, with nothing that is there for its own sake", run_plan,
       exec_plan},
      {"runc-1.1", "runc", "two execs of `runc init`, the cgroup namespace last", runc_1_1_run, runc_1_1_exec},
      {"runc-1.2", "runc", "one exec, from an overlay or a sealed copy; a thread that visits the container",
       runc_1_2_run, runc_1_2_exec},
      {"runc-1.3", "runc", "as 1.2; exec joins the user namespace in between", runc_1_3_run, runc_1_3_exec},
      {"crun", "crun", "one clone with all namespaces; exec by a pidfd and by setns of type 0", crun_run, crun_exec},
      {"youki", "youki", "one unshare per namespace; pivot_root onto the path", youki_run, youki_exec},
      {"bwrap", "bwrap", "a sandbox, no container: one clone, two pivot_roots", bwrap_run, nullptr},
  };
  return kVariants;
}

Second start_second(First& first, const std::vector<std::string>& argv, const Register& init) {
  Plan& plan = first.plan;
  const std::string name = first.stage.name;
  Stage& starting = plan.stage(name);
  Stage& running = plan.stage(name);
  const Register& pid = plan.pid("second");
  const auto [to_second, to_first] = first.stage.socketpair();
  first.stage.clone(NAMED(SIGCHLD), starting, pid);
  first.stage.close(to_first);
  first.stage.write(to_second, init, 1);

  starting.die_with(first.pid);
  starting.keep_across_exec(to_first);
  starting.execve_self(text("/proc/self/exe"), argv, {}, running);
  running.leads = true;
  const Register& own_pid = plan.word("second.pid");
  const Register& target = plan.word("target");  // next to it: runc's init is told both in one message
  First second{plan, running, own_pid, plan.word("second.status"), plan.word("second.word")};
  running.prctl(NAMED(PR_SET_NAME), text(name));
  running.call(CALL(getpid), {});
  running.keep(second.pid);
  running.read(to_first, target, 1);
  running.close(to_first);
  first.stage.close(to_second);
  return {second, pid, target};
}

int copy_own_program(Stage& stage, const char* name) {
  const int copy = stage.opens(CALL(memfd_create), {text(name), NAMED(MFD_CLOEXEC | MFD_ALLOW_SEALING)});
  const int program = stage.openat("/proc/self/exe", NAMED(O_RDONLY | O_CLOEXEC));
  stage.call(CALL(sendfile), {number(copy), number(program), null(), number(1 << 22)});
  stage.expect_any("<size>");
  stage.close(program);
  stage.call(CALL(fcntl),
             {number(copy), NAMED(F_ADD_SEALS), NAMED(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)});
  return copy;
}

bool overlay_is_possible() {
  const auto made = [](int context, std::initializer_list<std::pair<const char*, std::string>> options) {
    for (const auto& [key, value] : options) {
      if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, value.c_str(), 0) != 0) return -1;
    }
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return -1;
    return static_cast<int>(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0));
  };
  const OwnedFd memory(static_cast<int>(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  const OwnedFd lower(memory.get() < 0 ? -1 : made(memory.get(), {}));
  if (lower.get() < 0 || mkdirat(lower.get(), "a", 0755) != 0 || mkdirat(lower.get(), "b", 0755) != 0) return false;
  const std::string path = "/proc/self/fd/" + std::to_string(lower.get());
  const OwnedFd context(static_cast<int>(syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC)));
  if (context.get() < 0) return false;
  return OwnedFd(made(context.get(), {{"lowerdir", path + "/a:" + path + "/b"}, {"xino", "off"}})).get() >= 0;
}

void mount_onto(Stage& init, const std::string& directory, const char* source, const char* type, Arg flags,
                const char* options, const std::string& via) {
  const int fd = init.openat(directory, NAMED(O_RDONLY | O_CLOEXEC | O_PATH));
  init.mount(source, via + std::to_string(fd), type, std::move(flags), options);
  init.close(fd);
}

void mount_bundle(Stage& init, const Spec& spec, const std::string& root, const std::string& via) {
  const auto onto = [&](const char* directory, const char* source, const char* type, Arg flags, const char* options) {
    mount_onto(init, root + directory, source, type, std::move(flags), options, via);
  };
  onto("/proc", "proc", "proc", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC), nullptr);
  onto("/dev", "tmpfs", "tmpfs", NAMED(MS_NOSUID | MS_STRICTATIME), "mode=755,size=65536k");
  init.mkdir(root + "/dev/pts", NAMED(0755));
  onto("/dev/pts", "devpts", "devpts", NAMED(MS_NOSUID | MS_NOEXEC), "newinstance,ptmxmode=0666,mode=0620");
  init.mkdir(root + "/dev/shm", NAMED(0755));
  onto("/dev/shm", "shm", "tmpfs", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC), "mode=1777,size=65536k");
  init.mkdir(root + "/dev/mqueue", NAMED(0755));
  onto("/dev/mqueue", "mqueue", "mqueue", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC), nullptr);
  const int sys = init.openat(root + "/sys", NAMED(O_RDONLY | O_CLOEXEC | O_PATH));
  if (spec.borrow_devices) init.may_fail_with(EPERM);
  init.mount("sysfs", via + std::to_string(sys), "sysfs", NAMED(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC));
  init.close(sys);
}

void make_devices_of_bundle(Stage& init, const Spec& spec, const std::string& root, const char* const (&order)[6]) {
  for (const char* name : order) {
    for (const Device& device : kDevices) {
      if (std::string_view(device.name) != name) continue;
      const std::string path = root + "/dev/" + name;
      if (spec.borrow_devices) {
        borrow_device(init, device, path);
      } else {
        make_device(init, device, path);
      }
    }
  }
}

}  // namespace nstrace::lab
