#!/usr/bin/env bash
# Starts a callbox device on this machine, for "make run": prints what to open and
# lets the keyboard answer. Everything it writes is below build/run.
set -euo pipefail
cd "$(dirname "$0")/../.."

run=build/run
mkdir -p "$run"
export CALLBOX_DEVICE_STATE_DIR="$PWD/$run/state"
export CALLBOX_CONTROL_SOCKET="$PWD/$run/control.sock"
ctl() { build/bin/callboxctl --socket "$CALLBOX_CONTROL_SOCKET" "$@"; }

build/bin/callboxd run --config packaging/examples/demo.yaml 2>"$run/callboxd.log" &
daemon=$!
helpers=()
finish() {
  trap - EXIT INT TERM
  for p in "${helpers[@]}"; do kill "$p" 2>/dev/null || true; done
  kill "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  echo "callbox has stopped."
}
trap finish EXIT
trap 'exit 0' INT TERM

for _ in $(seq 100); do
  ctl status >/dev/null 2>&1 && break
  kill -0 "$daemon" 2>/dev/null || { echo "callboxd did not start:" >&2; cat "$run/callboxd.log" >&2; exit 1; }
  sleep 0.1
done

echo
ctl status --devices
echo
echo "Open this page in a browser on this machine and confirm the pairing:"
echo
ctl pair --renew &
helpers+=($!)
sleep 0.5
cat <<'KEYS'

When the phone calls:  a  answer     r  reject     h  hang up
                       p  pair another phone       q  stop (or Ctrl-C)
The log is in build/run/callboxd.log; build/bin/callboxctl --help shows the rest.

KEYS
ctl watch &
helpers+=($!)

if [ -t 0 ]; then
  while kill -0 "$daemon" 2>/dev/null; do
    key=""
    read -rsn1 -t 1 key || [ $? -gt 128 ] || break
    case $key in
      a) ctl answer || true ;;
      r) ctl reject || true ;;
      h) ctl hangup || true ;;
      p) ctl pair --renew & helpers+=($!) ;;
      q) exit 0 ;;
    esac
  done
fi
wait "$daemon"
