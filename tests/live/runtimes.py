# SPDX-License-Identifier: MIT
"""Runtimes without a daemon: bundles for runc and crun, a podman with a store of its own, another Debian's packages.

Everything lives below one folder of the test's and goes away with it. The image is made from busybox-static.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

from dockerd import PATH, program


def busybox_links():
    """The names that busybox answers to."""
    listed = subprocess.run([program("busybox"), "--list"], capture_output=True, text=True, check=True).stdout.split()
    return [name for name in listed if name != "busybox"]


class Bundle:
    """A folder that an OCI runtime runs: config.json as `runc spec` writes it, and a root of busybox."""

    def __init__(self, folder, command=("sleep", "0.05")):
        self.folder = pathlib.Path(folder)
        binaries = self.folder / "rootfs" / "bin"
        binaries.mkdir(parents=True)
        shutil.copy(program("busybox"), binaries / "busybox")
        for name in busybox_links():
            (binaries / name).symlink_to("busybox")
        for name in "dev", "proc", "sys", "etc":
            (self.folder / "rootfs" / name).mkdir()
        subprocess.run([program("runc"), "spec"], cwd=self.folder, check=True, env={"PATH": PATH})
        config = json.loads((self.folder / "config.json").read_text())
        config["process"]["terminal"] = False
        config["process"]["args"] = list(command)
        # root may not have the right to raise limits
        config["process"].pop("rlimits", None)
        (self.folder / "config.json").write_text(json.dumps(config))

    def add_namespace(self, kind):
        path = self.folder / "config.json"
        config = json.loads(path.read_text())
        config["linux"]["namespaces"].append({"type": kind})
        path.write_text(json.dumps(config))

    def run(self, runtime, name):
        """The command line that runs it with a runtime, named or by path."""
        path = str(runtime) if "/" in str(runtime) else program(str(runtime))
        return [path, "--root", str(self.folder / "state"), "run", "--bundle", str(self.folder), name]


def without_unified(*command):
    """The command line in a mount namespace of its own where /sys/fs/cgroup/unified is not mounted: crun refuses a host
    that has cgroups of version 1 and controllers of version 2."""
    return ["unshare", "--mount", "sh", "-c", 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"', "sh",
            *map(str, command)]


class Podman:
    """podman with its own store; takes the image "busybox" in at once."""

    def __init__(self, folder, runtime="crun"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.runtime = runtime
        archive = self.folder / "busybox.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(program("busybox"), "bin/busybox")
            for name in busybox_links():
                link = tarfile.TarInfo("bin/" + name)
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        self.podman("import", archive, "localhost/busybox")

    def command(self, *arguments):
        return [program("podman"), "--root", str(self.folder / "root"), "--runroot", str(self.folder / "run"),
                "--tmpdir", str(self.folder / "tmp"), "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
                "--events-backend", "none", "--runtime", self.runtime, *map(str, arguments)]

    def run(self, *arguments):
        """`podman run` without what needs more rights than root may have here: network, high limits, cgroups. With
        crun, to be run by way of without_unified()."""
        cgroups = ["--cgroups=disabled"] if self.runtime.endswith("crun") else []
        return self.command("run", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--net=none", *cgroups,
                            *arguments)

    def podman(self, *arguments):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120,
                              env=os.environ | {"PATH": PATH})
        if done.returncode:
            raise RuntimeError(f"podman {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(self.command("rm", "-f", "-t", "0", "--all"), capture_output=True, env=os.environ | {"PATH": PATH})
        mounts = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in reversed([m for m in mounts if m.startswith(str(self.folder) + "/")]):
            subprocess.run(["umount", "-l", mount], capture_output=True)


def debian_sources(suite):
    """The system's own source of Debian packages, for another suite; None if it has none."""
    for path in [pathlib.Path("/etc/apt/sources.list.d/debian.sources"), pathlib.Path("/etc/apt/sources.list")]:
        if not path.exists():
            continue
        text = path.read_text()
        if path.suffix == ".sources":
            for stanza in re.split(r"\n\s*\n", text):
                if re.search(r"^URIs:\s*\S+/debian/?\s*$", stanza, re.M):
                    return re.sub(r"^Suites:.*$", "Suites: " + suite, stanza, flags=re.M) + "\n"
        elif found := re.search(r"^deb\s+(\[[^]]*\]\s+)?(\S+/debian/?)\s", text, re.M):
            return f"Types: deb\nURIs: {found[2]}\nSuites: {suite}\nComponents: main\n"
    return None


def other_debian(folder, suite, *packages):
    """Unpacks packages of another suite into a private root; the root, or None where they cannot be had."""
    folder = pathlib.Path(folder)
    sources = debian_sources(suite)
    if sources is None:
        return None
    for name in "lists/partial", "cache/archives/partial", "etc", "root":
        (folder / name).mkdir(parents=True)
    (folder / "etc" / "other.sources").write_text(sources)
    apt = ["apt-get", "-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache",
           "-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={folder}/etc",
           "-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none"]
    for words in ["update"], ["download", *packages]:
        if subprocess.run([*apt, *words], cwd=folder, capture_output=True, timeout=300).returncode:
            return None
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True)
    return folder / "root"


def patchelf(folder):
    """patchelf: the system's, or out of its package; None where it cannot be had."""
    if shutil.which("patchelf"):
        return "patchelf"
    if subprocess.run(["apt-get", "download", "patchelf"], cwd=folder, capture_output=True, timeout=120).returncode:
        return None
    subprocess.run(["dpkg-deb", "-x", next(folder.glob("patchelf_*.deb")), folder / "patchelf"], check=True)
    return folder / "patchelf/usr/bin/patchelf"


def of_other_debian(folder, suite, path, *packages):
    """A program of another suite that runs here, since it brings its loader and libraries along: its path, or None."""
    folder = pathlib.Path(folder)
    root = other_debian(folder, suite, "libc6", *packages)
    tool = root and patchelf(folder)
    if tool is None:
        return None
    libraries = next(root.glob("usr/lib/*-linux-gnu"))
    made = folder / os.path.basename(path)
    shutil.copy(root / path, made)
    subprocess.run([tool, "--set-interpreter", next(libraries.glob("ld-linux-*.so.*")), "--set-rpath", libraries, made],
                   check=True)
    return made


def newest_runc(folder):
    """runc of Debian's sid, which runs here, and its version ("1.3"); (None, "") where it cannot be had."""
    runc = of_other_debian(folder, "sid", "usr/sbin/runc", "runc", "libseccomp2")
    said = subprocess.run([runc, "--version"], capture_output=True, text=True).stdout if runc else ""
    found = re.search(r"runc version (\d+\.\d+)", said)
    return (runc, found[1]) if found else (None, "")


def newest_strace(folder):
    """strace of Debian's sid, which runs here; None where it cannot be had."""
    return of_other_debian(folder, "sid", "usr/bin/strace", "strace", "libunwind8", "liblzma5")
