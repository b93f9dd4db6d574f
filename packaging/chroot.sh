# chroot.sh: sourced by make-debs, test-package and test-reproducible; makes and keeps
# small Debian systems, and builds packages in them. Needs root, mmdebstrap and
# debian-archive-keyring (.ci/setup package).
#
#   CALLBOX_CACHE   where they are kept (~/.cache/callbox)
#   CALLBOX_DAYS    after how many days they are made anew, with what Debian has by then (7)
#   CALLBOX_MIRROR  the mirror (the first one that apt uses here, else deb.debian.org)
# shellcheck shell=bash

cache=${CALLBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/callbox}
native=$(dpkg --print-architecture)

mirror() {
  if [ -n "${CALLBOX_MIRROR:-}" ]; then echo "$CALLBOX_MIRROR"; return; fi
  local first
  first=$(apt-get indextargets --format '$(SITE) $(ORIGIN)' 2>/dev/null | awk '$2 == "Debian" && $1 !~ /security/ {print $1; exit}')
  echo "${first:-http://deb.debian.org/debian}"
}

# aged DIRECTORY: says so when the system there is too old.
aged() {
  local days=${CALLBOX_DAYS:-7} made
  [ -e "$1/made" ] || return 1
  made=$(stat -c %Y "$1/made")
  [ $(($(date +%s) - made)) -ge $((days * 86400)) ] || return 1
  echo "  $(basename "$1") is of $(date -d "@$made" +%F), $days days old or older: it is made anew" >&2
}

# system NAME SUITE FOREIGN PACKAGES [SATISFY]: prints the folder of a system with these
# packages, of FOREIGN (an architecture, or nothing), too, in which the Depends field
# SATISFY is satisfied. It is made when there is none that is like it, or it is too old.
system() {
  local name=$1 suite=$2 foreign=$3 packages=$4 satisfy=${5:-} key dir
  key=$(printf '%s\n' "$@" "$(mirror)" | sha256sum | cut -c1-12)
  dir=$cache/$name-$suite${foreign:+-$foreign}-$key
  if [ ! -e "$dir/made" ] || aged "$dir"; then
    mkdir -p "$cache"
    # Those of other days are of no use any more.
    find "$cache" -mindepth 1 -maxdepth 1 -name "$name-$suite${foreign:+-$foreign}-????????????" -exec rm -rf {} +
    mkdir -p "$dir"
    local more=()
    [ -z "$satisfy" ] || more=(--customize-hook="chroot \"\$1\" apt-get -qq -y --no-install-recommends satisfy '$satisfy'")
    mmdebstrap --quiet --variant=minbase --architectures="$native${foreign:+,$foreign}" --include="$packages" \
      --components=main "${more[@]}" "$suite" "$dir/root" "$(mirror)" >"$dir/log" 2>&1 ||
      { tail -n 30 "$dir/log" >&2; echo "chroot: cannot make a $suite with: $packages; the log is $dir/log" >&2; return 1; }
    date -u +%FT%TZ >"$dir/made"
  fi
  echo "$dir/root"
}

# needed prints the packages of Build-Depends, those of an architecture where it is given.
needed() {
  sed -n '/^Build-Depends:/,/^[^ ]/{s/^Build-Depends://;/^[A-Z]/d;p}' packaging/debian/control | tr -d ' \n' | tr ',' '\n' | grep -E '^lib' | sed "s/\$/${1:+:$1}/" | paste -sd, -
}

# builder SUITE ARCHITECTURE: prints the folder of the system that builds for an
# architecture: this one's, or by a cross compiler.
builder() {
  local list="debhelper,build-essential,fakeroot,man-db,lintian,pkgconf,ca-certificates"
  if [ "$2" = "$native" ]; then
    system build "$1" "" "$list,$(needed)"
  else
    system build "$1" "$2" "$list,crossbuild-essential-$2,pkgconf:$2,libc6:$2,qemu-user-static,$(needed "$2")"
  fi
}

# suffix ROOT: what stands behind the version of packages for the release in ROOT.
suffix() { (. "$1/etc/os-release" && echo "~deb${VERSION_ID}u1"); }

# source_tree SUITE SUFFIX DIRECTORY: copies the source, as dpkg-buildpackage wants it.
source_tree() {
  CGO_ENABLED=0 go run ./cmd/debian tree "$3" --version "$VERSION" --suffix "$2" --codename "$1" --seconds "$SOURCE_DATE_EPOCH"
}

# inside ROOT WORK COMMAND...: runs a command in a system that has Go, its modules, and
# the folder WORK as /build. WHO=UID:GID is somebody else than root, WHERE a host name.
inside() {
  local root=$1 work=$2; shift 2
  mkdir -p "$root/opt/go" "$root/opt/modules" "$root/build"
  root=$root work=$work goroot=$(go env GOROOT) modules=$(go env GOMODCACHE) who=${WHO:-0:0} where=${WHERE:-$(uname -n)} \
    unshare --mount --uts --propagation private -- bash -euc '
    mount --bind "$goroot" "$root/opt/go"; mount -o remount,bind,ro "$root/opt/go"
    mount --bind "$modules" "$root/opt/modules"; mount -o remount,bind,ro "$root/opt/modules"
    mount --bind "$work" "$root/build"
    mount -t proc proc "$root/proc"
    mount --bind /dev "$root/dev"
    hostname "$where"
    exec chroot --userspec="$who" "$root" env -i PATH=/opt/go/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/build LC_ALL=C.UTF-8 TZ=UTC \
      GOROOT=/opt/go GOTOOLCHAIN=local GOPROXY=off GOMODCACHE=/opt/modules GOCACHE=/build/gocache GOTELEMETRY=off "$@"
  ' bash "$@"
}

# dpkg_build ROOT WORK SOURCE ARCHITECTURE [VARIABLE=VALUE...]: builds the packages of the
# source, a folder as it is called inside.
dpkg_build() {
  local root=$1 work=$2 source=$3 arch=$4 cross=(); shift 4
  [ "$arch" = "$native" ] || cross=(-a"$arch" -d -Pcross,nocheck)
  # shellcheck disable=SC2016 # the other shell's words
  inside "$root" "$work" env "$@" sh -ec 'umask "$UMASK"; cd "$1"; shift; exec dpkg-buildpackage -b -us -uc "$@"' sh "$source" "${cross[@]}"
}
