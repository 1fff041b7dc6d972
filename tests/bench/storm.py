#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Forks and execs as fast as the machine can, followed and not: time, and what was lost (it must be 0)."""
import subprocess
import sys
import time

import bench
import harness


def main():
    box, chosen = bench.options(__doc__, times=(100000, "execs"), trees=(8, "parallel trees"), rounds=(3, "rounds"))
    try:
        storm = [box.program("fork_storm"), str(chosen.times), str(chosen.trees), box.program("true")]
        bare, followed, lost, wrong = [], [], 0, 0
        path = box.temp / "storm.jsonl"
        for _ in range(chosen.rounds):
            begin = time.monotonic()
            subprocess.run(storm, stdout=subprocess.DEVNULL, check=True)
            bare.append(time.monotonic() - begin)
            begin = time.monotonic()
            done = subprocess.run([box.nstrace, "--linger", "0", "-o", path, "--", *storm], capture_output=True,
                                  text=True, check=True)
            followed.append(time.monotonic() - begin)
            said = harness.said(done.stdout)
            trace = harness.Trace(path)
            lost += trace.footer["lost"]
            execs = len(trace.of("exec")) - len(trace.of("exec", trace.root()))
            wrong += (len(trace.forks()), execs) != (said["forks"], said["execs"])
        b, f = bench.spread(bare)[0], bench.spread(followed)[0]
    finally:
        box.close()
    bench.table(("", "seconds", "per exec, us"), [("not followed", f"{b:.2f}", f"{b / chosen.times * 1e6:.0f}"),
                                                 ("followed, to .jsonl", f"{f:.2f}", f"{f / chosen.times * 1e6:.0f}")])
    print(f"followed : not = {f / b:.2f}, with start and end of nstrace; {said['forks']} forks, {said['execs']} execs, "
          f"{trace.footer['events']} events a round")
    return bench.bars(("lost", lost, 0), ("rounds with a wrong count", wrong, 0))


if __name__ == "__main__":
    sys.exit(main())
