# SPDX-License-Identifier: MIT
"""nstrace --follow: what is there at attach, threads and descendants, names, and forks that race with the attach."""
import os
import pathlib
import shutil
import signal
import subprocess
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
    check("nothing that is followed did anything; --with-command follows COMMAND too" in err, "it said: " + err)
    wake(process)


@test()
def who_is_taken_in_is_told_by_the_name_that_was_asked_for(box):
    renamed = box.start("bash", "-c", "echo nst-renamed > /proc/self/comm; echo ready; read")
    equal(renamed.stdout.readline(), "ready\n", "what it said")
    status, out, err = box.run(box.nstrace, "--follow", "nst-renamed", "--", "true")
    check(f"following nst-renamed (pid {renamed.pid}): 1 process with its threads and all that it starts" in err, "it said: " + err)


@test()
def a_zombie_is_no_process(box):
    child = box.start("true", stdout=None, stderr=None)  # nobody waits for it until the test is over
    while "State:\tZ" not in pathlib.Path(f"/proc/{child.pid}/status").read_text():
        time.sleep(0.01)
    status, out, err = box.run(box.nstrace, "--follow", child.pid)
    equal((status, out), (125, ""), "status and output")
    check(f"process {child.pid} has ended already" in err, "it said: " + err)


def daemon(box, name):
    """A program of this name that sleeps."""
    path = box.temp / name
    if not path.exists():
        shutil.copy(shutil.which("sleep"), path)
    return box.start(path, "1000")


@test()
def who_comes_as_the_trace_ends_is_told_of(box):
    """Ctrl-C before nstrace has looked: what it finds then is one who was there before, of whom it has yet to ask the kernel."""
    daemon(box, "nst-last")
    for _ in range(6):
        follower = box.follow("nst-last")
        late = daemon(box, "nst-last")
        while pathlib.Path(f"/proc/{late.pid}/comm").read_text() != "nst-last\n":
            pass
        trace = follower.stop()
        check([p for p in trace.processes if p["pid"] == late.pid and p.get("followed")], "who came last is not in the trace")
        late.kill()
        late.wait()


def waiting(box, *arguments):
    """nstrace --wait; returns when it has said so."""
    words = box.temp / "wait.err"
    with open(words, "w") as err:
        process = box.start(box.nstrace, "--wait", *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
    deadline = time.monotonic() + 20 * PATIENCE
    while "waiting for it" not in words.read_text() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    check("waiting for it" in words.read_text(), "it said: " + words.read_text())
    time.sleep(0.3 * PATIENCE)
    return process


def interrupted(process, path):
    process.send_signal(signal.SIGINT)
    equal(process.wait(timeout=20 * PATIENCE), 0, "nstrace's status on Ctrl-C")
    return Trace(path).whole()


@test()
def a_name_that_nothing_bears(box):
    daemon(box, "nst-daemon")
    status, out, err = box.run(box.nstrace, "--follow", "nst-deamon")
    equal((status, out), (125, ""), "status and output")
    check("nothing named nst-deamon is running (near: nst-daemon)" in err and "--wait" in err, "it said: " + err)


@test()
def wait_for_a_name(box):
    path = box.temp / "wait.jsonl"
    tracer = waiting(box, "--follow", "nst-late", "-o", path)
    late = daemon(box, "nst-late")
    time.sleep(0.2 * PATIENCE)
    late.kill()
    late.wait()
    time.sleep(0.1)
    trace = interrupted(tracer, path)
    equal([p["comm"] for p in trace.processes if p.get("followed")], ["nst-late"], "who was taken in")
    equal([e["argv"][1] for e in trace.of("exec")], ["1000"], "its exec")
    equal(trace.end(late.pid), (0, signal.SIGKILL), "its end")


@test()
def a_daemon_that_is_started_again(box):
    first = daemon(box, "nst-daemon")
    follower = box.follow("nst-daemon")
    first.kill()
    first.wait()
    second = daemon(box, "nst-daemon")
    time.sleep(0.2 * PATIENCE)
    second.terminate()
    second.wait()
    time.sleep(0.1)
    trace = follower.stop()
    equal([p["pid"] for p in trace.processes if p.get("followed")], [first.pid, second.pid], "who was taken in")
    equal([trace.end(p.pid) for p in (first, second)], [(0, signal.SIGKILL), (0, signal.SIGTERM)], "the ends")
    equal([e["tgid"] for e in trace.of("exec")], [second.pid], "execs")


@test()
def a_long_name_is_taken_whole(box):
    """comm has the first 15 bytes of a name; who has only these in common is not followed."""
    wanted, other = daemon(box, "nst-daemon-of-this"), daemon(box, "nst-daemon-of-that")
    follower = box.follow("nst-daemon-of-this")
    again, stranger = daemon(box, "nst-daemon-of-this"), daemon(box, "nst-daemon-of-that")
    time.sleep(0.2 * PATIENCE)
    trace = follower.stop()
    equal({p["pid"] for p in trace.processes if p.get("followed")}, {wanted.pid, again.pid}, "who was followed")
    check(not trace.of(tgid=other.pid) and not trace.of(tgid=stranger.pid), "a namesake is in the trace")


@test()
def groups_take_in_their_daemons(box):
    members = {"@docker": ("dockerd", "containerd", "containerd-shim-runc-v2"), "@containerd": ("containerd", "containerd-shim"),
               "@podman": ("podman", "conmon"), "@crio": ("crio", "conmon")}
    running = {name: daemon(box, name) for names in members.values() for name in names}
    status, text, _ = box.run(box.nstrace, "--follow", "help")
    for group, names in members.items():
        check(group in text, f"--follow help does not tell of {group}")
        trace = box.follow(group).stop()
        taken = {p["pid"] for p in trace.processes if p.get("followed")}
        mine = {name for name, process in running.items() if process.pid in taken}
        check(set(names) <= mine, f"{group} took in only {mine}")
        if group in ("@podman", "@crio"):
            equal(mine, set(names), f"who {group} took in")
    status, _, err = box.run(box.nstrace, "--follow", "@dokcer")
    equal(status, 125, "the status for an unknown group")
    check("@docker" in err, "it said: " + err)


INSIDE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


@test(needs=("nstrace", "root", "bpf", "unshare"))
def inside_a_pid_namespace_pids_are_those_of_it(box):
    path = box.temp / "inside.jsonl"
    status, out, err = box.run(*INSIDE, box.nstrace, "-o", path, "--", "sh", "-c", "echo shell=$$; sh -c 'echo child=$$; :'; :")
    equal(status, 0, f"the status ({err[-500:]})")
    check("inside a pid namespace" in err, "it does not say what cannot be seen: " + err)
    pids, trace = said(out), Trace(path).whole()
    execs = trace.of("exec")
    equal([(e["tgid"], e["tid"], e.get("tids")) for e in execs],
          [(pids["shell"], pids["shell"], None), (pids["child"], pids["child"], None)], "the pids")
    birth = trace.creation(pids["child"])
    equal((birth["tgid"], birth["parent_tgid"], birth["result"]), (pids["shell"], pids["shell"], pids["child"]), "its creation")
    equal([trace.end(p) for p in pids.values()], [(0, 0), (0, 0)], "the ends")
    check(all(p["pid"] < 100 for p in trace.processes), f"the processes before are {[p['pid'] for p in trace.processes]}")


@test(needs=("nstrace", "root", "bpf", "unshare"))
def inside_a_pid_namespace_further_levels_are_seen(box):
    path = box.temp / "inside.jsonl"
    status, out, err = box.run(*INSIDE, box.nstrace, "-o", path, "--", box.program("nested_pidns"))
    equal(status, 0, f"the status ({err[-500:]})")
    trace, numbers = Trace(path).whole(), [int(n) for n in said(out)["innermost"].split()]
    equal(numbers[1:], [2, 1], "the numbers that the program itself sees")
    equal(trace.creation(numbers[0])["child"]["tids"], numbers, "the numbers of the innermost")


@test(needs=("nstrace", "root", "bpf", "unshare"))
def inside_a_pid_namespace_a_pid_is_followed(box):
    path = box.temp / "inside.jsonl"
    script = 'sleep 1000 & daemon=$!; "$0" --follow $daemon -o "$1" -- sh -c "kill $daemon; sleep 0.1"; echo daemon=$daemon'
    status, out, err = box.run(*INSIDE, "sh", "-c", script, box.nstrace, path)
    equal(status, 0, f"the status ({err[-500:]})")
    trace, daemon = Trace(path).whole(), said(out)["daemon"]
    equal([p["pid"] for p in trace.processes if p.get("followed")], [daemon], "the followed")
    equal(trace.end(daemon), (0, signal.SIGTERM), "its end")


@test(needs=("nstrace", "root", "bpf", "unshare"))
def the_proc_of_another_pid_namespace_is_refused(box):
    status, out, err = box.run("unshare", "--pid", "--fork", box.nstrace, "--", "true")
    equal(status, 125, "the status")
    check("mount -t proc proc /proc" in err, "it said: " + err)
