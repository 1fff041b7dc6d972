#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""posix_spawn of a static `true`: what it costs to be followed by nstrace, and by the peers that are installed.

Most of it is paid by the 130 calls that glibc before 2.38 makes for each (the child asks for every signal); vfork and execve
stand beside it, to which posix_spawn comes in later ones. Each takes its turn in every round, and which comes first alternates; a tracer's own start and end are not in the time.
"""
import shutil
import subprocess
import sys

import bench
import harness

EXECS = "tracepoint:syscalls:sys_enter_execve { join(args->argv); } tracepoint:sched:sched_process_fork { " \
        'printf("%d %d\\n", args->parent_pid, args->child_pid); } tracepoint:sched:sched_process_exit { printf("%d\\n", pid); }'


def main():
    box, chosen = bench.options(__doc__, times=(1000, "spawns in a round"), rounds=(9, "rounds"), peers=(1, "0: nstrace alone"))
    spawn = [box.program("spawn"), str(chosen.times), box.program("true")]
    out = box.temp / "out"
    nstrace = [box.nstrace, "-q", "--linger", "0", "-o", box.temp / "t.jsonl"]
    ways = {"not followed": spawn, "nstrace": [*nstrace, "--", *spawn], "nstrace --no-durations": [*nstrace, "--no-durations", "--", *spawn],
            "vfork, not followed": [*spawn, "vfork"], "vfork, nstrace": [*nstrace, "--", *spawn, "vfork"]}
    peers = {"strace -f": ["strace", "-f", "-qqq", "-e", "execve,clone,clone3,vfork,exit_group", "-o", out, *spawn],
             "bpftrace": ["bpftrace", "-o", out, "-e", EXECS, "-c", " ".join(spawn)],
             "perf trace": ["perf", "trace", "-o", out, "-e", "execve,clone,clone3,vfork,exit_group", *spawn]}
    ways |= {name: way for name, way in peers.items() if chosen.peers and shutil.which(way[0])}
    taken = {name: [] for name in ways}
    lost = 0
    try:
        for i in range(chosen.rounds):
            order = list(ways) if i % 2 else list(reversed(ways))
            for name in order:
                with open(box.temp / "said", "w+") as lines:  # to a file: reading a pipe would take its share of the machine
                    done = subprocess.run([str(w) for w in ways[name]], stdout=subprocess.PIPE, stderr=lines, text=True)
                said = harness.said(done.stdout)
                if "ns" not in said:
                    print(f"{name} did not work: {(box.temp / 'said').read_text().strip()[-300:]}", file=sys.stderr)
                    del ways[name]
                    continue
                taken[name].append(said["ns"] / 1e3)
                if "nstrace" in name:
                    trace = harness.Trace(box.temp / "t.jsonl")
                    lost += trace.footer["lost"] + abs(len(trace.of("exec")) - 1 - chosen.times - chosen.times // 5)
    finally:
        box.close()
    # what is slow for a while is slow for all of a round
    alone = {name: "vfork, not followed" if name.startswith("vfork") else "not followed" for name in ways}
    ratios = {name: bench.spread([a / b for a, b in zip(taken[name], taken[alone[name]])])[0] for name in ways}
    rows = []
    for name in ways:
        median, low, high = bench.spread(taken[name])
        rows.append((name, f"{median:.1f}", f"{low:.1f}", f"{high:.1f}", f"{ratios[name]:.3f}"))
    bench.table(("us a spawn", "median", "q1", "q3", ": not, median of rounds"), rows)
    return bench.bars(("nstrace : not followed", ratios["nstrace"], 1.05), ("lost", lost, 0))


if __name__ == "__main__":
    sys.exit(main())
