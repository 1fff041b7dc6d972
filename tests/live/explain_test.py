# SPDX-License-Identifier: MIT
"""nstrace explain, --explain and show --summary on a real Docker: a fresh docker run, exec and stop.

Play it by hand: python3 tests/live/run.py --group explain
"""
import json
import time

from dockerd import Dockerd
from harness import check, equal, test

NEEDS = ("nstrace", "root", "bpf", "dockerd", "containerd", "docker", "busybox")


def record(box, name, targets, *command):
    path = box.temp / (name + ".jsonl")
    flags = [word for target in targets for word in ("--follow", target)]
    status, _, err = box.run(box.nstrace, "-q", "--explain", *flags, "-o", path, "--", *command)
    equal(status, 0, f"the status of {command} ({err.strip()[-1000:]})")
    return path, err


def story(box, path):
    status, out, err = box.run(box.nstrace, "explain", path, "--format", "json")
    equal(status, 0, f"the status of explain ({err.strip()})")
    return json.loads(out)


def rules(told):
    return [s["rule"] for s in told["steps"]]


@test(needs=NEEDS)
def run_exec_and_stop_of_docker(box):
    with Dockerd() as docker:
        daemon = [docker.containerd.pid]
        path, lines = record(box, "run", daemon, *docker.client("run", "-d", "--name", "one", "busybox", "sleep", "100"))
        told = story(box, path)
        made = next(c for c in told["chapters"] if c["kind"] == "made")
        equal([made["manager"], made["runtime"], made["program"]], ["docker", "runc", "sleep 100"], "what was made")
        equal([made.get("name"), made.get("image")], ["one", "busybox"], "name and image, of docker's files")
        expected = ["shim-start", "shim-daemon", "runtime-create", "stage-1", "unshare-with-pid", "stage-2",
                    "root-propagation", "kernel-file-systems", "pivot-dot", "old-root-away", "capabilities",
                    "create-end", "runtime-start", "program"]
        equal([r for r in expected if r not in rules(told)], [], "steps that are not told")
        numbers = {e["event"] for e in told["steps"]}
        check(len(numbers) == len(told["steps"]), "two steps rest on one event")
        check("# the container's files become its root" in lines, "--explain says nothing of pivot_root")
        for step in told["steps"]:
            check("{" not in step["sentence"] and step["sentence"].endswith("."), f"a bad sentence: {step['sentence']}")
        begin = time.monotonic()
        box.run(box.nstrace, "explain", path)
        took = time.monotonic() - begin
        check(took < 0.5, f"explain took {took:.3f} s")

        status, out, err = box.run(box.nstrace, "show", "--summary", path)
        equal(status, 0, f"the status of show --summary ({err.strip()})")
        check("what the program's begin waited for" in out, "the summary has no chain of waiting:\n" + out)
        check("on CPU" in out and "runc create" in out, "the summary has no processes:\n" + out)

        targets = daemon + docker.shims()
        told = story(box, record(box, "exec", targets, *docker.client("exec", "one", "ls"))[0])
        equal([r for r in ("runtime-exec", "setns-enter", "empty-unshare-exec", "stage-2-joined", "entered-program")
               if r not in rules(told)], [], "steps of exec that are not told")
        equal([r for r in rules(told) if r in ("pivot-dot", "unshare-with-pid", "program")], [], "what exec does not do")

        told = story(box, record(box, "stop", targets, *docker.client("stop", "-t", "0", "one"))[0])
        equal([r for r in ("runtime-kill", "signal", "container-end", "runtime-delete") if r not in rules(told)], [],
              "steps of the end that are not told")
