# SPDX-License-Identifier: MIT
"""A real Docker that nobody else sees: own containerd, dockerd, data, socket, bridge and cgroup, all gone afterwards.

It runs in the host's namespaces and as a child of init, as a real one does. It changes nothing of the host: no iptables rules, no forwarding, a
bridge of its own (so that containers get a network and dockerd's hook runs), and nothing of a Docker that is here already
is touched. The image "busybox" is made from busybox-static, without a network.
"""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def program(name):
    return shutil.which(name, path=PATH)


def children_first(path):
    """The folder and the folders below it, the deepest first; cgroups can only be removed so."""
    return sorted((p for p, _, _ in os.walk(path)), key=len, reverse=True)


class Daemon:
    """A process that is nobody's child here: started through setsid, so that its parent is init."""

    def __init__(self, name, arguments, log):
        with open(log, "w") as out:
            subprocess.run(["setsid", "--fork", program(name), *arguments], stdin=subprocess.DEVNULL, stdout=out,
                           stderr=out, check=True, env={"PATH": PATH, "HOME": "/root"})
        self.log = log
        self.argv = [program(name), *arguments]
        deadline = time.monotonic() + 5
        while not (found := [p for p, words in running() if words == self.argv]):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start: {self.log.read_text()[-1500:]}")
            time.sleep(0.01)
        self.pid = found[0]

    def alive(self):
        try:
            state = pathlib.Path("/proc", str(self.pid), "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state != "Z"  # init may be slow to collect it

    def end(self):
        for number, patience in (signal.SIGTERM, 20), (signal.SIGKILL, 5):
            deadline = time.monotonic() + patience
            if self.alive():
                os.kill(self.pid, number)
            while self.alive() and time.monotonic() < deadline:
                time.sleep(0.02)


def running():
    """The pid and the arguments of every process."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path("/proc", pid, "cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
        except OSError:
            continue
        if words:
            yield int(pid), words


class Dockerd:
    def __init__(self, folder=None, runtime=None):
        """runtime: path of an OCI runtime to be used instead of the runc that containerd finds."""
        self.runtime = ["--add-runtime", f"own={runtime}", "--default-runtime", "own"] if runtime else []
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="nstrace-docker."))
        self.folder.mkdir(exist_ok=True)
        self.mark = f"nst{random.randrange(16**6):06x}"  # names the bridge and the cgroup
        self.socket = f"unix://{self.folder}/docker.sock"
        self.containerd = self.dockerd = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        d = self.folder
        (d / "containerd.toml").write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        self.containerd = self.daemon("containerd", "--config", d / "containerd.toml", "--root", d / "containerd",
                                      "--state", d / "state", "--address", d / "containerd.sock")
        self.until(lambda: (d / "containerd.sock").exists(), self.containerd)
        bridge = ["--bridge", self.mark] if self.make_bridge() else ["--bridge", "none"]
        self.dockerd = self.daemon(
            "dockerd", "--data-root", d / "data", "--exec-root", d / "exec", "-H", self.socket, "-p", d / "docker.pid",
            "--containerd", d / "containerd.sock", *bridge, *self.runtime, "--iptables=false", "--ip6tables=false",
            "--ip-forward=false", "--ip-masq=false", "--userland-proxy=false",
            "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", "/" + self.mark)
        self.until(lambda: self.docker("version", check=False).returncode == 0, self.dockerd)
        self.make_image()

    def daemon(self, name, *arguments):
        return Daemon(name, [str(a) for a in arguments], self.folder / (name + ".log"))

    @staticmethod
    def until(ready, daemon):
        deadline = time.monotonic() + 60
        while not ready():
            if not daemon.alive() or time.monotonic() > deadline:
                raise RuntimeError(f"{daemon.argv[0]} does not run; its last words: {daemon.log.read_text()[-1500:]}")
            time.sleep(0.05)

    def make_bridge(self):
        """A bridge with an address of the range for benchmarks (RFC 2544); False where the kernel has no bridges."""
        ip = [program("busybox"), "ip"]
        if subprocess.run([*ip, "link", "add", "dev", self.mark, "type", "bridge"], capture_output=True).returncode:
            return False
        address = f"198.{random.choice((18, 19))}.{random.randrange(256)}.1/24"
        subprocess.run([*ip, "addr", "add", address, "dev", self.mark], check=True)
        subprocess.run([*ip, "link", "set", self.mark, "up"], check=True)
        return True

    def make_image(self):
        busybox = program("busybox")
        archive = self.folder / "busybox.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(busybox, "bin/busybox", filter=lambda i: i)
            for name in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
                if name != "busybox":
                    link = tarfile.TarInfo("bin/" + name)
                    link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                    tar.addfile(link)
        self.docker("import", archive, "busybox")

    def client(self, *arguments):
        """The command line of a docker client that talks to this daemon."""
        return [program("docker"), "-H", self.socket, *map(str, arguments)]

    def docker(self, *arguments, check=True):
        done = subprocess.run(self.client(*arguments), capture_output=True, text=True, timeout=60)
        if check and done.returncode:
            raise RuntimeError(f"docker {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done

    def shims(self):
        """The pids of the shims that serve this daemon's containers."""
        return [pid for pid, words in running() if os.path.basename(words[0]).startswith("containerd-shim")
                and any(w.startswith(str(self.folder) + "/") for w in words)]

    def stop(self):
        if self.dockerd and self.dockerd.alive():
            left = self.docker("ps", "-aq", check=False).stdout.split()
            if left:
                self.docker("rm", "-f", *left, check=False)
        for daemon in self.dockerd, self.containerd:
            if daemon:
                daemon.end()
        for pid in self.shims():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        mounts = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in reversed([m for m in mounts if m.startswith(str(self.folder) + "/")]):
            subprocess.run(["umount", "-l", mount], capture_output=True)
        if os.path.exists("/sys/class/net/" + self.mark):
            subprocess.run([program("busybox"), "ip", "link", "del", self.mark], capture_output=True)
        groups = pathlib.Path("/sys/fs/cgroup")
        for parent in [groups / self.mark, *groups.glob("*/" + self.mark)]:
            for group in children_first(parent):
                try:
                    os.rmdir(group)
                except OSError:
                    pass
        shutil.rmtree(self.folder, ignore_errors=True)
