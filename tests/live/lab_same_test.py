# SPDX-License-Identifier: MIT
"""The mini runtime's traces are the same every time, byte for byte, once what differs by nature is anonymous."""
import concurrent.futures
import os
import re
import shutil
import subprocess

from harness import PATIENCE, check, equal, fewer, test

SCENES = "run", "exec", "pod", "nested", "hooks", "userns"
WAYS = "runc-1.1", "runc-1.2", "runc-1.3", "crun", "youki", "bwrap"


def trace(box, name, *arguments, cwd=None, env=None):
    path = box.temp / name
    done = subprocess.run([box.nstrace, "lab", *arguments, "--anonymous", "-o", path, "--", "true"],
                          capture_output=True, timeout=60, cwd=cwd or box.temp, env=env, text=True)
    equal(done.returncode, 0, f"the status of {' '.join(arguments)} ({done.stderr.strip()[-400:]})")
    return path.read_bytes()


def same(first, other, what):
    if first == other:
        return
    for number, (a, b) in enumerate(zip(first.splitlines(), other.splitlines()), 1):
        check(a == b, f"{what}: line {number} is {b[:400]!r}, the first time {a[:400]!r}")
    check(False, f"{what}: {len(other.splitlines())} lines, the first time {len(first.splitlines())}")


def again(box, times, at_once, what, *arguments):
    """The mini runtime as often, some of them side by side, against the first."""
    first = trace(box, "first.jsonl", "run")
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        others = pool.map(lambda i: trace(box, f"other{i}.jsonl", "run", *arguments), range(2, times + 1))
        for i, other in enumerate(others, 2):
            same(first, other, f"run {i}{what}")


@test()
def a_hundred_times_the_same(box):
    again(box, 100, 2, "")


@test()
def the_same_under_load(box):
    for _ in range(2 * os.cpu_count()):
        box.start("sh", "-c", "while :; do :; done")
    again(box, fewer(101), 4, ", under load", "--linger", "20")


@test()
def the_same_elsewhere(box):
    """In another directory, with another environment, umask and open descriptors."""
    first = trace(box, "first.jsonl", "run")
    same(first, trace(box, "other.jsonl", "run", cwd="/"), "in /")
    same(first, trace(box, "other.jsonl", "run", env={"LANG": "xx", "A": "b" * 5000}), "with another environment")
    extra = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
    for fd in extra:
        os.set_inheritable(fd, True)
    before = os.umask(0o077)
    try:
        done = subprocess.run([box.nstrace, "lab", "run", "--anonymous", "-o", box.temp / "other.jsonl", "--", "true"],
                              capture_output=True, timeout=60, close_fds=False, cwd=box.temp)
    finally:
        os.umask(before)
        for fd in extra:
            os.close(fd)
    equal(done.returncode, 0, "the status")
    same(first, (box.temp / "other.jsonl").read_bytes(), "with another umask and more descriptors")


@test()
def every_scene_the_same(box):
    for scene in SCENES:
        for more in (), ("--userns",):
            first = trace(box, "first.jsonl", scene, *more)
            for _ in range(3):
                same(first, trace(box, "other.jsonl", scene, *more), " ".join((scene, *more)))


@test()
def every_way_the_same(box):
    for way in WAYS:
        for scene in ("run",) if way == "bwrap" else ("run", "exec"):
            first = trace(box, "first.jsonl", scene, "--like", way)
            for _ in range(3):
                same(first, trace(box, "other.jsonl", scene, "--like", way), f"{scene} --like {way}")


def of_an_ordinary_user(box, name):
    """Root looks on while somebody without any right makes a container."""
    box.temp.chmod(0o755)
    shutil.copy(box.nstrace, box.temp / "tool")
    done = subprocess.run([box.nstrace, "--anonymous", "-o", box.temp / name, "--", "setpriv", "--reuid=65534", "--regid=65534",
                           "--clear-groups", "./tool", "lab", "run", "--no-trace", "--", "true"], cwd=box.temp,
                          env={"PATH": "/usr/bin:/bin"}, capture_output=True, timeout=60 * PATIENCE, text=True)
    equal(done.returncode, 0, f"the status of an ordinary user's container ({done.stderr.strip()[-400:]})")
    return (box.temp / name).read_bytes()


@test(needs=("nstrace", "root", "bpf", "setpriv"))
def as_the_golden(box):
    """One as root, one in a user namespace, one of an ordinary user's, as strace would write them."""
    recorded, _ = box.record(box.program("true"))
    apart = recorded.header["host"]["mnt"] != os.stat("/proc/self/ns/mnt").st_ino
    for name, record in (("root", lambda path: trace(box, path, "run")),
                         ("userns", lambda path: trace(box, path, "run", "--userns")),
                         ("user", lambda path: of_an_ordinary_user(box, path))):
        got = record(f"{name}.txt")
        if apart:  # nstrace itself is not where pid 1 is, so one more mount namespace is seen before the container's
            got = re.sub(rb"mnt:\[(\d+)\]", lambda seen: b"mnt:[%d]" % (int(seen[1]) - 1), got)
        golden = box.source / "tests/golden/lab" / f"trace-{name}.txt"
        if os.environ.get("NSTRACE_REWRITE_GOLDENS"):
            golden.write_bytes(got)
        same(golden.read_bytes(), got, f"{golden.name} (NSTRACE_REWRITE_GOLDENS=1 writes it anew)")
