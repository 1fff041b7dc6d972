#!/bin/bash
# SPDX-License-Identifier: MIT
# Does a stranger on a fresh Debian get the picture and green tests? Makes a minimal system with debootstrap, puts a clean
# clone of the last commit into it, makes it the root of a mount namespace (in a plain chroot no user namespace can be
# made), and runs there examples/quickstart.sh and tests/run.sh. Mirrors are those of this system's apt; packages are
# kept in a cache. The last line says which of both passed.
set -euo pipefail

usage() {
  cat <<'END'
usage: sudo tests/fresh.sh [--suite SUITE] [--keep] [-- COMMAND [ARG...]]
  --suite SUITE  the release of Debian (default: bookworm)
  --keep         leave the system behind, and say where
  COMMAND        run this in the clone instead of the two scripts
NSTRACE_CACHE names the cache folder (default: $XDG_CACHE_HOME/nstrace).
END
}

suite=bookworm keep=
while [ $# -gt 0 ]; do
  case $1 in
    --suite) suite=${2:?} && shift 2 ;;
    --keep) keep=yes && shift ;;
    --) shift && break ;;
    -h | --help) usage && exit 0 ;;
    *) echo "tests/fresh.sh: unknown option $1" >&2 && usage >&2 && exit 2 ;;
  esac
done
if [ "$(id -u)" -ne 0 ]; then
  echo "tests/fresh.sh: debootstrap needs root: sudo tests/fresh.sh" >&2
  exit 1
fi
root=$(dirname "$(dirname "$(readlink -f "$0")")")
"$root/tests/install.sh" fresh
cache=${NSTRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nstrace}/fresh-$suite
mkdir -p "$cache/archives/partial" "$cache/debs"
mirror=$("$root/tests/mirror.sh")

system=$(mktemp -d "$cache/system.XXXXXX")
finish() {
  if [ -n "$keep" ]; then echo "the system is in $system"; else rm -rf --one-file-system "$system"; fi
}
trap finish EXIT
chmod 755 "$system"

echo "== debootstrap $suite"
debootstrap --variant=minbase --cache-dir="$cache/debs" "$suite" "$system" "$mirror" >"$cache/debootstrap.log" 2>&1 || {
  tail -n 5 "$cache/debootstrap.log" >&2
  echo "tests/fresh.sh: debootstrap failed; its words are in $cache/debootstrap.log" >&2
  exit 1
}
echo "deb $mirror $suite-updates main" >>"$system/etc/apt/sources.list"
if security=$("$root/tests/mirror.sh" security 2>/dev/null); then
  echo "deb $security $suite-security main" >>"$system/etc/apt/sources.list"
fi
# Names are found as they are outside; what apt fetches stays in the cache.
cp -L /etc/resolv.conf /etc/hosts "$system/etc/"
apt-config dump Acquire::http::Proxy >"$system/etc/apt/apt.conf.d/90proxy"
echo 'APT::Keep-Downloaded-Packages "true";' >>"$system/etc/apt/apt.conf.d/90proxy"
git -c safe.directory='*' clone -q --no-hardlinks "$root" "$system/root/nstrace"

cat >"$system/root/enter" <<'END'
set -e
system=$1 archives=$2
shift 2
mount --bind "$system" "$system"
cd "$system"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs run
mount --bind "$archives" var/cache/apt/archives
pivot_root . .
umount -l .
cd /root/nstrace
exec env -i HOME=/root TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" </dev/null
END
inside() {
  unshare -m --propagation private bash "$system/root/enter" "$system" "$cache/archives" "$@"
}

if [ $# -gt 0 ]; then
  inside "$@"
  exit
fi

passed=0 failed=0
try() {
  echo "== $suite: $*"
  if inside "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED $suite: $*"; fi
}
# Both from the user's folder: the picture stands where the user stands.
try bash -c 'cd && nstrace/examples/quickstart.sh && test -s nstrace-lab.svg && test -s nstrace-lab.jsonl'
try tests/run.sh
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
