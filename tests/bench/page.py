#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How fluid the page of `nstrace draw -o FILE.html` is with 10,000 events, in a real browser without a window.

Each reaction is timed from the input until the next frame is painted (a frame alone takes up to 17 ms): the median and
the worst of many.
"""
import statistics
import sys
import time

import bench
from browser import Browser
from traces import many

# what, and how: `i` counts
REACTIONS = (
    ("a step of the slider", "const t = document.getElementById('time'); t.value = 200 + i * 230; "
                                 "t.dispatchEvent(new Event('input'))"),
    ("an arrow key", "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}))"),
    ("a click that filters", "const all = document.querySelectorAll('#filters [data-set]'); all[i % all.length].click()"),
    ("a letter of the search", "const q = document.getElementById('search'); "
                                   "q.value = 'tool' + i; q.dispatchEvent(new Event('input'))"),
    ("scrolling", "document.getElementById('scroll').scrollTop = i * 3600"),
)

TIMES = """(async () => {
  const taken = [];
  for (let i = 0; i < %d; ++i) {
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    const begin = performance.now();
    (() => { %s; })();
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    taken.push(performance.now() - begin);
  }
  return taken;
})()"""


def main():
    box, chosen = bench.options(__doc__, needs=("nstrace", "chromium"), times=(40, "measurements of each"))
    rows, held = [], []
    try:
        trace, page_file = box.temp / "many.jsonl", box.temp / "many.html"
        events = many(box.source / "examples" / "docker-run.jsonl", trace, 2500)
        status, _, err = box.run(box.nstrace, "draw", trace, "-o", page_file)
        if status:
            sys.exit(err)
        with Browser(box.temp) as page:
            for view, key in ("over time", "2"), ("tree", "1"), ("namespaces", "3"):
                begin = time.monotonic()
                page.open(page_file, "#timeline")
                opened = (time.monotonic() - begin) * 1000
                page.key("a")  # every call, not only the steps
                page.key(key)
                for what, code in REACTIONS:
                    if what == "scrolling" and view != "over time":
                        continue
                    taken = page.value(TIMES % (chosen.times, code))
                    page.value("clearAll()")
                    rows.append((f"{what}, {view}", f"{statistics.median(taken):.0f}", f"{max(taken):.0f}"))
                    held.append((f"{what}, {view}, ms", round(statistics.median(taken)), 100))
    finally:
        box.close()
    bench.table((f"ms, {events} events", "median", "worst"), rows)
    print(f"opened in {opened:.0f} ms")
    return bench.bars(*held)


if __name__ == "__main__":
    sys.exit(main())
