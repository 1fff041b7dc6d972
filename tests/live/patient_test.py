# SPDX-License-Identifier: MIT
"""The patient behaves as without nstrace, and has no right from it; nstrace itself needs two capabilities."""
import os
import re
import shutil

from harness import Trace, check, equal, said, test
from runtimes import Bundle, without_unified

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


# A process in a new user namespace waits until its parent has had the id maps written, as rootless runtimes do.
MAPPED = """cd "$1"; rm -f go out; mkfifo go; : >out
    unshare -U sh -c 'echo ready; read line; id; cat /proc/self/uid_map /proc/self/gid_map' <go >out & child=$!
    exec 3>go; until grep -q ready out; do sleep 0.02; done
    newuidmap $child 0 65534 1 1 100000 10; newgidmap $child 0 65534 1 1 100000 10; echo >&3; wait $child; cat out"""


@test(needs=("nstrace", "root", "bpf", "unshare", "setpriv", "newuidmap"))
def rootless_with_newuidmap_is_the_same(box):
    folder = box.temp / "folder"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    box.temp.chmod(0o755)
    (box.temp / "sub").write_text("nobody:100000:65536\nnogroup:100000:65536\n")
    # the host's own files stay as they are
    outer = f'mount --bind "{box.temp}/sub" /etc/subuid && mount --bind "{box.temp}/sub" /etc/subgid && exec setpriv ' \
            '--reuid 65534 --regid 65534 --clear-groups sh -c "$0" sh "$1"'
    plain, traced, trace = both(box, "unshare", "--mount", "sh", "-c", outer, MAPPED, folder)
    equal(traced, plain, "what it finds")
    check("uid=0(root)" in plain[1] and re.search(r"1 +N +10", plain[1]), f"newuidmap does not work here: {plain[1]}")
    helper = [e for e in trace.of("exec") if e["argv"][0] == "newuidmap"]
    equal([(e["creds"]["uid"], e["creds"]["euid"]) for e in helper], [(65534, 0)], "the ids of newuidmap, a setuid program")


def runtime_is_the_same(box, command):
    plain, traced, trace = both(box, *command)
    equal(traced, plain, "what the container's program finds")
    check(plain[0] == 0 and "NoNewPrivs" in plain[1], f"it does not work here: {plain}")
    init = [e for e in trace.of("exec") if e.get("tids", [0])[-1] == 1]
    check(init, "the container's program is not in the trace")


@test(needs=("nstrace", "root", "bpf", "runc", "busybox"))
def runc_is_the_same(box):
    bundle = Bundle(box.temp / "bundle", ["sh", "-c", LOOK.replace("ulimit -a; ", "")])
    runtime_is_the_same(box, bundle.run("runc", "nst-patient"))


@test(needs=("nstrace", "root", "bpf", "crun", "busybox"))
def crun_is_the_same(box):
    bundle = Bundle(box.temp / "bundle", ["sh", "-c", LOOK.replace("ulimit -a; ", "")])
    runtime_is_the_same(box, without_unified(*bundle.run("crun", "nst-patient")))


@test(needs=("nstrace", "root", "bpf", "setpriv"))
def supplementary_groups_at_an_exec(box):
    trace, _ = box.record("setpriv", "--groups", "5,70000,6", "true")
    equal(trace.of("exec")[-1]["groups"], [5, 6, 70000], "the groups")
    trace, _ = box.record("setpriv", "--clear-groups", "true")
    equal(trace.of("exec")[-1]["groups"], [], "no groups")
    trace, _ = box.record("setpriv", "--groups", ",".join(map(str, range(1000, 1040))), "true")
    last = trace.of("exec")[-1]
    equal((last["groups"], last["groups_more"]), (list(range(1000, 1032)), 8), "forty groups")
