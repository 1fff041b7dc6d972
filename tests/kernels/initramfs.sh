#!/bin/bash
# SPDX-License-Identifier: MIT
# initramfs.sh SYSROOT BUILD OUT: an initramfs with nstrace and the tiny programs of BUILD, the live tests, Python, a few
# commands, and the libraries that these need, all taken from SYSROOT (a Debian of the right architecture: an unpacked one,
# or / for this system's).
set -euo pipefail
cd "$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")"
sysroot=$(readlink -f "$1")
sysroot=${sysroot%/} build=$(readlink -f "$2") out=$3

into=$(mktemp -d)
trap 'rm -rf "$into"' EXIT
chmod 755 "$into"
cd "$into"
mkdir -p dev mnt proc sys tmp run root etc var usr/bin usr/sbin usr/lib usr/lib64 nstrace/build
for name in bin sbin lib lib64; do ln -s "usr/$name" "$name"; done
printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >etc/passwd
printf 'root:x:0:\nnogroup:x:65534:\n' >etc/group

case $(readelf -h "$build/nstrace" | sed -n 's/.*Machine: *//p') in
  *X86-64) libraries=/usr/lib/x86_64-linux-gnu strip=strip ;;
  AArch64) libraries=/usr/lib/aarch64-linux-gnu strip=aarch64-linux-gnu-strip ;;
  *) echo "initramfs.sh: $build/nstrace is for a machine that is not known here" >&2 && exit 1 ;;
esac
[ "$(uname -m)-linux-gnu" != "${libraries##*/}" ] || strip=strip

# Copies a program or library of SYSROOT, and what it is linked to.
declare -A copied
take() {
  local path=$1 real needed name
  [ -z "${copied[$path]:-}" ] || return 0
  copied[$path]=yes
  mkdir -p ".${path%/*}"
  cp -L "$sysroot$path" ".$path"
  for name in $(readelf -d "$sysroot$path" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do library "$name"; done
}
library() {
  [ -e "$sysroot$libraries/$1" ] || { echo "initramfs.sh: no $1 in $sysroot$libraries" >&2; exit 1; }
  take "$libraries/$1"
}

for program in bash unshare setpriv strace env sleep; do take "/usr/bin/$program"; done
python=$(readlink -f "$sysroot/usr/bin/python3")
take "${python#"$sysroot"}"
ln -s "${python##*/}" usr/bin/python3
stdlib=usr/lib/${python##*/}
mkdir -p "$stdlib"
(cd "$sysroot/$stdlib" && tar -c --exclude=test --exclude=tests --exclude='*2to3*' --exclude=idlelib --exclude=ensurepip \
  --exclude=pydoc_data --exclude=tkinter --exclude=distutils --exclude='config-*' .) | tar -x -C "$stdlib"
# Compiled here, where it is fast; the format is the same for all architectures.
if [ "$("python${stdlib#*/python}" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "${stdlib#*/python}" ]; then
  "python${stdlib#*/python}" -m compileall -q -j 0 "$stdlib" >/dev/null || true
fi
for module in "$sysroot/$stdlib"/lib-dynload/*.so; do take "${module#"$sysroot"}"; done
# Graphviz loads its plugins by a list, which a script of the package writes on a real system.
for plugin in core dot_layout pango; do
  for plugin in "$sysroot$libraries/graphviz/libgvplugin_$plugin".so.?; do take "${plugin#"$sysroot"}"; done
done
cp "/usr/lib/$(uname -m)-linux-gnu/graphviz"/config* ".$libraries/graphviz/"
mkdir -p usr/share/fonts/truetype etc/fonts
cp -r "$sysroot/usr/share/fonts/truetype/dejavu" usr/share/fonts/truetype/
cp -rL "$sysroot/etc/fonts/." etc/fonts/ 2>/dev/null || true
for loader in "$sysroot"/usr/lib*/ld-linux-* "$sysroot$libraries"/ld-linux-*; do
  [ ! -e "$loader" ] || take "${loader#"$sysroot"}"
done

cp -L "$sysroot/usr/bin/busybox" usr/bin/busybox
for name in sh cat ls true false mount umount ip mkdir id hostname ps kill uname dmesg sed grep head echo rm touch; do
  [ -e "usr/bin/$name" ] || ln -s busybox "usr/bin/$name"
done
cd "$OLDPWD"
cp tests/kernels/init "$into/init"
mkdir -p "$into/nstrace/tests"
cp -r tests/live tests/golden tests/programs "$into/nstrace/tests/"
cp -r examples "$into/nstrace/"
cp -r "$build/programs" "$into/nstrace/build/"
$strip -o "$into/nstrace/build/nstrace" "$build/nstrace"
for name in $(readelf -d "$build/nstrace" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do (cd "$into" && library "$name"); done
cd "$into"
find . | cpio -o -H newc --quiet -R 0:0 >"$out"
