#!/bin/bash
# SPDX-License-Identifier: MIT
# Prints the address from which this system's apt takes Debian's packages (or, with "security", its security updates),
# so that other suites can be fetched from the same place.
set -euo pipefail

label=Debian
[ "${1:-}" != security ] || label=Debian-Security
address=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
  awk -v label="$label" '$1 == label { print $2; exit }')
if [ -z "$address" ]; then
  echo "tests/mirror.sh: apt on this system has no source labelled $label; add one and run apt-get update" >&2
  exit 1
fi
printf '%s\n' "${address%/}"
