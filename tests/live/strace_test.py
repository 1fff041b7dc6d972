# SPDX-License-Identifier: MIT
"""The same programs under strace and under nstrace: each process makes the same calls with the same arguments and results.

Play one by hand: sudo tests/live/strace_diff.py -- COMMAND
"""
import os
import re
import shutil

import strace_diff
from harness import Skip, Trace, check, equal, test
from runtimes import Bundle, Podman, newest_strace, other_debian, without_unified

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


def same(box, *command, cwd=None, attempts=2, ordered=True, signals="none"):
    """A difference must show twice: what depends on timing does not."""
    found = None
    for _ in range(attempts):
        both = strace_diff.run_both(str(box.nstrace), [str(c) for c in command], cwd=cwd, signals=signals)
        again, _ = strace_diff.compare(*both, ordered=ordered)
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
def signals(box):
    """Delivered, ignored, claimed: with the words that came with them."""
    same(box, box.program("signals"), signals="all")
    same(box, box.program("killed_by_signal"), signals="all")
    # one child at a time: the kernel makes one of two SIGCHLD that are pending together
    same(box, "sh", "-c", SCRIPT.replace(" | cat", ""), signals="SIGCHLD,SIGTERM")


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
        command = without_unified(*podman.run("--rm", "--name", "same", "localhost/busybox", "true"))
        box.run(*command)  # the first one makes what the others find
        same(box, *command, attempts=4, ordered=False)  # podman gives the mounts in another order each time


@test(needs=NEEDS + ("runc", "busybox", "apt-get", "dpkg-deb", "unshare"))
def newer_runc_has_a_helper_thread(box):
    """runc from 1.2 on lets a thread enter the container's mount namespace, which needs an unshare(CLONE_FS) first."""
    root = other_debian(box.temp / "sid", "sid", "runc", "libc6", "libseccomp2")
    if root is None:
        raise Skip("packages of another Debian suite cannot be had here")
    for name in "lib", "lib64", "bin", "sbin":
        if not (root / name).exists():
            (root / name).symlink_to("usr/" + name)
    for name in "proc", "sys", "dev", "run", "bundle":
        (root / name).mkdir(exist_ok=True)
    bundle = Bundle(box.temp / "bundle", ["true"])
    shutil.copytree(bundle.folder, root / "bundle", symlinks=True, dirs_exist_ok=True)
    script = ('mount --bind "$1" "$1"; mount --rbind /proc "$1/proc"; mount --rbind /sys "$1/sys"; '
              'mount --rbind /dev "$1/dev"; exec chroot "$1" /usr/sbin/runc --root /run/runc run --bundle /bundle box')
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(root)]
    theirs, ours = strace_diff.run_both(str(box.nstrace), command)
    wanted = re.compile(r"\b(unshare|setns|pivot_root)\(")
    texts = [[strace_diff.normal(re.sub(r" = (\S+).*", r" = \1", body)) for _, body in strace_diff.joined(lines)
              if wanted.match(body)] for lines in (theirs, ours)]
    equal([re.sub(r"\) += ", ") = ", t) for t in texts[1]], [re.sub(r"\) += ", ") = ", t) for t in texts[0]],
          "unshare, setns and pivot_root")
    check(any(t.startswith("unshare(CLONE_FS)") for t in texts[1]), f"no thread leaves the others' folders: {texts[1]}")
    check(any(re.match(r"setns\(FD<mnt:\[N\]>, CLONE_NEWNS\)", t) for t in texts[1]), f"no thread enters: {texts[1]}")


def imported(box, log):
    """The trace of a log, of which every line could be read."""
    made = box.temp / (os.path.basename(log) + ".jsonl")
    status, _, err = box.run(box.nstrace, "import", log, "-o", made)
    equal((status, err), (0, ""), f"the status of import of {log}, and its words")
    trace = Trace(made)
    equal((trace.footer["lost"], trace.footer["losses"]), (0, []), f"lines of {log} that could not be read")
    return trace


@test(needs=("nstrace", "root", "runc", "crun", "podman", "busybox", "apt-get", "dpkg-deb"))
def logs_of_the_newest_strace_are_read_whole(box):
    strace = newest_strace(box.temp / "sid")
    if not strace:
        raise Skip("strace of another Debian suite cannot be had here")
    bundle = Bundle(box.temp / "bundle", ["true"])
    scenes = {"runc": (["-f"], bundle.run("runc", "one")),
              "runc-decoded": (["-f", "-y", "-v", "-tt", "-T", "--decode-pids=comm,pidns"], bundle.run("runc", "two")),
              "crun-relative": (["-f", "-r", "-yy", "-s", "200"], without_unified(*bundle.run("crun", "three"))),
              "crun-verbose": (["-f", "-t", "-X", "verbose"], without_unified(*bundle.run("crun", "four"))),
              "crun-raw": (["-f", "-ttt", "-X", "raw", "--decode-fds=all"], without_unified(*bundle.run("crun", "five")))}
    with Podman(box.temp / "podman") as podman:
        scenes["podman"] = (["-f", "-tt", "--decode-pids=comm"],
                            without_unified(*podman.run("--rm", "localhost/busybox", "true")))
        for name, (flags, command) in scenes.items():
            log = box.temp / (name + ".log")
            status, _, err = box.run(strace, *flags, "-o", log, "--", *command)
            equal(status, 0, f"the status of {name} under strace, which said {err[-600:]}")
            trace = imported(box, log)
            program = name.split("-")[0]
            runs = [e["argv"] for e in trace.of("exec")]
            check(any(os.path.basename(argv[0]) == program for argv in runs), f"no {program} in its log: {runs}")
            check(runs[-1][0] == "true" or ["true"] in runs, f"no end in true: {runs}")


@test(needs=("nstrace", "root", "runc", "busybox", "apt-get", "dpkg-deb"))
def file_sets_of_the_newest_strace_are_read_whole(box):
    strace = newest_strace(box.temp / "sid")
    if not strace:
        raise Skip("strace of another Debian suite cannot be had here")
    bundle = Bundle(box.temp / "bundle", ["true"])
    for i, times in enumerate(([], ["-ttt"])):
        prefix = box.temp / f"set{i}"
        status, _, err = box.run(strace, "-ff", *times, "-o", prefix, "--", *bundle.run("runc", f"set{i}"))
        equal(status, 0, f"the status of runc under strace, which said {err[-600:]}")
        trace = imported(box, prefix)
        check(["true"] in [e["argv"] for e in trace.of("exec")], "true is not in the trace")
