#!/bin/bash
# SPDX-License-Identifier: MIT
# Does nstrace run on other kernels? Boots Debian's in qemu, each with an initramfs that holds nstrace, the mini runtime
# and the tiny programs, and runs the live tests there, one machine per processor at a time. Packages come from this
# system's mirror, through its apt, into a cache; nothing is installed from other suites. Prints the table of kernels; the
# last line is "N passed, N failed".
set -euo pipefail

usage() {
  cat <<'END'
usage: sudo tests/kernels/run.sh [--build DIR] [--job FILE] [--jobs N] [--logs DIR] [--update-readme] [KERNEL...]
  KERNEL           5.10 6.1 6.12 newest (of x86_64), arm64/6.1 arm64/6.12 arm64/newest; all = these (default)
  --build DIR      where nstrace is built for this machine (default: build); for arm64 it is built into DIR-arm64
  --job FILE       a shell script that runs in each machine instead of the live tests
  --jobs N         machines at a time (default: one for each processor)
  --logs DIR       keep what each machine said as DIR/KERNEL.log
  --update-readme  write the lines of these kernels into the table of README.md
NSTRACE_CACHE names the cache folder (default: $XDG_CACHE_HOME/nstrace).
END
}

cd "$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")"
. tests/kernels/packages.sh
all=(5.10 6.1 6.12 newest arm64/6.1 arm64/6.12 arm64/newest)
build=$PWD/build job=tests/kernels/job jobs=$(nproc) logs='' readme='' kernels=()
while [ $# -gt 0 ]; do
  case $1 in
    --build) build=$(readlink -f "${2:?}") && shift 2 ;;
    --job) job=$(readlink -f "${2:?}") && shift 2 ;;
    --jobs) jobs=${2:?} && shift 2 ;;
    --logs) mkdir -p "${2:?}" && logs=$(readlink -f "$2") && shift 2 ;;
    --update-readme) readme=yes && shift ;;
    -h | --help) usage && exit 0 ;;
    all) kernels+=("${all[@]}") && shift ;;
    5.10 | 6.1 | 6.12 | newest | arm64/6.1 | arm64/6.12 | arm64/newest) kernels+=("$1") && shift ;;
    *) echo "tests/kernels/run.sh: unknown option or kernel $1" >&2 && usage >&2 && exit 2 ;;
  esac
done
[ ${#kernels[@]} -gt 0 ] || kernels=("${all[@]}")

codename=$(. /etc/os-release && echo "${VERSION_CODENAME:?}")
work=$(mktemp -d)
# Ended early, it ends the machines too: they are jobs of this shell.
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
tests/install.sh kernels
[[ " ${kernels[*]} " != *" arm64/"* ]] || tests/install.sh kernels-arm64

suite_of() {
  case ${1#arm64/} in
    5.10) echo bullseye ;;
    6.1) echo bookworm ;;
    6.12) echo trixie ;;
    newest) echo sid ;;
  esac
}

arch_of() {
  [[ $1 != arm64/* ]] && echo amd64 || echo arm64
}

# The file of the kernel itself, out of its packages.
kernel_of() {
  local package inside
  for package in $(fetch_kernel "$1" "$2"); do
    if [ ! -s "$package.vmlinuz" ]; then
      inside=$(dpkg-deb --fsys-tarfile "$package" | tar -t | grep '/vmlinuz' | head -1) || continue
      dpkg-deb --fsys-tarfile "$package" | tar -xO "$inside" >"$package.vmlinuz.part"
      mv "$package.vmlinuz.part" "$package.vmlinuz"
    fi
    echo "$package.vmlinuz"
    return
  done
  echo "tests/kernels: no kernel in the packages of $1 for $2" >&2
  return 1
}

libraries="libc6-dev libbpf-dev libfmt-dev libcli11-dev libsimdjson-dev nlohmann-json3-dev libzstd-dev libgraphviz-dev catch2 libexpat1-dev"
programs="python3-minimal libpython3-stdlib bash busybox-static util-linux coreutils strace graphviz fonts-dejavu-core fontconfig-config"

# An initramfs for ARCH, made once for a run. What runs on this machine is taken from it; another architecture's programs
# come from packages, and nstrace is compiled for it.
initramfs_of() {
  local sysroot=/ folder=$build
  [ ! -e "$work/$1.cpio" ] || return 0
  if [ "$1" != "$(dpkg --print-architecture)" ]; then
    sysroot=$cache/root-$codename-$1 folder=$build-$1
    unpack_root "$codename" "$1" "$sysroot" $libraries $programs
    cmake -G Ninja -S . -B "$folder" -DCMAKE_TOOLCHAIN_FILE="$PWD/tests/kernels/$1.cmake" -DNSTRACE_SYSROOT="$sysroot" \
      >"$work/cmake.log" 2>&1 || { tail -n 20 "$work/cmake.log" >&2 && return 1; }
    cmake --build "$folder" --target nstrace nstrace_programs
  fi
  tests/kernels/initramfs.sh "$sysroot" "$folder" "$work/$1.cpio"
}

# No kernel here finds /dev/fd/N from within a chroot, which TOMOYO, where it is built in, demands of execveat(2); so
# it is left out of the security modules. One thread emulates both processors: with a thread each, qemu can go on running
# its translation of an instruction that the other processor has patched meanwhile, and attaching a tracepoint patches
# the kernel: an int3 that is long gone from memory then hangs or ends it.
emulate() {
  local arch=$1 kernel=$2 initramfs=$3 arguments="quiet panic=-1 lsm=lockdown,yama,apparmor"
  if [ "$arch" = amd64 ]; then
    timeout 900 qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp 2 -m 1536 -nodefaults -display none -no-reboot \
      -serial stdio -kernel "$kernel" -initrd "$initramfs" -append "console=ttyS0 $arguments" </dev/null
  else
    timeout 1800 qemu-system-aarch64 -machine virt -cpu cortex-a57 -smp 2 -m 1536 -nodefaults -display none -no-reboot \
      -serial stdio -kernel "$kernel" -initrd "$initramfs" -append "console=ttyAMA0 $arguments" </dev/null
  fi
}

# Boots KERNEL, and keeps what it says in a log; each line is shown with the kernel's name.
try() {
  local name=$1 id=${1//\//-} begin=$SECONDS arch
  arch=$(arch_of "$name")
  emulate "$arch" "$(cat "$work/$id.kernel")" "$work/$arch.initramfs" 2>&1 | sed -u 's|\r||g' | tee "$work/$id.log" |
    sed -u "s|^|$name: |" || true
  echo "$name: ended after $((SECONDS - begin)) s"
}

# All is fetched and built before the first machine starts, so that these have the processors for themselves.
cp "$job" "$work/job"
(cd "$work" && echo job | cpio -o -H newc --quiet -R 0:0 >job.cpio)
for name in "${kernels[@]}"; do
  arch=$(arch_of "$name")
  initramfs_of "$arch"
  # the kernel takes several archives, one after another
  cat "$work/$arch.cpio" "$work/job.cpio" >"$work/$arch.initramfs"
  kernel_of "$(suite_of "$name")" "$arch" >"$work/${name//\//-}.kernel"
done
echo "tests/kernels: all is fetched and built after $SECONDS s"
for name in "${kernels[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
  try "$name" &
done
wait

passed=0 failed=0
: >"$work/table"
for name in "${kernels[@]}"; do
  log=$work/${name//\//-}.log
  [ -z "$logs" ] || cp "$log" "$logs/"
  release=$(sed -n 's/^kernels: running //p' "$log")
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -1) || counts="no result"
  if grep -q '^kernels: ended with 0$' "$log" && [[ $counts != "0 passed"* ]]; then
    passed=$((passed + 1)) verdict=passes
  else
    failed=$((failed + 1)) verdict=FAILS
    echo "FAILED $name (${release:-did not boot})"
  fi
  fentry=$(sed -n 's/^ok  *trampolines (fentry): allowed, \([^;]*\);.*/\1/p' "$log" | head -1)
  echo "| ${release% *} | ${release#* } | $(suite_of "$name") | $verdict | $counts | ${fentry:-refused} |" >>"$work/table"
done

echo
echo "| kernel | machine | Debian | nstrace | live tests | fentry |"
echo "|---|---|---|---|---|---|"
cat "$work/table"
[ -z "$readme" ] || python3 tests/kernels/table.py README.md "$work/table"
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
