# SPDX-License-Identifier: MIT
"""A real Docker that nobody else sees: own containerd, dockerd, data, socket, bridge and cgroup, all gone afterwards.

It runs in the host's namespaces as a real one does. It changes nothing of the host: no iptables rules, no forwarding, a
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


class Dockerd:
    def __init__(self, folder=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="nstrace-docker."))
        self.folder.mkdir(exist_ok=True)
        self.mark = f"nst{random.randrange(16**6):06x}"  # names the bridge and the cgroup
        self.socket = f"unix://{self.folder}/docker.sock"
        self.daemons = []
        self.containerd = None

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
        self.until(lambda: (d / "containerd.sock").exists(), "containerd")
        bridge = ["--bridge", self.mark] if self.make_bridge() else ["--bridge", "none"]
        self.dockerd = self.daemon(
            "dockerd", "--data-root", d / "data", "--exec-root", d / "exec", "-H", self.socket, "-p", d / "docker.pid",
            "--containerd", d / "containerd.sock", *bridge, "--iptables=false", "--ip6tables=false",
            "--ip-forward=false", "--ip-masq=false", "--userland-proxy=false",
            "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", "/" + self.mark)
        self.until(lambda: self.docker("version", check=False).returncode == 0, "dockerd")
        self.make_image()

    def daemon(self, name, *arguments):
        with open(self.folder / (name + ".log"), "w") as log:
            process = subprocess.Popen([program(name), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, start_new_session=True, env=os.environ | {"PATH": PATH})
        self.daemons.append((name, process))
        return process

    def until(self, ready, name):
        deadline = time.monotonic() + 60
        while not ready():
            process = dict(self.daemons)[name]
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not run; its last words: "
                                   + (self.folder / (name + ".log")).read_text()[-1500:])
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
        return [pid for pid, words in self.processes() if os.path.basename(words[0]).startswith("containerd-shim")]

    def processes(self):
        """What runs with this folder in its arguments: the daemons, the shims, runc."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = pathlib.Path("/proc", pid, "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
            if any(str(self.folder) in w for w in words) and int(pid) != os.getpid():
                yield int(pid), words

    def stop(self):
        if len(self.daemons) == 2 and self.dockerd.poll() is None:
            left = self.docker("ps", "-aq", check=False).stdout.split()
            if left:
                self.docker("rm", "-f", *left, check=False)
        for name, process in reversed(self.daemons):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
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
