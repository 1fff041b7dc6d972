#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a program under `strace -f` and then under nstrace, and reports every difference in what its processes called.

    sudo tests/live/strace_diff.py [--nstrace build/nstrace] -- COMMAND [ARG...]

Processes are matched by their place in the tree (the second child of the first one, ...); what is compared is the sequence
of each one's calls with arguments and results. What differs from run to run is replaced first (NORMALISE); differences
that are known and wanted are listed, each with its reason (ACCEPTED). Exits with 1 when another one is found.
"""
import argparse
import collections
import difflib
import pathlib
import re
import subprocess
import sys
import tempfile

# What differs from run to run: a pattern, what it becomes.
NORMALISE = [
    (r'"[^"]*nstrace-diff\.[^"/]*', '"TEMP'),
    (r"\b0x[0-9a-f]{5,}\b(?!<fault>)", "ADDRESS"),
    (r"\[\d{6,}\]", "[N]"),
    (r"\b[0-9a-f]{64}\b", "ID"),
    (r'"[0-9a-f]{12}"', '"SHORT"'),
    (r"(/proc/)\d+\b", r"\1PID"),
    (r"\bpid:\d+\b", "pid:PID"),
    (r" ?/\* \d+ in (nstrace|strace)'s PID NS \*/", ""),
    (r"(runc|crun)\.[A-Za-z0-9]{6}\b", r"\1.XXXXXX"),
    (r"\b(tmp|process|pty)[-.]?\d{5,}\b", r"\1N"),
    # both say that a file is deleted, in other words
    (r"<\(unreachable\)/", "</"),  # a path that does not lie below the root of the process, marked by nstrace
    (r" \(deleted\)>|>\(deleted\)", ">"),
    (r"(pipe|socket):\[\d+\]", r"\1:[N]"),
    (r"(?<=[(, ])\d+<(?=[a-z/])", "FD<"),
    (r"/\* \d+ vars? \*/", "/* VARS */"),
    (r"\b(kill|tgkill|pidfd_open|setpgid)\((\d+)(, \d+)?(?=, )", r"\1(PID"),
    # strace 6.1 does not say whose a pidfd is; later ones do, as nstrace does
    (r"FD<anon_inode:\[pidfd\]>", "FD<pid:PID>"),
    (r"\bMFD_EXEC\b", "0x10"),  # a name that strace 6.1 does not know yet
    # what clone3's structure points to is not read
    (r"set_tid=\[[0-9, ]*\]", "set_tid=ADDRESS"),
    (r"^(shmctl|shmat|semop|semtimedop|semctl|msgsnd|msgrcv|msgctl)\((\d+), ", r"\1(ID, "),
    (r"\bcgroup=\d+(<[^<>]*>)?(?=[,}])", "cgroup=FD"),  # strace does not say what this descriptor is
    (r"nstrace-[a-z_]+\.\w{6}", "nstrace-TEMP"),
    (r"\b(pidfd|parent_tid)=\[\d+(<[^<>]*>)?\]", r"\1=[N]"),
    (r"\bsi_fd=(\d+)<[^<>]*>", r"si_fd=\1"),
    (r"\bsi_pid=\d{3,}", "si_pid=PID"),
    # strace writes all bytes above 127 in octal; nstrace leaves valid UTF-8 as it is, to be read
    (r"[^\x00-\x7f]+", lambda match: "".join(f"\\{byte:o}" for byte in match[0].encode("utf-8", "surrogateescape"))),
    (r"\bsi_([us]time)=\d( /\*[^*]*\*/)?(?=, si_stime|\} ---$)", r"si_\1=TICKS"),
]

# Differences that stay: a pattern that a line of either side fits, and why.
ACCEPTED = [
    (r"^(pidfd_open|fsmount|open_tree|move_mount)\(-[12], ", "flags that strace 6.1 has no names for yet"),
    (r"^memfd_create\(0x10(<fault>)?, ", "flags that strace 6.1 has no names for yet: MFD_EXEC, MFD_NOEXEC_SEAL"),
    (r"^(open_tree_attr|syscall_0x1d3)\(", "a call that strace 6.1 has no name for yet"),
    (r"^pidfd_send_signal\(-2, ", "a siginfo that the caller gives is not read"),
    (r"^semget\(.*, (0x3000\|000|ADDRESS)\) = -1", "strace 6.1 forgets the | where no flag has a name"),
    (r"^(mount_setattr|openat2|semop|semtimedop|msgsnd)\(-2, ", "what runs on beyond all sense is shown as far as it was read"),
    (r"^capset\(\{version=(ADDRESS|_LINUX_CAPABILITY_VERSION_3)\b.*\) = -1", "to an unknown version the kernel answers "
     "with its own, in the same place, before nstrace reads it"),
    (r"^exit_group\(", "a thread that another one's exit_group ends is seen by strace in its own call"),
    (r"^clone3?\(.*CLONE_THREAD", "how many threads a Go or C runtime starts, and when, differs from run to run"),
    (r"^kill\(PID, 0\) = ", "podman asks again and again whether its container is still alive"),
    (r"^(tgkill\(|kill\(.*SIGURG)", "Go interrupts its own threads when its scheduler wants to; runc passes it on"),
    (r"^--- SIGKILL ", "strace is not told of it: nobody is to hold up a SIGKILL; nstrace tells who sent it"),
    (r"ERESTART", "a call that a signal breaks off: strace stops the process and so breaks off others"),
]

# The same for processes with threads only.
ACCEPTED_OF_THREADS = [
    (r"^fcntl\(", "which descriptor a Go program gets, and how often it asks for its flags, depends on its scheduler"),
]

# The kernel decides the numbers of these, or how many descriptors the threads of a Go program have open: they are replaced.
PID_RESULTS = {"keyctl", "clone", "clone3", "fork", "vfork", "setsid", "getpid", "pidfd_open", "openat2", "shmget", "semget", "msgget"}

FAULT = re.compile(r"0x[0-9a-f]+<fault>")
LINE = re.compile(r"^(?:\[pid +)?(?P<pid>\d+)(?:<[^>]*>)?\]? +(?P<body>.*)$")
CALL = re.compile(r"^(?P<name>[a-z_0-9]+)\((?P<args>.*)\) += (?P<result>(?:-?\d|\?|0x).*)$")
NEW_DESCRIPTOR = r"^(\d+)<(?:[^<>\\]|\\.)*>(?:\(deleted\))?"  # strace says what it is
# What nstrace alone says behind a result: which namespaces the call changed, and whose call it was.
OWN_NOTES = r" (?:\((?:[a-z_]+:\[\d+\](?:, )?)+\)|/\* (?:32-bit call|now pid \d+|argv of the new image[^*]*) \*/)"


def joined(lines):
    """(pid, text) of each whole call: strace's "<unfinished ...>" and "resumed" put together."""
    begun = {}
    for line in lines:
        match = LINE.match(line)
        if not match:
            continue
        pid, body = int(match["pid"]), match["body"]
        resumed = re.match(r"<\.\.\. \S+ resumed>(?: (?!=>))?(.*)$", body)
        superseded = re.match(r"\+\+\+ superseded by execve in pid (\d+)", body)
        if superseded:
            begun[pid] = begun.pop(int(superseded[1]), "")
        elif body.endswith(" <unfinished ...>"):
            begun[pid] = body.removesuffix(" <unfinished ...>")
        elif " <pid changed to " in body:
            begun[pid] = body[:body.index(" <pid changed to ")]
        elif resumed:
            yield pid, begun.pop(pid, "") + resumed[1]
        else:
            yield pid, body


def normal(text):
    for pattern, becomes in NORMALISE:
        text = re.sub(pattern, becomes, text)
    return text


def processes(lines):
    """The calls of each process, by its place in the tree: {"0": [...], "0.0": [...]}."""
    place, owner, children = {}, {}, collections.Counter()
    calls, waiting = collections.defaultdict(list), collections.defaultdict(list)
    threaded = set()
    ordered = list(joined(lines))
    made = {}
    for pid, body in ordered:  # who made whom, before any line of the child is looked at
        match = CALL.match(body)
        if match and match["name"] in ("clone", "clone3", "fork", "vfork") and match["result"][0].isdigit():
            inner = re.search(r"/\* (\d+) in n?strace's PID NS", match["result"])
            child = int(inner[1]) if inner else int(match["result"].split()[0])
            made[child] = pid, "CLONE_THREAD" in match["args"]
            if not made[child][1]:
                waiting[pid].append(child)
    def find(pid):
        while pid in made and made[pid][1]:
            pid = made[pid][0]
            threaded.add(pid)
        return pid
    def settle(pid, name):
        place[pid] = name
        below = [c for p, cs in waiting.items() if find(p) == pid for c in cs]
        for i, child in enumerate(below):
            if child not in place:
                settle(child, f"{name}.{i}")
    for i, pid in enumerate(dict.fromkeys(find(p) for p, _ in ordered if find(p) not in made)):
        settle(pid, str(i))
    for pid, body in ordered:
        match = CALL.match(body)
        if body.startswith("--- SIG"):  # a sequence of its own: what is ignored is dropped while the sender's call goes on
            calls[place.get(find(pid), "?") + ", signals"].append(normal(body))
        if not match:
            continue
        result = re.sub(OWN_NOTES, "", re.sub(NEW_DESCRIPTOR, r"\1", match["result"]))
        if match["name"] in PID_RESULTS:
            result = re.sub(r"^\d+", "PID", result)
        text = normal(f"{match['name']}({match['args']}) = {result}")
        calls[place.get(find(pid), "?")].append(text)
    return calls, {place[p] for p in threaded if p in place}


def accepted(line, threads):
    return next((why for pattern, why in ACCEPTED + (ACCEPTED_OF_THREADS if threads else []) if re.search(pattern, line)),
                None)


def compare(theirs, ours, ordered=True):
    """(differences, accepted ones by reason). ordered=False: which calls, whatever their order."""
    their_calls, many = processes(theirs)
    our_calls, more = processes(ours)
    found, known = [], collections.Counter()
    for name in sorted(set(their_calls) | set(our_calls)):
        a, b = their_calls.get(name, []), our_calls.get(name, [])
        if not ordered or name in many | more:  # the order among threads is the scheduler's
            a, b = sorted(a), sorted(b)
        lines = [line for line in difflib.ndiff(a, b) if line[:2] in ("- ", "+ ")]
        # Memory that was not there when the call began: nstrace says so, strace looks later and with more patience.
        for line in [line for line in lines if line[0] == "+" and "<fault>" in line]:
            # the same call but for what stands in that place
            readable = re.compile(".+".join(re.escape(part) for part in FAULT.split(line[2:])))
            twin = next((o for o in lines if o[0] == "-" and readable.fullmatch(o[2:])), None)
            if twin:
                lines.remove(twin)
                lines.remove(line)
                known["memory that could not be read is 0xADDRESS<fault>, never a guess"] += 1
        for line in lines:
            why = accepted(line[2:], name in many | more)
            if why:
                known[why] += 1
            else:
                found.append(f"process {name}: only under {'strace' if line[0] == '-' else 'nstrace'}: {line[2:]}")
    return found, known


def table():
    """The calls that nstrace knows: the set %all in the list that is generated from its table."""
    text = (pathlib.Path(__file__).resolve().parents[2] / "src/trace/SETS.md").read_text()
    return re.findall(r"`([a-z_0-9]+)`", next(line for line in text.splitlines() if line.startswith("- `%all`")))


def run_both(nstrace, command, cwd=None, timeout=120, signals="none"):
    """The lines of strace and of nstrace. signals: which to print, as -e signal= takes it."""
    names = ",".join("?" + name for name in table())
    with tempfile.TemporaryDirectory(prefix="nstrace-diff.") as folder:
        log, text = pathlib.Path(folder, "strace.log"), pathlib.Path(folder, "nstrace.log")
        options = {"cwd": cwd, "timeout": timeout, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
                   "stderr": subprocess.PIPE}
        subprocess.run(["strace", "-f", "-y", "--decode-pids=pidns", "-s", "100000", "-e", "signal=" + signals, "-e",
                        "trace=" + names, "-o", log, "--", *command], **options)
        done = subprocess.run([nstrace, "-q", "-e", "all", "-e", "signal=" + signals, "--threads", "-o", text, "--", *command], **options)
        if not text.exists():
            raise RuntimeError(done.stderr.decode("utf-8", "replace"))
        ours = [re.sub(r"^(\S+ \S+) \d\d:\d\d:\d\d ", r"\1 ", line) for line in
                text.read_text(errors="replace").splitlines()]
        return log.read_text(errors="replace").splitlines(), ours


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nstrace", default=str(pathlib.Path(__file__).resolve().parents[2] / "build" / "nstrace"))
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    theirs, ours = run_both(options.nstrace, options.command)
    found, known = compare(theirs, ours)
    for line in found:
        print(line)
    for why, count in known.items():
        print(f"accepted x{count}: {why}")
    print(f"{len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
