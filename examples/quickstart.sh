#!/bin/bash
# SPDX-License-Identifier: MIT
# From a fresh Debian to a picture: installs the packages, builds nstrace, and lets it trace its own mini container
# runtime. Where the kernel refuses eBPF it says why, and draws the recorded docker run of examples/ instead.
set -euo pipefail

root=$(dirname "$(dirname "$(readlink -f "$0")")")
if [ "$(id -u)" -ne 0 ]; then
  echo "examples/quickstart.sh: it installs packages and loads eBPF programs, which needs root: sudo examples/quickstart.sh" >&2
  exit 1
fi
here=$PWD
cd "$root"
tests/install.sh build

build=${NSTRACE_BUILD:-$root/build}
echo "== building (a minute or two)"
[ -e "$build/build.ninja" ] || cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DNSTRACE_TESTS=OFF >/dev/null
cmake --build "$build" --target nstrace
nstrace=$build/nstrace

# The files go where the user stands, and belong to the user.
cd "$here"
give() {
  if [ -n "${SUDO_UID:-}" ]; then chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$@"; fi
}

if "$nstrace" doctor >/dev/null 2>&1; then
  echo "== a container, traced from its first instruction"
  "$nstrace" lab run -o nstrace-lab.svg -o nstrace-lab.jsonl
  give "$build" nstrace-lab.svg nstrace-lab.jsonl
  echo
  echo "the picture:   $here/nstrace-lab.svg"
  echo "the recording: $here/nstrace-lab.jsonl (nstrace show, nstrace draw)"
  echo "next:          sudo $nstrace --follow containerd -- docker run -d busybox sleep 100"
else
  echo "== this machine cannot trace:"
  "$nstrace" doctor || true
  echo "== so here is a docker run that was recorded elsewhere"
  "$nstrace" show "$root/examples/docker-run.jsonl"
  "$nstrace" draw "$root/examples/docker-run.jsonl" -o docker-run.svg
  give "$build" docker-run.svg
  echo
  echo "the picture: $here/docker-run.svg"
fi
