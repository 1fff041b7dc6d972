# SPDX-License-Identifier: MIT
"""Files that other programs open: .png, .pdf and Chrome's trace events, from the recordings in examples/."""
import json
import struct
import time
import zlib

from harness import Skip, check, equal, lacking, test
from traces import many, spoiled


def drawn(box, name, ending, *options):
    path = box.temp / f"{name}.{ending}"
    status, _, err = box.run(box.nstrace, "draw", box.source / "examples" / (name + ".jsonl"), *options, "-o", path)
    if status != 0 and "apt-get install librsvg2-2" in err:
        raise Skip("librsvg is missing")
    equal(status, 0, f"status of nstrace draw to .{ending} ({err.strip()[-300:]})")
    return path.read_bytes()


@test(needs=("nstrace",))
def png_is_a_picture_of_that_size(box):
    for view in "tree", "timeline", "namespaces":
        png = drawn(box, "docker-run", "png", "--view", view)
        equal(png[:8], b"\x89PNG\r\n\x1a\n", "the first bytes")
        width, height = struct.unpack(">II", png[16:24])
        check(1000 < width < 4000 and 500 < height < 6000, f"{view} is {width} by {height}")
        at, data = 8, b""
        while at < len(png):
            size, kind = struct.unpack(">I4s", png[at:at + 8])
            equal(zlib.crc32(png[at + 4:at + 8 + size]), struct.unpack(">I", png[at + 8 + size:at + 12 + size])[0], "a checksum")
            data += png[at + 8:at + 8 + size] if kind == b"IDAT" else b""
            at += 12 + size
        pixels = zlib.decompress(data)
        check(len(set(pixels)) > 20, "the picture is empty")
        equal(drawn(box, "docker-run", "png", "--view", view), png, "the same picture again")


@test(needs=("nstrace",))
def a_moment_that_cannot_be_shown_is_an_error(box):
    trace = box.source / "examples" / "docker-run.jsonl"
    for words, said in ((("--at", "5"), "--view namespaces"), (("--view", "namespaces", "--at", "-5"), "the trace goes from 0 to"),
                        (("--view", "namespaces", "--at", "99999999"), "the trace goes from 0 to")):
        status, _, err = box.run(box.nstrace, "draw", trace, *words, "-o", box.temp / "x.svg")
        equal(status, 2, f"status of {' '.join(words)}")
        check(said in err, f"{' '.join(words)}: {err}")
    status, _, err = box.run(box.nstrace, "draw", trace, "--view", "namespaces", "--at", "150", "-o", box.temp / "x.svg")
    equal(status, 0, f"a moment within ({err.strip()})")


@test(needs=("nstrace",))
def pdf_is_one_page_with_its_text(box):
    pdf = drawn(box, "docker-run", "pdf")
    check(pdf.startswith(b"%PDF-1.") and pdf.rstrip().endswith(b"%%EOF"), "it is no PDF")
    equal(drawn(box, "docker-run", "pdf"), pdf, "the same page again")
    if not lacking(box, "pdftotext"):
        (box.temp / "a.pdf").write_bytes(pdf)
        status, words, _ = box.run("pdftotext", box.temp / "a.pdf", "-")
        equal(status, 0, "status of pdftotext")
        check("pivot_root" in words and "0 lost" in words, "the page's text lacks words")


@test(needs=("nstrace",))
def hostile_text_in_png_and_pdf(box):
    """They are drawn from the SVG by a library: what a program calls itself must not stop it, nor put anything active in."""
    for number, evil in enumerate(["</text><image href='file:///etc/passwd'/><a href='http://x'>&xxe;\n\x1b[31m\x00\x7f\u202e",
                                   "x" * (1 << 20)]):
        trace = box.temp / "evil.jsonl"
        spoiled(box.source / "examples" / "docker-run.jsonl", trace, evil)
        for view in ("tree", "timeline", "namespaces") if number == 0 else ("tree",):
            for ending in ("png", "pdf") if number == 0 and view == "tree" else ("pdf",):
                path = box.temp / f"{number}-{view}.{ending}"
                status, _, err = box.run(box.nstrace, "draw", trace, "--view", view, "-o", path)
                if status != 0 and "apt-get install librsvg2-2" in err:
                    raise Skip("librsvg is missing")
                equal(status, 0, f"status of nstrace draw to .{ending} ({err.strip()[-300:]})")
                made = path.read_bytes()
                check(1000 < len(made) < 5_000_000, f"{path.name} has {len(made)} bytes")
                if ending == "pdf":
                    check(made.rstrip().endswith(b"%%EOF"), "no end of a PDF")
                    for word in b"/JavaScript", b"/URI", b"/Launch", b"/EmbeddedFile":
                        check(word not in made, f"there is a {word}")


def once(pairs):
    """A JSON object; fails where a name stands twice, of which readers keep but one."""
    equal(len(dict(pairs)), len(pairs), f"names in {pairs}")
    return dict(pairs)


def tracks(trace):
    """What a viewer does with it: the slices of each thread, nested; fails where they overlap."""
    equal(sorted(trace), ["displayTimeUnit", "otherData", "traceEvents"], "keys")
    slices, flows = {}, {}
    for event in trace["traceEvents"]:
        check(isinstance(event["pid"], int) and isinstance(event["tid"], int) and event["name"], f"{event}")
        if event["ph"] == "X":
            slices.setdefault((event["pid"], event["tid"]), []).append((event["ts"], -event["dur"], event["name"]))
            check(event["ts"] >= 0 and event["dur"] >= 0, f"before its time: {event}")
        elif event["ph"] in "sf":
            flows.setdefault(event["id"], {})[event["ph"]] = event
        else:
            check(event["ph"] in "iM", f"a kind that nobody expects: {event}")
    for thread, list_ in slices.items():
        open_ = []
        for begin, minus, name in sorted(list_):
            while open_ and open_[-1][0] <= begin + 0.0005:
                open_.pop()
            check(not open_ or begin - minus <= open_[-1][0] + 0.001,
                  f"{name} at {begin} overlaps {open_[-1:]} on {thread}")
            open_.append((begin - minus, name))
    for number, flow in flows.items():
        equal(sorted(flow), ["f", "s"], f"the ends of flow {number}")
        check(flow["s"]["ts"] <= flow["f"]["ts"], f"flow {number} goes back in time")
        for end in flow.values():  # a viewer hangs it on the slice that is open there
            check(any(begin - 0.001 <= end["ts"] <= begin - minus + 0.001 for begin, minus, _ in
                      slices.get((end["pid"], end["tid"]), [])), f"flow {number} hangs on nothing at {end}")
    return slices, flows


@test(needs=("nstrace",))
def trace_events_nest_and_flow(box):
    for name, kinds in ("docker-run", {"fork"}), ("docker-exec", {"fork", "setns"}):
        trace = json.loads(drawn(box, name, "json"), object_pairs_hook=once)
        slices, flows = tracks(trace)
        equal({flow["s"]["name"] for flow in flows.values()}, kinds, f"kinds of flow in {name}")
        check(len(slices) > 5, "few tracks")
        named = [e["args"]["name"] for e in trace["traceEvents"] if e["ph"] == "M" and e["name"] == "process_name"]
        equal(len(named), len(set(named)), "tracks with one name")
        if name == "docker-run":
            last = [e for e in trace["traceEvents"] if e["ph"] == "X" and e["name"] == "sleep 100"]
            equal(len(last), 1, "slices of sleep 100")
            equal([last[0]["args"][ns] for ns in ("mnt", "pid", "user")], ["mnt 2", "pid 2", "host"], "its namespaces")
            check(last[0]["args"]["pids"].endswith(" outside, 1 inside"), "its numbers")


@test(needs=("nstrace",))
def a_thousand_processes_take_two_seconds_at_most(box):
    """Folded, with a word about it, and all of them."""
    trace = box.temp / "many.jsonl"
    many(box.source / "examples" / "docker-run.jsonl", trace, 1000)
    for view in "tree", "timeline":
        for options, said in ((), "are folded; nstrace draw TRACE --all -o FILE shows each"), (("--all",), "tool7 7<"):
            best = 100.0
            for _ in range(3):
                begin = time.monotonic()
                status, _, err = box.run(box.nstrace, "draw", trace, "--view", view, *options, "-o", "many.svg")
                best = min(best, time.monotonic() - begin)
                equal(status, 0, f"status of nstrace draw ({err.strip()[-300:]})")
            svg = (box.temp / "many.svg").read_text()
            check(said in svg, f"{view} {options} does not say {said}")
            check(best <= 2, f"{view} {options} takes {best:.1f} s")
