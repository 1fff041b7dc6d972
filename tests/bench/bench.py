# SPDX-License-Identifier: MIT
"""What the measurements share: options, medians, a small table, a bar that is held or not."""
import argparse
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "live"))
import harness  # noqa: E402


def options(description, needs=("nstrace", "root", "bpf"), **numbers):
    """Parses --build and the given --NAME N; returns (a harness.Box, the options)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", default=str(HERE.parents[1] / "build"), help="the build folder (default: build/)")
    for name, (default, text) in numbers.items():
        parser.add_argument("--" + name, type=int, default=default, help=f"{text} (default: {default})")
    chosen = parser.parse_args()
    box = harness.Box(pathlib.Path(chosen.build).resolve())
    for need in needs:
        why = harness.lacking(box, need)
        if why:
            box.close()
            sys.exit(f"{sys.argv[0]}: {why}")
    return box, chosen


def spread(values):
    """Median and the middle half, in the unit of the values."""
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return statistics.median(ordered), ordered[quarter], ordered[-1 - quarter]


def table(head, rows):
    """Prints rows of text in aligned columns, the first to the left."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def bars(*held):
    """Each is (name, value, bar); says which are held and returns the exit status."""
    broken = 0
    for name, value, bar in held:
        ok = value <= bar
        broken += not ok
        print(f"{'ok' if ok else 'NOT HELD'}: {name} {value:g}, bar {bar:g}")
    return 1 if broken else 0
