# SPDX-License-Identifier: MIT
"""nstrace diff on real runtimes: the same runtime twice is no difference, another version and another runtime are told.

Play it by hand: python3 tests/live/run.py --group diff
"""
import os
import shutil

from dockerd import PATH, Dockerd, program
from harness import Skip, check, equal, test
from runtimes import Bundle, Podman, other_debian, without_unified


def record(box, name, *command, wrap=lambda *words: words, options=()):
    path = box.temp / (name + ".jsonl")
    status, _, err = box.run(*wrap(box.nstrace, "-q", *options, "-o", path, "--", *command))
    equal(status, 0, f"the status of {command} ({err.strip()[-1500:]})")
    return path


def no_difference(box, *traces):
    """Each with the one before."""
    for a, b in zip(traces, traces[1:]):
        status, out, err = box.run(box.nstrace, "diff", a, b)
        check(status == 0 and "no difference" in out, f"{a.name} and {b.name} differ: {(out + err)[-4000:]}")


@test()
def lab_twice(box):
    traces = []
    for i in range(3):
        traces.append(box.temp / f"lab{i}.jsonl")
        box.run(box.nstrace, "lab", "run", "-q", "-o", traces[-1])
    no_difference(box, *traces)


@test(needs=("nstrace", "root", "bpf", "runc", "busybox"))
def runc_twice(box):
    bundle = Bundle(box.temp / "bundle")
    no_difference(box, *[record(box, f"runc{i}", *bundle.run("runc", f"box{i}")) for i in range(4)])


@test(needs=("nstrace", "root", "bpf", "crun", "runc", "busybox"))
def crun_twice_and_runc(box):
    """Two runs of crun are the same; runc against crun is told in full, but the container begins alike."""
    bundle = Bundle(box.temp / "bundle")
    crun = [record(box, f"crun{i}", *bundle.run("crun", f"box{i}"), wrap=without_unified) for i in range(3)]
    no_difference(box, *crun)
    runc = record(box, "runc", *bundle.run("runc", "box"), wrap=without_unified)
    status, out, err = box.run(box.nstrace, "diff", "--format", "markdown", runc, crun[0])
    equal(status, 1, f"the status of runc against crun ({err})")
    for words in ("| `runc run -> crun run` |", "| `runc init` (gone) |", "The container's program starts with the same ",
                  "namespaces, "):
        check(words in out, f"the summary lacks {words}: {out[:2000]}")


@test(needs=("nstrace", "root", "bpf", "podman", "crun", "conmon", "busybox"))
def podman_with_crun_twice(box):
    with Podman(box.temp / "podman") as podman:
        traces = [record(box, f"run{i}", *podman.run("--rm", "localhost/busybox", "sleep", "0.05"), wrap=without_unified)
                  for i in range(4)]
        no_difference(box, *traces)


@test(needs=("nstrace", "root", "bpf", "dockerd", "containerd", "docker", "busybox"))
def docker_run_twice(box):
    with Dockerd() as docker:
        client = docker.client("run", "--rm", "busybox", "true")
        traces = [record(box, f"run{i}", *client, options=("--follow", docker.containerd.pid)) for i in range(4)]
        no_difference(box, *traces)


@test(needs=("nstrace", "root", "bpf", "runc", "busybox", "apt-get", "dpkg-deb", "unshare"))
def runc_against_a_newer_runc(box):
    """From another suite, in a root of its own, where the old one runs, too."""
    root = other_debian(box.temp / "sid", "sid", "runc", "libc6", "libseccomp2")
    if root is None:
        raise Skip("packages of another Debian suite cannot be had here")
    for name in "lib", "lib64", "bin", "sbin":
        if not (root / name).exists():
            (root / name).symlink_to("usr/" + name)
    for name in "proc", "sys", "dev", "run", "opt", "bundle":
        (root / name).mkdir(exist_ok=True)
    shutil.copy(shutil.which("runc", path=PATH), root / "opt" / "runc")
    bundle = Bundle(box.temp / "bundle")
    shutil.copytree(bundle.folder, root / "bundle", symlinks=True, dirs_exist_ok=True)
    script = ('mount --bind "$1" "$1"; mount --rbind /proc "$1/proc"; mount --rbind /sys "$1/sys"; '
              'mount --rbind /dev "$1/dev"; shift; exec "$@"')

    def inside(*words):
        return [program("unshare"), "--mount", "sh", "-c", script, "sh", str(root), *map(str, words)]

    def run(name, runc):
        return record(box, name, program("chroot"), root, runc, "--root", "/run/runc", "run", "--bundle", "/bundle", "box",
                      wrap=inside)

    old = [run("old0", "/opt/runc"), run("old1", "/opt/runc")]
    new = [run("new0", "/usr/sbin/runc"), run("new1", "/usr/sbin/runc")]
    no_difference(box, *old)
    no_difference(box, *new)
    status, out, err = box.run(box.nstrace, "diff", "--format", "markdown", old[1], new[1])
    equal(status, 1, f"the status of the old against the new ({err})")
    check("The container's program starts with the same namespaces" in out, "what it starts with differs: " + out[:2000])
    table = [line for line in out.splitlines() if line.startswith("| `")]
    check(2 <= len(table) <= 6, "the table has other processes than runc's: " + out[:2000])
    for line in out.splitlines():
        for noise in ("thread-self", "child_stack", "CLONE_PIDFD", "/opt/runc", "/usr/sbin/runc"):
            check(noise not in line, f"noise: {line}")
    status, out, err = box.run(box.nstrace, "check", box.source / "examples" / "ci" / "runc.expect", new[1])
    equal(status, 0, f"the status of ci/runc.expect on the new runc ({out[-2000:]})")
