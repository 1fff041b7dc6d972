# SPDX-License-Identifier: MIT
"""What the live tests share: a registry of tests, running nstrace, and a recorded trace to ask questions of.

A test is a function test(box) marked @harness.test(needs=...). It fails by an exception; harness.check() makes one with a
sentence. The box has the paths, a temp folder that goes away, and the processes that must not outlive the test.
"""
import base64
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

TESTS = []
OPTIONS = os.environ.get("NSTRACE_TEST_OPTIONS", "").split()  # for every nstrace that records: "--backend fentry"
PATIENCE = float(os.environ.get("NSTRACE_PATIENCE", "1"))  # how many times longer everything may take: in an emulator
LAST_PID = os.environ.get("NSTRACE_LAST_PID")  # the pid given last before each test: 32760 lets the numbers begin anew within it


def fewer(times):
    """So many times, or, where everything takes longer, a tenth of them."""
    return times if PATIENCE == 1 else max(1, times // 10)


class Skip(Exception):
    pass


def test(needs=("nstrace", "root", "bpf")):
    """Marks a test, which is skipped, aloud, where something of `needs` is lacking."""
    def mark(function):
        TESTS.append((function.__module__.removesuffix("_test") + "." + function.__name__, function, needs))
        return function
    return mark


def by_birth(pids):
    """Pids of processes that came one soon after another, the oldest first: behind pid_max the numbers begin anew."""
    limit = int(pathlib.Path("/proc/sys/kernel/pid_max").read_text())
    newest = max(pids, default=0)
    return sorted(pids, key=lambda pid: pid + limit if newest - pid > limit // 2 else pid)


def kernel():
    """The running kernel's version, (6, 10) for 6.10.3."""
    return tuple(int(n) for n in re.match(r"(\d+)\.(\d+)", os.uname().release).groups())


def check(condition, sentence):
    if not condition:
        raise AssertionError(sentence)


def equal(got, expected, what):
    check(got == expected, f"{what}: {short(got)}, expected {short(expected)}")


def short(value, limit=400):
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + "..."


class Trace:
    """A recorded .jsonl: the header, the processes that existed, the events in order, the footer."""

    def __init__(self, path):
        self.header = self.footer = None
        self.processes, self.events = [], []
        for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
            piece = json.loads(line)
            check(line.startswith('{"type":"'), 'a line of the trace does not begin with "type": ' + line[:80])
            if piece["type"] == "header":
                check(self.header is None, "the trace has two headers")
                self.header = piece
            elif piece["type"] == "process":
                self.processes.append(piece)
            elif piece["type"] == "footer":
                self.footer = piece
            else:
                self.events.append(piece)
        check(self.header is not None, "the trace has no header")

    def whole(self):
        """Nothing lost, all there, in order."""
        check(self.footer is not None, "the trace has no footer")
        equal((self.footer["lost"], self.footer["losses"]), (0, []), "events lost")
        equal(self.footer["events"], len(self.events), "events by the footer")
        equal([e["n"] for e in self.events], list(range(1, len(self.events) + 1)), "the numbers of the events")
        times = [e["t"] for e in self.events]
        check(times == sorted(times), "the events are not in the order of their times")
        self.lineage()
        return self

    def lineage(self):
        """Every process was there before or was created in the trace before its first event."""
        known = {p["pid"] for p in self.processes}
        for event in self.events:
            if "tgid" not in event:
                continue
            check(event["tgid"] in known, f"event {event['n']} is of process {event['tgid']}, which nobody created")
            if event["type"] == "fork":
                known.add(event["child"]["tgid"])

    def of(self, kind=None, tgid=None, call=None, tid=None):
        return [e for e in self.events
                if (kind is None or e["type"] == kind) and (tgid is None or e.get("tgid") == tgid)
                and (tid is None or e.get("tid") == tid) and (call is None or e.get("call") == call)]

    def one(self, **which):
        found = self.of(**which)
        check(len(found) == 1, f"{len(found)} events of {which}, expected 1")
        return found[0]

    def forks(self, threads=False):
        return [e for e in self.of("fork") if threads or e["child"]["tid"] == e["child"]["tgid"]]

    def creation(self, tgid):
        found = [e for e in self.forks() if e["child"]["tgid"] == tgid]
        check(len(found) == 1, f"process {tgid} was created {len(found)} times, expected once")
        return found[0]

    def root(self):
        """The tgid of COMMAND: the process that is the first to exec."""
        execs = self.of("exec")
        check(execs, "the trace has no exec")
        return execs[0]["tgid"]

    def end(self, tgid):
        ends = [e for e in self.of("exit", tgid) if e.get("process")]
        check(len(ends) == 1, f"process {tgid} ended {len(ends)} times, expected once")
        return ends[0]["code"], ends[0]["signal"]


def exact(piece, field):
    """The bytes of a text field, or of each element of a list."""
    value, coded = piece[field], piece.get(field + "_b64")
    if isinstance(value, list):
        coded = coded or [None] * len(value)
        return [base64.b64decode(c) if c is not None else v.encode() for v, c in zip(value, coded)]
    return base64.b64decode(coded) if coded is not None else value.encode()


def arguments(event):
    """The arguments of an event's call as plain values: text, list of text, or the number as it stands in the file."""
    values = []
    for arg in event["args"]:
        if arg["kind"] in ("strings", "struct"):
            values.append(arg["list"])
        elif arg["kind"] in ("string", "flags", "symbol"):
            values.append(arg.get("text", arg.get("value")))
        elif arg["kind"] == "descriptor":
            values.append(arg["value"] + ("<" + arg["target"] + ">" if "target" in arg else ""))
        elif arg["kind"] == "unread":
            values.append(arg["value"] + "<fault>")
        else:
            values.append(arg["value"])
    return values


class Box:
    """One test's surroundings."""

    def __init__(self, build):
        self.build = build
        self.nstrace = build / "nstrace"
        self.programs = build / "programs"
        self.source = pathlib.Path(__file__).resolve().parents[2]
        self.temp = pathlib.Path(tempfile.mkdtemp(prefix="nstrace-test."))
        self.started = []

    def close(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        shutil.rmtree(self.temp, ignore_errors=True)

    def program(self, name):
        return str(self.programs / name)

    def run(self, *arguments, stdin=None, timeout=60, env=None):
        """Runs a program to its end; returns (status, stdout, stderr), a status of 128+n for a signal."""
        done = subprocess.run([str(a) for a in arguments], input=stdin, capture_output=True, timeout=timeout * PATIENCE,
                              cwd=self.temp, env=env)
        status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return status, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")

    def start(self, *arguments, **options):
        """Starts a program that ends with the test."""
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                   "cwd": self.temp, "errors": "replace"} | options
        process = subprocess.Popen([str(a) for a in arguments], **options)
        self.started.append(process)
        return process

    def record(self, *command, options=(), status=0, timeout=60):
        """Runs `nstrace -o trace.jsonl -- COMMAND`; returns the trace, whole, and what COMMAND said as a dict."""
        path = self.temp / "trace.jsonl"
        got, out, err = self.run(self.nstrace, "-o", path, *OPTIONS, *options, "--", *command, timeout=timeout)
        check(got == status, f"nstrace ended with {got}, expected {status}; it said: {err[-2000:].strip()}")
        return Trace(path).whole(), said(out)

    def follow(self, *targets, options=()):
        """Starts nstrace --follow and waits until it is attached; returns a Follower."""
        return Follower(self, targets, options)


class Follower:
    """A running `nstrace --follow TARGET... -o trace.jsonl`."""

    def __init__(self, box, targets, options):
        stem = box.temp / f"follow-{len(box.started)}"
        self.path, self.lines, self.words = (stem.with_suffix(e) for e in (".jsonl", ".out", ".err"))
        flags = [word for target in targets for word in ("--follow", target)]
        # Files instead of pipes: nobody reads while it runs.
        with open(self.lines, "w") as lines, open(self.words, "w") as words:
            self.process = box.start(box.nstrace, *flags, "-o", self.path, *OPTIONS, *options, stdin=subprocess.DEVNULL,
                                     stdout=lines, stderr=words)
        # Its first sentence says what was taken in, once it is attached.
        deadline = time.monotonic() + 20 * PATIENCE
        while "following " not in self.words.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError("nstrace did not attach: " + self.words.read_text(errors="replace")[-2000:])
            time.sleep(0.002)

    def stop(self):
        """Ctrl-C; returns the trace, whole."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=20 * PATIENCE)
        check(self.process.returncode == 0, f"nstrace ended with {self.process.returncode} on Ctrl-C; it said: "
              + self.words.read_text(errors="replace")[-2000:].strip())
        return Trace(self.path).whole()


def said(text):
    """"name=value" lines to a dict; numbers become int."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name: int(value) if value.isdigit() else value for name, value in pairs}


def lacking(box, need):
    """Why a test that needs `need` cannot run here, or None."""
    if need == "nstrace":
        # Not a reason to skip: without it there is nothing to test.
        check(os.access(box.nstrace, os.X_OK), f"{box.nstrace} is not built")
        return None
    if need == "root":
        return None if os.geteuid() == 0 else "needs root"
    if need == "host":
        trace, _ = box.record("true")
        return None if trace.header["host"]["mnt"] == os.stat("/proc/self/ns/mnt").st_ino else "this is not the host's mount namespace, and what is expected was recorded there"
    if need == "bpf":
        status, out, err = box.run(box.nstrace, "doctor")
        words = (out + err).strip().splitlines()
        return None if status == 0 else "this host cannot trace; nstrace doctor says: " + " | ".join(words)[-600:]
    return None if shutil.which(need, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") else need + " is missing"


def run(build, names, only_list):
    """Runs the registered tests (those whose name contains one of `names`); returns the exit status."""
    counts = {"ok": 0, "FAILED": 0, "SKIPPED": 0}
    known = {}
    for name, function, needs in TESTS:
        if names and not any(n in name for n in names):
            continue
        if only_list:
            print(name)
            continue
        box = Box(build)
        if LAST_PID:
            pathlib.Path("/proc/sys/kernel/ns_last_pid").write_text(LAST_PID)
        begin = time.monotonic()
        verdict, why = "ok", ""
        try:
            for need in needs:
                if need not in known:
                    known[need] = lacking(box, need)
                if known[need]:
                    raise Skip(known[need])
            function(box)
        except Skip as skip:
            verdict, why = "SKIPPED", str(skip)
        except Exception as error:
            verdict = "FAILED"
            where = traceback.extract_tb(error.__traceback__)
            line = next((f.lineno for f in reversed(where) if f.filename.endswith("_test.py")), "?")
            why = f"line {line}: {error}" if isinstance(error, AssertionError) else \
                f"line {line}: {type(error).__name__}: {error}"
            if os.environ.get("NSTRACE_KEEP") and (box.temp / "trace.jsonl").exists():
                shutil.copy(box.temp / "trace.jsonl", os.environ["NSTRACE_KEEP"])
        finally:
            box.close()
        counts[verdict] += 1
        print(f"{verdict} {name}" + (f": {why}" if why else f" ({time.monotonic() - begin:.1f} s)"), flush=True)
    if only_list:
        return 0
    if not sum(counts.values()):
        print("no test has such a name", file=sys.stderr)
        return 2
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['SKIPPED']} skipped")
    return 1 if counts["FAILED"] else 0
