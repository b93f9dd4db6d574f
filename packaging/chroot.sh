# chroot.sh: sourced by make-debs and test-package; makes and keeps small Debian
# systems. Needs root, mmdebstrap and debian-archive-keyring (.ci/setup package).
#
#   CALLBOX_CACHE   where they are kept (~/.cache/callbox)
#   CALLBOX_MIRROR  the mirror (the first one that apt uses here, else deb.debian.org)
# shellcheck shell=bash

cache=${CALLBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/callbox}

mirror() {
  if [ -n "${CALLBOX_MIRROR:-}" ]; then echo "$CALLBOX_MIRROR"; return; fi
  local first
  first=$(apt-get indextargets --format '$(SITE) $(ORIGIN)' 2>/dev/null | awk '$2 == "Debian" && $1 !~ /security/ {print $1; exit}')
  echo "${first:-http://deb.debian.org/debian}"
}

# system NAME SUITE FOREIGN PACKAGES [SATISFY]: prints the folder of a system with these
# packages, of FOREIGN (an architecture, or nothing), too, in which the Depends field
# SATISFY is satisfied. It is made when there is none that is like it.
system() {
  local name=$1 suite=$2 foreign=$3 packages=$4 satisfy=${5:-} native key dir
  native=$(dpkg --print-architecture)
  key=$(printf '%s\n' "$@" "$(mirror)" | sha256sum | cut -c1-12)
  dir=$cache/$name-$suite${foreign:+-$foreign}-$key
  if [ ! -e "$dir/made" ]; then
    mkdir -p "$cache"
    # Those of other days are of no use any more.
    find "$cache" -mindepth 1 -maxdepth 1 -name "$name-$suite${foreign:+-$foreign}-????????????" -exec rm -rf {} +
    mkdir -p "$dir"
    local more=()
    [ -z "$satisfy" ] || more=(--customize-hook="chroot \"\$1\" apt-get -qq -y --no-install-recommends satisfy '$satisfy'")
    mmdebstrap --quiet --variant=minbase --architectures="$native${foreign:+,$foreign}" --include="$packages" \
      --components=main "${more[@]}" "$suite" "$dir/root" "$(mirror)" >"$dir/log" 2>&1 ||
      { tail -n 30 "$dir/log" >&2; echo "chroot: cannot make a $suite with: $packages; the log is $dir/log" >&2; return 1; }
    touch "$dir/made"
  fi
  echo "$dir/root"
}
