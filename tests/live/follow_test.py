# SPDX-License-Identifier: MIT
"""nstrace --follow: what is there at attach, threads and descendants, names, and forks that race with the attach."""
import os
import pathlib
import signal
import time

from harness import PATIENCE, Trace, check, equal, fewer, said, test


def sleepers(box):
    """Starts waits_then_forks; returns it and the pids that it told."""
    process = box.start(box.program("waits_then_forks"), box.program("true"))
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "ready\n":
            return process, said("".join(lines))
    raise AssertionError("waits_then_forks did not become ready")


def wake(process):
    process.stdin.write("x")
    process.stdin.flush()
    process.wait(timeout=20)
    time.sleep(0.1)  # the orphan is nobody's to wait for


@test()
def threads_and_descendants_are_covered(box):
    process, pids = sleepers(box)
    follower = box.follow(process.pid)
    wake(process)
    trace = follower.stop()
    equal({p["pid"] for p in trace.processes if p.get("followed")}, {pids[n] for n in ("leader", "child", "grandchild")},
          "the followed at attach")
    creators = sorted(e["tid"] for e in trace.forks())
    equal(creators, sorted(pids[n] for n in ("leader", "thread", "child", "grandchild")), "who forked")
    equal(len(trace.of("exec")), 4, "execs")
    for name in "leader", "child", "grandchild":
        equal(trace.end(pids[name]), (0, 0), f"the end of {name}")


@test()
def ancestors_are_recorded_but_not_followed(box):
    process, pids = sleepers(box)
    follower = box.follow(pids["grandchild"])
    wake(process)
    trace = follower.stop()
    existing = {p["pid"]: p for p in trace.processes}
    equal([p for p in existing if existing[p].get("followed")], [pids["grandchild"]], "the followed")
    for name, parent in ("grandchild", "child"), ("child", "leader"):
        equal(existing[pids[name]]["parent_pid"], pids[parent], f"the parent of {name}")
    equal({e["tgid"] for e in trace.forks()}, {pids["grandchild"]}, "who forked")


@test()
def several_targets(box):
    process, pids = sleepers(box)
    follower = box.follow(pids["grandchild"], pids["orphan"])
    wake(process)
    trace = follower.stop()
    equal({e["tgid"] for e in trace.forks()}, {pids["grandchild"], pids["orphan"]}, "who forked")


@test()
def by_name(box):
    process, pids = sleepers(box)
    follower = box.follow("waits_then_forks")
    wake(process)
    trace = follower.stop()
    equal({e["tid"] for e in trace.forks()},
          {pids[n] for n in ("leader", "thread", "child", "grandchild", "orphan")}, "who forked")


@test()
def fork_storm_during_attach_loses_no_creator(box):
    """Attached in the middle of a storm: every process of the trace has a creation or was there before."""
    times, trees = (4000, 4) if PATIENCE == 1 else (20000, 1)  # an emulator needs its second processor for nstrace
    for _ in range(fewer(5)):
        while True:
            process = box.start(box.program("fork_storm"), times, trees, box.program("true"), start_new_session=True)
            time.sleep(0.05)
            try:
                follower = box.follow(process.pid)
            except AssertionError:
                check(process.poll() is not None, "nstrace did not attach")
                follower = None
            if process.poll() is None:
                break
            if follower:
                follower.stop()
            times *= 2  # it was over before the attach
        if PATIENCE > 1:  # nobody waits for its end there
            time.sleep(1)
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=120)
        time.sleep(0.02 * PATIENCE)
        trace = follower.stop()  # whole() checks the lineage of every event
        born = {e["child"]["tgid"]: e["n"] for e in trace.forks()}
        check(len(born) > fewer(100), f"only {len(born)} forks were seen after the attach")
        ended = {e["tgid"] for e in trace.of("exit") if e.get("process")}
        missing = set(born) - ended
        check(not missing, f"{len(missing)} processes were created and never ended, such as {sorted(missing)[:3]}")
        check(process.pid in ended, "the end of the followed process is missing")


@test()
def command_beside_follow_ends_it(box):
    process, pids = sleepers(box)
    path = box.temp / "beside.jsonl"
    status, out, err = box.run(box.nstrace, "--follow", process.pid, "-o", path, "--", "sh", "-c",
                               "sleep 0.05; exit 4")
    equal(status, 4, "the status of COMMAND")
    trace = Trace(path).whole()
    equal([e["type"] for e in trace.events], [], "events of COMMAND itself, which is not followed")
    equal(trace.footer["end"], "command", "why it ended")
    wake(process)


@test()
def a_zombie_is_no_process(box):
    child = box.start("true", stdout=None, stderr=None)  # nobody waits for it until the test is over
    while "State:\tZ" not in pathlib.Path(f"/proc/{child.pid}/status").read_text():
        time.sleep(0.01)
    status, out, err = box.run(box.nstrace, "--follow", child.pid)
    equal((status, out), (125, ""), "status and output")
    check(f"process {child.pid} has ended already" in err, "it said: " + err)
