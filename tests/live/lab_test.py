# SPDX-License-Identifier: MIT
"""The mini runtime: traced from its first instruction, alone, and without a trace left on the host."""
import os
import pathlib
import shutil
import signal
import time

from harness import Trace, arguments, check, equal, test


def host_state():
    """What a container could leave behind: mounts, namespaces' mounts, cgroups, files in /tmp."""
    mounts = sorted(line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
                    if "/nstrace-" not in line.split()[4])  # (of other tests that run at the same time)
    groups = sorted(p for p, _, _ in os.walk("/sys/fs/cgroup") if "nstrace" in p)
    files = sorted(str(p) for d in ("/tmp", "/run", "/var/tmp") for p in pathlib.Path(d).glob("*")
                   if "nstrace-lab" in p.name)
    return [*("mount " + m for m in mounts), *groups, *files]


def unchanged(before, when):
    """Nothing is on the host that was not there."""
    left = host_state()
    for thing in before:
        if thing in left:
            left.remove(thing)
    equal(left, [], "left on the host " + when)


def in_container(*argv):
    """Does a process with this argv run that has a number 1 in a pid namespace of its own?"""
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (path / "cmdline").read_bytes() == b"".join(a.encode() + b"\0" for a in argv):
                return any(line.startswith("NSpid:") and line.split()[2:] == ["1"]
                           for line in (path / "status").read_text().splitlines())
        except OSError:
            continue
    return False


@test(needs=("nstrace",))
def run_without_a_trace(box):
    before = host_state()
    status, out, err = box.run(box.nstrace, "lab", "run", "--no-trace", "--hostname", "here")
    equal((status, out), (0, "hello from pid 1 on here\n"), f"status and output ({err.strip()})")
    status, out, err = box.run(box.nstrace, "lab", "run", "--no-trace", "--", box.program("vfork"), "child")
    equal(status, 3, f"the status of a program of the host's ({err.strip()})")
    unchanged(before, "after the run")


@test(needs=("nstrace",))
def plan_of_what_a_trace_shows(box):
    status, plan, err = box.run(box.nstrace, "lab", "plan", "--traced")
    equal(status, 0, f"the status ({err})")
    calls = {line.split("(")[0].strip() for line in plan.splitlines() if line.startswith("  ")}
    check({"clone", "unshare", "mount", "pivot_root", "execve"} <= calls, f"of calls that a trace shows only {calls}")
    equal(calls & {"openat", "read", "write", "close", "# A step that fails is told here; and what is to be done stands there."},
          set(), "calls that it does not show")


@test(needs=("nstrace",))
def without_a_trace_nothing_is_asked_of_it(box):
    """An option that only a trace can heed is refused: a check above all must not pass unseen."""
    expect = box.source / "examples" / "lab.expect"
    for option in (("--check", expect), ("-o", "a.jsonl"), ("--strict",), ("--junit", "a.xml"), ("-e", "trace=all"), ("-q",)):
        status, out, err = box.run(box.nstrace, "lab", "run", "--no-trace", "--fault", "no-umount", *option)
        check(status != 0 and out == "" and "--no-trace makes none; leave one of the two out" in err,
              f"with {option[0]}: {status}, {out + err}")


@test(needs=("nstrace", "root", "setpriv"))
def who_cannot_trace_is_told_how_to_go_without(box):
    box.temp.chmod(0o755)
    shutil.copy(box.nstrace, box.temp / "tool")
    status, out, err = box.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "./tool", "lab", "run")
    check(status == 125 and "or run it without a trace: --no-trace" in err, f"{status}: {err}")


@test()
def run_is_traced_from_the_first_instruction(box):
    before = host_state()
    status, out, err = box.run(box.nstrace, "lab", "run", "-o", "lab.jsonl", "-o", "lab.svg")
    equal(status, 0, f"the status ({err.strip()[-400:]})")
    trace = Trace(box.temp / "lab.jsonl").whole()
    steps = [(e["call"], arguments(e)[0] if e["args"] else None) for e in trace.events
             if e.get("result") == 0 and e.get("call") in ("unshare", "pivot_root", "sethostname", "umount2", "chroot")]
    names = [s[0] for s in steps]
    for name in "unshare", "pivot_root", "sethostname":
        check(name in names, f"there is no {name}; only {steps}")
    check(names.index("unshare") < names.index("pivot_root"), "unshare stands after pivot_root")
    host = trace.header["host"]
    last = trace.of("exec")[-1]
    for kind in "mnt", "pid", "uts", "ipc", "net":
        check(last["ns"][kind] != host[kind], f"the container's last exec is in the host's {kind} namespace")
    equal(last["tids"][-1], 1, "the container's pid inside")
    check("<svg" in (box.temp / "lab.svg").read_text(), "lab.svg is no SVG")
    unchanged(before, "after the run")


@test()
def same_trace_every_time(box):
    """The mini runtime makes the same calls in the same order each time."""
    seen = []
    for i in range(3):
        status, _, err = box.run(box.nstrace, "lab", "run", "-o", f"{i}.jsonl")
        equal(status, 0, f"the status ({err.strip()[-400:]})")
        seen.append([(e["type"], e.get("call"), e["comm"]) for e in Trace(box.temp / f"{i}.jsonl").whole().events
                     if e["type"] != "exit"])
    equal(sorted(map(str, seen[0])), sorted(map(str, seen[1])), "the events of two runs")
    equal(sorted(map(str, seen[0])), sorted(map(str, seen[2])), "the events of two runs")


@test()
def interrupted_it_leaves_nothing(box):
    before = host_state()
    for number in signal.SIGINT, signal.SIGTERM:
        process = box.start(box.nstrace, "lab", "run", "-o", "lab.jsonl", "--", "sleep", "30",
                            start_new_session=True)
        deadline = time.monotonic() + 20
        while not in_container("sleep", "30"):
            check(process.poll() is None, f"the lab ended by itself: {process.returncode}")
            check(time.monotonic() < deadline, "the container's command did not start")
            time.sleep(0.02)
        process.send_signal(number)
        process.communicate(timeout=10)
        unchanged(before, f"after signal {number}")
