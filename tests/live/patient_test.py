# SPDX-License-Identifier: MIT
"""The patient behaves as without nstrace, and has no right from it; nstrace itself needs two capabilities."""
import os
import re
import shutil

from harness import Trace, check, equal, said, test

# What a process finds itself to be, and what its calls give; the parts that differ from run to run are left out.
LOOK = ("id; grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|SigIgn|SigBlk|SigCgt)' /proc/self/status; ls /proc/self/fd; pwd; umask; "
        "ulimit -a; cat /proc/self/oom_score_adj; ")


def both(box, *command):
    """Status and output of COMMAND without nstrace, and with it."""
    plain = box.run(*command)
    traced = box.run(box.nstrace, "-q", "-o", box.temp / "t.jsonl", "--", *command)
    clean = lambda text: re.sub(r"\d{4,}", "N", text)  # noqa: E731
    trace = Trace(box.temp / "t.jsonl").whole()
    return (plain[0], clean(plain[1])), (traced[0], clean(traced[1])), trace


@test()
def a_shell_finds_itself_the_same(box):
    plain, traced, _ = both(box, "sh", "-c", LOOK)
    equal(traced, plain, "what it finds")


@test(needs=("nstrace", "root", "bpf", "unshare", "setpriv"))
def an_ordinary_users_namespace_is_the_same(box):
    script = "unshare -Ur sh -c '" + LOOK.replace("'", "'\\''") + "cat /proc/self/uid_map'"
    plain, traced, trace = both(box, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c",
                                "cd /; " + script)
    equal(traced, plain, "what it finds")
    equal(plain[0], 0, "its status")
    check(trace.of(call="unshare"), "the trace has no unshare")


@test(needs=("nstrace", "root", "bpf", "setpriv"))
def a_setuid_program_gets_its_rights(box):
    program = box.temp / "suid"
    shutil.copy(shutil.which("id"), program)
    program.chmod(0o4755)
    box.temp.chmod(0o755)
    plain, traced, trace = both(box, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program)
    equal(traced, plain, "what it finds")
    check("euid=0(root)" in plain[1], f"setuid does not work here: {plain[1]}")
    creds = trace.of("exec")[-1]["creds"]
    equal((creds["uid"], creds["euid"], creds["suid"], creds["fsuid"]), (65534, 0, 0, 0), "its ids in the trace")


@test()
def clone_untraced_is_seen_and_works(box):
    # CLONE_UNTRACED | SIGCHLD, which a ptracer may not follow
    command = ("python3", "-c", "import ctypes, os\nlibc = ctypes.CDLL(None)\n"
               "pid = libc.syscall(56, 0x00800000 | 17, 0, 0, 0, 0)\n"
               "os._exit(7) if pid == 0 else print('status', os.waitpid(pid, 0)[1])")
    if os.uname().machine != "x86_64":
        return
    plain, traced, trace = both(box, *command)
    equal(traced, plain, "what it finds")
    births = [e for e in trace.forks() if int(e["flags"], 16) & 0x00800000]
    equal(len(births), 1, "processes made with CLONE_UNTRACED")
    equal(trace.end(births[0]["child"]["tgid"]), (7, 0), "its end")


@test(needs=("nstrace", "root", "bpf", "setpriv"))
def two_capabilities_are_enough_and_command_gets_none(box):
    nstrace, out = box.temp / "nstrace", box.temp / "out"
    shutil.copy(box.nstrace, nstrace)
    nstrace.chmod(0o755)
    box.temp.chmod(0o755)
    out.mkdir()
    os.chown(out, 65534, 65534)
    status, words, err = box.run(
        "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps", "-all,+bpf,+perfmon",
        "--ambient-caps", "-all,+bpf,+perfmon", nstrace, "-o", out / "t.jsonl", "--", "sh", "-c",
        "grep -E '^Cap(Prm|Eff|Amb)' /proc/self/status | tr ':\\t' '= ' | tr -d ' '")
    equal(status, 0, f"the status ({err[-600:]})")
    trace = Trace(out / "t.jsonl").whole()
    exec_ = trace.of("exec")[0]
    equal(exec_["creds"]["uid"], 65534, "the uid of COMMAND")
    for name in "permitted", "effective", "ambient":
        equal(exec_["caps"][name], "0x0", f"the {name} set of COMMAND")
    for name in "CapPrm", "CapEff", "CapAmb":
        equal(int(str(said(words)[name]), 16), 0, name)
