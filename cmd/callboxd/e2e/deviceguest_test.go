//go:build device

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"callbox/daemon/control"
)

// Places in the machine.
const (
	guestUnit   = "callboxd-rules"
	guestLight  = "/run/callbox-light/light"
	guestKeys   = "/run/callbox-keys"
	guestEvents = "/run/callbox-events"
	keyboard    = "callbox test keyboard"
)

// patience is how long anything may take on an emulated processor of a busy machine;
// only a failure takes so long.
const patience = time.Minute

// guest is callboxd in the machine, with its camera, its sound card, a light that is
// a file and a keyboard for buttons. systemd starts it again when it is killed.
type guest struct {
	*device
	m *machine
}

// of is the guest for a test of its own.
func (g *guest) of(t *testing.T) *guest {
	return newGuest(t, g.m.of(t), g.forward)
}

func newGuest(t *testing.T, m *machine, forward string) *guest {
	return &guest{&device{t: t, forward: forward, remote: m.callboxctl}, m}
}

// callboxctl runs callboxctl in the machine.
func (m *machine) callboxctl(args ...string) ([]byte, error) {
	return m.run(patience, append([]string{"exec", "/opt/callboxctl", "--json"}, args...)...)
}

// watchEvents writes down what happens, each line with the time since boot before
// it: /proc/uptime is CLOCK_BOOTTIME in steps of 10 ms, and the shell reads it
// without a process of its own.
const watchEvents = `while :; do
  /opt/callboxctl --json watch | while IFS= read -r line; do read -r up _ </proc/uptime; printf '%s %s\n' "$up" "$line"; done >>` + guestEvents + `
  sleep 0.1
done`

// startGuest starts callboxd in the machine; it is stopped with the test.
func startGuest(t *testing.T, m *machine, forward string) *guest {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "devicekeyboard")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags=device", "-o", program, "./devicekeyboard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build the keyboard: %v\n%s", err, out)
	}
	config := fmt.Sprintf(`
device: {sn: rules, name: Rig door, state_dir: /var/lib/callbox-rules}
signaling:
  direct: {listen: ":8443", names: [127.0.0.1]}
hal:
  camera: {name: auto, size: 320x180, frame_rate: 5}
  microphone: {name: "Loopback,0"}
  speaker: {name: "Loopback,0"}
  light: {name: virtual, file: %s, required: true}
  buttons:
    - {name: green, key: KEY_ENTER, input: %[2]s, action: answer}
    - {name: red, key: KEY_ESC, input: %[2]s, action: hangup}
    - {name: bell, key: KEY_F1, input: %[2]s, action: call, call: Anna}
media: {video_bitrate: 200kbit, sound: {echo: off, noise_suppression: false}}
log: {level: info, format: json}
`, guestLight, keyboard)
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	m.must(patience, "put", filepath.Join(binaries, "callboxd"), filepath.Join(binaries, "callboxctl"), program, filepath.Join(dir, "rules.yaml"), "/opt/")
	m.must(patience, "exec", "modprobe", "uinput")
	m.must(patience, "exec", "mkdir", "-p", filepath.Dir(guestLight))
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := m.run(patience, "exec", "journalctl", "--no-pager", "-o", "short-monotonic", "-u", guestUnit) // all there is
			t.Logf("log of callboxd:\n%s", out)
		}
		for _, unit := range []string{"callbox-watch", guestUnit, "callbox-keys"} {
			if _, err := m.run(patience, "exec", "systemctl", "stop", unit); err != nil {
				t.Errorf("%s does not stop: %v", unit, err)
			}
		}
	})
	m.must(patience, "exec", "systemd-run", "--collect", "--unit=callbox-keys", "/opt/devicekeyboard", keyboard, guestKeys, "KEY_ENTER", "KEY_ESC", "KEY_F1")
	m.must(patience, "exec", "systemd-run", "--collect", "--unit="+guestUnit, "-p", "Restart=on-failure", "-p", "RestartSec=100ms", "-p", "StartLimitIntervalSec=0",
		"/opt/callboxd", "run", "--config", "/opt/rules.yaml")
	m.must(patience, "exec", "systemd-run", "--collect", "--unit=callbox-watch", "bash", "-c", watchEvents)
	g := newGuest(t, m, forward)
	g.waitAnswer()
	return g
}

func (g *guest) waitAnswer() {
	g.t.Helper()
	eventually(g.t, patience, "callboxd answers in the machine", func() bool { _, err := g.tryCtl("status"); return err == nil })
}

// sh runs a line of shell in the machine.
func (g *guest) sh(line string) string {
	g.t.Helper()
	return strings.TrimSpace(string(g.m.must(2*time.Minute, "exec", "bash", "-c", line)))
}

// at runs a line of shell in the machine when its boot clock says so, and returns
// what that says right after it, both in seconds.
func (g *guest) at(boot float64, line string) float64 {
	g.t.Helper()
	const wait = `read -r up _ </proc/uptime; left=$(( %d - ${up/./} )); [ $left -le 0 ] || sleep $((left/100)).$(printf %%02d $((left%%100)))
%s
read -r up _ </proc/uptime; echo $up`
	return g.seconds(g.sh(fmt.Sprintf(wait, int(boot*100), line)))
}

// boot is the machine's boot clock in seconds.
func (g *guest) boot() float64 { g.t.Helper(); return g.at(0, ":") }

func (g *guest) seconds(text string) float64 {
	g.t.Helper()
	s, err := strconv.ParseFloat(text, 64)
	if err != nil {
		g.t.Fatal(err)
	}
	return s
}

// setClock sets the machine's wall clock so far off the right time.
func (g *guest) setClock(off time.Duration) {
	g.t.Helper()
	g.sh(fmt.Sprintf("date -s @%d", time.Now().Add(off).Unix()))
}

// moveClock is a line of shell that sets the wall clock so far from where it is.
func moveClock(by time.Duration) string {
	return fmt.Sprintf(`date -s "@$(( $(date +%%s) + %d ))" >/dev/null`, int(by.Seconds()))
}

// wantClock wants the machine's wall clock to be so far off the right time.
func (g *guest) wantClock(off time.Duration) {
	g.t.Helper()
	now := g.seconds(g.sh("date +%s"))
	wantAbout(g.t, "the machine's wall clock", now, float64(time.Now().Add(off).Unix()), 10)
}

// pid is the daemon's; 0 while there is none.
func (g *guest) pid() int {
	g.t.Helper()
	pid, err := strconv.Atoi(g.sh("systemctl show -P MainPID " + guestUnit))
	if err != nil {
		g.t.Fatal(err)
	}
	return pid
}

// kill kills the daemon when the boot clock says so, waits until systemd has started
// it again, and returns when it died.
func (g *guest) kill(boot float64) (died float64) {
	g.t.Helper()
	pid := g.pid()
	died = g.at(boot, fmt.Sprintf("kill -KILL %d", pid))
	eventually(g.t, patience, "systemd starts callboxd again", func() bool { now := g.pid(); return now != 0 && now != pid })
	g.waitAnswer()
	g.t.Logf("killed; it answers again within %.1f s", g.boot()-died)
	return died
}

// bootEvent is an event of the daemon's and when a shell in the machine has seen it,
// in seconds on the boot clock.
type bootEvent struct {
	boot float64
	control.Event
}

// happened is when the daemon has published ev, in seconds on the boot clock. The
// wall clock that it has the time of must not have been set since.
func (g *guest) happened(ev bootEvent) float64 {
	g.t.Helper()
	// Of several looks the one in which least time went by between the two clocks.
	ahead := math.Inf(1)
	for _, look := range strings.Fields(g.sh(`for i in 1 2 3 4 5; do read -r up _ </proc/uptime; echo "$EPOCHREALTIME-$up"; done`)) {
		wall, up, _ := strings.Cut(look, "-")
		ahead = min(ahead, g.seconds(wall)-g.seconds(up))
	}
	return float64(ev.Time.UnixNano())/1e9 - ahead
}

// events are those so far.
func (g *guest) events() []bootEvent {
	g.t.Helper()
	var all []bootEvent
	for lines := bufio.NewScanner(bytes.NewReader(g.m.must(patience, "exec", "cat", guestEvents))); lines.Scan(); {
		boot, text, _ := strings.Cut(lines.Text(), " ")
		var ev control.Event
		if err := json.Unmarshal([]byte(text), &ev); err == nil { // else it is being written
			all = append(all, bootEvent{g.seconds(boot), ev})
		}
	}
	return all
}

// event waits for the first event of a kind in a room.
func (g *guest) event(name, room string) bootEvent {
	g.t.Helper()
	var found bootEvent
	eventually(g.t, patience, "the event "+name, func() bool {
		for _, ev := range g.events() {
			if ev.Name == name && ev.RoomID == room {
				found = ev
				return true
			}
		}
		return false
	})
	return found
}

// noise is how late the seconds of a talk up to some time were told, in seconds: what
// an emulated processor that has to share its own adds to all that it does. The
// events of the seconds and of the end go the same way.
func (g *guest) noise(k *talking, until float64) (worst float64) {
	g.t.Helper()
	told := 0
	for _, ev := range g.events() {
		if ev.Name != control.EventCalling || ev.RoomID != k.Room {
			continue
		}
		var talk control.TalkData
		if err := json.Unmarshal(ev.Data, &talk); err != nil {
			g.t.Fatal(err)
		}
		if due := k.begun + float64(talk.KeepTime); due < until {
			worst = max(worst, ev.boot-due)
			told++
		}
	}
	g.t.Logf("%d seconds of the talk were told, the latest %.3f s late", told, worst)
	if told == 0 || worst > tooNoisy {
		g.t.Fatalf("the machine is too slow: %d seconds of the talk were told, the latest %.3f s late", told, worst)
	}
	return worst
}

// record is the record of a room.
func (g *guest) record(room string) record {
	g.t.Helper()
	var found record
	eventually(g.t, patience, "the record has its end", func() bool {
		for _, r := range ctl[[]record](g.device, "calls") {
			if r.RoomID == room && r.Cause != "" {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

// light is what the light says: on or off.
func (g *guest) light() string { g.t.Helper(); return g.sh("cat " + guestLight) }

// press presses a key of the keyboard.
func (g *guest) press(key string) { g.t.Helper(); g.sh("echo " + key + " >" + guestKeys) }

// wantAbout wants a length in seconds, off by no more than so much.
func wantAbout(t testing.TB, what string, got, want, off float64) {
	t.Helper()
	if got < want-off || got > want+off {
		t.Errorf("%s: %.3f s, want %.3f s ± %.2f s", what, got, want, off)
	}
}

// inPatience is a context for what has to happen at once, on a slow machine.
func inPatience(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), patience)
}
