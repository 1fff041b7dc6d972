#!/bin/sh
# SPDX-License-Identifier: MIT
# Guards an upgrade of runc: the new runtime's container set-up must keep to a file that is under version control.
#
#   guard.sh --runtime /usr/sbin/runc                        check it, exit code 1 if it does not hold
#   guard.sh --runtime /usr/sbin/runc --write                write the file anew from three runs, for review
#   guard.sh --runtime NEW --compare before/runc             and print how the two differ, in Markdown; both are
#                                                            called runc, or they are taken for other programs
#
# JUNIT=FILE gets the result for CI, SUMMARY=FILE the difference, appended.
# Needs root, nstrace (NSTRACE=FILE, or in the PATH) and a static busybox. Exit codes: those of nstrace check (0 holds,
# 1 does not, 3 cannot be told); 2 if it could not be checked at all.
set -eu

here=$(dirname "$(readlink -f "$0")")
runtime=runc old= write= expect=$here/runc.expect nstrace=${NSTRACE:-nstrace}
while [ $# -gt 0 ]; do
  case $1 in
    --runtime) runtime=$2; shift 2 ;;
    --compare) old=$2; shift 2 ;;
    --expect) expect=$2; shift 2 ;;
    --write) write=yes; shift ;;
    *) echo "guard.sh: unknown option $1; see the head of this file" >&2; exit 2 ;;
  esac
done

# A program by its name or path; the path is made absolute, since the bundle is made in its own folder.
program() {
  found=$(command -v "$2") || { echo "guard.sh: there is no $1 \`$2\`" >&2; exit 2; }
  case $found in
    /*) echo "$found" ;;
    *) echo "$PWD/$found" ;;
  esac
}
nstrace=$(program nstrace "$nstrace")
runtime=$(program runtime "$runtime")
busybox=$(program busybox busybox)
if [ -n "$old" ]; then old=$(program runtime "$old"); fi

# The same place each time, so that what is written from one run holds on the next.
work=/run/nstrace-guard
mkdir -m 700 "$work" || { echo "guard.sh: $work is there: another guard runs, or one was killed; remove it" >&2; exit 2; }
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bundle/rootfs/bin" "$work/bundle/rootfs/proc" "$work/bundle/rootfs/dev" "$work/bundle/rootfs/sys"
cp "$busybox" "$work/bundle/rootfs/bin/busybox"
ln -s busybox "$work/bundle/rootfs/bin/true"
(cd "$work/bundle" && "$runtime" spec && sed -i 's/"terminal": true/"terminal": false/; s/"sh"/"true"/' config.json)

# One container with RUNTIME, recorded to FILE.
record() {
  "$nstrace" -q -o "$2" -- "$1" --root "$work/state" run --bundle "$work/bundle" guard >"$work/log" 2>&1 </dev/null ||
    { cat "$work/log" >&2; echo "guard.sh: $1 did not run the container" >&2; exit 2; }
}

if [ -n "$write" ]; then
  for n in 1 2 3; do record "$runtime" "$work/$n.jsonl"; done
  "$nstrace" expect "$work/1.jsonl" "$work/2.jsonl" "$work/3.jsonl" -o "$expect"
  echo "wrote $expect"
  exit 0
fi

record "$runtime" "$work/new.jsonl"
if [ -n "$old" ]; then
  record "$old" "$work/old.jsonl"
  # 1: they differ; 3: they may. Neither is a verdict: the check below gives it.
  "$nstrace" diff --format markdown "$work/old.jsonl" "$work/new.jsonl" >"$work/diff.md" || case $? in
    1 | 3) ;;
    *) echo "guard.sh: the two could not be compared" >&2; exit 2 ;;
  esac
  cat "$work/diff.md"
  if [ -n "${SUMMARY:-}" ]; then cat "$work/diff.md" >>"$SUMMARY"; fi
fi
"$nstrace" check --junit "${JUNIT:-$work/junit.xml}" "$expect" "$work/new.jsonl"
