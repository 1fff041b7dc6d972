#!/bin/bash
# SPDX-License-Identifier: MIT
# Does nstrace run on other kernels? Boots Debian's in qemu, each with an initramfs that holds nstrace, the mini runtime
# and the tiny programs, and runs the live tests there. Packages come from this system's mirror, through its apt, into a
# cache; nothing is installed from other suites. Prints the table of kernels; the last line is "N passed, N failed".
set -euo pipefail

usage() {
  cat <<'END'
usage: sudo tests/kernels/run.sh [--build DIR] [--job FILE] [KERNEL...]
  KERNEL       5.10 6.1 6.12 newest (of x86_64), arm64/6.1 arm64/6.12 arm64/newest; all = these (default)
  --build DIR  where nstrace is built for this machine (default: build); for arm64 it is built into DIR-arm64
  --job FILE   a shell script that runs in each machine instead of the live tests
NSTRACE_CACHE names the cache folder (default: $XDG_CACHE_HOME/nstrace).
END
}

cd "$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")"
. tests/kernels/packages.sh
build=$PWD/build job= kernels=()
while [ $# -gt 0 ]; do
  case $1 in
    --build) build=$(readlink -f "${2:?}") && shift 2 ;;
    --job) job=$(readlink -f "${2:?}") && shift 2 ;;
    -h | --help) usage && exit 0 ;;
    all) kernels+=(5.10 6.1 6.12 newest arm64/6.1 arm64/6.12 arm64/newest) && shift ;;
    5.10 | 6.1 | 6.12 | newest | arm64/6.1 | arm64/6.12 | arm64/newest) kernels+=("$1") && shift ;;
    *) echo "tests/kernels/run.sh: unknown option or kernel $1" >&2 && usage >&2 && exit 2 ;;
  esac
done
[ ${#kernels[@]} -gt 0 ] || kernels=(5.10 6.1 6.12 newest arm64/6.1 arm64/6.12 arm64/newest)

codename=$(. /etc/os-release && echo "${VERSION_CODENAME:?}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
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

# The file of the kernel itself, out of its packages.
kernel_of() {
  local package inside
  for package in $(fetch_kernel "$1" "$2"); do
    inside=$(dpkg-deb --fsys-tarfile "$package" | tar -t | grep '/vmlinuz' | head -1) || continue
    if [ ! -s "$package.vmlinuz" ]; then
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

# An initramfs for ARCH, made once for a run.
initramfs_of() {
  local sysroot=$cache/root-$codename-$1 folder=$build
  [ ! -e "$work/$1.cpio" ] || return 0
  unpack_root "$codename" "$1" "$sysroot" $libraries $programs
  if [ "$1" = arm64 ]; then
    folder=$build-arm64
    cmake -G Ninja -S . -B "$folder" -DCMAKE_TOOLCHAIN_FILE="$PWD/tests/kernels/arm64.cmake" -DNSTRACE_SYSROOT="$sysroot" \
      >"$work/cmake.log" 2>&1 || { tail -n 20 "$work/cmake.log" >&2 && return 1; }
    cmake --build "$folder" --target nstrace nstrace_programs
  fi
  tests/kernels/initramfs.sh "$sysroot" "$folder" "$work/$1.cpio"
}

emulate() {
  local arch=$1 kernel=$2 initramfs=$3
  if [ "$arch" = amd64 ]; then
    timeout 900 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1536 -nodefaults -display none -no-reboot \
      -serial stdio -kernel "$kernel" -initrd "$initramfs" -append "console=ttyS0 quiet panic=-1" </dev/null
  else
    timeout 900 qemu-system-aarch64 -machine virt -cpu cortex-a57 -smp 2 -m 1536 -nodefaults -display none -no-reboot \
      -serial stdio -kernel "$kernel" -initrd "$initramfs" -append "console=ttyAMA0 quiet panic=-1" </dev/null
  fi
}

passed=0 failed=0 table=()
for name in "${kernels[@]}"; do
  arch=amd64
  [[ $name != arm64/* ]] || arch=arm64
  echo "== $name"
  initramfs_of "$arch"
  kernel=$(kernel_of "$(suite_of "$name")" "$arch")
  cp "${job:-tests/kernels/job}" "$work/job"
  (cd "$work" && echo job | cpio -o -H newc --quiet -R 0:0 >job.cpio)
  # the kernel takes several archives, one after another
  cat "$work/$arch.cpio" "$work/job.cpio" >"$work/initramfs"
  begin=$SECONDS
  emulate "$arch" "$kernel" "$work/initramfs" 2>&1 | sed -u 's|\r||g' | tee "$work/log" || true
  release=$(sed -n 's/^kernels: running //p' "$work/log")
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$work/log" | tail -1) || counts="no result"
  if grep -q '^kernels: ended with 0$' "$work/log" && [[ $counts != "0 passed"* ]]; then
    passed=$((passed + 1)) verdict=passes
  else
    failed=$((failed + 1)) verdict=FAILS
    echo "FAILED $name (${release:-did not boot})"
  fi
  fentry=no
  ! grep -q '^ok .*trampolines (fentry)' "$work/log" || fentry=yes
  table+=("| ${release% *} | ${release#* } | $(suite_of "$name") | $verdict | $counts | $fentry |")
  echo "== $name: $verdict after $((SECONDS - begin)) s"
done

echo
echo "| kernel | machine | Debian | nstrace | live tests | allows fentry |"
echo "|---|---|---|---|---|---|"
printf '%s\n' "${table[@]}"
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
