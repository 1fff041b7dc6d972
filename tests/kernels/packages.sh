# SPDX-License-Identifier: MIT
# Sourced: packages of any suite and architecture, fetched with this system's apt from this system's mirror into a cache,
# and unpacked without being installed. Nothing of this touches the packages of this system.

cache=${NSTRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nstrace}

# An apt of its own for SUITE and ARCH: prints its folder, with lists that are at most a day old where there is a network.
apt_of() {
  local suite=$1 arch=$2 dir=$cache/apt/$1-$2
  mkdir -p "$dir/lists/partial" "$dir/archives/partial"
  : >"$dir/status"
  cat >"$dir/conf" <<END
#clear APT::Architectures;
#clear APT::Update::Post-Invoke;
#clear DPkg::Post-Invoke;
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Dir::State "$dir";
Dir::State::lists "$dir/lists";
Dir::State::status "$dir/status";
Dir::Cache "$dir";
Dir::Cache::archives "$dir/archives";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Acquire::Languages "none";
END
  if [ -z "$(find "$dir/updated" -mmin -1440 2>/dev/null)" ]; then
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(tests/mirror.sh) $suite main" >"$dir/sources.list"
    if APT_CONFIG=$dir/conf apt-get -qq update >"$dir/update.log" 2>&1 && ! grep -q '^[WE]:' "$dir/update.log"; then
      touch "$dir/updated"
    elif [ ! -e "$dir/updated" ]; then
      cat "$dir/update.log" >&2
      echo "tests/kernels: apt cannot fetch the lists of $suite for $arch" >&2
      return 1
    fi
  fi
  echo "$dir"
}

# Fetches the newest kernel of SUITE for ARCH; prints the paths of its packages.
fetch_kernel() {
  local dir package
  local -x APT_CONFIG
  dir=$(apt_of "$1" "$2")
  APT_CONFIG=$dir/conf
  package=$(apt-cache depends --important "linux-image-$2" | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
  [ -n "$package" ] || { echo "tests/kernels: $1 has no linux-image-$2" >&2; return 1; }
  for package in "$package" $(apt-cache depends --important "$package" |
    awk '$1 == "Depends:" && $2 ~ /^linux-(binary|modules)-/ { print $2 }'); do
    fetch_one "$dir" "$package"
  done
}

# Fetches one package without what it depends on; prints its path.
fetch_one() {
  local version file
  version=$(APT_CONFIG=$1/conf apt-cache show --no-all-versions "$2" | awk '$1 == "Filename:" { print $2; exit }')
  file=$1/archives/${version##*/}
  if [ ! -s "$file" ]; then
    (cd "$1/archives/partial" && rm -f ./*.deb && APT_CONFIG=$1/conf apt-get -qq download "$2" && mv ./*.deb "$file")
  fi
  echo "$file"
}

# Fetches packages of SUITE for ARCH with all that they depend on, and unpacks them into FOLDER, where no script of theirs
# runs: good to link against and to copy programs from. Done again only when a version has changed.
unpack_root() {
  local suite=$1 arch=$2 folder=$3 dir archive archives
  shift 3
  dir=$(apt_of "$suite" "$arch")
  archives=$(APT_CONFIG=$dir/conf apt-get install -y --print-uris -o Dir::Cache::archives=/nonexistent "$@" |
    awk '$1 ~ /^\x27/ { print $2 }' | sort)
  [ "$archives" != "$(cat "$folder.list" 2>/dev/null)" ] || return 0
  APT_CONFIG=$dir/conf apt-get -qq install -y --download-only "$@" >/dev/null
  rm -rf "$folder" "$folder.list"
  mkdir -p "$folder"
  for dir in bin sbin lib lib64; do mkdir -p "$folder/usr/$dir" && ln -s "usr/$dir" "$folder/$dir"; done
  for archive in $archives; do
    dpkg-deb --fsys-tarfile "$cache/apt/$suite-$arch/archives/$archive" | tar -x --keep-directory-symlink -C "$folder"
  done
  echo "$archives" >"$folder.list"
}
