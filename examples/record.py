#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records docker run, docker exec, five containers at once, podman run and the mini runtime, and draws them: the files in
this folder. With names (docker, compose, podman, crun, shim, lab), only those; `lab`, of which the README's pictures are,
needs nothing but nstrace.

What would tell about the machine is left out: the boot id, the vendor's suffix of the kernel version, and all but the pid
and comm of ancestors that were not followed. Needs root, docker, podman and build/nstrace (or --build DIR).
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "live")]
from dockerd import PATH, Dockerd  # noqa: E402
from pictures import PICTURES, SCENES, draw  # noqa: E402
from runtimes import Bundle, Podman, without_unified  # noqa: E402
from strace_scene import Strace  # noqa: E402

FOLDER = "/run/demo"
STRACE = "-qqq -e signal=none --decode-pids=comm,pidns -z -e execve,setns,pivot_root,chroot,unshare --decode-fds -f".split()


def impersonal(line):
    piece = json.loads(line)
    if piece["type"] == "header":
        piece["boot_id"] = "00000000-0000-0000-0000-000000000000"
        piece["kernel"] = re.match(r"[\d.]+", piece["kernel"])[0]
    elif piece["type"] == "process" and not piece.get("followed"):
        for field in "exe", "argv", "cgroup_path":
            piece.pop(field, None)
        if piece["pid"] == 1:
            piece["comm"] = "init"
    else:
        return line
    return json.dumps(piece, separators=(",", ":"), ensure_ascii=False)


def finish(recording):
    """Only followed processes keep what tells about them; everybody may read it."""
    text = recording.read_text()
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        if len(path := line.split(":", 2)[2]) > 1:
            text = text.replace(path, "/session")
    recording.write_text("".join(impersonal(line) + "\n" for line in text.splitlines()))
    recording.chmod(0o644)


def record(nstrace, name, *options, wrap=lambda *words: words):
    """nstrace OPTIONS to examples/NAME.jsonl."""
    recording = HERE / (name + ".jsonl")
    recording.unlink(missing_ok=True)
    command, rest = options[0], options[1:]
    words = [nstrace, *(["lab", command] if command in ("run", "userns") else []), "-q", "-o", recording,
             *([command] if command not in ("run", "userns") else []), *rest]
    env = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}
    subprocess.run([str(w) for w in wrap(*words)], check=True, env=env, cwd="/", stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    finish(recording)


def docker_scenes(nstrace):
    with Dockerd(FOLDER) as docker:
        os.environ.update(PATH=PATH, DOCKER_HOST=docker.socket)
        run = ["docker", "run", "-d", "busybox", "sleep", "100"]
        record(nstrace, "docker-run", "--follow", "containerd", "--", *run)
        shim = docker.shims()[0]
        container = docker.docker("ps", "-lq").stdout.strip()
        enter = ["docker", "exec", container, "sh", "-c", "echo hello"]
        record(nstrace, "docker-exec", "--follow", "containerd", "--", *enter)
        for name, pid, command in ("docker-run", docker.containerd.pid, run), ("docker-exec", shim, enter):
            with Strace([pid], STRACE) as strace:
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            (HERE / (name + ".strace")).write_text("".join(line + "\n" for line in strace.lines()))


def compose_scenes(nstrace):
    with Dockerd(FOLDER) as docker:
        os.environ.update(PATH=PATH, DOCKER_HOST=docker.socket)
        names = "web", "api", "database", "cache", "worker"
        at_once = " & ".join(f"docker run --rm --name {name} busybox sleep 0.3" for name in names) + " & wait"
        record(nstrace, "compose", "--follow", "containerd", "--", "sh", "-c", at_once)
        packed("compose")


def podman_scenes(nstrace):
    shutil.rmtree(FOLDER, ignore_errors=True)
    with Podman(FOLDER) as podman:
        podman.podman("images")
        for _ in range(2):  # the first one makes folders that the next ones find
            record(nstrace, "podman-run", "--", *podman.run("--rm", "localhost/busybox", "sleep", "0.1"),
                   wrap=without_unified)
    shutil.rmtree(FOLDER, ignore_errors=True)


def packed(name):
    subprocess.run(["zstd", "-q", "-19", "-f", "--rm", HERE / (name + ".jsonl")], check=True)


def crun_scenes(nstrace):
    """With a cgroup namespace, and how crun opens paths."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    bundle = Bundle(FOLDER, ["true"])
    bundle.add_namespace("cgroup")
    for _ in range(2):  # the first one makes folders that the next one finds
        record(nstrace, "crun-run", "-e", "%lifecycle,openat2", "--", *bundle.run("crun", "box"), wrap=without_unified)
    packed("crun-run")
    shutil.rmtree(FOLDER, ignore_errors=True)


def shim_scenes(nstrace):
    """With what a shim binds its sockets to."""
    with Dockerd(FOLDER) as docker:
        os.environ.update(PATH=PATH, DOCKER_HOST=docker.socket)
        record(nstrace, "docker-shim", "-e", "%lifecycle,bind", "--follow", docker.containerd.pid, "--", "docker", "run",
               "--rm", "busybox", "true")
    packed("docker-shim")


def lab_scenes(nstrace):
    record(nstrace, "lab-run", "run")
    record(nstrace, "lab-userns", "userns")
    (HERE / "lab").mkdir(exist_ok=True)
    for scene in SCENES:
        path = HERE / "lab" / (scene + ".jsonl")
        path.unlink(missing_ok=True)
        subprocess.run([nstrace, "lab", scene, "-q", "-o", path], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        finish(path)


def main():
    scenes = {"docker": docker_scenes, "compose": compose_scenes, "podman": podman_scenes, "crun": crun_scenes,
              "shim": shim_scenes, "lab": lab_scenes}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=str(HERE.parent / "build"))
    parser.add_argument("scenes", nargs="*", metavar="docker|compose|podman|crun|shim|lab", help="only these")
    options = parser.parse_args()
    if unknown := set(options.scenes) - set(scenes):
        parser.error("unknown scene " + ", ".join(sorted(unknown)))
    nstrace = pathlib.Path(options.build).resolve() / "nstrace"
    for name in options.scenes or scenes:
        scenes[name](nstrace)
    # the others' pictures stay as they are
    draw(nstrace, HERE, [r for r in PICTURES if any(re.match(name + r"\b", r) for name in options.scenes or scenes)])


if __name__ == "__main__":
    main()
