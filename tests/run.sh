#!/bin/bash
# SPDX-License-Identifier: MIT
# All tests on this machine: installs what is missing, builds into build/ with warnings as errors, runs the unit tests
# (ctest), then the live tests (root, BPF). The last line is "N passed, N failed, N skipped"; the exit status is not 0
# when anything failed.
set -euo pipefail

usage() {
  cat <<'END'
usage: sudo tests/run.sh [--no-install] [--unit] [--rewrite]
  --no-install  install no packages
  --unit        the unit tests only, which need no root
  --rewrite     write the golden files anew instead of comparing; the git diff is the review
NSTRACE_BUILD names another build folder than build/.
END
}

install=yes live=yes rewrite=
for option; do
  case $option in
    --no-install) install= ;;
    --unit) live= ;;
    --rewrite) rewrite=yes live= ;;
    -h | --help) usage; exit 0 ;;
    *) echo "tests/run.sh: unknown option $option" >&2; usage >&2; exit 2 ;;
  esac
done

if [ "$(id -u)" -ne 0 ] && [ -n "$live" ]; then
  echo "tests/run.sh: the live tests load eBPF programs and make namespaces, which needs root: sudo tests/run.sh" \
    "(or, for the unit tests alone, tests/run.sh --unit)" >&2
  exit 1
fi
root=$(dirname "$(dirname "$(readlink -f "$0")")")
cd "$root"
build=${NSTRACE_BUILD:-$root/build}

if [ -n "$install" ]; then
  tests/install.sh build tests
fi

# What root built in a user's folder belongs to the user.
give_back() {
  if [ -n "${SUDO_UID:-}" ] && [ -d "$build" ]; then chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$build"; fi
}
trap give_back EXIT

echo "== build"
[ -e "$build/build.ninja" ] || cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake -S . -B "$build" -DNSTRACE_WERROR=ON -DNSTRACE_TESTS=ON >/dev/null
cmake --build "$build"

passed=0 failed=0 skipped=0
echo "== unit tests"
if [ -n "$rewrite" ]; then export NSTRACE_REWRITE_GOLDENS=1; fi
report=$build/unit-tests.xml
rm -f "$report"
ctest --test-dir "$build" --output-on-failure -j "$(nproc)" --output-junit "$report" || true
if [ ! -s "$report" ]; then
  echo "tests/run.sh: ctest ran no test in $build" >&2
  exit 1
fi
number() { sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$report" | head -1; }
all=$(number tests) failed=$(number failures) skipped=$(($(number skipped) + $(number disabled)))
passed=$((all - failed - skipped))

if [ -n "$live" ]; then
  echo "== live tests"
  log=$(mktemp)
  status=0
  python3 tests/live/run.py --build "$build" | tee "$log" || status=$?
  if ! read -r p _ f _ s _ < <(tail -1 "$log") || ! [[ "$p$f$s" =~ ^[0-9]+$ ]]; then
    echo "tests/run.sh: the live tests ended before their closing line (status $status)" >&2
    p=0 f=1 s=0
  elif [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
    f=1
  fi
  rm -f "$log"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
fi

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
