#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records docker run and docker exec on a Docker of its own, and draws them: the files in this folder.

What would tell about the machine is left out: the boot id, the vendor's suffix of the kernel version, and all but the pid
and comm of ancestors that were not followed. Needs root, docker and build/nstrace (or --build DIR).
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "live"))
from dockerd import PATH, Dockerd  # noqa: E402
from strace_scene import Strace  # noqa: E402

PICTURES = {
    "docker-run": [("tree", ".svg"), ("timeline", "-timeline.svg"), ("namespaces", "-namespaces.svg")],
    "docker-exec": [("tree", ".svg"), ("timeline", "-timeline.svg")],
}
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


def record(nstrace, name, command):
    """nstrace --follow containerd -- COMMAND to examples/NAME.jsonl and .svg."""
    recording = HERE / (name + ".jsonl")
    recording.unlink(missing_ok=True)
    subprocess.run([nstrace, "-q", "--follow", "containerd", "-o", recording, "--", *command], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = recording.read_text().splitlines()
    recording.write_text("".join(impersonal(line) + "\n" for line in lines))
    recording.chmod(0o644)
    for view, ending in PICTURES[name]:
        picture = HERE / (name + ending)
        subprocess.run([nstrace, "draw", recording, "--view", view, "-o", picture], check=True)
        picture.chmod(0o644)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=str(HERE.parent / "build"))
    nstrace = pathlib.Path(parser.parse_args().build).resolve() / "nstrace"
    with Dockerd(FOLDER) as docker:
        os.environ.update(PATH=PATH, DOCKER_HOST=docker.socket)
        run = ["docker", "run", "-d", "busybox", "sleep", "100"]
        record(nstrace, "docker-run", run)
        shim = docker.shims()[0]
        container = docker.docker("ps", "-lq").stdout.strip()
        enter = ["docker", "exec", container, "sh", "-c", "echo hello"]
        record(nstrace, "docker-exec", enter)
        for name, pid, command in ("docker-run", docker.containerd.pid, run), ("docker-exec", shim, enter):
            with Strace([pid], STRACE) as strace:
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            (HERE / (name + ".strace")).write_text("".join(line + "\n" for line in strace.lines()))


if __name__ == "__main__":
    main()
