#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long the mini runtime takes for a container that runs `true`, beside crun and runc with the like bundle.

`lab run --no-trace` from its start to its end; the three take turns, so that a busy machine is busy for all. And the
size of the helper that does the work.
"""
import os
import shutil
import subprocess
import sys
import time

import bench
import like_test


QUIET = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]


def milliseconds(command):
    """From before the command is started to after it was waited for. subprocess would add a millisecond of its own."""
    words = [str(word) for word in command]
    begin = time.monotonic_ns()
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=QUIET)
    _, status = os.waitpid(pid, 0)
    end = time.monotonic_ns()
    if status != 0:
        raise RuntimeError(f"{words} ended with {os.waitstatus_to_exitcode(status)}")
    return (end - begin) / 1e6


def main():
    box, chosen = bench.options(__doc__, times=(40, "measurements of each"))
    try:
        folder = like_test.bundle(box, box.program("true"))
        runs = {"nstrace lab run": [box.nstrace, "lab", "run", "--no-trace", "--", "true"],
                "nstrace --version": [box.nstrace, "--version"]}
        for runtime in "crun", "runc":
            command = [runtime, "--root", box.temp / "state", "run", "nstrace-bench"]
            # crun refuses a host with both versions of cgroups
            if shutil.which(runtime) and subprocess.run(command, cwd=folder, capture_output=True).returncode == 0:
                runs[runtime + " run"] = command
        times = {name: [] for name in runs}
        os.chdir(folder)
        for _ in range(chosen.times):
            for name, command in runs.items():
                times[name].append(milliseconds(command))
        size = box.build.joinpath("nstrace-lab").stat().st_size / 1e6
    finally:
        box.close()
    bench.table(("ms", "median", "q1", "q3", "min"),
                [(name, *(f"{v:.1f}" for v in bench.spread(values)), f"{min(values):.1f}")
                 for name, values in times.items()])
    return bench.bars(("lab run, ms", round(bench.spread(times["nstrace lab run"])[0], 1), 5),
                      ("helper, MB", round(size, 2), 1))


if __name__ == "__main__":
    sys.exit(main())
