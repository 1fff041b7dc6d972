#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What --gates costs, which looks at each write of a followed process: dd with blocks of one byte, ns per read and write."""
import re
import subprocess
import sys

import bench


def main():
    box, chosen = bench.options(__doc__, times=(500000, "writes in a round"), rounds=(7, "rounds"))
    traced = [box.nstrace, "-q", "-o", box.temp / "t.jsonl"]
    ways = {"not followed": [], "followed": [*traced, "--"], "followed with --gates": [*traced, "--gates", "--"]}
    taken = {name: [] for name in ways}
    try:
        for i in range(chosen.rounds):
            for name in list(ways) if i % 2 else reversed(list(ways)):
                done = subprocess.run([*map(str, ways[name]), "dd", "if=/dev/zero", "of=/dev/null", "bs=1", f"count={chosen.times}"],
                                      capture_output=True, text=True, check=True)
                seconds = float(re.search(r", ([0-9.e-]+) s,", done.stderr).group(1))
                taken[name].append(seconds * 1e9 / chosen.times)
    finally:
        box.close()
    rows = [(name, *(f"{value:.0f}" for value in bench.spread(values))) for name, values in taken.items()]
    bench.table(("ns", "median", "q1", "q3"), rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
