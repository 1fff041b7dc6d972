#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long nstrace takes until it is ready, and to let go.

Ready with COMMAND: from the start of nstrace to the first instruction of COMMAND, which is held back until all is
attached. Ready with --follow: to the sentence that says what was taken in. Let go: from Ctrl-C (or the end of COMMAND, with no
linger) to the end of nstrace.
"""
import signal
import subprocess
import sys
import time

import bench
import harness


def command(box):
    begin = time.monotonic_ns()
    done = subprocess.run([box.nstrace, "--linger", "0", "-o", box.temp / "t.jsonl", "--", box.program("clock")],
                          capture_output=True, text=True, check=True)
    end = time.monotonic_ns()
    now = harness.said(done.stdout)["now"]
    return (now - begin) / 1e6, (end - now) / 1e6


def follow(box, pid):
    begin = time.monotonic()
    process = subprocess.Popen([box.nstrace, "--follow", str(pid), "-o", box.temp / "f.jsonl"], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    harness.check("following" in process.stderr.readline(), f"nstrace ended with {process.poll()}")
    ready = time.monotonic()
    time.sleep(0.2)
    stop = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=20)
    return (ready - begin) * 1e3, (time.monotonic() - stop) * 1e3


def main():
    box, chosen = bench.options(__doc__, times=(15, "measurements of each"))
    try:
        sleeper = box.start("sleep", "1000")
        command(box)  # the first one loads the binary from disk
        c = [command(box) for _ in range(chosen.times)]
        f = [follow(box, sleeper.pid) for _ in range(chosen.times)]
    finally:
        box.close()
    rows = []
    for name, values in (("COMMAND: ready", [x[0] for x in c]), ("COMMAND: end to end", [x[1] for x in c]),
                         ("--follow: ready", [x[0] for x in f]), ("--follow: Ctrl-C to end", [x[1] for x in f])):
        rows.append((name, *(f"{v:.1f}" for v in bench.spread(values)), f"{max(values):.1f}"))
    bench.table(("ms", "median", "q1", "q3", "max"), rows)
    return bench.bars(("attach until ready, ms", float(rows[0][1]), 100), ("--follow until ready, ms", float(rows[2][1]),
                      100), ("detach, ms", float(rows[3][1]), 100))


if __name__ == "__main__":
    sys.exit(main())
