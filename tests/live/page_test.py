# SPDX-License-Identifier: MIT
"""The page that `nstrace draw -o FILE.html` makes, in a real browser, opened as a file."""
import json

from browser import Browser
from harness import Skip, check, equal, test
from traces import many, spoiled

NEEDS = ("nstrace", "chromium")


def drawn(box, trace, name="page.html"):
    path = box.temp / name
    status, _, err = box.run(box.nstrace, "draw", trace, "-o", path)
    equal(status, 0, f"status of nstrace draw ({err.strip()[-300:]})")
    return path


def example(box, name="docker-run"):
    return drawn(box, box.source / "examples" / (name + ".jsonl"))


def clean(page):
    equal(page.wrong, [], "what the page did that it should not")


def event_of(page, words):
    """The number of the first call whose text has the words."""
    event = page.value(f"(calls.find(c => c.text.includes({json.dumps(words)})) || {{}}).event")
    check(event, f"the page has no call with {words}")
    return event


@test(needs=NEEDS)
def opens_as_a_file_without_an_error_and_without_a_network(box):
    path = example(box)
    with Browser(box.temp) as page:
        page.open(path)
        equal(page.text("h1"), "docker run -d busybox sleep 100", "the title")
        check("0 lost" in page.text("#facts"), "it does not say what was lost")
        for view in "tree", "timeline", "namespaces":
            page.click("#tab-" + view)
            equal(page.value(f"document.getElementById('{view}').hidden"), False, f"{view} is hidden")
        equal(page.value("performance.getEntriesByType('resource').length"), 0, "things loaded")
        clean(page)


@test(needs=NEEDS)
def pointing_at_a_step_shows_the_whole_call(box):
    path = example(box)
    with Browser(box.temp) as page:
        page.open(path)
        event = event_of(page, "pivot_root(")
        page.hover(f"#tree [data-e='{event}'] text")
        check('pivot_root(".", ".") = 0' in page.text("#detail"), "pointing at pivot_root shows " + page.text("#detail"))
        check("runc:[2:INIT]" in page.text("#detail"), "it does not say whose call it is")
        event = event_of(page, "unshare(")
        page.click("#tab-timeline")
        page.hover(f"#rows [data-event='{event}'] .what")
        check("unshare(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWPID|CLONE_NEWNET) = 0" in page.text("#detail"),
              "pointing at unshare shows " + page.text("#detail"))
        clean(page)


@test(needs=NEEDS)
def over_time_says_what_its_signs_mean(box):
    path = example(box)
    with Browser(box.temp) as page:
        page.open(path)
        page.click("#tab-timeline")
        signs = page.text("#signs")
        for words in ("stripes of a bar", "cgroup", "the host's namespace", "what the program had to wait for"):
            check(words in signs, f"{words!r} is not among the signs: {signs}")
        check("takes long" not in signs, f"no call of this trace takes long, and so none is hatched: {signs}")
        check(page.value("document.getElementById('signs').getBoundingClientRect().bottom <= innerHeight"),
              "the signs are out of sight")
        clean(page)


@test(needs=NEEDS)
def a_click_filters_by_process_and_by_namespace(box):
    path = example(box)
    with Browser(box.temp) as page:
        page.open(path)
        faint = "document.querySelectorAll('#tree [data-p].dim').length"
        equal(page.value(faint), 0, "cards dimmed before")
        init = page.value("processes.findIndex(p => p.name === 'sleep 100')")
        page.click(f"#filters [data-set='processes'][data-value='{init}']")
        equal(page.value("[...document.querySelectorAll('#tree [data-p]:not(.dim)')].map(c => Number(c.dataset.p))"), [init],
              "cards that are not dimmed")
        page.click("#tab-timeline")
        equal(page.value("[...new Set([...document.querySelectorAll('#rows [data-process]')].map(r => r.dataset.process))]"),
              [str(init)], "processes over time")
        page.key("Escape")
        equal(page.value("filtering()"), False, "Esc leaves a filter")
        page.click("#filters [data-set='namespaces']")
        who = page.value("[...new Set([...document.querySelectorAll('#rows .who')].map(r => r.innerText))]")
        check("runc:[2:INIT]" in who and "containerd" not in who, f"in the new namespace are {who}")
        page.click("#tab-tree")
        page.click("#tree [data-p] text")
        equal(page.value("state.processes.size"), 1, "a click on a card")
        page.key("Escape")
        page.click("#filters [data-set='namespaces']")
        seen = """(() => { const view = document.getElementById('tree').getBoundingClientRect();
            return [...document.querySelectorAll('#tree [data-p]:not(.dim)')].some(c => { const box = c.getBoundingClientRect();
              return box.top < view.bottom && box.bottom > view.top; }); })()"""
        equal(page.value(seen), True, "the first card that is in the namespace is in sight")
        check(page.value("document.querySelectorAll('#tree [data-edge].dim').length") > 0, "no arrow is dimmed")
        clean(page)


@test(needs=NEEDS)
def the_story_leads_to_its_moments_and_phases_filter(box):
    path = example(box)
    status, words, _ = box.run(box.nstrace, "explain", "--format", "json", box.source / "examples" / "docker-run.jsonl")
    equal(status, 0, "status of nstrace explain")
    steps = json.loads(words)["steps"]
    with Browser(box.temp) as page:
        page.open(path)
        equal(page.value("steps.map(s => [s.n, s.e, s.text])"), [[s["step"], s["event"], s["sentence"]] for s in steps],
              "the numbers, events and sentences of the steps, as nstrace explain has them")
        pivot = next(s for s in steps if s["phase"] == "pivot")
        page.click(f"[data-step='{pivot['step']}']")
        equal(page.value("state.at"), pivot["event"], "where a click on the step leads")
        check(pivot["sentence"][:40] in page.text("#detail"), "the detail lacks the step's sentence")
        page.key("Escape")
        page.key("2")
        page.click("#filters [data-set='phases'][title*='root directory']")
        shown = page.value("[...document.querySelectorAll('#rows .what')].map(r => r.innerText).join('|')")
        check("pivot_root" in shown and "unshare" not in shown and "exec runc create" not in shown, f"in the phase: {shown}")
        clean(page)


@test(needs=NEEDS)
def the_slider_replays(box):
    path = example(box)
    with Browser(box.temp) as page:
        page.open(path)
        event = event_of(page, "unshare(")
        page.value(f"(() => {{ const t = document.getElementById('time'); t.value = {event}; "
                   "t.dispatchEvent(new Event('input')); })()")
        page.frame()
        future = page.value("[...document.querySelectorAll('#tree .future[data-p]')].map(c => processes[c.dataset.p].name)")
        check("sleep 100" in future and "runc create" not in future, f"not yet there: {future}")
        check("unshare" in page.text("#now"), "the moment is called " + page.text("#now"))
        page.key("3")
        houses = page.value("[...document.querySelectorAll('.house h4')].map(h => h.innerText)")
        equal(len(houses), 2, f"sets of namespaces right after the unshare: {houses}")
        page.key("Home")
        equal(page.value("document.querySelectorAll('.house').length"), 1, "sets of namespaces before all")
        page.key("End")
        check("container" in page.text("#namespaces"), "no container at the end")
        clean(page)


@test(needs=NEEDS)
def search_finds_calls(box):
    path = example(box)
    with Browser(box.temp) as page:
        page.open(path, "#timeline")
        page.key("/")
        page.type("PIVOT_ROOT")
        equal(page.text("#found"), "1 calls", "found")
        page.key("Home")  # of the text field: no key of the page
        page.key("Enter")
        check("pivot_root" in page.text("#now"), "Enter goes to " + page.text("#now"))
        page.key("Escape")
        page.key("/")
        page.type("no such words")
        equal(page.text("#found"), "nothing", "found")
        clean(page)


@test(needs=NEEDS)
def keys_do_what_the_mouse_does(box):
    path = example(box)
    with Browser(box.temp) as page:
        page.open(path)
        page.key("2")
        equal(page.value("state.view"), "timeline", "after 2")
        page.key("Home")
        page.key("ArrowRight")
        first = page.value("state.at")
        check(first > 0, "the right arrow does not step")
        page.key("ArrowRight")
        check(page.value("state.at") > first, "the right arrow does not step on")
        page.key("ArrowLeft")
        equal(page.value("state.at"), first, "the left arrow")
        page.key("a")
        check(page.value("timelineView.count()") > 300, "a does not show every call")
        page.key(" ")
        equal(page.value("timer !== 0"), True, "playing after space")
        page.value("new Promise(done => setTimeout(done, 700))")
        check(page.value("state.at") > first, "it does not play")
        page.key(" ")
        equal(page.value("timer"), 0, "playing after the second space")
        page.key("?")
        equal(page.value("document.getElementById('keys').open"), True, "the keys after ?")
        page.key("Escape")
        clean(page)


@test(needs=NEEDS)
def losses_stand_in_their_place(box):
    trace = box.temp / "lossy.jsonl"
    lines = (box.source / "examples" / "docker-run.jsonl").read_text().splitlines()
    kept = []
    for line in lines:
        piece = json.loads(line)
        if 100 <= piece.get("n", 0) < 160:
            if piece["n"] == 159:
                kept.append({"type": "lost", "n": 159, "t": piece["t"], "count": 59, "cpu": 0, "why": "ring buffer full"})
            continue
        if piece["type"] == "footer":
            piece |= {"lost": 59, "events": piece["events"] - 59}
        kept.append(piece)
    trace.write_text("".join(json.dumps(piece) + "\n" for piece in kept))
    with Browser(box.temp) as page:
        page.open(drawn(box, trace), "#timeline")
        check("59 LOST" in page.text("#facts"), "the head says " + page.text("#facts"))
        check("59 events LOST" in page.text("#rows"), "no row says where")
        page.value("go(159)")
        check("LOST" in page.text("#now"), "the moment is called " + page.text("#now"))
        clean(page)


@test(needs=NEEDS)
def light_and_dark_follow_the_system(box):
    path = example(box)
    colours = []
    with Browser(box.temp) as page:
        page.open(path)
        for scheme in "light", "dark":
            page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            page.frame()
            colours.append(page.value("getComputedStyle(document.body).backgroundColor + "
                                      "getComputedStyle(document.querySelector('#tree svg > rect')).fill"))
        equal(colours, ["rgb(255, 255, 255)rgb(255, 255, 255)", "rgb(13, 17, 23)rgb(13, 17, 23)"], "light and dark")
        clean(page)


@test(needs=NEEDS)
def pictures_are_light_or_dark_and_print(box):
    """The .svg by itself, and the page on paper."""
    path = example(box)
    svg = box.source / "examples" / "docker-run-timeline.svg"
    with Browser(box.temp) as page:
        page.open(svg)
        fills = []
        for scheme in "light", "dark":
            page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            fills.append(page.value("getComputedStyle(document.querySelector('.f-paper')).fill"))
        equal(fills, ["rgb(255, 255, 255)", "rgb(13, 17, 23)"], "the paper, light and dark")
        page.ask("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        equal(page.value("getComputedStyle(document.querySelector('.f-paper')).fill"), "rgb(255, 255, 255)", "the paper, printed")
        # What is drawn lies within the picture.
        outside = page.value("""(() => { const s = document.documentElement.getBoundingClientRect();
            return [...document.querySelectorAll('text')].filter(t => { const b = t.getBoundingClientRect();
              return b.left < s.left || b.right > s.right + 1 || b.top < s.top || b.bottom > s.bottom + 1; })
              .map(t => t.textContent); })()""")
        equal(outside, [], "text that is cut off")
        page.ask("Emulation.setEmulatedMedia", media="")
        page.open(path)
        page.ask("Emulation.setEmulatedMedia", media="print")
        equal(page.value("['tools', 'filters', 'detail', 'player'].map(id => getComputedStyle(document.getElementById(id)).display)"),
              ["none"] * 4, "the controls on paper")
        clean(page)


@test(needs=NEEDS)
def text_in_pictures_stays_in_its_place(box):
    """In every picture of examples/, with the fonts of a real browser: no text beyond the edge, none over another."""
    with Browser(box.temp) as page:
        for svg in sorted((box.source / "examples").rglob("*.svg")):
            page.open(svg)
            wrong = page.value("""(() => { const s = document.documentElement.getBoundingClientRect();
                const texts = [...document.querySelectorAll('text')].filter(t => !t.getAttribute('transform'));
                const boxes = texts.map(t => t.getBoundingClientRect()), wrong = [];
                boxes.forEach((a, i) => {
                  if (a.left < s.left || a.right > s.right + 1 || a.bottom > s.bottom + 1) wrong.push('cut: ' + texts[i].textContent);
                  for (let j = i + 1; j < boxes.length; ++j) { const b = boxes[j];
                    if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5 &&
                        Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5)
                      wrong.push('over each other: ' + texts[i].textContent + ' / ' + texts[j].textContent); } });
                return wrong; })()""")
            equal(wrong, [], f"in {svg.name}")


@test(needs=NEEDS)
def hostile_text_stays_text(box):
    with Browser(box.temp) as page:
        hostile_pages(box, page)


def hostile_pages(box, page):
    for number, evil in enumerate([
            "</script><script>alert(1)</script><img src=x onerror=alert(2)>", "\"'><svg onload=alert(3)>", "]]>--><!--",
            "a\nb\r\t\x1b[31m\x00\x7f", "\u202egpj.exe\u2066\u200f", "<style>*{display:none}</style>", "\\u003cscript>",
            "${alert(4)}`", "x" * (1 << 20)]):
        trace = box.temp / "evil.jsonl"
        spoiled(box.source / "examples" / "docker-run.jsonl", trace, evil)
        path = drawn(box, trace, f"evil{number}.html")
        check(path.stat().st_size < 20_000_000, f"a page of {path.stat().st_size} bytes")
        page.open(path)
        for key in "2", "a", "Home", "ArrowRight", "3", "1", "End":
            page.key(key)
        count = "JSON.stringify(['script', 'img', 'iframe', 'style', 'link', 'svg', 'object'].map(n => " \
            "document.querySelectorAll(n).length))"
        equal(page.value(count), "[2,0,0,2,0,1,0]", "script, img, iframe, style, link, svg, object in the page")
        attributes = page.value("[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
                                ".filter(n => n.startsWith('on') || n === 'href' || n === 'src')")
        equal(attributes, [], "attributes")
        shown = page.value("document.body.innerText")
        check(not any(c in shown for c in "\x1b\x00\x7f\u202e\u2066\u200f"), f"{evil!r} is shown as it is")
        clean(page)


@test(needs=NEEDS)
def ten_thousand_events_stay_fluid(box):
    trace = box.temp / "many.jsonl"
    events = many(box.source / "examples" / "docker-run.jsonl", trace, 2500)
    path = drawn(box, trace)
    with Browser(box.temp) as page:
        page.open(path, "#timeline")
        page.key("a")
        equal(page.value("timelineView.count()"), events, "rows")
        check(page.value("document.querySelectorAll('.row').length") < 120, "all rows are in the page at once")
        scrolled = """(async () => { const box = document.getElementById('scroll'); const times = [];
            for (let i = 0; i < 60; ++i) { box.scrollTop = i * 3600; const a = performance.now();
              await new Promise(d => requestAnimationFrame(() => requestAnimationFrame(d))); times.push(performance.now() - a); }
            return times.sort((a, b) => a - b)[54]; })()"""
        longest = min(page.value(scrolled) for _ in range(3))  # a busy machine only adds
        check(longest < 100, f"nine of ten times to scroll are up to {longest:.0f} ms")
        for what, code in (("a step", "step(-1)"), ("a search", "state.query = 'tool7'; update()"),
                           ("a filter", "state.query = ''; toggle(state.processes, 9)"), ("the end", "clearAll()"),
                           ("another view", "show('tree')"), ("the moment", "go(5000)"), ("namespaces", "show('namespaces')")):
            took = page.value(f"(() => {{ const a = performance.now(); {code}; return performance.now() - a; }})()")
            check(took < 300, f"{what} takes {took:.0f} ms")
        clean(page)


GOLDEN = """(() => {
  const c = document.getElementById('lanes'), data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] > 180 && data[i + 1] > 100 && data[i + 1] < 190 && data[i + 2] < 60) ++count;
  return count;
})()"""


@test(needs=NEEDS)
def the_way_to_the_program_is_a_line_over_time(box):
    path = example(box)
    with Browser(box.temp) as page:
        page.open(path)
        check(page.value("trace.path.length") >= 15, "the path has few stretches")
        equal(page.value("callAt(trace.path[2]).kind"), "exec", "where it ends")
        page.click("#tab-timeline")
        check(page.value(GOLDEN) > 300, "no golden line is painted")
        clean(page)


@test(needs=NEEDS)
def without_times_none_are_shown(box):
    path = drawn(box, box.source / "examples" / "docker-run.strace")
    with Browser(box.temp) as page:
        page.open(path)
        equal(page.value("trace.timed"), False, "whether the log has times")
        page.click("#tab-timeline")
        check(page.value("document.querySelectorAll('#rows .row').length") > 5, "few rows")
        equal(page.value("[...document.querySelectorAll('#rows .clock')].map(e => e.textContent).join('')"), "", "clocks")
        page.key("Home")
        page.key("ArrowRight")
        check(page.text("#now").startswith("event "), "the moment is called " + page.text("#now"))
        page.click("#rows [data-event]")
        check(" ms" not in page.text("#detail"), "it shows times: " + page.text("#detail")[-200:])
        equal(page.value("trace.path.length"), 0, "a path without times")
        clean(page)


# The trace model of the browser's own profiler, which its Performance panel shows: what it made of a file.
PROFILER = """(async () => {
  const { TraceModel } = await import('devtools://devtools/bundled/models/trace/trace.js');
  const model = TraceModel.Model.createWithAllHandlers();
  await model.parse(%s.traceEvents, { metadata: {} });
  const { Meta, Renderer, Flows } = model.parsedTrace().data;
  const threads = [...Renderer.processes].flatMap(([pid, p]) => [...p.threads].map(([tid, t]) => ({
    pid, tid, names: t.entries.map(e => e.name), roots: [...t.tree.roots].map(n => n.entry.name)})));
  return { names: [...Meta.processNames].map(([pid, e]) => [pid, e.args.name]), threads,
           flows: Flows.flows.map(f => f.map(e => e.pid)) };
})()"""


@test(needs=NEEDS)
def trace_events_load_in_the_profiler_of_a_browser(box):
    """Each process is a track under its name, each call lies in the slice that its process was called by, and a flow leads
    from each fork to the child."""
    with Browser(box.temp) as page:
        for name, program in ("docker-run", "sleep 100"), ("docker-exec", 'sh -c "echo hello"'):
            trace = drawn(box, box.source / "examples" / (name + ".jsonl"), name + ".json").read_text()
            events = json.loads(trace)["traceEvents"]
            page.developer_tools()
            try:
                seen = page.value(PROFILER % trace)
            except RuntimeError as error:
                if "dynamically imported module" in str(error) or "createWithAllHandlers" in str(error):
                    raise Skip("this Chromium's profiler is called otherwise") from error
                raise
            slices = {}
            for event in events:
                if event["ph"] == "X":
                    slices.setdefault((event["pid"], event["tid"]), []).append(event)
            equal(sorted((t["pid"], t["tid"], len(t["names"])) for t in seen["threads"]),
                  sorted((*track, len(list_)) for track, list_ in slices.items()), "tracks and their slices")
            named = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
            equal(dict(seen["names"]), named, "the names of the tracks")
            for thread in seen["threads"]:
                if thread["pid"] == thread["tid"]:  # what it was called is outside, what it called within
                    called = [e["name"] for e in slices[thread["pid"], thread["tid"]] if "call" not in e["args"]]
                    equal(thread["roots"], called, f"the outer slices of {named[thread['pid']]}")
            init = next(t for t in seen["threads"] if named[t["pid"]].startswith(program))
            equal([init["roots"][0], init["roots"][-1]], ["runc:[1:CHILD]", program], "what the first process was called")
            check("execve" in init["names"], "the program's execve is not there")
            made = [e["pid"] for e in events if e["ph"] == "f" and e["name"] == "fork"]
            equal(len(seen["flows"]), len(made), "flows from a fork to the child")
            equal([len(set(flow)) for flow in seen["flows"]], [2] * len(made), "the tracks that each flow ties")
