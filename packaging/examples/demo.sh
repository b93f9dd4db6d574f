#!/usr/bin/env bash
# demo.sh [DIR]: starts a callbox device on this machine, for "make run": prints what
# to open and lets the keyboard answer. Everything it writes is in DIR (build/run).
set -euo pipefail
cd "$(dirname "$0")/../.."

run=$(realpath -m "${1:-build/run}")
mkdir -p "$run"
export CALLBOX_DEVICE_STATE_DIR="$run/state"
export CALLBOX_CONTROL_SOCKET="$run/control.sock"
ctl() { build/bin/callboxctl "$@"; } # CALLBOX_CONTROL_SOCKET says whom it speaks to

# The daemon inherits the lock: it lasts as long as the daemon does, whatever ends this.
exec 9>"$run/lock"
if ! flock -n 9; then
  echo "A device of $run runs already: stop that one first (q where it was started)." >&2
  echo "A second one beside it needs a folder and a port of its own:" >&2
  echo "  CALLBOX_SIGNALING_DIRECT_LISTEN=127.0.0.1:8481 packaging/examples/demo.sh $run-2" >&2
  exit 1
fi

# A session of its own: Ctrl-C is for this script, which stops the daemon last.
setsid build/bin/callboxd run --config packaging/examples/demo.yaml 2>"$run/callboxd.log" &
daemon=$!
pairing="" # offers codes
showing="" # prints what it says after its first code
watching=""
finish() {
  trap - EXIT
  trap '' INT TERM HUP # what follows is done to its end
  for p in $watching $pairing $showing; do # before the daemon, whose end they would report
    kill "$p" 2>/dev/null || true
    wait "$p" 2>/dev/null || true
  done
  kill "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  echo "callbox has stopped."
}
trap finish EXIT
trap 'exit 0' INT TERM HUP # HUP: the terminal was closed
terminal=false             # asked now: of one that was closed meanwhile it is not true any more
[ ! -t 0 ] || terminal=true

# Offers pairing codes, a new one whenever one runs out, and returns when the first
# is on the screen. One at a time: a second one would take the window from the first
# for ever and again.
pair() {
  for p in $pairing $showing; do kill "$p" 2>/dev/null || true; done
  exec 3< <(exec build/bin/callboxctl pair --renew 2>&1 9>&-)
  pairing=$!
  local line
  while IFS= read -r line <&3; do
    printf '%s\n' "$line"
    case $line in *"Works once"*) break ;; esac
  done
  cat <&3 &
  showing=$!
}

for _ in $(seq 100); do
  kill -0 "$daemon" 2>/dev/null || { echo "callboxd did not start:" >&2; cat "$run/callboxd.log" >&2; exit 1; }
  ctl status >/dev/null 2>&1 && break
  sleep 0.1
done

echo
ctl status --devices
echo
echo "Open this page in a browser on this machine and confirm the pairing:"
echo
pair
cat <<KEYS

When the phone calls:  a  answer     r  reject     h  hang up
                       p  pair another phone       q  stop (or Ctrl-C)
In another terminal, for everything else (build/bin/callboxctl --help):
  export CALLBOX_CONTROL_SOCKET=$CALLBOX_CONTROL_SOCKET
  build/bin/callboxctl status
The log is in $run/callboxd.log.

KEYS
build/bin/callboxctl watch --events 9>&- &
watching=$!

if $terminal; then
  while kill -0 "$daemon" 2>/dev/null; do
    key=""
    # An end is a terminal that was closed: who is started with HUP ignored (nohup)
    # learns of it only here.
    read -rsn1 -t 1 key || [ $? -gt 128 ] || exit 0
    case $key in
      a) ctl answer || true ;;
      r) ctl reject || true ;;
      h) ctl hangup || true ;;
      p) pair ;;
      q) exit 0 ;;
    esac
  done
fi
wait "$daemon"
