// SPDX-License-Identifier: MIT
// bubblewrap, which Flatpak uses: no container runtime but a sandbox, for programs of an ordinary user. Everything is
// in one file of C, in one process. As of bubblewrap 0.8, `bwrap --unshare-all --hostname lab --proc /proc --dev /dev
// ...`.
//
//     bwrap                   writes nothing, waits
//      +- bwrap               one clone with all namespaces; sets up; stays as pid 1, to take in orphans
//          +- bwrap           becomes the command
//
// Two pivot_roots: the first onto a tmpfs in which both the old root and the new one hang, as oldroot and newroot, so
// that paths of both can be used while binding; the second onto newroot, when all is done.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>

#include "lab/like.h"
#include "lab/rights.h"
#include "lab/root.h"

namespace nstrace::lab {
namespace {

void write_own_file(Stage& stage, const char* path, const std::string& content) {
  const int fd = stage.openat(path, NAMED(O_RDWR | O_CLOEXEC));
  stage.write(fd, content);
  stage.close(fd);
}

// A bind mount, and then its flags: a bind takes over what the source had, so they need a second call.
void bind_mount(Stage& init, const std::string& source, const std::string& target, Arg flags) {
  init.mount(source.c_str(), target, nullptr, NAMED(MS_BIND | MS_REC | MS_SILENT));
  init.mount("none", target, nullptr, std::move(flags));
}

void make_base(Stage& init, int host_program, const Spec& spec) {
  init.mount("tmpfs", kRoot, "tmpfs", NAMED(MS_NOSUID | MS_NODEV));
  init.chdir(kRoot);
  init.mkdir("newroot", NAMED(0755));
  init.mount("newroot", "newroot", nullptr, NAMED(MS_MGC_VAL | MS_BIND | MS_REC | MS_SILENT));
  init.mkdir("oldroot", NAMED(0755));
  init.why("(The image: what bwrap would bind from the host.)");
  init.chdir("newroot");
  fill_root(init, spec, host_program);
  init.chdir(kRoot);
  init.why("The first: both roots hang in the tmpfs now, each with a path.");
  init.call(CALL(pivot_root), {text(kRoot), text("oldroot")});
  init.chdir("/");
}

void make_dev(Stage& init) {
  init.mount("tmpfs", "/newroot/dev", "tmpfs", NAMED(MS_NOSUID | MS_NODEV), "mode=0755");
  for (const Device& device : kDevices) {
    const std::string target = std::string("/newroot/dev/") + device.name;
    init.create_empty(target, NAMED(0666));
    bind_mount(init, std::string("/oldroot/dev/") + device.name, target,
               NAMED(MS_NOSUID | MS_REMOUNT | MS_BIND | MS_SILENT | MS_RELATIME));
  }
  init.symlink("/proc/self/fd/0", "/newroot/dev/stdin");
  init.symlink("/proc/self/fd/1", "/newroot/dev/stdout");
  init.symlink("/proc/self/fd/2", "/newroot/dev/stderr");
  init.symlink("/proc/self/fd", "/newroot/dev/fd");
  init.symlink("/proc/kcore", "/newroot/dev/core");
  init.mkdir("/newroot/dev/shm", NAMED(0755));
  init.mkdir("/newroot/dev/pts", NAMED(0755));
  init.mount("devpts", "/newroot/dev/pts", "devpts", NAMED(MS_NOSUID | MS_NOEXEC),
             "newinstance,ptmxmode=0666,mode=620");
  init.symlink("pts/ptmx", "/newroot/dev/ptmx");
}

}  // namespace

Plan bwrap_run(const Spec& given) {
  Spec spec = given;
  spec.user_namespace = true;  // always: it is what makes the rest possible for everyone
  Plan plan;
  First first = begin(plan, spec, "bwrap");
  Stage& bwrap = first.stage;
  Stage& init = plan.stage("bwrap");
  Stage& command = plan.stage("bwrap");
  const Register& init_pid = plan.pid("init");
  const Register& command_pid = plan.pid("command");
  const Register& result = plan.word("result");

  no_new_privileges(bwrap);
  const auto [to_init, to_bwrap] = bwrap.socketpair();
  bwrap.why("One clone for everything. Inside, this user has all rights over what is new.");
  bwrap.clone(NAMED(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                    CLONE_NEWNET | SIGCHLD),
              init, init_pid);
  bwrap.close(to_bwrap);
  bwrap.read(to_init, first.word, 1);
  bwrap.write(to_init, "run\n");

  init.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  init.close(to_init);
  init.why("Asked for only now, when this process is sure to die with its parent.");
  init.write(to_bwrap, "redy");
  init.read(to_bwrap, first.word, 1);
  init.close(to_bwrap);
  init.why("Its own maps, from inside: one id may be mapped by whoever has it.");
  write_own_file(init, "/proc/self/uid_map", spec.uid_map);
  write_own_file(init, "/proc/self/setgroups", "deny");
  write_own_file(init, "/proc/self/gid_map", spec.gid_map);
  const int host_program = open_host_program(init, spec);
  init.mount(nullptr, "/", nullptr, NAMED(MS_REC | MS_SILENT | MS_SLAVE));
  make_base(init, host_program, spec);
  init.call(CALL(sethostname), {text(spec.hostname), number(static_cast<std::int64_t>(spec.hostname.size()))});
  init.mount("proc", "/newroot/proc", "proc", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC));
  make_dev(init);
  init.mount("tmpfs", "/newroot/tmp", "tmpfs", NAMED(MS_NOSUID | MS_NODEV), "mode=0755");
  init.mount("oldroot", "oldroot", nullptr, NAMED(MS_REC | MS_SILENT | MS_PRIVATE));
  init.umount("oldroot", NAMED(MNT_DETACH));
  const int old_root = init.openat("/", NAMED(O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  init.chdir("/newroot");
  init.why("The second: what hung in newroot is the root.");
  init.call(CALL(pivot_root), {text("."), text(".")});
  init.fchdir(old_root);
  init.umount(".", NAMED(MNT_DETACH));
  init.chdir("/");
  init.close(old_root);
  init.prctl(NAMED(PR_SET_DUMPABLE), named(1, "SUID_DUMP_USER"));

  init.why("Pid 1 must take in orphans, which the command does not know; so that is pid 2.");
  init.clone(NAMED(SIGCHLD), command, command_pid);
  set_capabilities(init, 0);
  init.wait(command_pid, result);
  init.exit(status(result));

  command.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  set_capabilities(command, 0);
  filter_calls(command);
  command.execve(program_path(spec), spec.argv, {"PATH=/bin", "HOME=/"});

  set_capabilities(bwrap, 0);
  bwrap.close(to_init);
  end_as(first, init_pid);
  return plan;
}

}  // namespace nstrace::lab
