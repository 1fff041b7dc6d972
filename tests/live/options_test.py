# SPDX-License-Identifier: MIT
"""strace's options: the same program under strace and under nstrace with the same options prints the same lines.

What differs from run to run is replaced: pids by their order, digits of times, addresses. Where nothing else differs but
what a column of strace's is wide, blanks before "= result" are one.
"""
import os
import re
import subprocess
import time

import strace_diff
from harness import PATIENCE, by_birth, check, equal, test

NEEDS = ("nstrace", "root", "bpf", "strace")

# Calls that succeed, that fail, signals, children, ends of all kinds; no threads, no temporary names.
SCRIPT = r"""
cd /
cd /nonexistent/"quoted\\"/folder 2>/dev/null
/bin/echo one 'two	tab' three four five six seven eight nine ten >/dev/null
kill -WINCH $$
(kill -TERM $$; exec /bin/sh -c 'kill -HUP $$')
exit 3
"""
COMMAND = ("sh", "-c", "trap '' TERM\n" + SCRIPT)
CALLS = "execve,clone,clone3,fork,vfork,chdir,kill,exit_group,setsid,unshare,mount"
NESTED = ("unshare", "--fork", "--pid", "--mount-proc", "sh", "-c", "sh -c 'kill -WINCH $$; kill -0 1; true'; kill -WINCH $$")

NO_TIME = "--absolute-timestamps=none"  # where strace prints no time, nstrace prints that of the day

CASES = {
    "-t": [], "-tt": [], "-ttt": [], "-r": [], "-t -r": [], "-tt -r": [], "-T": [], "-t -T": [],
    "-s 4": [], "-s 0": [], "-s 5 -v": [], "-v": [], "-e abbrev=none": [], "-y": [], "-z": [], "-Z": [],
    "-e status=successful": [], "-e status=failed": [], "-e status=!failed": [], "-e status=unfinished": [],
    "-e status=successful,failed": [], "-e status=unavailable": [], "-e status=none": [], "-e status=all": [],
    "-e signal=all": [], "-e signal=SIGWINCH": [], "-e signal=!SIGCHLD": [], "-e signal=winch,TERM": [], "-e s=none": [],
    "-q": [], "-qq": [], "-qqq": [], "--quiet=exit": [], "-e quiet=exit": [],
    "--decode-pids=comm": [], "-e decode-pids=comm": [],
}
CHOICES = ("-e trace=execve", "-e execve,chdir", "-e trace=!execve,fcntl", "-e !execve,fcntl,chdir", "-e t=chdir", "--trace=kill",
           "-e trace=?no_such_call,execve", "-e trace=/^ch", "-e trace=%creds,execve", "-e trace=chdir -e trace=kill",
           "-e 59,80", "-e execve,", "-e execve@64,chdir", "-e trace=none", "-e %ipc,execve,setns,pivot_root,chroot,unshare")
LONG = ("--absolute-timestamps", "--absolute-timestamps=precision:us", "--absolute-timestamps=format:unix,precision:us",
        "--absolute-timestamps=precision:ms", "--absolute-timestamps=ns", "--absolute-timestamps=format:unix",
        "--absolute-timestamps=unix,ns", "--relative-timestamps=us", "--relative-timestamps=ns", "--relative-timestamps=s",
        "--syscall-times=ns", "--syscall-times=ms", "--relative-timestamps", "--syscall-times", "--string-limit=4", "--no-abbrev", "--successful-only",
        "--failed-only", "--signal=SIGWINCH", "--status=failed")


def shown(lines, table=None):
    """The lines of each process without what differs from run to run; unfinished calls are put together."""
    order, begun, found = set(), {}, {}
    for line in lines:
        # strace gives the pid at least five columns
        match = re.match(r"\[pid (\d+)(<(?:[^<>\\]|\\.)*>)?\] (.*)$", line) or \
            re.match(r"(\d+)(<(?:[^<>\\]|\\.)*>)?(?:(?<=^\d{4})  |(?<=^\d{3})   | )(.*)$", line)
        check(match, "a line that does not say who: " + line)
        order.add(match[1])
        comm, text = match[2] or "", match[3]
        resumed = re.match(r"(?P<when>.*?)<\.\.\. \w+ resumed>(?P<rest>.*)$", text)
        if text.endswith(" <unfinished ...>"):
            begun[match[1]] = comm, text.removesuffix(" <unfinished ...>")
            continue
        if resumed:
            comm, text = begun[match[1]][0], begun[match[1]][1] + resumed["rest"]
        call = re.search(r"(?:^|[\s)])([a-z_0-9]+)\(", text)
        if table and call and call[1] not in table:
            continue
        found.setdefault(match[1], []).append(comm.replace("<strace>", "<nstrace>") + " " + plain(text))
    ranks = {pid: i for i, pid in enumerate(by_birth([int(pid) for pid in order]))}  # who has printed first does not matter
    return {ranks[int(pid)]: lines for pid, lines in found.items()}


def plain(text):
    """Only digits of times change, so that their form is compared; pids become PID."""
    text = re.sub(r"^((?:\d\d:\d\d:\d\d|\d{10})(?:\.\d+)? )?(\(\+)?( *-?\d+\.\d+\)? )?",
                  lambda m: re.sub(r"\d", "0", re.sub(r"(?<=\S) *-?\d+(?=\.)", lambda n: n[0], m[0])), text, count=1)
    text = re.sub(r" <\d+\.(\d+)>$", lambda m: " <0." + "0" * len(m[1]) + ">", text)
    text = re.sub(r"\) += ", ") = ", text)
    text = re.sub(r"\b0x[0-9a-f]{6,}\b", "ADDRESS", text)
    text = re.sub(r"\bkill\(\d+", "kill(PID", text)
    text = re.sub(r"((?:clone3?|fork|vfork)\(.*\) = )\d+(<[^<>]*>)?", r"\1PID", text)  # when a child is looked at differs
    text = re.sub(r" \((?:[a-z_]+:\[\d+\](?:, )?)+\)$", "", text)  # which namespaces are new: nstrace's own
    text = re.sub(r"/\* \d+ in strace's PID NS", "/* PID in strace's PID NS", text)
    text = re.sub(r"si_pid=\d+", "si_pid=PID", text)
    return re.sub(r"si_([us]time)=\d+( /\*[^*]*\*/)?", r"si_\1=TICKS", text)


def strace(box, options, command):
    """With whole strings, as nstrace has them."""
    if not any(option.startswith(("-s", "--string-limit")) for option in options):
        options = ["-s", "1000", *options]
    log = box.temp / "strace.log"
    done = subprocess.run(["strace", "-f", *options, "-o", str(log), "--", *command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, cwd=box.temp, timeout=60 * PATIENCE)
    check("strace: invalid" not in done.stderr and log.exists(), f"strace {options}: {done.stderr[-400:]}")
    return log.read_text(errors="replace").splitlines(), done.returncode


def nstrace(box, options, command):
    log = box.temp / "nstrace.log"
    log.unlink(missing_ok=True)
    if not any(option.startswith(("-t", "-r", "--absolute", "--relative")) for option in options):
        options = [NO_TIME, *options]
    status, _, err = box.run(box.nstrace, "-f", *options, "-o", log, "--", *command)
    check(log.exists(), f"nstrace {options}: {err[-400:]}")
    return log.read_text(errors="replace").splitlines(), status


def differ(box, options, command=COMMAND, table=None):
    """What the two print differently with these options, or nothing."""
    theirs, their_status = strace(box, options, command)
    ours, our_status = nstrace(box, options, command)
    a, b = shown(theirs, table), shown(ours, table)
    if "comm" not in " ".join(options):
        b = {place: [re.sub(r"^<(?:[^<>\\]|\\.)*>", "", line) for line in lines] for place, lines in b.items()}
    if any("signal=" in option and "none" not in option for option in options):
        # what is ignored is dropped while the sender's call goes on, and so stands before it
        a, b = ({place: sorted(lines) for place, lines in found.items()} for found in (a, b))
    if their_status != our_status:
        return f"status {our_status}, strace's {their_status}"
    for place in sorted(set(a) | set(b)):
        for x, y in zip(a.get(place, []) + [None] * 99, b.get(place, []) + [None] * 99):
            if x != y:
                return f"process {place}: {y!r}, strace {x!r}"
            if x is None:
                break
    return ""


def all_same(found):
    lacking = [f"{options}: {difference}" for options, difference in found if difference]
    check(not lacking, f"{len(lacking)}: " + " ## ".join(lacking))


@test(needs=NEEDS)
def how_lines_are_written(box):
    found = []
    for case in CASES:
        options = case.split()
        signals = [] if "signal" in case or case.startswith("-e s=") else ["-e", "signal=none"]
        found.append((case, differ(box, [*options, *signals, "-e", "trace=" + CALLS])))
    all_same(found)


@test(needs=NEEDS)
def which_calls(box):
    table = set(strace_diff.table())
    all_same((case, differ(box, [*case.split(), "-e", "signal=none"], table=table)) for case in CHOICES)


@test(needs=NEEDS)
def long_names(box):
    all_same((case, differ(box, [case, *([] if "signal" in case else ["-e", "signal=none"]), "-e", "trace=" + CALLS]))
             for case in LONG)


@test(needs=NEEDS)
def pids_in_namespaces(box):
    """--decode-pids=pidns: behind a pid that is another outside."""
    options = ["-e", "signal=none", "-e", "trace=" + CALLS]
    all_same((pids, differ(box, ["--decode-pids=" + pids, *options], NESTED)) for pids in ("pidns",))


@test(needs=NEEDS)
def ff_writes_the_same_files(box):
    for options in [], ["-ttt"], ["--decode-pids=comm"]:
        seen = {}
        for tool in "strace", str(box.nstrace):
            prefix = box.temp / os.path.basename(tool)
            subprocess.run([tool, "-ff", "-q", "-s", "1000", *([NO_TIME] if tool != "strace" and options != ["-ttt"] else []),
                            *options, "-e", "signal=none", "-e",
                            "trace=" + CALLS, "-o", str(prefix), "--", *COMMAND], stdin=subprocess.DEVNULL,
                           capture_output=True, cwd=box.temp, timeout=60 * PATIENCE)
            files = [box.temp / f"{prefix.name}.{pid}"
                     for pid in by_birth([int(path.suffix[1:]) for path in box.temp.glob(prefix.name + ".*")])]
            seen[prefix.name] = [[plain(line) for line in path.read_text().splitlines()] for path in files]
            for path in files:
                path.unlink()
        for ours, theirs in zip(seen["nstrace"], seen["strace"]):
            for mine, line in zip(ours + [None] * 9, theirs + [None]):
                equal(mine, line, f"a line of -ff {options}")
        equal(len(seen["nstrace"]), len(seen["strace"]), f"the files of -ff {options}")


@test(needs=NEEDS)
def pids_to_attach_to(box):
    """-p takes lists; it ends when all have ended, as strace does."""
    for form in ("{0},{1}",), ("{0} {1}",), ("{0}", "{1}"), ("{0}\n{1}\n",):
        seen = {}
        for tool in "strace", str(box.nstrace):
            name = os.path.basename(tool)
            log, words = box.temp / (name + ".log"), box.temp / (name + ".err")
            log.unlink(missing_ok=True)
            patients = [box.start("sh", "-c", "read go; cd /; /bin/true; exit 4") for _ in range(2)]
            pids = [p.pid for p in patients]
            attach = [w for f in form for w in ("-p", f.format(*pids))]
            with open(words, "w") as err:
                tracer = box.start(tool, "-f", *([NO_TIME] if name == "nstrace" else []), *attach, "-e", "signal=none", "-e", "trace=" + CALLS, "-o", log, stderr=err,
                                   stdin=subprocess.DEVNULL)
            wait_for(lambda: attached(name, pids, words), f"{name} {attach} does not attach")
            for patient in patients:
                patient.communicate("go\n", timeout=20 * PATIENCE)
            tracer.wait(timeout=20 * PATIENCE)
            equal(tracer.returncode, 0, f"the status of {name}")
            seen[name] = sorted(sorted(lines) for lines in shown(log.read_text().splitlines()).values())
        seen["nstrace"] = sorted(sorted(re.sub(r"^<[^>]*>", "", line) for line in lines) for lines in seen["nstrace"])
        equal(seen["nstrace"], seen["strace"], f"the lines with -p {form}")


def attached(tool, pids, words):
    if tool == "nstrace":
        return "following " in words.read_text()
    return all("TracerPid:\t0\n" not in open(f"/proc/{pid}/status").read() for pid in pids)


def wait_for(condition, sentence):
    deadline = time.monotonic() + 20 * PATIENCE
    while not condition():
        check(time.monotonic() < deadline, sentence)
        time.sleep(0.01)


@test(needs=NEEDS)
def results_stand_in_a_column(box):
    """In files as in strace's: the column counts from what stands in front."""
    for options in [], ["-a", "60"], ["-a0"], ["--columns=12"]:
        seen = {}
        for tool in "strace", str(box.nstrace):
            prefix = box.temp / os.path.basename(tool)
            subprocess.run([tool, "-ff", "-qq", *([NO_TIME, "--no-notes"] if tool != "strace" else []), *options, "-e",
                            "signal=none", "-e", "trace=chdir,kill,execve", "-o", str(prefix), "--", "sh", "-c",
                            "cd /; cd /usr/lib; cd /nonexistent; kill -0 1"],
                           stdin=subprocess.DEVNULL, capture_output=True, cwd=box.temp, timeout=60 * PATIENCE)
            files = sorted(box.temp.glob(prefix.name + ".*"))
            equal(len(files), 1, f"files of {tool}")
            seen[prefix.name] = [line for line in files[0].read_text().splitlines() if not line.startswith("execve")]
            files[0].unlink()
        check(len(seen["strace"]) > 3, f"strace {options} wrote {seen['strace']}")
        equal(seen["nstrace"], seen["strace"], f"the lines with {options}")


@test(needs=("nstrace",))
def what_strace_alone_has_is_refused_in_a_sentence(box):
    for options, word in (("-c", "show --summary"), ("-C", "show --summary"), ("-k", "stacks"), ("-n", "names"), ("-i", "where"),
                          ("-x", "octal"), ("-xx", "octal"), ("-P /etc", "path"), ("-E A=1", "env NAME=VALUE"),
                          ("-u root", "runuser"), ("-A", "append"), ("-b execve", "--payload=no"), ("-X raw", "names"),
                          ("-U calls", "columns"), ("--seccomp-bpf", "fast"), ("-o |cat", "-o txt:>(cat)"),
                          ("-s -1", "-s"), ("-s 99999999999", "-s"), ("--decode-pids=foo", "foo"),
                          ("--decode-fds=all,foo", "foo"), ("-e verbose=none", "whole"), ("-e decode-pids=foo", "foo"),
                          ("--relative-timestamps=x", "ns"), ("-o a.xyz", ".txt")):
        status, _, err = box.run(box.nstrace, *options.split(), "--", "true")
        equal(status, 125, f"the status with {options}, which said {err}")
        check(word in err and err.count("\n") == 1, f"{options} is refused with {err}")
    check(not (box.temp / "|cat").exists(), "a file was made")


@test(needs=NEEDS)
def files_of_any_name_take_lines(box):
    for name in "strace.out", "a.strace", "b.trace":
        status, _, err = box.run(box.nstrace, "-qq", "-e", "execve", "-o", box.temp / name, "--", "true")
        equal((status, err), (0, ""), f"the status and words with -o {name}")
        check("execve(" in (box.temp / name).read_text(), f"no lines in {name}")
    status, _, err = box.run(box.nstrace, "-qq", "-ff", "-e", "execve", "-o", box.temp / "any.ending", "--", "true")
    equal((status, err), (0, ""), "the status and words with -ff -o any.ending")
    equal(len(list(box.temp.glob("any.ending.*"))), 1, "files of -ff")


@test(needs=NEEDS)
def what_only_nstrace_prints_can_be_left_out(box):
    log = box.temp / "notes.txt"
    for options, notes in ((), True), (("--no-notes",), False):
        box.run(box.nstrace, *options, "-e", "unshare", "-o", log, "--", "unshare", "--mount", "true")
        equal("(mnt:[" in log.read_text(), notes, f"a namespace note with {options}")
    box.run(box.nstrace, "--decode-fds=none", "-e", "setns", "-o", log, "--", "nsenter", "--mount=/proc/self/ns/mnt", "true")
    check(re.search(r"setns\(\d+, ", log.read_text()), "--decode-fds=none still decodes: " + log.read_text())
