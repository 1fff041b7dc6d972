# SPDX-License-Identifier: MIT
"""nstrace expect on real runtimes: what it writes from one or three runs holds on the next ten.

Play it by hand: python3 tests/live/run.py --group expect
"""
from dockerd import Dockerd
from harness import check, equal, test
from runtimes import Podman, without_unified

NEEDS = ("nstrace", "root", "bpf", "dockerd", "containerd", "docker", "busybox")


def record(box, name, target, *command):
    path = box.temp / (name + ".jsonl")
    status, _, err = box.run(box.nstrace, "--follow", target, "-q", "-o", path, "--", *command)
    equal(status, 0, f"the status of {command} ({err.strip()[-1000:]})")
    return path


def holds_on(box, expectations, traces):
    for trace in traces:
        status, out, err = box.run(box.nstrace, "check", expectations, trace)
        check(status == 0, f"{expectations.name} does not hold on {trace.name}: {(out + err).strip()[-4000:]}\n"
              + expectations.read_text())


def write_and_hold(box, traces):
    """From the first trace, and from the first three; on all of them."""
    for name, sources in ("one", traces[:1]), ("three", traces[:3]):
        path = box.temp / (name + ".expect")
        status, _, err = box.run(box.nstrace, "expect", *sources, "-o", path)
        equal(status, 0, f"the status of nstrace expect ({err.strip()})")
        text = path.read_text()
        check("that did not hold" not in text, "rules were left out:\n" + text)
        check(text.count("\nsequence ") >= 4, "there is little in it:\n" + text)
        holds_on(box, path, traces)


@test(needs=NEEDS)
def docker_run_ten_times(box):
    with Dockerd() as docker:
        traces = [record(box, f"run{i}", docker.containerd.pid, *docker.client("run", "-d", "busybox", "sleep", "100"))
                  for i in range(13)]
        write_and_hold(box, traces)


@test(needs=NEEDS)
def docker_exec_ten_times(box):
    with Dockerd() as docker:
        docker.docker("run", "-d", "--name", "one", "busybox", "sleep", "100")
        traces = [record(box, f"exec{i}", docker.shims()[0], *docker.client("exec", "one", "sh", "-c", "echo hello"))
                  for i in range(13)]
        write_and_hold(box, traces)


@test(needs=("nstrace", "root", "bpf", "podman", "crun", "conmon", "busybox"))
def podman_with_crun_ten_times(box):
    with Podman(box.temp / "podman") as podman:
        traces = []
        for i in range(13):
            path = box.temp / f"run{i}.jsonl"
            command = podman.run("--rm", "localhost/busybox", "sleep", "0.05")
            status, _, err = box.run(*without_unified(box.nstrace, "-q", "-o", path, "--", *command))
            equal(status, 0, f"the status of podman run ({err.strip()[-1000:]})")
            traces.append(path)
        write_and_hold(box, traces)
