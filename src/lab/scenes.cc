// SPDX-License-Identifier: MIT
// The scenes: what can be shown with containers, each a whole plan. Every scene is complete in itself: it makes what it
// needs, and at its end nothing is left.
#include <sched.h>

#include "lab/container.h"
#include "lab/enter.h"
#include "lab/hooks.h"
#include "lab/root.h"

namespace nstrace::lab {

Plan run_plan(const Spec& spec) {
  Plan plan;
  First first = begin(plan, spec);
  Container container = start(first, spec);
  let_go(first, container, spec);
  end_as(first, container.init);
  return plan;
}

Plan exec_plan(const Spec& spec) {
  Plan plan;
  Spec stays = spec;
  stays.stays = true;
  First first = begin(plan, spec);
  Container container = start(first, stays);
  let_go(first, container, stays);
  const Register& entered = enter(first, container, spec);
  const Register& result = plan.word("result");
  first.stage.wait(entered, result);
  end_holding(first, container);
  first.stage.exit(status(result));
  return plan;
}

// As Kubernetes does it: a container that only sleeps holds the namespaces, so that the others can come and go.
Plan pod_plan(const Spec& spec) {
  Plan plan;
  Spec pause = spec;
  pause.stays = true;
  pause.id = "pause";
  First first = begin(plan, spec);
  Container holder = start(first, pause);
  let_go(first, holder, pause);

  Spec app = spec;
  app.id = "app";
  app.user_namespace = false;  // joined instead, where there is one
  if (spec.user_namespace) app.joins.push_back({CLONE_NEWUSER, "CLONE_NEWUSER", "user", &holder.init});
  app.joins.push_back({CLONE_NEWIPC, "CLONE_NEWIPC", "ipc", &holder.init});
  app.joins.push_back({CLONE_NEWUTS, "CLONE_NEWUTS", "uts", &holder.init});
  app.joins.push_back({CLONE_NEWNET, "CLONE_NEWNET", "net", &holder.init});
  Container container = start(first, app);
  let_go(first, container, app);
  const Register& result = plan.word("result");
  first.stage.wait(container.init, result);
  end_holding(first, holder);
  first.stage.exit(status(result));
  return plan;
}

// The command of the outer container is a runtime, and makes the inner one: the lab itself, from the outer's /bin.
Plan nested_plan(const Spec& spec) {
  Plan plan;
  Spec outer = spec;
  outer.id = "outer";
  outer.hostname = "outer";
  outer.privileged = true;
  First first = begin(plan, spec);
  Container container = start(first, outer);
  first.stage.write(container.wire, "run\n");
  wait_until_executed(first, container);
  Stage& runtime = plan.stage("lab");
  container.stage.why("A container that runs containers keeps its rights; and this one the plan, to read on in it.");
  container.stage.close(container.end_of_wire);
  container.stage.execve_self(text("/bin/lab"), {"nstrace-lab", "run", "inner"}, {"PATH=/bin"}, runtime);

  Spec inner = spec;
  inner.id = "inner";
  if (!spec.host_program.empty()) inner.host_program = program_path(outer);  // in the outer container it is this
  inner.user_namespace = false;
  First second = begin_inside(plan, runtime);
  Container innermost = start(second, inner);
  let_go(second, innermost, inner);
  end_as(second, innermost.init);
  end_as(first, container.init);
  return plan;
}

Plan hooks_plan(const Spec& spec) {
  Plan plan;
  Spec hooked = spec;
  hooked.hooks = true;
  First first = begin(plan, hooked);
  Container container = start(first, hooked);
  let_go(first, container, hooked);
  hook_of_runtime(first, "poststart", container.init, "running");
  const Register& result = plan.word("result");
  first.stage.wait(container.init, result);
  hook_of_runtime(first, "poststop", container.init, "stopped");
  first.stage.exit(status(result));
  return plan;
}

}  // namespace nstrace::lab
