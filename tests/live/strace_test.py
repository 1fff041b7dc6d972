# SPDX-License-Identifier: MIT
"""The same programs under strace and under nstrace: each process makes the same calls with the same arguments and results.

Play one by hand: sudo tests/live/strace_diff.py -- COMMAND
"""
import os

import strace_diff
from harness import check, test
from runtimes import Bundle, Podman, without_unified

NEEDS = ("nstrace", "root", "bpf", "strace")

# Not compared: what floods, and what goes on until it is told to stop.
LEFT_OUT = {"fork_storm", "argv_1mib", "waits_then_forks", "clock"}

SCRIPT = r"""
ls /nonexistent 2>/dev/null | cat
(cd /tmp && exec true)
unshare --mount --uts --ipc --pid --net --fork sh -c 'hostname inside; mount -t tmpfs none /mnt; umount /mnt; id -u'
unshare --user --map-root-user chroot / true
for i in 1 2 3; do sh -c "exit $i"; done
kill -TERM $$
"""


def same(box, *command, cwd=None, attempts=2):
    """A difference must show twice: what depends on timing does not."""
    found = None
    for _ in range(attempts):
        again, _ = strace_diff.compare(*strace_diff.run_both(str(box.nstrace), [str(c) for c in command], cwd=cwd))
        found = again if found is None else [line for line in found if line in again]
        if not found:
            return
    check(False, f"{len(found)} differences: " + " ## ".join(found[:8]))


@test(needs=NEEDS)
def tiny_programs(box):
    lacking = []
    for path in sorted(box.programs.iterdir()):
        if path.name in LEFT_OUT or not os.access(path, os.X_OK):
            continue
        try:
            same(box, path, cwd=box.temp)
        except AssertionError as error:
            lacking.append(f"{path.name}: {error}")
    check(not lacking, " ### ".join(lacking))


@test(needs=NEEDS)
def shell_script(box):
    same(box, "sh", "-c", SCRIPT)


@test(needs=NEEDS)
def mini_runtime(box):
    same(box, box.nstrace, "lab", "run", "--no-trace")


@test(needs=NEEDS + ("runc", "busybox"))
def runc_run(box):
    same(box, *Bundle(box.temp / "bundle", ["true"]).run("runc", f"nstrace-diff-{os.getpid()}"))


@test(needs=NEEDS + ("runc", "crun", "busybox"))
def crun_run(box):
    same(box, *without_unified(*Bundle(box.temp / "bundle", ["true"]).run("crun", f"nstrace-diff-{os.getpid()}")))


@test(needs=NEEDS + ("podman", "crun", "busybox"))
def podman_run(box):
    with Podman(box.temp / "podman") as podman:
        same(box, *without_unified(*podman.run("--rm", "localhost/busybox", "true")))
