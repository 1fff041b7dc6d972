# SPDX-License-Identifier: MIT
"""The lab's variants, held against the runtimes that they are like.

Both set up the same container: the runtime from a bundle with the mounts, rights and host name of the lab's. What
`nstrace diff` then finds must be named, with its reason, in like/<variant>.differences, and what is named there must be
found.
"""
import fnmatch
import json
import os
import pathlib
import shutil

import harness
from runtimes import newest_runc

HERE = pathlib.Path(__file__).resolve().parent
CAPABILITIES = ("CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD "
                "AUDIT_WRITE SETFCAP").split()  # kContainerCapabilities of src/lab/rights.cc


def mount(destination, kind, source, *options):
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}


def bundle(box, program):
    """A folder with config.json and a root that has `program` (static) as /bin/true."""
    folder = box.temp / "bundle"
    for name in ("bin", "dev", "proc", "sys", "tmp"):
        (folder / "rootfs" / name).mkdir(parents=True)
    shutil.copy(program, folder / "rootfs/bin/true")
    held = ["CAP_" + name for name in CAPABILITIES]
    spec = {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": ["true"], "env": ["PATH=/bin", "HOME=/"], "cwd": "/",
            "capabilities": {"bounding": held, "effective": held, "permitted": held}, "noNewPrivileges": True,
        },
        "root": {"path": "rootfs"},
        "hostname": "lab",
        "mounts": [
            mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
            mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
            mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
            mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
            mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        ],
        "linux": {
            "namespaces": [{"type": name} for name in ("pid", "network", "ipc", "uts", "mount", "cgroup")],
            "readonlyPaths": ["/proc/sys"],
            "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                        "syscalls": [{"names": ["kexec_load"], "action": "SCMP_ACT_ERRNO"}]},
        },
    }
    (folder / "config.json").write_text(json.dumps(spec))
    return folder


def differences(found):
    """The differences of a `nstrace diff --format json` as lines: PROCESS: CHANGE: what."""
    for process in found["differences"]:
        name = (process["a"] or process["b"])["name"] if process["where"] != "b" else process["b"]["name"]
        if process["where"] != "both":
            yield f"{name}: process: only in {process['where']}"
        for space in process.get("namespaces", []):
            yield f"{name}: namespace: {space['name']}: {space['before']} -> {space['after']}"
        for change in process["changes"]:
            texts = [change[side]["text"] for side in ("a", "b") if change.get(side)]
            yield f"{name}: {change['change']}: " + " -> ".join(texts)


def listed(variant):
    """The patterns of the list, with *, and the reasons above them."""
    patterns = []
    for line in (HERE / "like" / f"{variant}.differences").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            # only * and ? are special: brackets stand for themselves in calls
            patterns.append((line, line.replace("[", "[[]")))
    return patterns


def compare(box, variant, command, cwd, before=()):
    """Records `command` and the lab's variant, and holds what differs against the list."""
    real, lab = box.temp / "real.jsonl", box.temp / "lab.jsonl"
    status, out, err = box.run(*before, "sh", "-c", 'cd "$0" && exec "$@"', cwd, box.nstrace, "-o", real, "--", *command)
    harness.equal(status, 0, f"status of {command[0]}; it said {err[-600:]}")
    status, out, err = box.run(box.nstrace, "lab", "run", "--like", variant, "-o", lab, "--", "true")
    harness.equal(status, 0, f"status of the lab's {variant}; it said {err[-600:]}")
    status, out, err = box.run(box.nstrace, "diff", "--format", "json", lab, real)
    harness.check(status in (0, 1), f"nstrace diff ended with {status}; it said {err}")
    found = list(differences(json.loads(out)))
    if keep := os.environ.get("NSTRACE_KEEP"):
        pathlib.Path(keep, variant + ".found").write_text("\n".join(found) + "\n")
    patterns = listed(variant)
    unnamed = [d for d in found if not any(fnmatch.fnmatchcase(d, glob) for _, glob in patterns)]
    stale = [line for line, glob in patterns if not any(fnmatch.fnmatchcase(d, glob) for d in found)]
    harness.check(not unnamed, f"{len(unnamed)} differences from {command[0]} that the list does not name, such as:\n"
                  + "\n".join(unnamed[:40]))
    harness.check(not stale, "the list names what is no longer different:\n" + "\n".join(stale))


def only_version(box, program, version):
    """A list holds for the release that it was made with."""
    status, out, err = box.run(program, "--version")
    if f" {version}" not in out.splitlines()[0]:
        raise harness.Skip(f"the list is of {program} {version}; here is {out.splitlines()[0]}")


# crun refuses a host that has both versions of cgroups mounted: here it sees version 2 alone.
VERSION_2 = ("unshare", "-m", "sh", "-c",
             'umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"', "sh")
NEEDS = ("nstrace", "root", "bpf")


@harness.test(needs=(*NEEDS, "host", "crun"))
def crun(box):
    only_version(box, "crun", "1.8")
    folder = bundle(box, box.program("true"))
    compare(box, "crun", ["crun", "--root", box.temp / "state", "run", "nstrace-like"], folder, before=VERSION_2)


def joining(path):
    """The process that joins namespaces, call by call; the numbers of descriptors and pids left out."""
    processes = {}
    for event in harness.Trace(path).whole().events:
        if event.get("call") in ("setns", "unshare"):
            name, options = event["call"], harness.arguments(event)
            processes.setdefault(event["tgid"], []).append((name, options[-1], event.get("result")))
    return max(processes.values(), key=len)


def compare_exec(box, variant, runtime, before=()):
    """How a second process gets into a container that runs: RUNTIME exec, and lab exec --like VARIANT."""
    folder = bundle(box, box.build / "nstrace-lab")
    shutil.copy(box.build / "nstrace-lab", folder / "rootfs/bin/pause")
    spec = json.loads((folder / "config.json").read_text())
    spec["process"]["args"] = ["pause"]
    (folder / "config.json").write_text(json.dumps(spec))
    script = ('cd "$0" && "$@" run -d nstrace-like < /dev/null > out 2>&1 && '
              f'"{box.nstrace}" -q -o ../real.jsonl -- "$@" exec nstrace-like /bin/true; status=$?; '
              '"$@" delete -f nstrace-like; exit $status')
    status, out, err = box.run(*before, "sh", "-c", script, folder, runtime, "--root", box.temp / "state")
    harness.equal(status, 0, f"status of {runtime} exec; it said {(out + err)[-600:]}")
    status, out, err = box.run(box.nstrace, "lab", "exec", "--like", variant, "-q", "-o", box.temp / "lab.jsonl", "--", "true")
    harness.equal(status, 0, f"status of the lab's {variant}; it said {err[-600:]}")
    harness.equal(joining(box.temp / "lab.jsonl"), joining(box.temp / "real.jsonl"), "what joins the container's namespaces")


@harness.test(needs=(*NEEDS, "host", "crun"))
def crun_exec(box):
    only_version(box, "crun", "1.8")
    compare_exec(box, "crun", "crun", before=VERSION_2)


@harness.test(needs=(*NEEDS, "runc"))
def runc_1_1_exec(box):
    only_version(box, "runc", "1.1")
    compare_exec(box, "runc-1.1", "runc")


@harness.test(needs=(*NEEDS, "runc"))
def runc_1_1(box):
    only_version(box, "runc", "1.1")
    folder = bundle(box, box.program("true"))
    compare(box, "runc-1.1", ["runc", "--root", box.temp / "state", "run", "nstrace-like"], folder)


@harness.test(needs=(*NEEDS, "apt-get", "dpkg-deb"))
def runc_1_3(box):
    runc, version = newest_runc(box.temp / "sid")
    if version != "1.3":
        raise harness.Skip(f"the list is of runc 1.3; what can be had here is {version or 'none'}")
    status, plan, _ = box.run(box.nstrace, "lab", "plan", "--like", "runc-1.3")
    if 'fsopen("overlay"' not in plan:
        raise harness.Skip("the list is of kernels that lay an overlay over what no path leads to (since 6.15)")
    folder = bundle(box, box.program("true"))
    compare(box, "runc-1.3", [runc, "--root", box.temp / "state", "run", "nstrace-like"], folder)


@harness.test(needs=(*NEEDS, "bwrap"))
def bwrap(box):
    only_version(box, "bwrap", "0.8")
    folder = bundle(box, box.program("true"))
    compare(box, "bwrap", ["bwrap", "--bind", folder / "rootfs", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--unshare-all",
                           "--hostname", "lab", "--chdir", "/", "--cap-drop", "ALL", "/bin/true"], folder)
