# SPDX-License-Identifier: MIT
"""nstrace check on the mini runtime: what examples/ says holds, and each mistake of `nstrace lab faults` makes exactly
the line fail that it breaks.

Play it by hand: python3 tests/live/run.py --group check
"""
import json
import os
import re
import shutil
import xml.etree.ElementTree

from dockerd import PATH, Dockerd
from harness import Skip, check, equal, test
from runtimes import Bundle, without_unified

# By mistake: the lines of lab.expect that it breaks (a word of each), and those of lab-rules.expect.
BREAKS = {
    "no-umount": (["umount2("], ["umount2("]),
    "leaked-descriptor": (["close_range("], ["close_range(", "fds: [0, 1, 2]"]),
    "chroot-only": (["pivot_root("], ["pivot_root(", "never init: chroot", "never init: setns", "never init: unshare", "root: "]),
    "no-setgroups": (["setgroups("], ["setgroups("]),
    "user-before-group": (["setuid("], ["setuid|setresuid(", "never init: setgroups|setgid"]),
    "all-capabilities": (["capset(", "PR_CAPBSET_DROP"], ["capset(", "caps: "]),
    "inheritable-capabilities": (["capset("], ["never init: capset(", "caps: "]),
    "no-new-privs-missing": (["PR_SET_NO_NEW_PRIVS"], ["PR_SET_NO_NEW_PRIVS", "never init: capset|"]),
    "early-filter": (["seccomp("], ["seccomp|prctl(", "never init: capset|"]),
    "no-filter": (["seccomp("], ["seccomp|prctl(", "seccomp|prctl(", "never init: capset|",
                                 "seccomp: \"filter\""]),
    "host-network": (["unshare("], []),
    "writable-proc-sys": (["mount(\"/proc/sys\""], []),
    "no-hostname": (["sethostname("], []),
    "no-setsid": (["setsid("], []),
    "unshare-twice": (["count child: unshare("], []),
    "unshare-nothing": (["count child: unshare("], []),
    "failing-mount": (["mount(\"mqueue\"", "PR_CAPBSET_DROP", "at init: first execve"], None),
}


def failing(box, name, trace):
    """The exit code, and the lines that fail: that which was not found, or the rule."""
    status, out, err = box.run(box.nstrace, "check", "--format", "json", box.source / "examples" / name, trace)
    report = json.loads(out)
    equal(report["cannot_tell"], 0, f"rules of {name} that cannot be told ({err.strip()})")
    return status, [f["expected"]["text"] if "expected" in f else f["rule"] for f in report["findings"] if f["verdict"] == "fails"]


def each_once(lines, words, what):
    equal(len(lines), len(words), f"lines of {what} that fail ({lines})")
    for line, word in zip(lines, words):
        check(word in line, f"of {what} {line!r} fails, expected the line with {word}")


@test()
def each_fault_breaks_exactly_its_line(box):
    status, out, err = box.run(box.nstrace, "lab", "faults")
    names = [line.split()[0] for line in out.splitlines()
             if not line.startswith("'without CALL'") and "[only in lab" not in line]  # (of other scenes)
    equal(sorted(names), sorted(BREAKS), "the mistakes of nstrace lab faults")
    for name in names:
        trace = box.temp / (name + ".jsonl")
        box.run(box.nstrace, "lab", "run", "-q", "--fault", name, "-o", trace)
        for expect, words in zip(("lab.expect", "lab-rules.expect"), BREAKS[name]):
            if words is None:
                continue
            status, lines = failing(box, expect, trace)
            equal(status, 1 if words else 0, f"the status of {expect} with {name} ({lines})")
            each_once(lines, words, f"{expect} with {name}")


def is_line_of(step, line):
    """Whether a line of lab.expect is the one about a step of the plan, as `nstrace lab plan` writes it."""
    name = step.split("(")[0]
    if step.startswith("prctl(PR_CAPBSET_DROP"):
        return line.startswith("count init: prctl(PR_CAPBSET_DROP")
    words = re.findall(r'"[^"]*"', step)[-1:] or re.findall(r"PR_\w+", step)
    flag = "MS_RDONLY" in step and '"/proc/sys"' in step
    return line.startswith(f"init: {name}(") and all(w in line for w in words) and flag == ('"/proc/sys"' in line and "MS_RDONLY" in line)


@test()
def each_step_left_out_breaks_exactly_its_line(box):
    """For real: the mini runtime leaves one call out, and the line that asks for it is the one that fails. Where a later step
    fails without it, the container is not started, which two more lines say."""
    status, out, err = box.run(box.nstrace, "lab", "plan")
    steps = [line.strip().rpartition(" = ")[0] for line in out.split("lab:[2:INIT]\n")[1].splitlines()
             if not line.strip().startswith("#")]
    asked = [s for s in steps if re.match(r"(mkdirat|symlinkat|mknodat|mount|umount2|pivot_root|fchdir|setsid|sethostname|setgroups|"
                                          r"setgid|setuid|capset|seccomp|close_range|prctl|chdir)\(", s)]
    broken = 0
    for step in asked:
        if step.startswith(("prctl(PR_SET_NAME", "prctl(PR_SET_PDEATHSIG", 'mount("", "/"', 'mount("tmpfs", "/tmp"', 'chdir("/tmp")')):
            continue  # not asked for, or the host would not be safe: on recordings in check_examples_test.cc
        if step.startswith("prctl(PR_CAPBSET_DROP") and "CAP_SYS_ADMIN" not in step:
            continue  # one of them is enough
        trace = box.temp / "without.jsonl"
        status, out, err = box.run(box.nstrace, "lab", "run", "-q", "--fault", "without lab:[2:INIT]: " + step, "-o", trace)
        _, lines = failing(box, "lab.expect", trace)
        check(lines and is_line_of(step, lines[0]), f"without {step}: {lines}")
        others = [line for line in lines[1:]
                  if not line.startswith(("count init: prctl(PR_CAPBSET_DROP", "at init: first execve"))]
        equal(others, [], f"other lines that fail without {step}")
        check(len(lines) == 1 or status != 0, f"without {step} the container runs, and these fail: {lines}")
        broken += 1
        trace.unlink()
    check(broken > 50, f"only {broken} steps were left out")
    for stage, role, step in ("lab", "lab", 'prctl(PR_SET_NAME, "lab")'), ("lab", "lab", "close_range("):
        trace = box.temp / "without.jsonl"
        status, out, err = box.run(box.nstrace, "lab", "run", "-q", "--fault", f"without {stage}: {step}", "-o", trace)
        equal(status, 0, f"the status without {stage}: {step} ({err})")
        _, lines = failing(box, "lab.expect", trace)
        check(len(lines) == 1 and re.match(rf"{role}: *{re.escape(step)}", lines[0]), f"without {stage}: {step}: {lines}")
        trace.unlink()
    for stage, step in ("lab:[1:CHILD]", "unshare("), ("lab", "prctl(PR_SET_PDEATHSIG"), ("lab:[0:PARENT]", "prctl(PR_SET_PDEATHSIG"):
        status, out, err = box.run(box.nstrace, "lab", "run", "--fault", f"without {stage}: {step}")
        equal(status, 125, f"the status without {step}")
        check(f"the host would not be safe without {step}" in err, f"it says: {err}")
    status, out, err = box.run(box.nstrace, "lab", "run", "--fault", "without getcwd(")
    check(status == 125 and "no step of this plan begins with getcwd(" in err, f"it says: {err}")


@test()
def examples_hold_on_the_mini_runtime(box):
    for scene, name in ("run", "lab.expect"), ("run", "lab-rules.expect"), ("userns", "userns.expect"):
        status, out, err = box.run(box.nstrace, "lab", scene, "-q", "--check", box.source / "examples" / name)
        equal(status, 0, f"the status of {name} on lab {scene} ({(out + err)[-3000:]})")
    status, out, err = box.run(box.nstrace, "lab", "run", "-q", "--fault", "no-umount", "--check",
                               box.source / "examples" / "lab.expect")
    equal(status, 1, f"the status with a mistake ({(out + err)[-1000:]})")
    check("umount2(\".\", MNT_DETACH)" in out + err, "it does not say what is missing")


@test(needs=("nstrace", "root", "bpf", "runc", "busybox"))
def guard_of_a_runc_upgrade(box):
    """examples/ci/guard.sh: holds on runc, can be written anew, compares."""
    guard, env = box.source / "examples" / "ci" / "guard.sh", os.environ | {"NSTRACE": str(box.nstrace)}
    runc = shutil.which("runc", path=PATH)
    status, out, err = box.run(guard, "--runtime", runc, "--compare", runc, env=env)
    equal(status, 0, f"the status of guard.sh ({(out + err)[-3000:]})")
    check("no difference" in out and "0 fail" in out, "it does not say that nothing differs and fails: " + out[-2000:])
    written = box.temp / "written.expect"
    status, out, err = box.run(guard, "--runtime", runc, "--expect", written, "--write", env=env)
    equal(status, 0, f"the status of guard.sh --write ({(out + err)[-3000:]})")
    status, out, err = box.run(guard, "--runtime", runc, "--expect", written, env=env)
    equal(status, 0, f"the status with what it wrote ({(out + err)[-3000:]})")


@test(needs=("nstrace", "root", "bpf", "runc", "busybox"))
def guard_says_what_is_missing_and_takes_relative_paths(box):
    """A runtime by a relative path is found; what is missing is named; a diff that cannot tell does not end it."""
    guard = box.source / "examples" / "ci" / "guard.sh"
    folder = box.temp / "same"
    folder.mkdir()
    shutil.copy(shutil.which("runc", path=PATH), folder / "runc")
    unsure = box.temp / "unsure"
    unsure.write_text(f'#!/bin/sh\ncase $1 in diff) echo "cannot tell"; exit 3 ;; *) exec {box.nstrace} "$@" ;; esac\n')
    unsure.chmod(0o755)
    relative = "same/runc"  # from the folder that the test runs in
    status, out, err = box.run(guard, "--runtime", relative, "--compare", relative, env=os.environ | {"NSTRACE": str(unsure)})
    equal(status, 0, f"the status with a relative path ({(out + err)[-3000:]})")
    check("cannot tell" in out and "0 fail" in out, "the check did not follow the diff: " + out[-2000:])
    for env, option, wanted in (({"NSTRACE": "/nowhere/nstrace"}, "runc", "there is no nstrace `/nowhere/nstrace`"),
                                ({"NSTRACE": str(box.nstrace)}, "nowhere/runc", "there is no runtime `nowhere/runc`")):
        status, out, err = box.run(guard, "--runtime", option, env=os.environ | env)
        equal((status, wanted in err), (2, True), f"the status and message, {wanted} ({err})")


@test(needs=("nstrace", "root", "bpf", "crun", "busybox"))
def guard_stops_another_runtime(box):
    guard, env = box.source / "examples" / "ci" / "guard.sh", os.environ | {"NSTRACE": str(box.nstrace)}
    crun = shutil.which("crun", path=PATH)
    status, out, err = box.run(*without_unified(guard, "--runtime", crun), env=env)
    equal(status, 1, f"the status with crun ({(out + err)[-3000:]})")
    check("no process is `init`" in out, "it does not say why: " + out[-2000:])


@test()
def live_report_in_any_format_names_the_file(box):
    expect = box.source / "examples" / "lab.expect"
    run = [box.nstrace, "lab", "run", "-q", "--check", expect, "-o", "t.jsonl"]
    status, out, err = box.run(*run, "--format", "markdown")
    equal((status, "### nstrace check: holds" in out), (0, True), f"the status and report in Markdown ({out + err})")
    status, out, err = box.run(*run, "--format", "json")
    equal(json.loads(out[out.index("{"):])["verdict"], "holds", "the verdict in JSON")
    status, out, err = box.run(*run, "--fault", "no-umount")
    check("nstrace show t.jsonl -p " in out, f"the command that shows more does not name the file: {out}")


@test()
def trace_in_the_place_of_the_expectations(box):
    """One sentence, not an error for each line."""
    expect = box.source / "examples" / "lab.expect"
    for name in "lab-run.jsonl", "crun-run.jsonl.zst":
        trace = box.source / "examples" / name
        status, out, err = box.run(box.nstrace, "check", trace, expect)
        equal((status, len(err.splitlines())), (2, 1), f"the status and lines of {err}")
        check(f"nstrace check {expect} {trace}" in err, f"it does not say what to write: {err}")


@test(needs=("nstrace", "root", "bpf", "runc", "busybox"))
def update_to_the_same_runtime_elsewhere(box):
    """What expect writes ties its sequences by the container's id; each is mended in its turn, and the id stays."""
    bundle = Bundle(box.temp / "bundle", ("true",))
    other = box.temp / "other"
    other.mkdir()
    shutil.copy(shutil.which("runc", path=PATH), other / "runc")

    def record(runtime, name):
        path = box.temp / (name + ".jsonl")
        status, _, err = box.run(box.nstrace, "-q", "-o", path, "--", *bundle.run(runtime, name))
        equal(status, 0, f"the status of {runtime} ({err.strip()[-1000:]})")
        return path

    expect = box.temp / "runc.expect"
    status, _, err = box.run(box.nstrace, "expect", *(record("runc", f"box{i}") for i in range(3)), "-o", expect)
    equal(status, 0, f"the status of expect ({err})")
    elsewhere = record(other / "runc", "box7")
    status, out, err = box.run(box.nstrace, "check", "--update", expect, elsewhere)
    equal(status, 0, f"the status of --update ({out + err})")
    check("${id}" in expect.read_text(), "the container's id went: " + expect.read_text())
    equal(box.run(box.nstrace, "check", expect, elsewhere)[0], 0, "the status of check afterwards")


@test()
def update_changes_the_file_in_place(box):
    """--dry-run shows it, --update does it; the file keeps its mode, and then holds."""
    expect = box.temp / "lab.expect"
    shutil.copy(box.source / "examples" / "lab.expect", expect)
    expect.chmod(0o640)
    before = expect.read_text()
    trace = box.temp / "trace.jsonl"
    box.run(box.nstrace, "lab", "run", "-q", "--fault", "host-network", "-o", trace)
    status, shown, err = box.run(box.nstrace, "check", "--update", "--dry-run", expect, trace)
    equal((status, expect.read_text() == before), (0, True), f"status and file after --dry-run ({err})")
    check("\n-  child:  unshare(" in shown and "\n+  child:  unshare(" in shown, "it does not show the change: " + shown)
    status, out, err = box.run(box.nstrace, "check", "--update", expect, trace)
    equal((status, out), (0, shown), f"status and output of --update ({err})")
    equal(expect.stat().st_mode & 0o777, 0o640, "the mode of the file")
    equal(sorted(p.name for p in box.temp.iterdir()), ["lab.expect", "trace.jsonl"], "files beside it")
    equal(box.run(box.nstrace, "check", expect, trace)[0], 0, "the status of the updated file")
    status, out, err = box.run(box.nstrace, "check", "--update", "-", trace, stdin=b"")
    equal(status, 2, "the status for stdin")
    check("name a file" in err, "it does not name the cure: " + err)


RULES = """
role init = comm "runc:[2:INIT]"
never init: setns(...)
"""


def exit_codes(box, name, target, good, command):
    """`--check` on a live run: COMMAND's status if it is not 0, else the check's."""
    def run(rules, *options, command=command):
        path = box.temp / (name + ".expect")
        path.write_text(rules)
        return box.run(box.nstrace, "-q", *target, *options, "--check", path, "--", *command)

    for rules, options, expected, words in (
            (good, (), 0, "0 fail"), (good + "never init: execve(...)\n", (), 1, "FAILS: never init: execve(...)"),
            (good + "sequence { init: chroot(...) }\n", (), 1, "`init: chroot(...)` was not found"),
            (good, ("-e", "execve"), 3, "record with -e %lifecycle")):
        status, out, err = run(rules, *options)
        equal(status, expected, f"the status with {options} and {rules!r} ({(out + err)[-3000:]})")
        check(words in out + err, f"it does not say {words!r}: {(out + err)[-2000:]}")
    status, out, err = run(good.replace("never", "nevre", 1))
    equal(status, 125, "the status with an error in the file")
    check("did you mean `never`?" in err, "it does not suggest the word: " + err[-1000:])
    status, out, err = run(good, command=("sh", "-c", "exit 7"))
    equal(status, 7, f"the status of a command that fails ({(out + err)[-1000:]})")


@test(needs=("nstrace", "root", "bpf", "dockerd", "containerd", "docker", "busybox"))
def live_with_docker(box):
    """nstrace --follow containerd --check FILE -- docker run, in one step."""
    with Dockerd() as docker:
        target = ("--follow", docker.containerd.pid)
        status, out, err = box.run(box.nstrace, "-q", *target, "--check", box.source / "examples" / "docker-runc.expect", "--",
                                   *docker.client("run", "--rm", "busybox", "true"))
        equal(status, 0, f"the status of docker-runc.expect ({(out + err)[-3000:]})")
        for options, expected in (("-e", "%lifecycle,bind"), 0), ((), 3):
            status, out, err = box.run(box.nstrace, "-q", *options, *target, "--check",
                                       box.source / "examples" / "shim.expect", "--",
                                       *docker.client("run", "--rm", "busybox", "true"))
            equal(status, expected, f"the status of shim.expect with {options} ({(out + err)[-2000:]})")
        exit_codes(box, "docker", target, RULES, docker.client("run", "--rm", "busybox", "true"))
        docker.docker("run", "-d", "--name", "one", "busybox", "sleep", "100")
        shim = ("--follow", docker.shims()[0])
        status, out, err = box.run(box.nstrace, "-q", *shim, "--check", box.source / "examples" / "docker-exec.expect", "--",
                                   *docker.client("exec", "one", "true"))
        equal(status, 0, f"the status of docker-exec.expect ({(out + err)[-3000:]})")


@test(needs=("nstrace", "root", "bpf", "crun", "runc", "busybox"))
def live_with_crun(box):
    """How crun opens paths, and its cgroup namespace; without openat2 that cannot be told, without the namespace it fails."""
    bundle = Bundle(box.temp / "bundle", ["true"])

    def status_of(*options):
        command = [box.nstrace, "-q", *options, "--check", box.source / "examples" / "crun.expect", "--", *bundle.run("crun", "box")]
        status, out, err = box.run(*without_unified(*command))
        return status, (out + err)[-2000:]

    status, said = status_of("-e", "%lifecycle,openat2")
    equal(status, 1, f"the status without a cgroup namespace ({said})")
    bundle.add_namespace("cgroup")
    status, said = status_of("-e", "%lifecycle,openat2")
    equal(status, 0, f"the status ({said})")
    status, said = status_of()
    equal(status, 3, f"the status without openat2 ({said})")


@test(needs=("nstrace", "root", "bpf"))
def live_with_a_plain_command(box):
    rules = "role init = exec \"*/sh\"\nnever init: setns(...)\ncount init: execve(...) = 0 == 1\n"
    exit_codes(box, "plain", (), rules.replace("count init: execve(...) = 0 == 1\n", ""), ("sh", "-c", "exit 0"))
    (box.temp / "x.expect").write_text(rules)
    status, out, err = box.run(box.nstrace, "-q", "--check", box.temp / "x.expect", "--", "sh", "-c", "true; true")
    equal(status, 0, f"the status of a plain command ({(out + err)[-1000:]})")


def yaml_of(path):
    import yaml
    return yaml.safe_load(path.read_text())


@test(needs=("nstrace", "root", "bpf", "runc", "busybox"))
def workflow_of_github(box):
    """It is YAML with the keys that GitHub wants, and its steps, but for those that install, do what they say."""
    try:
        workflow = yaml_of(box.source / "examples" / "ci" / "github-workflow.yml")
    except ImportError:
        raise Skip("there is no yaml module for python3 here (python3-yaml)")
    # YAML 1.1 reads `on` as true
    check({"on" if key is True else key for key in workflow} == {"name", "on", "env", "jobs"}, f"keys: {list(workflow)}")
    job = workflow["jobs"]["guard"]
    check("runs-on" in job, "it does not say where it runs")
    for step in job["steps"]:
        check(("run" in step) != ("uses" in step), f"a step runs or uses: {step}")
        check(set(step) <= {"name", "id", "run", "uses", "with", "if", "env"}, f"a step with other keys: {step}")
    ci = box.temp / "ci"
    shutil.copytree(box.source / "examples" / "ci", ci)
    (box.temp / "nstrace-bin").mkdir()
    (box.temp / "nstrace-bin" / "nstrace").symlink_to(box.nstrace)
    bin_ = box.temp / "bin"
    bin_.mkdir()
    (bin_ / "sudo").write_text("#!/bin/sh\nwhile :; do case $1 in --*) shift ;; *) break ;; esac; done\nexec env \"$@\"\n")
    (bin_ / "sudo").chmod(0o755)
    env = os.environ | {"PATH": f"{bin_}:{PATH}", "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(box.temp / "summary")}
    for step in job["steps"]:
        if "run" not in step or "apt-get" in step["run"] or "cmake" in step["run"]:
            continue
        # as GitHub runs it where no shell is named: without pipefail
        status, out, err = box.run("bash", "-e", "-c", step["run"], env=env)
        equal(status, 0, f"the status of {step['name']!r} ({(out + err)[-3000:]})")
    summary = (box.temp / "summary").read_text()
    check("no difference" in summary, "the summary lacks the difference: " + summary[:2000])
    xml.etree.ElementTree.parse(box.temp / "junit.xml")
    # A rule that does not hold stops the job, and becomes an annotation.
    with open(ci / "runc.expect", "a") as file:
        file.write("never init: pivot_root(...)\n")
    last = [step for step in job["steps"] if "guard.sh" in step.get("run", "")][0]
    status, out, err = box.run("bash", "-e", "-c", last["run"], env=env)
    equal(status, 1, f"the status with a rule that does not hold ({(out + err)[-3000:]})")
    check("::error " in out, "there is no annotation: " + out[-2000:])


@test(needs=("nstrace",))
def expectations_of_some_calls(box):
    trace = box.source / "examples" / "podman-run.jsonl"
    status, out, err = box.run(box.nstrace, "expect", "--only", "%ns,%rootfs", trace)
    equal(status, 0, f"the status of --only ({err.strip()})")
    check("mkdirat(" in out and "pivot_root(" in out and "sethostname(" not in out, "it has other calls: " + out[:2000])
    status, out, err = box.run(box.nstrace, "expect", "--only", "%rootfss", trace)
    equal(status, 2, "the status of a set that is not known")
    check("--only: nstrace knows no set '%rootfss'" in err, "it names another option: " + err)
