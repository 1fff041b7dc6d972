#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the packages of the named groups of tests/packages.txt (build, tests, docker, browser, fresh, kernels, kernels-arm64), only those that are missing.
# With --list it prints the missing ones instead. Needs root only when something is missing.
set -euo pipefail

list=$(dirname "$(readlink -f "$0")")/packages.txt
only_list=
if [ "${1:-}" = --list ]; then
  only_list=yes
  shift
fi
[ $# -gt 0 ] || { echo "usage: tests/install.sh [--list] GROUP... (build, tests, docker, browser, fresh, kernels, kernels-arm64)" >&2; exit 2; }

PATH=$PATH:/usr/sbin:/sbin
missing=()
while read -r group package program _; do
  [[ $group != \#* && -n $package && " $* " == *" $group "* ]] || continue
  if [[ -n $program && $program != \#* ]] && command -v "$program" >/dev/null; then continue; fi
  if [ "$(dpkg-query -W -f '${db:Status-Status}' "${package%\?}" 2>/dev/null)" = installed ]; then continue; fi
  missing+=("$package")
done <"$list"

[ ${#missing[@]} -gt 0 ] || exit 0
if [ -n "$only_list" ]; then
  printf '%s\n' "${missing[@]%\?}"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "tests/install.sh: no apt-get here; install what Debian calls: ${missing[*]%\?}" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "tests/install.sh: packages are missing, and installing them needs root: sudo apt-get install ${missing[*]%\?}" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
# A foreign source that does not answer is no reason to stop: what counts is whether the packages are found.
"${apt[@]}" update >/dev/null || true
wanted=()
for package in "${missing[@]}"; do
  if [[ $package != *\? ]] || apt-cache show "${package%\?}" >/dev/null 2>&1; then wanted+=("${package%\?}"); fi
done
[ ${#wanted[@]} -gt 0 ] || exit 0
echo "installing ${wanted[*]}"
if ! "${apt[@]}" install -y --no-install-recommends "${wanted[@]}" >/dev/null; then
  echo "tests/install.sh: apt-get could not install ${wanted[*]} (its words are above)" >&2
  exit 1
fi
