# SPDX-License-Identifier: MIT
"""--backend: trampolines at the functions of the recorded calls show what the pair of tracepoints shows, or the kernel
refuses them, which is said; and what doctor says of this kernel."""
import re

from harness import Trace, arguments, check, equal, kernel, test

CALLS = "setns,unshare,pidfd_open"


def calls(trace):
    """Each process's calls with their arguments and errors; what differs from run to run left out."""
    order = {}
    lines = []
    for event in trace.events:
        if event["type"] not in ("syscall", "exec", "fork"):
            continue
        who = order.setdefault(event["tgid"], len(order))
        shown = [re.sub(r"(0x[0-9a-f]+|\d+|\.\w{6}\b)", "N", str(a)) for a in arguments(event)] if "args" in event else None
        lines.append((who, event["type"], event.get("call"), str(shown), event.get("error"), "duration" in event))
    return sorted(lines, key=lambda line: line[0])


def refusal(box):
    """What doctor says of trampolines if the kernel refuses them."""
    _, out, _ = box.run(box.nstrace, "doctor")
    return re.search(r"trampolines \(fentry\)\n +refused \((.*?)\)", out)


@test()
def the_trace_says_which(box):
    for options in (), ("--backend", "raw"), ("--backend", "auto"):
        trace, _ = box.record(box.program("fork"), options=options)
        equal(trace.header["backend"], "tp_btf", f"the backend with {options}")


@test()
def fentry_sees_what_the_tracepoints_see_or_is_refused(box):
    refused = refusal(box)
    for program in "setns_by_fd", "int80":
        if refused:
            status, out, err = box.run(box.nstrace, "--backend", "fentry", "--", box.program(program))
            equal((status, out), (125, ""), "status and output")
            check("trampolines" in err and refused[1] in err and "raw tracepoints" in err, f"it said: {err}")
            continue
        raw, _ = box.record(box.program(program), options=("-e", CALLS))
        fentry, _ = box.record(box.program(program), options=("-e", CALLS, "--backend", "fentry"))
        check(fentry.header["backend"] in ("fentry", "fentry.multi"), fentry.header["backend"])
        equal(calls(fentry), calls(raw), f"the calls of {program}")


@test(needs=("nstrace",))
def doctor_says_what_the_kernel_cannot_tell(box):
    status, out, _ = box.run(box.nstrace, "doctor")
    lack = [line for line in out.splitlines() if "unique id" in line and line.startswith("note")]
    equal(lack, [] if kernel() >= (6, 18) else ["note  only mount namespaces have a unique id"], "what is said of ids")
    check(re.search(r"^(ok|note) +trampolines \(fentry\)", out, re.M), "nothing is said of trampolines: " + out)
    check("raw tracepoints with BTF (tp_btf)" in out, "nothing is said of the backend: " + out)


@test()
def without_durations_the_same_calls_are_seen(box):
    preempted = kernel() >= (7, 1)
    for program in "clone3", "failed_execve", "fork", "int80", "killed_by_signal", "setns_by_fd", "thread_execs", "vfork":
        command = [box.program(program), *([box.program("true")] if program == "failed_execve" else [])]
        status = 5 if program == "thread_execs" else 0
        whole, _ = box.record(*command, status=status)
        ends, _ = box.record(*command, options=("--no-durations",), status=status)
        equal((whole.header["durations"], ends.header["durations"]), (True, preempted), "durations in the headers")
        check(any("start" in event for event in whole.events), f"no call of {program} has a begin")
        if not preempted:
            equal([e["n"] for e in ends.events if "start" in e], [], f"begins of {program}'s calls")
        equal(calls(ends), calls(whole), f"the calls of {program}")
        equal([(e["comm"], e["comm_before"]) for e in ends.of("exec")], [(e["comm"], e["comm_before"]) for e in whole.of("exec")], "names")
    status, _, err = box.run(box.nstrace, "--no-durations", "-T", "--", "true")
    equal((status, err.count("--no-durations")), (125, 1), "with -T")
