# SPDX-License-Identifier: MIT
"""What stands in examples/ works: the recordings, the quickstart, and the quickstart where tracing is refused."""
import os

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


@test(needs=("nstrace",))
def recordings_are_impersonal(box):
    """Nothing of the machine that recorded them: only followed processes have a command line."""
    for path in (box.source / "examples").glob("*.jsonl"):
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
