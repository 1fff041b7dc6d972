#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docker run --rm busybox true: without a tracer, with nstrace following containerd, and with strace, interleaved.

Each tracer is attached before and detached after its own run, outside the time that is taken.
"""
import subprocess
import sys
import time

import bench
from dockerd import Dockerd
from strace_scene import Strace


def main():
    box, chosen = bench.options(__doc__, pairs=(100, "pairs"), strace=(20, "of the pairs with a strace run beside"))
    bare, nstrace, strace, losses = [], [], [], 0
    try:
        with Dockerd() as docker:
            command = docker.client("run", "--rm", "busybox", "true")

            def once(into):
                begin = time.monotonic()
                subprocess.run(command, check=True)
                into.append((time.monotonic() - begin) * 1e3)

            def with_nstrace():
                follower = box.follow(docker.containerd.pid)
                once(nstrace)
                return follower.stop().footer["lost"]

            for _ in range(3):
                once([])
            for i in range(chosen.pairs):
                # Which goes first alternates, so that a drift of the machine hits both.
                if i % 2:
                    once(bare)
                losses += with_nstrace()
                if not i % 2:
                    once(bare)
                if i < chosen.strace:
                    with Strace([docker.containerd.pid]):
                        once(strace)
    finally:
        box.close()
    base = bench.spread(bare)[0]
    rows = []
    for name, values in ("without", bare), ("nstrace", nstrace), ("strace", strace):
        if values:
            median, low, high = bench.spread(values)
            rows.append((name, len(values), f"{median:.1f}", f"{low:.1f}", f"{high:.1f}", f"{median / base:.3f}"))
    bench.table(("ms", "runs", "median", "q1", "q3", ": without"), rows)
    return bench.bars(("nstrace : without", float(rows[1][5]), 1.03), ("lost", losses, 0))


if __name__ == "__main__":
    sys.exit(main())
