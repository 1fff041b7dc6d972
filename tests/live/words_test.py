# SPDX-License-Identifier: MIT
"""strace's words: every call of strace/corpus.py, traced by strace and by nstrace, is written alike.

What differs between two runs is replaced: addresses, pids, times, and nstrace's own marks (<fault>, targets).
"""
import re
import sys

import strace_diff
from harness import check, equal, test


def plain(text):
    """The call without its result and without what differs from run to run."""
    text = re.sub(r"\s+= [^=]*$", "", text).replace("<fault>", "")
    text = re.sub(r"\b0x[57af][0-9a-f]{11}\b", "ADDRESS", text)
    text = re.sub(r"\b((?:shm|sem|msg)_(?:[acdorst]time|[cl]r?s?pid))=\d+", r"\1=N", text)
    return re.sub(r"<[^<>]*>(?=[,)}])", "", text)


@test(needs=("nstrace", "root", "bpf"))
def all_calls_are_written_as_strace_writes_them(box):
    corpus = box.source / "tests" / "strace" / "corpus.py"
    calls = ("unshare", "-muinpf", sys.executable, corpus, "--calls")
    known = set(strace_diff.table()) - {"exit_group"}
    status, _, err = box.run("unshare", "-muinpf", "strace", "-s", "4096", "-o", box.temp / "strace.log", *calls[2:])
    equal(status, 0, "status of strace, which said " + err)
    strace = [plain(line) for line in (box.temp / "strace.log").read_text(encoding="utf-8", errors="replace").splitlines()
              if line.split("(")[0] in known]
    box.record(*calls, options=("-e", "all"))
    status, out, err = box.run(box.nstrace, "show", "-e", "all", box.temp / "trace.jsonl")
    equal(status, 0, "status of show, which said " + err)
    ours = [plain(re.sub(r"^\[pid +\d+<.*?>\] ([\d:.]+ )?", "", line)) for line in out.splitlines()]
    ours = [line for line in ours if line.split("(")[0] in known]
    first = next(i for i, line in enumerate(ours) if line.startswith(f'execve("{sys.executable}"'))  # where strace began
    ours = ours[first:]
    check(len(strace) > 700, f"strace wrote only {len(strace)} lines")
    for theirs, mine in zip(strace, ours):
        equal(mine, theirs, "the line")
    equal(len(ours), len(strace), "lines")


@test(needs=("nstrace", "root", "bpf"))
def no_call_of_the_table_is_left_out(box):
    """Each is made by a program whose lines are compared with strace's: the corpus or one of the tiny programs."""
    known = set(strace_diff.table())
    made = set()
    for command in ([sys.executable, box.source / "tests" / "strace" / "corpus.py", "--calls"], [box.program("fork")],
                    [box.program("vfork")], [box.program("hostile_args")]):
        trace, _ = box.record("unshare", "-muinpf", *command, options=("-e", "all"))
        made |= {e["call"] for e in trace.events if "call" in e}
    equal(sorted(known - made), [], "calls of the table that no program makes")
