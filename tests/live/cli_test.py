# SPDX-License-Identifier: MIT
"""Bad input gets one clear sentence and the documented status; files appear as the design says."""
import os
import re
import shutil
import signal
import stat
import subprocess
import time

from harness import PATIENCE, Trace, check, equal, said, test


def refused(box, status, words, *arguments, **options):
    """The command ends with `status` and a sentence on stderr that has each of `words`; nothing crashes."""
    got, out, err = box.run(box.nstrace, *arguments, **options)
    shown = " ".join(str(a) for a in arguments)
    equal(got, status, f"the status of nstrace {shown} ({err.strip()[-300:]})")
    check(err.strip(), f"nstrace {shown} says nothing")
    check(len(err.strip().splitlines()) <= 3, f"nstrace {shown} says more than a sentence: {err[:400]}")
    for word in words:
        check(word in err, f"nstrace {shown} does not say {word!r} but {err.strip()!r}")


@test(needs=("nstrace",))
def version_and_help(box):
    for option in "--version", "--help":
        status, out, err = box.run(box.nstrace, option)
        equal((status, err), (0, ""), f"status and stderr of {option}")
        check("nstrace" in out, f"{option} does not say nstrace")


@test(needs=("nstrace",))
def unknown_option(box):
    refused(box, 125, ["--no-such-option"], "--no-such-option", "--", "true")
    refused(box, 2, ["--no-such-option"], "show", "--no-such-option", "x")


@test(needs=("nstrace",))
def unreadable_traces(box):
    empty, foreign, folder = box.temp / "empty.jsonl", box.temp / "foreign.jsonl", box.temp / "folder"
    empty.write_bytes(b"")
    foreign.write_bytes(b"PK\x03\x04" + bytes(range(256)))
    folder.mkdir()
    for command in (["show"], ["draw", "-o", box.temp / "x.svg"]):
        for path in box.temp / "missing.jsonl", empty, foreign, folder:
            refused(box, 2, [path.name], command[0], path, *command[1:])
        refused(box, 2, [], command[0], "-", *command[1:], stdin=b'{"type":"header","format":"nstrace","version":99}\n')
    check(not (box.temp / "x.svg").exists(), "a picture was written from nothing")


@test()
def no_such_process_or_name(box):
    refused(box, 125, ["4194399"], "--follow", "4194399")
    refused(box, 125, ["no-such-daemon"], "--follow", "no-such-daemon")


@test()
def command_not_found_and_not_executable(box):
    plain = box.temp / "plain"
    plain.write_text("x")
    refused(box, 127, ["no-such-command"], "--", "no-such-command")
    refused(box, 126, ["plain"], "--", plain)


@test()
def outputs_that_cannot_be_written(box):
    refused(box, 125, [".xyz"], "-o", "trace.xyz", "--", "true")
    refused(box, 125, ["no-such-folder"], "-o", "no-such-folder/t.jsonl", "--", "true")


@test()
def truncated_trace_is_read_to_its_last_whole_line(box):
    trace, _ = box.record(box.program("fork"))
    data = (box.temp / "trace.jsonl").read_bytes()
    cut = box.temp / "cut.jsonl"
    cut.write_bytes(data[:-200])
    status, out, err = box.run(box.nstrace, "show", cut)
    equal(status, 0, f"the status ({err.strip()})")
    check("execve" in out, "the lines are not shown")
    check("incomplete" in (out + err).lower(), "nothing says that the trace is incomplete")


@test()
def all_outputs_at_once_and_their_modes(box):
    names = ["a.jsonl", "a.txt", "a.dot", "a.svg"]
    status, out, err = box.run(box.nstrace, *(w for n in names for w in ("-o", n)), "--", box.program("clone3"))
    equal(status, 0, f"the status ({err.strip()})")
    for name in names:
        mode = stat.S_IMODE(os.stat(box.temp / name).st_mode)
        equal(oct(mode), "0o600", f"the mode of {name}")
    Trace(box.temp / "a.jsonl").whole()
    check("clone3" in (box.temp / "a.txt").read_text(), "the lines do not show clone3")
    check((box.temp / "a.dot").read_text().startswith(("digraph", "strict digraph")), "a.dot is no DOT")
    check("<svg" in (box.temp / "a.svg").read_text(), "a.svg is no SVG")
    # From the recording the same comes out.
    for name in "a.txt", "a.dot":
        again = box.temp / ("again." + name.split(".")[1])
        status, out, err = box.run(box.nstrace, "show" if name == "a.txt" else "draw", "a.jsonl", "-o", again)
        equal(status, 0, f"the status for {name} ({err.strip()})")
        equal(again.read_text(), (box.temp / name).read_text(), f"{name} from the recording")


@test()
def not_root_says_the_cure(box):
    def drop():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    box.temp.chmod(0o755)
    nstrace = shutil.copy(box.nstrace, box.temp)  # where another user can reach it
    process = box.start(nstrace, "--", "true", preexec_fn=drop, cwd="/")
    out, err = process.communicate(timeout=20)
    equal(process.returncode, 125, f"the status ({err.strip()})")
    check("sudo" in err or "root" in err, f"the sentence does not name the cure: {err.strip()}")


@test()
def every_option_of_strace(box):
    """Each letter that strace has and nstrace knows, on a shell that fails, succeeds and forks."""
    script = "/bin/true; /nonexistent"

    def lines(*options):
        status, out, err = box.run(box.nstrace, "-q", *options, "-o", "all.txt", "--", "sh", "-c", script)
        equal(status, 127, f"the status with {options} ({err.strip()[-300:]})")
        return (box.temp / "all.txt").read_text().splitlines()

    head = r"\[pid \d+<[^>]*>\] "
    for options, pattern in (
            (("-t",), head + r"\d\d:\d\d:\d\d [a-z+]"), (("-tt",), head + r"\d\d:\d\d:\d\d\.\d{6} "),
            (("-ttt",), head + r"\d{10}\.\d{6} "), (("-r",), head + r" +\d+\.\d{6} "),
            (("-T", "-qq"), r".* <\d+\.\d{6}>$"), (("-s", "4", "-e", "execve"), r'.*(execve\("/[a-z/]+", \["[^"]{2,4}"[,\].]|\+\+\+)'),
            (("-z", "-qq", "-e", "execve"), r".* = 0$"), (("-Z", "-qq"), r".* = -1 "),
            (("-e", "status=failed", "-qq"), r".* = -1 "), (("--status=failed", "-qq"), r".* = -1 "),
            (("-e", "trace=execve", "-qq"), r".*execve\("), (("-e", "%ipc,execve", "-qq"), r".*execve\("),
            (("-e", "!execve", "-qq"), r"(?!.*execve)"), (("--trace=execve", "-qq"), r".*execve\("),
            (("-f", "-y", "--decode-fds", "--decode-pids=comm,pidns", "-e", "signal=none", "-qqq", "-e", "execve"),
             r".*execve\(")):
        got = lines(*options)
        # What fails is left out of a live trace when nothing fails: sh finds out by itself that a path is not there.
        check(got or "-Z" in options or any("failed" in o for o in options), f"{options}: no lines")
        for line in got:
            check(re.match(pattern, line), f"{options}: {line}")
    check(any('"PATH=' in line for line in lines("-v", "-e", "execve")), "-v shows no environment")


@test()
def ff_writes_a_file_for_each_task(box):
    status, out, err = box.run(box.nstrace, "-q", "-ff", "-o", "log", "--", "sh", "-c", "/bin/true; /bin/true")
    equal(status, 0, f"the status ({err.strip()})")
    files = sorted(box.temp.glob("log.*"))
    equal(len(files), 3, "files")
    for path in files:
        lines = path.read_text().splitlines()
        check("execve(" in "".join(lines) and "+++ exited with 0 +++" in lines[-1], f"{path.name}: {lines}")
        check(not any("[pid" in line for line in lines), f"{path.name} says who in front: {lines}")


@test(needs=("nstrace",))
def options_before_the_command_word(box):
    log = box.temp / "a.log"
    log.write_text('10 execve("/bin/sh", ["sh"], 0x1 /* 2 vars */) = 0\n10 +++ exited with 3 +++\n')
    status, out, err = box.run(box.nstrace, "-qq", "show", log)
    equal((status, out), (0, '[pid 10] execve("/bin/sh", ["sh"], 0x1 /* 2 vars */) = 0\n'), "show with options in front")
    log.write_text('10 openat(AT_FDCWD, "/etc", O_RDONLY) = 3\n10 close(3) = 0\n')
    status, out, err = box.run(box.nstrace, "show", "-q", "-e", "openat", log)
    equal((status, out), (0, '[pid 10] openat(AT_FDCWD, "/etc", O_RDONLY) = 3\n'), "a call that nstrace does not record")
    status, out, err = box.run(box.nstrace, "-e", "inject=execve", "--", "true")
    check(status == 125 and "use strace for that" in err, f"-e inject: {status} {err}")


@test()
def environment_by_policy(box):
    env = dict(os.environ, NST_SECRET="hidden", _LIBCONTAINER_NOTE="shown", NSTRACE_PATIENCE="1")
    for policy, secret, note in ("names", "NST_SECRET", "_LIBCONTAINER_NOTE=shown"), ("all", "NST_SECRET=hidden", "_LIBCONTAINER_NOTE=shown"), ("none", None, None):
        path = box.temp / (policy + ".jsonl")
        status, out, err = box.run(box.nstrace, f"--env={policy}", "-o", path, "--", "true", env=env)
        equal(status, 0, f"the status ({err.strip()})")
        trace = Trace(path).whole()
        exec_ = trace.one(kind="exec")
        equal(trace.header["env_policy"], policy, "the policy in the header")
        equal(exec_["env_count"], len(env), "how many there are")
        if policy == "none":
            equal(exec_.get("env", []), [], "the environment")
        else:
            check(secret in exec_["env"] and note in exec_["env"], f"--env={policy} gave {exec_['env']}")
        equal("hidden" in path.read_text(), policy == "all", "whether the value is in the file")


@test()
def a_slow_pipe_stalls_neither_the_patient_nor_the_ring(box):
    """Nobody reads nstrace's lines until the storm is over: it waits in the queue, and nothing is lost."""
    read, write = os.pipe()
    tracer = box.start(box.nstrace, "--threads", "--", box.program("fork_storm"), "2000", "2", box.program("true"),
                       stderr=write, stdin=subprocess.DEVNULL)
    os.close(write)
    storm = said(tracer.stdout.readline() + tracer.stdout.readline())
    equal(storm["execs"], 2000, "the storm's execs")
    check(tracer.poll() is None, "nstrace has ended although nobody has read what it wrote")
    with open(read, encoding="utf-8", errors="replace") as lines:
        text = lines.read()
    equal(tracer.wait(timeout=60 * PATIENCE), 0, "the status")
    equal(text.count(" execve("), 2001, "execs printed")
    check("0 lost" in text.splitlines()[-1], "the last line is " + text.splitlines()[-1])


@test()
def a_pipe_that_nobody_reads_until_the_queue_is_full_delays_no_end(box):
    """Execs of 1 MiB fill the queue behind the lines; COMMAND ends while it is full, and only then are they read."""
    read, write = os.pipe()
    heavy = "import subprocess\nfor _ in range(100): subprocess.run(['/bin/true', *['x' * 100000] * 10])\nprint('ended=1')"
    tracer = box.start(box.nstrace, "--buffer=64M", "--linger=0", "--", "python3", "-c", heavy, stderr=write, stdin=subprocess.DEVNULL)
    os.close(write)
    equal(said(tracer.stdout.readline()), {"ended": 1}, "what COMMAND said")
    time.sleep(0.5 * PATIENCE)
    with open(read, encoding="utf-8", errors="replace") as lines:
        last = [line for line in lines if len(line) < 1000][-1]
    equal(tracer.wait(timeout=60 * PATIENCE), 0, "the status")
    check(" lost" in last or " LOST" in last, "the last line is " + last)


@test()
def what_finds_no_room_is_counted(box):
    """nstrace is stopped in the middle of a storm, with a ring of 64 KiB: events are lost, so many as the footer says."""
    path = box.temp / "small.jsonl"
    tracer = box.start(box.nstrace, "-q", "--strict", "--buffer", "64K", "-o", path, "--", "sh", "-c", 'echo; exec "$0" "$@"',
                       box.program("fork_storm"), "2000", "2", box.program("true"), stdin=subprocess.DEVNULL)
    tracer.stdout.readline()
    time.sleep(0.05)
    tracer.send_signal(signal.SIGSTOP)
    time.sleep(0.3 * PATIENCE)
    tracer.send_signal(signal.SIGCONT)
    said_it, words = tracer.communicate(timeout=60 * PATIENCE)
    equal(tracer.returncode, 3, f"the status with --strict ({words[-300:]})")
    equal(said(said_it)["execs"], 2000, "the storm's execs")
    trace = Trace(path)
    gaps = sum(e["count"] for e in trace.of("lost"))
    check(trace.footer["lost"] > 0, "nothing was lost")
    equal(trace.footer["attempted"] - trace.footer["sent"], trace.footer["lost"], "what found no room, and the footer's lost")
    check(0 < gaps <= trace.footer["lost"], f"{gaps} events are lost at a place, {trace.footer['lost']} in all")
    check(f"{trace.footer['lost']} LOST" in words, "the last line is: " + words[-300:])


@test()
def buffer_and_wake_up_are_sizes(box):
    for option in "--buffer=100K", "--buffer=1K", "--buffer=x", "--wake-up=32M", "--wake-up=-1", "--wake-up=x":
        status, out, err = box.run(box.nstrace, option, "--", "true")
        equal(status, 125, f"the status with {option}")
        check(option.split("=")[0] in err, f"{option}: it said: {err}")
    for option in "--buffer=64K", "--buffer=64M", "--wake-up=0", "--wake-up=16M":
        trace, _ = box.record("true", options=(option,))
        equal(len(trace.of("exec")), 1, f"execs with {option}")
