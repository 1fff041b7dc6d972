# SPDX-License-Identifier: MIT
"""What stands in examples/ works: the recordings, the quickstart, and the quickstart where tracing is refused."""
import os
import re
import shutil
import sys
import xml.etree.ElementTree

from harness import Trace, check, equal, test


@test(needs=("nstrace",))
def recordings_are_read_shown_and_drawn(box):
    for name, words in (("docker-run", ["pivot_root(\".\", \".\") = 0", "libnetwork-setkey", "[\"sleep\", \"100\"]",
                                        "unshare(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWPID|CLONE_NEWNET) = 0"]),
                        ("docker-exec", ["setns(", "<pid:[", "unshare(0) = 0"])):
        path = box.source / "examples" / (name + ".jsonl")
        Trace(path).whole()
        status, out, err = box.run(box.nstrace, "show", path)
        equal(status, 0, f"the status of nstrace show {name}.jsonl ({err.strip()})")
        for word in words:
            check(word in out, f"nstrace show {name}.jsonl does not show {word}")
        for ending, begin in ("svg", "<svg"), ("dot", ""):
            status, out, err = box.run(box.nstrace, "draw", path, "-o", f"{name}.{ending}")
            equal(status, 0, f"status of nstrace draw to .{ending} ({err.strip()})")
            check((box.temp / f"{name}.{ending}").read_text().lstrip().startswith(begin), f"no {ending} came out")


def structure(path):
    """What a picture says, without where: Graphviz places it a little differently from version to version."""
    text = path.read_text()
    if path.suffix != ".svg":
        return "".join(text.split())  # Graphviz breaks lines of .dot as it likes
    elements = list(xml.etree.ElementTree.fromstring(text).iter())
    return [(e.tag.rpartition("}")[2], e.text or "", sorted(k for k in e.attrib)) for e in elements
            if not e.tag.endswith("style")]


@test(needs=("nstrace",))
def pictures_are_what_the_recordings_give(box):
    """examples/pictures.py makes them; whoever changes how pictures look runs it and looks at them."""
    folder = box.source / "examples"
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    import pictures
    into = box.temp / "pictures"
    into.mkdir()
    names = pictures.draw(box.nstrace, into)
    check(len(names) > 20, f"only {names}")
    for name in names:
        check((folder / name).exists(), f"examples/{name} is missing: run examples/pictures.py")
        check(structure(folder / name) == structure(into / name),
              f"examples/{name} is not what nstrace draws now: run examples/pictures.py and look at it")
    committed = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.suffix in (".svg", ".mmd", ".dot")}
    equal(sorted(committed - set(names)), [], "pictures that nothing makes")


@test(needs=("nstrace", "root", "bpf"))
def one_command_makes_the_readmes_pictures(box):
    """examples/record.py lab, where nothing has been recorded yet."""
    shutil.copytree(box.source / "tests/live", box.temp / "tests/live", ignore=shutil.ignore_patterns("__pycache__"))
    (box.temp / "examples").mkdir()
    for name in "record.py", "pictures.py":
        shutil.copy(box.source / "examples" / name, box.temp / "examples")
    status, _, err = box.run(sys.executable, box.temp / "examples/record.py", "--build", box.build, "lab")
    equal(status, 0, f"the status ({err.strip()[-600:]})")
    shown = re.findall(r"!\[[^]]*\]\(([^)]*)\)", (box.source / "README.md").read_text())
    check(shown, "the README shows no picture")
    for name in shown:
        check("<svg" in (box.temp / name).read_text(), f"{name} is not made by it")
    for scene in "run", "exec", "pod", "nested", "hooks", "userns":
        check((box.temp / "examples/lab" / (scene + ".txt")).stat().st_size > 2000, f"lab {scene} is not explained")


@test(needs=("nstrace", "root", "bpf", "host"))
def the_labs_scenes_give_the_same_pictures_again(box):
    """Today's run, without what differs from run to run, draws as the recording does."""
    for scene in "run", "exec", "pod", "nested", "hooks", "userns":
        status, _, err = box.run(box.nstrace, "lab", scene, "-q", "--anonymous", "-o", box.temp / "now.jsonl")
        equal(status, 0, f"status of nstrace lab {scene} ({err.strip()[-300:]})")
        for trace, name in (box.temp / "now.jsonl", "now"), (box.source / "examples" / "lab" / (scene + ".jsonl"), "then"):
            status, _, err = box.run(box.nstrace, "draw", trace, "--anonymous", "--title", scene, "-o", name + ".dot")
            equal(status, 0, f"status of nstrace draw ({err.strip()[-300:]})")
        equal((box.temp / "now.dot").read_text(), (box.temp / "then.dot").read_text(), f"the picture of nstrace lab {scene}")


@test(needs=("nstrace",))
def recordings_are_impersonal(box):
    """Nothing of the machine that recorded them: only followed processes have a command line."""
    for path in (box.source / "examples").rglob("*.jsonl"):
        trace = Trace(path)
        equal(trace.header["boot_id"].strip("0-"), "", "the boot id")
        equal([p["pid"] for p in trace.processes if not p.get("followed") and ("argv" in p or "exe" in p)], [],
              f"ancestors with a command line in {path.name}")


@test(needs=("nstrace", "root", "bpf"))
def quickstart(box):
    env = os.environ | {"NSTRACE_BUILD": str(box.build)}
    status, out, err = box.run("bash", box.source / "examples" / "quickstart.sh", env=env, timeout=600)
    equal(status, 0, f"the status ({err.strip()[-600:]})")
    Trace(box.temp / "nstrace-lab.jsonl").whole()
    check("<svg" in (box.temp / "nstrace-lab.svg").read_text(), "nstrace-lab.svg is no SVG")
    check(str(box.temp / "nstrace-lab.svg") in out, "it does not say where the picture is")


@test(needs=("nstrace", "root", "setpriv"))
def quickstart_where_tracing_is_refused(box):
    env = os.environ | {"NSTRACE_BUILD": str(box.build)}
    status, out, err = box.run("setpriv", "--bounding-set", "-sys_admin,-bpf,-perfmon", "bash",
                               box.source / "examples" / "quickstart.sh", env=env, timeout=600)
    equal(status, 0, f"the status ({err.strip()[-600:]})")
    check("cannot trace" in out and "CAP_" in out + err, "it does not say why")
    check("pivot_root" in out, "it does not show the recorded docker run")
    check("<svg" in (box.temp / "docker-run.svg").read_text(), "docker-run.svg is no SVG")
    check(str(box.temp / "docker-run.svg") in out, "it does not say where the picture is")


@test(needs=("nstrace", "root", "setpriv"))
def scripts_say_that_they_need_root(box):
    """One sentence with the cure. The copy stands where everyone may read it."""
    for name in "examples/quickstart.sh", "tests/run.sh":
        text = (box.source / name).read_text()
        status, out, err = box.run("setpriv", "--reuid", "65534", "--clear-groups", "bash", "-s", stdin=text.encode(),
                                   timeout=60)
        check(status != 0, f"{name} went on without root")
        check("sudo " + name in err, f"{name} does not name the cure but says: {err.strip()[-300:]}")
        equal(len(err.strip().splitlines()), 1, f"sentences of {name}")
