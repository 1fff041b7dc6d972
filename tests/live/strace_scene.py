# SPDX-License-Identifier: MIT
"""strace as the yardstick: plays a scene under it, and finds each of its lines among nstrace's.

Lines are compared by comm, call, arguments and result after what differs from run to run is replaced: pids, ids of
containers, namespaces' numbers, addresses, descriptors.
"""
import os
import re
import signal
import subprocess
import tempfile
import time

# The flags of "strace -f -p $(pidof containerd)" as people use them, with whole strings instead of 32 bytes.
FLAGS = ["-qqq", "-e", "signal=none", "--decode-pids=comm,pidns", "-z", "-e",
         "%ipc,execve,setns,pivot_root,chroot,unshare", "--decode-fds", "-f", "-s", "100000"]

LINE = re.compile(r"^(?:\[pid +)?\d+<(?P<comm>.*?)>\]? .*?(?P<call>[a-z_0-9]+)\((?P<args>.*)\) += (?P<result>\S+)")


class Strace:
    """strace attached to running processes, for the time of a with block."""

    def __init__(self, pids, flags=FLAGS, program="strace"):
        self.log = tempfile.NamedTemporaryFile(prefix="nstrace-strace.")
        self.command = [program, *flags, "-o", self.log.name, *(w for p in pids for w in ("-p", str(p)))]
        self.pids = pids

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 10
        while not all(self.attached(pid) for pid in self.pids):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("strace did not attach: " + self.process.stderr.read())
            time.sleep(0.02)
        return self

    @staticmethod
    def attached(pid):
        tasks = f"/proc/{pid}/task"
        return all("TracerPid:\t0\n" not in open(f"{tasks}/{t}/status").read() for t in os.listdir(tasks))

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=120)

    def lines(self):
        return open(self.log.name, encoding="utf-8", errors="replace").read().splitlines()


def plain(text):
    """The text without what differs from run to run."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "ID", text)
    text = re.sub(r'"[0-9a-f]{12}"', '"SHORT"', text)
    text = re.sub(r"(/proc/)\d+\b", r"\1PID", text)
    text = re.sub(r"-process\d+", "-processN", text)
    text = re.sub(r"\[\d{6,}\]", "[N]", text)
    text = re.sub(r"\b0x[0-9a-f]+( /\*)", r"ADDRESS\1", text)
    text = re.sub(r"^\d+<", "FD<", text)
    return text


def key(match):
    call, args, result = match["call"], plain(match["args"]), match["result"]
    if call.startswith(("shm", "sem", "msg")):  # ids of System V IPC, and where memory was put
        args = args if call.endswith("get") else re.sub(r"^(0x[0-9a-f]+|\d+)", "ID", args)
        result = "ID" if (call.endswith("get") or call == "shmat") and not result.startswith("-") else result
    return call, args, result


def parsed(lines):
    """(comm, (call, arguments, result), the line) of each line that is a whole call."""
    found = []
    for line in lines:
        # a task that ended before strace could ask for its call; the line of another goes on in the same one
        line = re.sub(r"^(?:\[pid +)?\d+<[^ ]*>\]? .{0,20}?\?\?\?\((?=\d+<)", "", line)
        match = LINE.match(line)
        if match and not match["call"].startswith("syscall_"):  # too new for this strace, which then cannot filter it
            found.append((match["comm"], key(match), line))
    return found


def missing(strace_lines, nstrace_lines):
    """The lines of strace without a counterpart in nstrace's, which must come in the same order. A comm may be the one
    before an execve or the one after."""
    theirs, ours = parsed(strace_lines), parsed(nstrace_lines)
    if not theirs:
        raise AssertionError("strace printed nothing to compare with")
    lacking, at = [], 0
    for comm, call, line in theirs:
        for i in range(at, len(ours)):
            if ours[i][1] == call and (call[0].startswith("execve") or ours[i][0] == comm):
                at = i + 1
                break
        else:
            lacking.append(line)
    return lacking
