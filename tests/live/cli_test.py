# SPDX-License-Identifier: MIT
"""Bad input gets one clear sentence and the documented status; files appear as the design says."""
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import time

from harness import PATIENCE, Trace, arguments, check, equal, said, test


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
def what_the_near_ring_has_no_room_for_keeps_its_order(box):
    """nstrace is stopped: the near ring overflows into the large one, and later ones go to the near one again."""
    spawn = f"{box.program('spawn')} 200 {box.program('true')}"  # 240 in all, each with 4 KiB of environment: twice the near ring
    trace, _ = box.record("env", "BIG=" + "x" * 4096, "sh", "-c", f"kill -STOP $PPID; {spawn}; kill -CONT $PPID; {spawn}", timeout=120)
    execs = [e for e in trace.of("exec") if e["argv"] == ["spawned"]]
    equal(len(execs), 480, "execs")
    check(all(arguments(e)[1] == ["spawned"] and "BIG" in e["env"] and e["fds"] and e["cwd"] for e in execs), "an exec is not whole")
    born = {e["child"]["tgid"]: e["n"] for e in trace.forks()}
    check(all(born[e["tgid"]] < e["n"] for e in execs), "an exec stands before its process's creation")
    equal((trace.footer["lost"], trace.of("lost")), (0, []), "lost")


@test()
def the_reader_is_woken_by_what_waits(box):
    """Twice the buffer comes together in the tenth of a second after which nstrace looks by itself."""
    trace, _ = box.record("env", "BIG=" + "x" * 32768, "sh", "-c", f"{box.program('spawn')} 100 {box.program('true')}",
                          options=("--buffer=1M", "--wake-up=64K"))
    spawned = [e for e in trace.of("exec") if e["argv"] == ["spawned"]]
    equal((len(spawned), trace.footer["lost"]), (120, 0), "execs and lost")


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


def until(condition, what):
    """Waits for what another process does."""
    deadline = time.monotonic() + 20 * PATIENCE
    while not condition():
        check(time.monotonic() < deadline, "in vain was waited for " + what)
        time.sleep(0.02)


@test()
def the_first_ctrl_c_is_commands_and_its_end_is_waited_for(box):
    """Longer than any grace; nstrace says what it waits for."""
    path = box.temp / "t.jsonl"
    tracer = box.start(box.nstrace, "-q", "-o", path, "--", "sh", "-c",
                       "trap 'sleep 3.5; exit 5' INT; echo ready; while :; do sleep 0.05; done", stdin=subprocess.DEVNULL)
    equal(tracer.stdout.readline(), "ready\n", "what COMMAND said")
    tracer.send_signal(signal.SIGINT)
    out, err = tracer.communicate(timeout=20 * PATIENCE)
    equal(tracer.returncode, 5, f"the status ({err[-300:]})")
    check(re.search(r"nstrace: waiting for COMMAND \(pid \d+\) to end; a second Ctrl-C ends", err), "it said: " + err[-500:])
    trace = Trace(path).whole()
    equal((trace.footer["end"], trace.footer["status"], trace.end(trace.root())), ("interrupt", 5, (5, 0)), "the end")


@test()
def the_second_ctrl_c_ends_at_once_and_says_who_still_runs(box):
    path = box.temp / "t.jsonl"
    tracer = box.start(box.nstrace, "-q", "-o", path, "--", "sh", "-c", "trap '' INT; echo ready; exec sleep 100",
                       stdin=subprocess.DEVNULL)
    equal(tracer.stdout.readline(), "ready\n", "what COMMAND said")
    tracer.stdout.close()
    tracer.send_signal(signal.SIGINT)
    time.sleep(0.4)
    check(tracer.poll() is None, "the first Ctrl-C has ended nstrace")
    tracer.send_signal(signal.SIGINT)
    tracer.wait(timeout=20 * PATIENCE)
    # COMMAND holds the other end: what nstrace said is read up to its last sentence
    err = ""
    while "still runs" not in err:
        line = tracer.stderr.readline()
        check(line, "nstrace does not say that COMMAND still runs: " + err[-500:])
        err += line
    pid = int(re.search(r"COMMAND \(pid (\d+)\) still runs", err)[1])
    equal(pid, Trace(path).whole().root(), "the pid of COMMAND")
    os.kill(pid, signal.SIGKILL)
    equal((tracer.returncode, Trace(path).footer["status"]), (130, 130), "the status")


@test()
def ctrl_c_while_lingering_ends_at_once(box):
    path = box.temp / "t.jsonl"
    tracer = box.start(box.nstrace, "--linger=60000", "-o", path, "--", "sh", "-c", "exit 4", stdin=subprocess.DEVNULL)
    until(lambda: path.exists() and '"type":"exit"' in path.read_text(), "the end of COMMAND")
    time.sleep(0.2)
    check(tracer.poll() is None, "nstrace does not linger")
    tracer.send_signal(signal.SIGINT)
    equal(tracer.wait(timeout=10 * PATIENCE), 4, "the status")
    Trace(path).whole()


@test()
def timeout_signals_twice_and_means_one(box):
    """timeout(1) signals its child, and then the whole group."""
    path = box.temp / "t.jsonl"
    box.run("timeout", str(2 * PATIENCE), box.nstrace, "-q", "-o", path, "--", "sh", "-c", "trap 'sleep 0.3; exit 5' TERM; while :; do sleep 0.05; done")
    trace = Trace(path).whole()
    equal(trace.end(trace.root()), (5, 0), "the end of COMMAND")


def shell(box, line, **variables):
    """A line of bash with $N for nstrace; returns (status, stdout, stderr)."""
    return box.run("bash", "-o", "pipefail", "-c", line, env=dict(os.environ, N=str(box.nstrace), **variables))


@test()
def nobody_to_tell_is_no_crash(box):
    """stderr closed, full, or a pipe that nobody reads."""
    for line, expected in (("$N -o t.jsonl -- sh -c 'exit 9' 2>&-", 9), ("$N -- true 2>&-", 0), ("$N -- true 2>/dev/full", 125),
                           ("$N show nosuch 2>/dev/full", 2), ("$N show nosuch 2>&-", 2), ("$N --follow nosuch 2>/dev/full", 125),
                           ("$N --no-such 2>&-", 125)):
        equal(shell(box, line)[0], expected, "the status of " + line)
    Trace(box.temp / "t.jsonl").whole()
    equal(shell(box, "$N --version >&-")[0], 125, "the status of --version to a closed stdout")


@test()
def a_pipe_that_closes_ends_the_lines_alone(box):
    """The recording and COMMAND go on, also where there is nothing else to write to."""
    script = "sleep 0.2; for i in 1 2 3; do /bin/true; sleep 1.2; done; touch ended; exit 9"
    for option in "-o t.jsonl", "":
        status, out, err = shell(box, f"$N {option} -- sh -c '{script}' 2>&1 | head -1")
        equal(status, 9, f"the status with {option} ({err})")
        equal(len(out.splitlines()), 1, "lines")
        check((box.temp / "ended").exists(), "COMMAND did not come to its end")
        (box.temp / "ended").unlink()
    trace = Trace(box.temp / "t.jsonl").whole()
    equal((trace.footer["status"], len(trace.of("exec"))), (9, 9), "status and execs in the trace")


@test()
def a_full_disk_ends_one_output_alone(box):
    small = box.temp / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], check=True)
    try:
        script = "for i in $(seq 40); do /bin/true $0; done; sleep 0.4; /bin/true; touch ended; exit 9"
        status, out, err = box.run(box.nstrace, "-o", "small/full.jsonl", "-o", "t.jsonl", "--", "sh", "-c", script, "x" * 4000)
    finally:
        subprocess.run(["umount", small], check=True)
    equal(status, 125, "the status")
    check("cannot write small/full.jsonl: No space left on device; the rest goes on without it" in err, "it said: " + err[-500:])
    check((box.temp / "ended").exists(), "COMMAND did not come to its end")
    trace = Trace(box.temp / "t.jsonl").whole()
    equal((trace.footer["end"], trace.footer["status"]), ("command", 9), "the end in the other file")
    (box.temp / "ended").unlink()
    refused(box, 125, ["cannot write /dev/full: No space left on device; COMMAND was not started"], "-o", "jsonl:/dev/full", "--",
            "touch", "ended")
    check(not (box.temp / "ended").exists(), "COMMAND was started")


@test()
def a_trace_shows_all_but_the_last_moment_after_kill_9(box):
    for name in "t.jsonl", "t.jsonl.zst":
        tracer = box.start(box.nstrace, "-q", "-o", name, "--", "sh", "-c", "/bin/true; echo ready; exec /bin/sleep 100",
                           stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        equal(tracer.stdout.readline(), "ready\n", "what COMMAND said")
        time.sleep(1 * PATIENCE)
        tracer.kill()
        tracer.wait()
        status, out, err = box.run(box.nstrace, "show", "-qq", name)
        equal(status, 0, f"the status of show {name} ({err})")
        equal(out.count("execve("), 3, f"execs in {name}")
        os.kill(int(re.search(r"pid (\d+)", out)[1]), signal.SIGKILL)


@test(needs=("nstrace",))
def the_commands_word_is_found_among_options(box):
    """Of whichever command they are; a value is no word."""
    log = box.temp / "a.log"
    log.write_text('10 execve("/bin/sh", ["sh"], 0x1 /* 2 vars */) = 0\n10 +++ exited with 3 +++\n')
    for words in ("-q", "lab", "plan", "--fault", "no-umount"), ("--fault", "no-umount", "lab", "plan", "-q"):
        refused(box, 125, ["-q", "nstrace lab plan --help"], *words)
    for words in ("--brief", "explain", log), ("--format", "text", "explain", log), ("-qqs", "9", "show", log), ("-qqo", "show", "show", log):
        equal(box.run(box.nstrace, *words)[0], 0, f"the status of {words}")
    check("execve" in (box.temp / "show").read_text(), "-o show: its value is taken for the word")
    refused(box, 125, ["nothing named show is running"], "--follow", "show")
    refused(box, 125, ["there is no command foo", "nstrace -- foo"], "-e", "show", "foo")


@test()
def a_missing_interpreter_is_named(box):
    script, outer = box.temp / "bi.sh", box.temp / "outer.sh"
    script.write_text("#!/no/such/sh -x\n")
    outer.write_text(f"#! {script}\n")
    loader = box.temp / "loader"
    data = pathlib.Path("/bin/true").read_bytes()
    at = data.index(b"/ld-linux")
    loader.write_bytes(data[:at + 1] + b"xx" + data[at + 3:])
    for path in script, outer, loader:
        path.chmod(0o755)
    refused(box, 126, ["cannot start ./bi.sh: its interpreter /no/such/sh does not exist"], "--", "./bi.sh")
    refused(box, 126, ["cannot start ./outer.sh: its interpreter /no/such/sh does not exist"], "--", "./outer.sh")
    refused(box, 126, ["cannot start ./loader: its dynamic loader /", "/xx-linux", "does not exist"], "--", "./loader")


@test(needs=("nstrace",))
def an_unknown_format_in_front_is_refused(box):
    refused(box, 125, ["there is no format pgn; write png:", "-o ./pgn:run"], "-o", "pgn:run", "--", "true")
    refused(box, 125, ["there is no format zzzzz; write one of jsonl:"], "-o", "zzzzz:run", "--", "true")
    check(not list(box.temp.glob("*:run")), "a file was made")
    log = box.temp / "a.log"
    log.write_text("10 +++ exited with 3 +++\n")
    equal(box.run(box.nstrace, "import", log, "-o", "txt:x", "-o", "./pgn:run")[0], 0, "the status")
    check((box.temp / "pgn:run").exists(), "-o ./pgn:run writes no such file")


@test(needs=("nstrace",))
def a_full_stdout_is_said(box):
    log = box.temp / "a.log"
    log.write_text('10 execve("/bin/sh", ["sh"], 0x1 /* 2 vars */) = 0\n10 +++ exited with 3 +++\n')
    for words in ("doctor", "--version", "--help", "lab plan", "lab faults", "lab --help", "-e help", "--follow help", "show --help",
                  "show a.log", "show --tree a.log", "show --summary a.log", "explain a.log", "import a.log", "expect a.log",
                  "diff a.log a.log"):
        status, out, err = shell(box, f"$N {words} >/dev/full")
        check(status in (2, 125), f"the status of {words}: {status}")
        equal(err, "nstrace: cannot write stdout: No space left on device\n", f"what {words} says")


@test(needs=("nstrace",))
def help_is_for_people(box):
    """Broken at words to the width, and no raw text of the parser's."""
    for words in ("--help",), ("lab", "run", "--help"), ("lab", "--help"), ("show", "--help"), ("doctor",), ("draw", "--help"):
        status, out, err = box.run(box.nstrace, *words)
        check(all(len(line) <= 80 for line in out.splitlines()), f"{words}: " + max(out.splitlines(), key=len))
        check("{false}" not in out and "INT" not in out and ":{" not in out, f"{words} shows raw types")
    out = box.run(box.nstrace, "--help")[1]
    check("--no-fold " in out and "--linger MS" in out and "--backend auto|raw|fentry" in out, "options: " + out)


@test(needs=("nstrace",))
def a_pid_that_the_trace_has_not_is_said(box):
    log = box.temp / "a.log"
    log.write_text('10 execve("/bin/sh", ["sh"], 0x1 /* 2 vars */) = 0\n10 +++ exited with 3 +++\n')
    status, out, err = box.run(box.nstrace, "show", "-q", log, "-p", "5")
    equal((status, out, err), (2, "", "nstrace: the trace has nothing that pid 5 did\n"), "show -p 5")
    status, out, err = box.run(box.nstrace, "show", "-q", log, "-p", "5,10")
    equal((status, len(out.splitlines()), err), (0, 2, "nstrace: the trace has nothing that pid 5 did\n"), "show -p 5,10")
