# SPDX-License-Identifier: MIT
"""nstrace -- PROGRAM for each tiny program of tests/programs: the trace that its first lines promise must come out."""
import os
import re
import signal
import zlib

from harness import Skip, arguments, check, equal, exact, fewer, kernel, test

NEWPID, NEWUTS = 0x20000000, 0x04000000
VM, VFORK, PARENT, PIDFD, THREAD = 0x100, 0x4000, 0x8000, 0x1000, 0x10000


def flags(event):
    return int(event["flags"], 16)


@test()
def fork(box):
    trace, said = box.record(box.program("fork"))
    root, birth = trace.root(), trace.creation(said["child"])
    equal((birth["tgid"], birth["parent_tgid"]), (root, root), "creator and real parent")
    equal(birth["exit_signal"], signal.SIGCHLD, "the exit signal")
    equal(trace.end(said["child"]), (7, 0), "the child's end")
    equal(trace.end(root), (0, 0), "the program's end")
    check(trace.of("exit", said["child"])[0]["n"] < trace.of("exit", root)[0]["n"], "the child ended first")


@test()
def status_of_command_is_passed_on(box):
    box.record(box.program("killed_by_signal"), "9", status=128 + 9)
    trace, _ = box.record(box.program("thread_execs"), "after", status=5)
    equal(trace.footer["status"], 5, "the footer's status")


@test()
def vfork_child_execs_after_its_creation(box):
    trace, said = box.record(box.program("vfork"))
    birth = trace.creation(said["child"])
    equal(flags(birth) & (VM | VFORK), VM | VFORK, "CLONE_VM|CLONE_VFORK in the flags")
    exec_ = trace.one(kind="exec", tgid=said["child"])
    check(birth["n"] < exec_["n"], "the child's exec stands before its creation")
    equal(arguments(exec_)[:2], ["/proc/self/exe", [box.program("vfork"), "child"]], "the exec's arguments")
    equal(trace.end(said["child"]), (3, 0), "the child's end")


@test()
def clone3_into_a_namespace(box):
    trace, said = box.record(box.program("clone3"))
    birth = trace.creation(said["child"])
    equal(birth["call"], "clone3", "the call")
    equal(flags(birth), NEWUTS | PIDFD, "the flags")
    equal(birth["exit_signal"], signal.SIGCHLD, "the exit signal")
    check(birth["child"]["ns"]["uts"] != birth["ns"]["uts"], "the child is in its creator's uts namespace")
    equal(birth["ns"]["uts"], trace.header["host"]["uts"], "the creator's uts namespace")
    name = trace.one(call="sethostname")
    equal((name["tgid"], name["result"], arguments(name)[0]), (said["child"], 0, "clone3-child"), "sethostname")
    equal(name["ns"]["uts"], birth["child"]["ns"]["uts"], "its uts namespace")


@test()
def exec_in_a_thread_keeps_the_process(box):
    trace, said = box.record(box.program("thread_execs"), status=5)
    process, thread = said["process"], said["thread"]
    birth = next(e for e in trace.forks(threads=True) if e["child"]["tid"] == thread)
    check(flags(birth) & THREAD, "CLONE_THREAD is not in the thread's flags")
    exec_ = trace.of("exec", process)[-1]
    equal((exec_["tid"], exec_.get("tid_before")), (process, thread), "tid and tid_before of the exec")
    equal(exec_["argv"], ["thread_execs", "after"], "argv")
    equal(trace.end(process), (5, 0), "the end of the process")
    check(trace.of("exit", process)[-1]["n"] > exec_["n"], "the process ended before its exec")
    equal(len({e["born"] for e in trace.events if e.get("tgid") == process}), 1, "births of the process")


@test()
def pid_reuse_gives_two_processes(box):
    trace, said = box.record(box.program("pid_reuse"))
    births = [e["child"] for e in trace.forks() if e["child"]["tgid"] == said["reused"]]
    check(len(births) == 2, f"pid {said['reused']} was created {len(births)} times, expected twice")
    first, second = (b["born"] for b in births)
    check(first != second, "both processes have the same birth")
    for born, name, code in (first, "first", 1), (second, "second", 2):
        events = [e for e in trace.events if e.get("tgid") == said["reused"] and e["born"] == born]
        equal([e["comm"] for e in events if e["type"] == "comm"], [name], "the comm of the process")
        equal([e["code"] for e in events if e["type"] == "exit"], [code], "the exit of the process")
    nested = [e["child"] for e in trace.forks() if e["child"].get("tids", [0])[1:] == [42]]
    equal(len(nested), 2, "processes with the number 42 in the nested namespace")
    check(nested[0]["tgid"] != nested[1]["tgid"], "they have one host pid")
    equal([trace.end(n["tgid"])[0] for n in nested], [3, 4], "their exits")


@test()
def nested_pid_namespaces_have_a_number_each(box):
    trace, said = box.record(box.program("nested_pidns"))
    numbers = [int(n) for n in said["innermost"].split()]
    equal(numbers[1:], [2, 1], "the numbers that the program itself sees")
    birth = trace.creation(numbers[0])
    equal(birth["child"]["tids"], numbers, "the numbers of the innermost")
    namespaces = {birth["child"]["ns"]["pid"], birth["ns"]["pid"], trace.header["host"]["pid"]}
    equal(len(namespaces), 3, "pid namespaces of the three levels")
    equal([trace.end(t)[0] for t in (numbers[0], birth["tgid"], trace.root())], [9, 8, 0], "the exits")


@test()
def unshare_newpid_moves_only_children(box):
    trace, said = box.record(box.program("unshare_newpid_then_fork"), box.program("true"))
    host = trace.header["host"]["pid"]
    call = trace.one(call="unshare")
    equal((arguments(call), call["result"]), (["CLONE_NEWPID"], 0), "unshare")
    equal(call["ns"]["pid"], host, "the caller's pid namespace")
    prepared = call["ns"].get("pid_for_children")
    check(prepared and prepared != host, "pid_for_children did not change")
    birth = trace.creation(said["child"])
    equal(birth["child"]["tids"], [said["child"], 1], "the child's numbers")
    equal(birth["child"]["ns"]["pid"], prepared, "the child's pid namespace")
    equal(trace.of("exec", said["child"])[-1]["argv"], ["true"], "the child's program")
    failed = [e for e in trace.of("syscall", trace.root()) if e.get("error") == "ENOMEM"]
    equal(len(failed), 1, "failed forks")


@test()
def setns_shows_what_the_descriptor_was(box):
    trace, said = box.record(box.program("setns_by_fd"))
    calls = trace.of(call="setns")
    shown = [(arguments(c)[0].split("<", 1)[-1].rstrip(">"), arguments(c)[1], c["result"]) for c in calls]
    equal(shown, [
        (f"uts:[{said['uts']}]", "CLONE_NEWUTS", 0),
        (f"ipc:[{said['ipc']}]", "0", 0),
        (f"pid:{said['child']}", "CLONE_NEWUTS|CLONE_NEWNET", 0),
        (f"net:[{said['net']}]", "CLONE_NEWUTS", -22),
        ("-1", "0", -9),
    ], "the five setns")
    after = calls[-1]["ns"]
    equal({t: after[t] for t in ("uts", "ipc", "net")}, {t: said[t] for t in ("uts", "ipc", "net")}, "namespaces")
    equal([c.get("error") for c in calls[3:]], ["EINVAL", "EBADF"], "the errors by name")


@test()
def descriptors_in_structures_show_what_they_are(box):
    with open("/proc/self/mounts") as mounts:
        cgroups = [line.split()[1] for line in mounts if line.split()[2] == "cgroup2"][:1]
    for options in ((), ("--no-durations",)):
        trace, said = box.record(box.program("inner_fds"), *cgroups, options=options)
        equal([(c["args"][3]["list"][-1].split("=")[0], c["args"][3].get("target")) for c in trace.of(call="mount_setattr")],
              [("userns_fd", f"user:[{said['user']}]"), ("userns_fd", None)], f"userns_fd with {options}")
        failed = trace.one(kind="syscall", call="clone3")
        equal((failed["args"][0]["target"], failed["result"]), ("/", -9), f"the clone3 that fails with {options}")
        for cgroup in cgroups:
            equal(trace.creation(said["child"])["args"][0]["target"], cgroup, f"the child's cgroup with {options}")


@test()
def failed_execve_shows_path_argv_and_errno(box):
    trace, said = box.record(box.program("failed_execve"), box.program("true"))
    failed = [e for e in trace.of("syscall", trace.root()) if e["call"] == "execve"]
    equal([e["error"] for e in failed], ["ENOENT", "EACCES", "EACCES", "ENOEXEC", "ENOTDIR", "EFAULT"], "the errors")
    names = ["enoent", "eacces", "directory", "enoexec", "enotdir", "efault"]
    equal([arguments(e)[1] for e in failed], [[n, "argument of " + n] for n in names], "argv of each")
    folder = said["folder"]
    equal([arguments(e)[0] for e in failed], [
        folder + "/missing", folder + "/plain", folder, folder + "/garbage", folder + "/plain/below", "0x10<fault>",
    ], "the paths")
    equal(trace.of("exec", trace.root())[-1]["path"], box.program("true"), "the exec that succeeds")


@test()
def argv_of_1_mib_is_whole(box):
    trace, said = box.record(box.program("argv_1mib"))
    exec_ = trace.of("exec")[-1]
    argv = exact(exec_, "argv")
    joined = b"".join(a + b"\0" for a in argv)
    equal(len(argv), said["count"], "elements")
    equal(len(joined), said["bytes"], "bytes")
    equal(zlib.adler32(joined), said["sum"], "the sum over argv")
    check(b"" in argv, "the empty element is missing")
    called = next(a for a in exec_["args"] if a["kind"] == "strings")
    check(not called.get("cut"), "the call's argv is cut")
    equal(len(called["list"]), said["count"], "elements of the call's argv")


@test()
def double_fork_keeps_the_true_creator(box):
    trace, said = box.record(box.program("double_fork"))
    equal(trace.creation(said["middle"])["tgid"], trace.root(), "the middle's creator")
    equal(trace.creation(said["daemon"])["tgid"], said["middle"], "the daemon's creator")
    exec_ = trace.one(kind="exec", tgid=said["daemon"])
    equal(exec_["argv"], ["daemon", "body"], "the daemon's argv")
    check(trace.of("exit", said["middle"])[-1]["n"] < exec_["n"], "the daemon's exec stands before its parent's end")
    equal(trace.end(said["daemon"]), (6, 0), "the daemon's end")


@test()
def subreaper_gets_the_orphan(box):
    trace, said = box.record(box.program("subreaper"))
    equal(trace.creation(said["orphan"])["tgid"], said["middle"], "the orphan's creator")
    last = [e for e in trace.forks() if e["tgid"] == said["orphan"]]
    equal(len(last), 1, "children of the orphan")
    equal([trace.end(t) for t in (last[0]["child"]["tgid"], said["orphan"])], [(4, 0), (3, 0)], "the ends")


@test()
def clone_parent_makes_a_sibling(box):
    trace, said = box.record(box.program("clone_parent"))
    birth = trace.creation(said["sibling"])
    check(flags(birth) & PARENT, "CLONE_PARENT is not in the flags")
    equal((birth["tgid"], birth["parent_tgid"]), (said["stage"], trace.root()), "creator and real parent")
    equal((trace.end(said["stage"]), trace.end(said["sibling"])), ((1, 0), (2, 0)), "the ends")


@test()
def calls_of_32_bits_are_marked_and_mean_what_they_mean(box):
    trace, said = box.record(box.program("int80"))
    if not said["compat"]:
        raise Skip("this kernel takes no 32-bit calls")
    root = trace.root()
    old = [e for e in trace.events if e.get("abi") == "i386"]
    shown = [(e["call"], arguments(e)[:2], e.get("error", e.get("result"))) for e in old if e["tgid"] == root]
    equal(shown, [
        ("unshare", ["CLONE_FS"], 0), ("chdir", ["/"], 0), ("setns", ["-1", "0"], "EBADF"), ("setreuid", ["-1", "-1"], 0),
        ("execve", ["/missing", ["int80", "second argument"]], "ENOENT"),
        ("clone", ["0x0", "SIGCHLD"], said["child"]), ("execve", ["/proc/self/exe", ["int80", "after"]], 0),
    ], "the 32-bit calls")
    equal([(e["call"], arguments(e)) for e in old if e["tgid"] == said["child"]], [("exit_group", ["7"])], "the child's")
    equal([arguments(e) for e in trace.of(call="chdir") if "abi" not in e], [["/"]], "chdir in the usual way")
    equal(trace.of(call="mount"), [], "mounts, which 165 is not")
    status, out, err = box.run(box.nstrace, "show", "-e", "unshare", box.temp / "trace.jsonl")
    check("unshare(CLONE_FS) = 0 /* 32-bit call */" in out, "show prints: " + out)


@test()
def end_by_signal_is_not_an_exit_code(box):
    trace, said = box.record(box.program("killed_by_signal"))
    ends = [trace.end(said[n]) for n in ("killed", "terminated", "faulted")]
    equal(ends, [(0, signal.SIGKILL), (0, signal.SIGTERM), (0, signal.SIGSEGV)], "the ends")


@test()
def signals_are_recorded_when_asked_for(box):
    trace, _ = box.record(box.program("signals"), options=("-e", "signal=all"), status=128 + signal.SIGSEGV)
    got = [(e["tgid"] == trace.root(), e["signal"], e["info"][1]) for e in trace.of("signal")]
    for wanted in [
        (True, signal.SIGURG, "si_code=SI_USER"),  # ignored by default
        (True, signal.SIGPIPE, "si_code=SI_USER"),  # ignored by choice
        (True, signal.SIGCHLD, "si_code=CLD_EXITED"),
        (False, signal.SIGTERM, "si_code=SI_TKILL"),  # ends the child
        (True, signal.SIGALRM, "si_code=SI_KERNEL"),  # of a timer
        (True, signal.SIGUSR1, "si_code=SI_USER"),  # caught
        (True, signal.SIGSEGV, "si_code=SEGV_MAPERR"),  # ends it with a core
    ]:
        check(wanted in got, f"there is no signal {wanted} among {got}")
    equal(got.count((True, signal.SIGURG, "si_code=SI_USER")), 1, "SIGURG")
    trace, _ = box.record(box.program("killed_by_signal"), options=("-e", "signal=SIGKILL"))
    killed = trace.one(kind="signal")
    equal(killed["info"][:3], ["si_signo=SIGKILL", "si_code=SI_USER", f"si_pid={trace.root()}"], "who sent the SIGKILL")
    trace, _ = box.record(box.program("killed_by_signal"))
    equal((trace.of("signal"), "signal" in trace.header["event_types"]), ([], False), "signals that nobody asked for")


@test()
def script_and_its_interpreter(box):
    trace, said = box.record(box.program("script"), status=5)
    exec_ = trace.of("exec")[-1]
    equal(arguments(exec_)[:2], [said["script"], ["called", "argument"]], "the arguments as called")
    equal((exec_["path"], exec_["interpreter"]), (said["script"], said["self"]), "path and interpreter")
    equal(exec_["argv"], [said["self"], "as interpreter", said["script"], "argument"], "the image's argv")


@test()
def refused_by_seccomp_they_are_seen(box):
    trace, _ = box.record(box.program("seccomp_refuses"))
    refused = [(e["call"], e["error"]) for e in trace.events if e.get("error") == "EPERM"]
    equal(refused, [("clone3", "EPERM"), ("execve", "EPERM"), ("setns", "EPERM")], "the calls that were refused")
    equal(arguments(trace.of(call="execve")[-1])[1], ["refused", "argument"], "argv of the refused exec")
    check(re.fullmatch(r"\d+<uts:\[\d+\]>", arguments(trace.of(call="setns")[0])[0]), "setns does not show what its descriptor was")


@test()
def argv_as_called_from_untouched_pages(box):
    trace, said = box.record(box.program("exec_of_literals"))
    exec_ = trace.of("exec", said["child"])[0]
    equal(exec_["argv"], ["/bin/sh", "-e", said["script"], "with this"], "argv of the image")
    seen = kernel() >= (6, 10)
    equal(exec_.get("argv_from_image", False), not seen, "the mark")
    equal(arguments(exec_)[1], ["called", "with this"] if seen else exec_["argv"], "argv as called")


@test()
def strings_in_untouched_pages_are_read(box):
    trace, said = box.record(box.program("unread_strings"))
    mounts = trace.of(call="mount")
    equal(len(mounts), 3, "mounts")
    equal(arguments(mounts[1])[:3], ["unread-source", said["folder"], "tmpfs"], "the mount from untouched pages")
    equal(arguments(mounts[1])[4], "size=64k", "its data")
    equal((arguments(mounts[2])[0], mounts[2]["error"]), ("0x10<fault>", "EFAULT"), "the mount of 0x10")
    failed = [e for e in trace.of("syscall") if e["call"] == "execve"]
    equal(len(failed), 1, "failed execs")
    equal((arguments(failed[0])[0], failed[0]["error"]), ("/unread/program", "ENOENT"), "the failed exec")
    # The kernel refuses before it looks at argv, so its page may still be out: then it must say so.
    argv = arguments(failed[0])[1]
    check(argv == ["unread-argument"] or "<fault>" in str(argv), f"argv of the failed exec is {argv}")


@test()
def empty_strings_are_read_as_such(box):
    trace, _ = box.record(box.program("empty_strings"))
    mount = trace.one(call="mount")
    equal((arguments(mount), mount["error"]), (["", "", "", "0", ""], "ENOENT"), "the mount")
    failed = [e for e in trace.of("syscall") if e["call"] == "execve"]
    equal([(arguments(e)[:2], e["error"]) for e in failed], [(["", ["", ""]], "ENOENT")], "the failed exec")


@test()
def rename_of_self_and_of_another_thread(box):
    trace, said = box.record(box.program("rename"))
    root = trace.root()
    renames = {e["tid"]: (e["comm_before"], e["comm"]) for e in trace.of("comm")}
    equal(renames.get(root), ("rename", "renamed-main"), "the leader's comm")
    equal(renames.get(said["thread"]), ("renamed-main", "renamed-other"), "the thread's comm")
    equal(trace.creation(said["child"])["child"]["comm"], "renamed-main", "the child's comm")


@test()
def hostile_comm_and_argv(box):
    trace, _ = box.record(box.program("comm_hostile"))
    hostile = b"\x1b[31m<b>\"&\n\xff"
    check(hostile in [exact(e, "comm") for e in trace.of("comm")], "the exact bytes of the comm are not in the trace")
    argv = exact(trace.of("exec")[-1], "argv")
    equal(argv[0], b"\x1b]0;title\x07", "argv[0]")
    check(b"\xff\xfe\x80" in argv, "the invalid bytes of argv are not in the trace")
    for ending in "txt", "dot", "svg":
        path = box.temp / ("hostile." + ending)
        status, out, err = box.run(box.nstrace, "draw" if ending != "txt" else "show", box.temp / "trace.jsonl",
                                   "-o", path)
        equal(status, 0, f"the status of {ending} ({err.strip()})")
        text = path.read_bytes()
        for control in b"\x1b", b"\x07", b"\xff":
            check(control not in text, f"the byte {control} is in the .{ending}")
        if ending == "svg":
            check(b"<script>" not in text and b"<b>" not in text, "markup of the traced process is in the .svg")
    status, out, err = box.run(box.nstrace, "-o", box.temp / "again.jsonl", "--", box.program("comm_hostile"))
    for said in out, err:
        check("\x1b" not in said and "\x07" not in said, "a control byte reached the terminal")


@test()
def storm_of_forks_loses_nothing(box):
    trace, said = box.record(box.program("fork_storm"), fewer(3000), "4", box.program("true"), options=("--until-exit",), timeout=120)
    root = trace.root()
    equal(len(trace.forks()), said["forks"], "forks")
    equal(len(trace.of("exec")) - len(trace.of("exec", root)), said["execs"], "execs")
    ends = [e for e in trace.of("exit") if e.get("process")]
    equal(len(ends), said["forks"] + 1, "ends")


# One for each way in which the process tree is not what it seems; what it must look like stands in tests/golden/programs.
# NSTRACE_REWRITE_GOLDENS=1 writes them anew.
TREES = ["fork", "vfork", "clone3", "clone_parent", "double_fork", "subreaper", "pid_reuse", "nested_pidns", "thread_execs",
         "killed_by_signal"]


@test(needs=("nstrace", "root", "bpf", "host"))
def trees_of_the_tiny_programs(box):
    wrong = []
    for name in TREES:
        path = box.temp / (name + ".jsonl")
        box.run(box.nstrace, "-q", "--anonymous", "-o", path, "--", box.program(name))
        status, out, err = box.run(box.nstrace, "show", "--tree", path)
        equal((status, err), (0, ""), f"status and words of show --tree for {name}")
        text = out.split("\n\n")[0].rstrip("\n").replace(str(box.programs) + "/", "") + "\n"  # below is what stands around the tree
        golden = box.source / "tests" / "golden" / "programs" / (name + ".txt")
        if os.environ.get("NSTRACE_REWRITE_GOLDENS"):
            golden.parent.mkdir(exist_ok=True)
            golden.write_text(text)
        if not golden.exists() or golden.read_text() != text:
            wrong.append(f"the tree of {name} is: {text}")
    check(not wrong, " ## ".join(wrong))


@test()
def keyctl_gives_a_description_and_no_secret(box):
    trace, said = box.record(box.program("keys"))
    calls = [arguments(e) for e in trace.of("syscall", call="keyctl")]
    described = [c[2] for c in calls if c[0] == "KEYCTL_DESCRIBE"]
    equal(described[0], said["text"], "the description")
    equal([c[2:] for c in calls if c[0] == "KEYCTL_RESTRICT_KEYRING"], [["nst_type", "nst_text"]], "a restriction")
    for what, text in ("a failed KEYCTL_DESCRIBE", described[1]), *((c[0], c[2]) for c in calls if c[0] in ("KEYCTL_UPDATE", "KEYCTL_READ")):
        check(str(text).startswith("0x"), f"{what} shows {text}")
    check("secret" not in (box.temp / "trace.jsonl").read_text(), "the secret is in the trace")
