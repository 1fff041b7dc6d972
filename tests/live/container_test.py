# SPDX-License-Identifier: MIT
"""nstrace --container and --payload=no, on a real Docker and podman: what is in a container, and whoever enters it.

Play it by hand: python3 tests/live/run.py --group container
"""
import os
import shutil

from dockerd import Dockerd
from harness import Trace, arguments, check, equal, test
from runtimes import Podman, without_unified

DOCKER = ("nstrace", "root", "bpf", "dockerd", "containerd", "docker", "busybox")
PODMAN = ("nstrace", "root", "bpf", "podman", "crun", "conmon", "busybox")
BUSY = "i=0; while [ $i -lt 50 ]; do /bin/true; i=$((i+1)); done; sleep 100"


def execs(trace, *argv):
    return [e for e in trace.of("exec") if e["argv"][:len(argv)] == list(argv)]


def entered_whole(trace, shell, namespaces):
    """The trace tells who entered, how, and what it became."""
    entrant = trace.creation(shell["tgid"])["tgid"] if any(
        e["child"]["tgid"] == shell["tgid"] for e in trace.forks()) else shell["tgid"]
    line = [p for p in trace.processes if p["pid"] == entrant and p.get("followed")]
    check(line, f"process {entrant} entered, but the trace does not tell who it was before")
    equal({t: shell["ns"][t] for t in namespaces}, namespaces, "the namespaces of the program")


@test(needs=DOCKER)
def docker_exec_enters_a_container(box):
    with Dockerd() as docker:
        ids = [docker.docker("run", "-d", "--name", n, "busybox", "sh", "-c", "sleep 1000 & sleep 1000").stdout.strip()
               for n in ("one", "two")]
        init = int(docker.docker("inspect", "-f", "{{.State.Pid}}", "one").stdout)
        inside = {t: os.stat(f"/proc/{init}/ns/{t}").st_ino for t in ("mnt", "uts", "ipc", "pid", "net")}
        for given in "one", ids[0][:12]:
            follower = box.follow(options=("--container", given))
            check(f"container one (docker {ids[0][:12]})" in follower.words.read_text(), follower.words.read_text())
            docker.docker("exec", "two", "true")
            docker.docker("exec", "one", "sh", "-c", "/bin/true; exit 3", check=False)
            trace = follower.stop()
            here = [p for p in trace.processes if p.get("followed")]
            check(init in [p["pid"] for p in here], "the container's first process is not followed")
            equal(sum(p.get("argv") == ["sleep", "1000"] for p in here), 2, "sleeps that were there before")
            shells = execs(trace, "sh", "-c")
            equal(len(shells), 1, "shells that entered")
            entered_whole(trace, shells[0], inside)
            joined = {arguments(e)[0].split("<")[-1].split(":")[0] for e in trace.of(call="setns") if e["result"] == 0}
            check({"uts", "pid", "net", "ipc", "mnt"} <= joined, f"only {joined} were seen to be joined")
            equal(trace.end(shells[0]["tgid"]), (3, 0), "its end")
            equal([e for e in trace.of("exec") if e["tids"][-1:] == [1]], [], "new containers in the trace")
            daemons = {docker.dockerd.pid, docker.containerd.pid, *docker.shims()}
            equal([e["comm"] for e in trace.events if e.get("tgid") in daemons], [], "events of the engine itself")


@test(needs=DOCKER)
def names_of_docker(box):
    with Dockerd() as docker:
        docker.docker("run", "-d", "--name", "webserver", "busybox", "sleep", "1000")
        for given, expected in ("websrver", "near: webserver"), ("nothing-like-it", "there is no running container"):
            status, out, err = box.run(box.nstrace, "--container", given)
            equal((status, out), (125, ""), "status and output")
            check(expected in err, f"it said: {err}")


@test(needs=DOCKER)
def payload_is_left_when_it_has_begun(box):
    with Dockerd() as docker:
        for payload, begun in ("no", 0), ("yes", 50):
            path = box.temp / (payload + ".jsonl")
            status, out, err = box.run(box.nstrace, "--follow", "containerd", f"--payload={payload}", "--linger", "1500", "-o", path,
                                       "--", *docker.client("run", "-d", "busybox", "sh", "-c", BUSY))
            equal(status, 0, f"the status of docker ({err.strip()[-1000:]})")
            trace = Trace(path).whole()
            equal(trace.header.get("payload", True), payload == "yes", "payload in the header")
            shell = execs(trace, "sh", "-c")
            equal(len(shell), 1, "shells")
            made = [e for e in trace.forks() if e["tgid"] == shell[0]["tgid"]]
            check(len(made) >= begun, f"the program made {len(made)} processes, expected {begun}")
            if payload == "no":
                equal([e["type"] for e in trace.of(tgid=shell[0]["tgid"]) if e["n"] > shell[0]["n"] and e["type"] != "namespace"],
                      [], "events of the program")
        docker.docker("run", "-d", "--name", "busy", "busybox", "sh", "-c", BUSY)
        follower = box.follow(options=("--container", "busy", "--payload=no"))
        docker.docker("exec", "busy", "sh", "-c", "/bin/true; /bin/true")
        trace = follower.stop()
        equal(len(execs(trace, "sh", "-c")), 1, "shells that entered")
        equal(execs(trace, "/bin/true"), [], "what they did")


@test(needs=(*DOCKER, "ctr"))
def ctr_exec_enters_a_container_of_containerd(box):
    """A container that containerd runs for itself, as it does for CRI: no docker takes part."""
    root = box.temp / "rootfs"
    (root / "bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in "sh", "sleep", "true":
        (root / "bin" / name).symlink_to("busybox")
    with Dockerd() as docker:
        def ctr(*arguments):
            return box.run("ctr", "--address", docker.folder / "containerd.sock", "--namespace", "fleet", *arguments)

        status, _, err = ctr("run", "--detach", "--rootfs", root, "lone-container", "/bin/sleep", "1000")
        equal(status, 0, f"ctr run ({err.strip()[-1000:]})")
        try:
            for given in "lone-container", "lone-co":
                follower = box.follow(options=("--container", given))
                check("containerd" in follower.words.read_text(), follower.words.read_text())
                status, _, err = ctr("tasks", "exec", "--exec-id", "e-" + given, "lone-container", "/bin/sh", "-c", "/bin/true; exit 3")
                equal(status, 3, f"ctr tasks exec ({err.strip()[-1000:]})")
                trace = follower.stop()
                sleep = [p for p in trace.processes if p.get("followed") and p.get("argv") == ["/bin/sleep", "1000"]]
                equal(len(sleep), 1, "sleeps that are followed")
                shells = execs(trace, "/bin/sh", "-c")
                equal(len(shells), 1, "shells that entered")
                entered_whole(trace, shells[0], {t: sleep[0]["ns"][t] for t in ("mnt", "uts", "ipc", "pid", "net")})
                equal(trace.end(shells[0]["tgid"]), (3, 0), "its end")
        finally:
            ctr("tasks", "kill", "--signal", "KILL", "lone-container")
            ctr("tasks", "delete", "lone-container")
            ctr("containers", "delete", "lone-container")


@test(needs=PODMAN)
def podman_exec_enters_a_container(box):
    with Podman(box.temp / "podman") as podman:
        status, out, err = box.run(*without_unified(*podman.run("-d", "--name", "pod-one", "localhost/busybox", "sleep", "1000")))
        equal(status, 0, f"podman run ({err.strip()[-1000:]})")
        identity = out.strip()
        for given in "pod-one", identity[:8]:
            follower = box.follow(options=("--container", given))
            check(f"container pod-one (podman {identity[:12]})" in follower.words.read_text(), follower.words.read_text())
            status, out, err = box.run(*without_unified(*podman.command("exec", "pod-one", "sh", "-c", "/bin/true; exit 3")))
            equal(status, 3, f"podman exec ({err.strip()[-1000:]})")
            trace = follower.stop()
            check(any(p.get("followed") and p.get("argv") == ["sleep", "1000"] for p in trace.processes), "sleep is not followed")
            shells = execs(trace, "sh", "-c")
            equal(len(shells), 1, "shells that entered")
            sleep = next(p for p in trace.processes if p.get("argv") == ["sleep", "1000"])
            entered_whole(trace, shells[0], {t: sleep["ns"][t] for t in ("mnt", "uts", "ipc", "pid", "net")})
            equal(trace.end(shells[0]["tgid"]), (3, 0), "its end")
