// SPDX-License-Identifier: MIT
// A hook is started as any program is, and told by a pipe which container it is called for; whoever calls it waits for
// its end. Who calls it decides what it sees: the runtime's hooks run among the host's files, the container's in it.
// One that fails before the container's program has begun ends it all (OCI runtime-spec, config.md); later ones only
// get a warning, which the lab has nowhere to write.
#include "lab/hooks.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

namespace nstrace::lab {
namespace {

// Starts the hook, writes the state into it, waits for its end. `pid`: the container's, as the caller knows it.
void call_hook(Plan& plan, const First* first, Stage& caller, const char* name, const char* program,
               const std::string& status, const Register* pid, bool must_end_well = true) {
  const Register& hook_pid = plan.pid(name);
  const Register& result = plan.word(std::string(name) + ".status");
  Stage& hook = plan.stage(name);
  const auto [reader, writer] = caller.pipe();
  caller.clone(NAMED(SIGCHLD), hook, hook_pid);
  if (first != nullptr) {
    hook.die_with(first->pid);
  } else {
    hook.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  }
  hook.dup3(reader, 0, number(0));
  hook.execve(program, {name}, {"PATH=/bin"});
  caller.close(reader);
  const std::string state = R"({"ociVersion":"1.0.2","id":"lab","status":")" + status + R"(","pid":)";
  if (pid != nullptr) {
    caller.write_with_pid(writer, state + "%,\"bundle\":\"/\"}\n", *pid);
  } else {
    caller.write(writer, state + "1,\"bundle\":\"/\"}\n");
  }
  caller.close(writer);
  if (must_end_well) {
    caller.wait_well(hook_pid, result);
  } else {
    caller.wait(hook_pid, result);
  }
}

}  // namespace

void hooks_before_pivot(const First& first, Stage& init, int to_init, int init_to_lab, const Register& init_pid) {
  init.why("The runtime's own hooks run now: the root is there, the way to the host's directories still open.");
  init.write(init_to_lab, "hook");
  first.stage.read(to_init, first.word, 1);
  first.stage.why("Docker up to 27 connects the container's network here.");
  call_hook(first.plan, &first, first.stage, "createRuntime", "/proc/self/exe", "creating", &init_pid);
  first.stage.write(to_init, "hook");
  init.read(init_to_lab, first.word, 1);
  call_hook(first.plan, nullptr, init, "createContainer", "bin/lab", "creating", nullptr);
}

void hook_before_exec(Plan& plan, Stage& init) {
  init.why("The last program before the container's own, in the same place and with the same rights.");
  call_hook(plan, nullptr, init, "startContainer", "/bin/lab", "created", nullptr);
}

void hook_of_runtime(const First& first, const char* name, const Register& init, const char* status) {
  call_hook(first.plan, &first, first.stage, name, "/proc/self/exe", status, &init, false);
}

}  // namespace nstrace::lab
