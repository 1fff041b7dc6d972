# SPDX-License-Identifier: MIT
"""The main job on a real Docker: what docker run and docker exec do, against what they must do and what strace shows.

Play it by hand: python3 tests/live/run.py --group docker
"""
import os
import re
import signal
import subprocess

from dockerd import Dockerd
from harness import Skip, Trace, arguments, check, equal, test
from runtimes import newest_runc, newest_strace
from strace_scene import FLAGS, Strace, missing, parsed

NEEDS = ("nstrace", "root", "bpf", "dockerd", "containerd", "docker", "busybox")
NEW = ("mnt", "uts", "ipc", "pid", "net")  # what runc makes anew by default; cgroup only on cgroup v2


def traced(box, name, targets, *command):
    """nstrace --follow TARGETS -- COMMAND; returns the trace, whole, the printed lines and COMMAND's output."""
    path, text = box.temp / (name + ".jsonl"), box.temp / (name + ".txt")
    flags = [word for target in targets for word in ("--follow", target)]
    status, out, err = box.run(box.nstrace, *flags, "-o", path, "-o", text, "--", *command)
    equal(status, 0, f"the status of docker ({err.strip()[-1000:]})")
    return Trace(path).whole(), text.read_text().splitlines(), out


def is_exec(name, *words):
    """Matches an exec of a program by its base name whose argv has these words."""
    return lambda e: e["type"] == "exec" and os.path.basename(e["argv"][0]) == name and \
        all(w in e["argv"] for w in words)


def is_call(name, *args):
    return lambda e: e["type"] == "syscall" and e["call"] == name and e["result"] == 0 and \
        all(str(a) in map(str, arguments(e)) for a in args)


def in_order(trace, steps):
    """Finds the steps in this order; returns the event of each."""
    found, at = {}, 0
    for name, matches in steps:
        event = next((e for e in trace.events[at:] if matches(e)), None)
        check(event is not None, f"there is no {name} after {list(found)}")
        found[name] = event
        at = event["n"]
    return found


def container_start(trace, docker):
    """The steps of docker run, in order."""
    version = docker.docker("version", "--format", "{{.Server.Version}}").stdout
    # Docker 28 hands the network over by itself; up to then runc calls dockerd as a hook.
    hook = [("libnetwork-setkey", is_exec("libnetwork-setkey"))] if int(version.split(".")[0]) < 28 else []
    shims = [
        ("containerd-shim start", is_exec("containerd-shim-runc-v2", "start")),
        ("containerd-shim", lambda e: is_exec("containerd-shim-runc-v2")(e) and "start" not in e["argv"]),
    ]
    return in_order(trace, shims + [
        ("runc create", is_exec("runc", "create")),
        ("runc init", is_exec("runc", "init")),
        ("unshare", lambda e: is_call("unshare")(e) and e["comm"] == "runc:[1:CHILD]" and
            set("CLONE_NEWNS CLONE_NEWUTS CLONE_NEWIPC CLONE_NEWPID CLONE_NEWNET".split()) <=
            set(arguments(e)[0].split("|"))),
        *hook,
        ("pivot_root", lambda e: is_call("pivot_root")(e) and arguments(e) == [".", "."]),
        ("runc start", is_exec("runc", "start")),
        ("sleep", is_exec("sleep", "100")),
    ])


@test(needs=NEEDS)
def run_and_exec(box):
    with Dockerd() as docker:
        containerd = docker.containerd.pid
        trace, lines, out = traced(box, "run", [containerd], *docker.client("run", "-d", "--name", "one", "busybox",
                                                                           "sleep", "100"))
        container = out.strip()
        steps = container_start(trace, docker)

        # Who made whom: from containerd down to the container, by true creators.
        creators = {e["child"]["tgid"]: e for e in trace.forks()}
        sleep, child = steps["sleep"], steps["unshare"]
        equal(creators[sleep["tgid"]]["tgid"], child["tgid"], "the creator of the container's process")
        equal(creators[child["tgid"]]["tgid"], steps["runc init"]["tgid"], "the creator of runc:[1:CHILD]")
        line, pid = [], sleep["tgid"]
        while pid in creators:
            pid = creators[pid]["tgid"]
            line.append(pid)
        check(steps["runc create"]["tgid"] in line, f"the container does not descend from runc create: {line}")
        equal(line[-1], containerd, "the first of the line")

        # Where it lives: in namespaces of its own, as number 1.
        host = trace.header["host"]
        equal([t for t in NEW if sleep["ns"][t] == host[t]], [], "the host's namespaces that the container is in")
        equal({t: sleep["ns"][t] for t in ("user", "time")}, {t: host[t] for t in ("user", "time")}, "user and time")
        equal(sleep["tids"], [sleep["tid"], 1], "the numbers of the container's process")
        equal(steps["pivot_root"]["tgid"], sleep["tgid"], "who calls pivot_root")

        # What strace with the write-up's flags cannot show: clones and mounts.
        mounted = {arguments(e)[2] for e in trace.of("syscall", sleep["tgid"], "mount") if e["result"] == 0}
        check({"proc", "tmpfs", "devpts", "mqueue", "sysfs"} <= mounted, f"only {sorted(map(str, mounted))} mounted")
        check(any(container in a for a in steps["runc create"]["argv"]), "the container's id is cut")

        # docker exec: the shim was there before, found by the name of the daemon.
        trace, lines, out = traced(box, "exec", ["containerd"], *docker.client("exec", "one", "sh", "-c", "echo $$"))
        equal(trace.processes and [p["pid"] for p in trace.processes if p["pid"] in docker.shims()], docker.shims(),
              "the shim among those that existed")
        calls = [e for e in trace.of(call="setns") if e["comm"] == "runc:[1:CHILD]"]
        joined = dict(re.match(r"\d+<(\w+):\[(\d+)\]>$", arguments(e)[0]).groups() for e in calls)
        equal({t: int(joined.get(t, 0)) for t in NEW}, {t: sleep["ns"][t] for t in NEW}, "the namespaces joined")
        check(all(f"<{t}:[{sleep['ns'][t]}]>" in "\n".join(lines) for t in NEW), "a line lacks a setns's target")
        shell = next(e for e in trace.of("exec") if e["argv"][:2] == ["sh", "-c"])
        equal({t: shell["ns"][t] for t in NEW}, {t: sleep["ns"][t] for t in NEW}, "the shell's namespaces")
        equal(out.strip(), str(shell["tids"][-1]), "the shell's number inside")
        check(any(is_call("unshare")(e) and arguments(e)[0] == "0" for e in trace.events), "there is no unshare(0)")


@test(needs=NEEDS)
def ctrl_c_sees_the_containers_end(box):
    """sleep is pid 1 there and ignores SIGINT: docker run, and with it nstrace, go on until it has slept."""
    path = box.temp / "run.jsonl"
    with Dockerd() as docker:
        tracer = box.start(box.nstrace, "-q", "--follow", docker.containerd.pid, "-o", path, "--",
                           *docker.client("run", "--rm", "busybox", "sleep", "5"), stdin=subprocess.DEVNULL)
        docker.until(lambda: path.exists() and '"argv":["sleep","5"]' in path.read_text(), docker.containerd)
        tracer.send_signal(signal.SIGINT)
        out, err = tracer.communicate(timeout=60)
    check("waiting for COMMAND" in err, f"it said: {err[-500:]}")
    trace = Trace(path).whole()
    slept = next(e for e in trace.events if is_exec("sleep", "5")(e))
    equal((trace.end(slept["tgid"]), trace.footer["end"]), ((0, 0), "interrupt"), "the end of sleep and of the trace")
    equal(tracer.returncode, trace.footer["status"], "the status")


@test(needs=NEEDS + ("strace",))
def every_line_of_strace_is_there(box):
    with Dockerd() as docker:
        scenes = [("run", [docker.containerd.pid], ["run", "-d", "busybox", "sleep", "100"]),
                  ("exec", None, ["exec", "one", "sh", "-c", "echo hi"])]
        docker.docker("run", "-d", "--name", "one", "busybox", "sleep", "100")
        for name, targets, command in scenes:
            targets = targets or docker.shims()[:1]
            with Strace(targets) as strace:
                docker.docker(*command)
            if name == "run":
                docker.docker("rm", "-f", docker.docker("ps", "-lq").stdout.strip())
            yardstick = strace.lines()
            trace, lines, _ = traced(box, name, targets, *docker.client(*command))
            lacking = missing(yardstick, lines)
            check(not lacking, f"{len(lacking)} of strace's {len(yardstick)} lines of docker {name} have no counterpart: "
                  + " ## ".join(lacking))
            check(len(yardstick) >= 8, f"strace printed only {len(yardstick)} lines of docker {name}")


@test(needs=NEEDS + ("strace",))
def nstrace_in_straces_place(box):
    """The write-up's two commands with the word strace replaced: at least the same lines, those of %ipc included."""
    with Dockerd() as docker:
        docker.docker("run", "-d", "--name", "one", "busybox", "sleep", "100")
        docker.docker("cp", box.program("ipc"), "one:/ipc")
        scenes = [("run", [docker.containerd.pid], ["run", "-d", "busybox", "sleep", "100"]),
                  ("exec", docker.shims()[:1], ["exec", "one", "/ipc"])]
        for name, pids, command in scenes:
            with Strace(pids) as strace:
                docker.docker(*command)
            text = box.temp / (name + ".txt")
            with open(box.temp / "words", "w") as words:
                tracer = box.start(box.nstrace, *[f for f in FLAGS if f != "-qqq"], "-p", " ".join(map(str, pids)), "-o", text,
                                   stdout=words, stderr=words, stdin=subprocess.DEVNULL)
                docker.until(lambda: "following" in (box.temp / "words").read_text(), docker.containerd)
                docker.docker(*command)
                tracer.send_signal(signal.SIGINT)
                equal(tracer.wait(timeout=60), 0, "nstrace's status on Ctrl-C")
            lacking = missing(strace.lines(), text.read_text().splitlines())
            check(not lacking, f"{len(lacking)} lines of strace of docker {name} have no counterpart: " + " ## ".join(lacking))
            calls = {call[0] for _, call, _ in parsed(strace.lines())}
            expected = {"execve", "unshare", "pivot_root"} if name == "run" else {"execve", "setns", "unshare", "shmget", "msgsnd"}
            check(expected <= calls, f"strace did not show {expected - calls} of docker {name}")


@test(needs=NEEDS + ("strace", "apt-get", "dpkg-deb"))
def newer_runc_behind_docker(box):
    """The write-up's own runtime: a thread of runc leaves the others' folders and enters the container's mounts."""
    runc, version = newest_runc(box.temp / "sid")
    if not runc:
        raise Skip("runc of another Debian suite cannot be had here")
    with Dockerd(runtime=runc) as docker:
        docker.docker("run", "-d", "--name", "one", "busybox", "sleep", "100")
        scenes = [("run", [docker.containerd.pid], ["run", "-d", "busybox", "sleep", "100"]),
                  ("exec", docker.shims()[:1], ["exec", "one", "sh", "-c", "echo hi"])]
        for name, targets, command in scenes:
            with Strace(targets) as strace:
                docker.docker(*command)
            trace, lines, _ = traced(box, name, targets, *docker.client(*command))
            lacking = missing(strace.lines(), lines)
            check(not lacking, f"{len(lacking)} of strace's lines of docker {name} with runc {version} have no counterpart: "
                  + " ## ".join(lacking))
            for whose, text in ("strace", strace.lines()), ("nstrace", lines):
                calls = [(call[0], call[1]) for _, call, _ in parsed(text)]
                if name == "exec":
                    check(("unshare", "0") in calls, f"{whose} shows no unshare(0) of runc {version}")
                    continue
                alone = ("unshare", "CLONE_FS")
                check(alone in calls, f"{whose} shows no unshare(CLONE_FS) of runc {version}: {calls}")
                entered = calls[calls.index(alone):]
                check(("setns", "FD<mnt:[N]>, CLONE_NEWNS") in entered, f"{whose} shows no setns after it: {entered}")
            if name == "run":
                apart = next(e for e in trace.of(call="unshare") if arguments(e)[0] == "CLONE_FS")
                born = [e["child"]["tid"] for e in trace.of("fork") if e["child"]["tgid"] == apart["tgid"]]
                check(len(set(born)) > 1, f"who leaves is not one of several threads: {born}")  # which one, Go decides


@test(needs=NEEDS + ("strace",))
def exec_into_an_older_container(box):
    """strace's recipe, strace -f -p $(pidof containerd), sees nothing of it: the shim is no child of containerd any more."""
    with Dockerd() as docker:
        docker.docker("run", "-d", "--name", "old", "busybox", "sleep", "100")
        command = docker.client("exec", "old", "sh", "-c", "echo hi")
        with Strace([docker.containerd.pid]) as strace:
            docker.docker(*command[3:])
        seen = {call[0] for _, call, _ in parsed(strace.lines())}
        check("setns" not in seen and not any('"sh"' in line for line in strace.lines()), f"strace saw {seen}")
        trace, lines, _ = traced(box, "old", ["containerd"], *command)
        shell = [e for e in trace.of("exec") if e["argv"] == ["sh", "-c", "echo hi"]]
        equal(len(shell), 1, "shells that nstrace saw")
        equal(trace.end(shell[0]["tgid"]), (0, 0), "its end")
        check(len([e for e in trace.of(call="setns") if e["comm"] == "runc:[1:CHILD]"]) >= 5, "nstrace lacks a setns")
        in_order(trace, [("runc exec", is_exec("runc", "exec")), ("runc init", is_exec("runc", "init")),
                         ("setns", is_call("setns")), ("sh", is_exec("sh", "-c"))])


@test(needs=NEEDS + ("apt-get", "dpkg-deb"))
def log_of_the_newest_strace_is_read_whole(box):
    """All calls of docker run and docker exec, as strace logs them."""
    newest = newest_strace(box.temp / "sid")
    if not newest:
        raise Skip("strace of another Debian suite cannot be had here")
    with Dockerd() as docker:
        with Strace([docker.containerd.pid], flags=["-f", "-tt", "-y", "--decode-pids=comm,pidns"], program=newest) as strace:
            docker.docker("run", "-d", "--name", "one", "busybox", "sleep", "100")
            docker.docker("exec", "one", "true")
        status, _, err = box.run(box.nstrace, "import", strace.log.name, "-o", box.temp / "log.jsonl")
        equal((status, err), (0, ""), "the status of import, and its words")
        trace = Trace(box.temp / "log.jsonl")
        equal(trace.footer["lost"], 0, "lines that could not be read")
        runs = [e["argv"] for e in trace.of("exec")]
        for argv in ["sleep", "100"], ["true"], ["runc", "init"]:
            check(argv in runs, f"there is no exec of {argv} among {runs}")


@test(needs=NEEDS)
def twenty_runs_lose_nothing(box):
    """One follower over many containers: each start is whole, each end is there."""
    with Dockerd() as docker:
        follower = box.follow(docker.containerd.pid)
        for _ in range(20):
            docker.docker("run", "--rm", "busybox", "true")
        trace = follower.stop()
        ends = [e for e in trace.of("exec") if e["argv"] == ["true"]]
        equal(len(ends), 20, "containers whose program was seen to start")
        for event in ends:
            equal(trace.end(event["tgid"]), (0, 0), "the end of the container's process")
