//go:build device

package button

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/button/evdev"
	"callbox/hal/button/key"
	"callbox/hal/clock"
)

// The tests of this file need root and /dev/uinput (modprobe uinput). They listen
// to keyboards of the real kernel.

// patience is how long anything may take on a slow machine; only a failure takes so
// long.
const patience = 20 * time.Second

// kernelBench is a set of buttons on the real kernel.
type kernelBench struct {
	*testing.T
	*Buttons
	clock   clock.Clock
	presses chan hal.Press
}

func listen(t *testing.T, options ...hal.ButtonOptions) *kernelBench {
	t.Helper()
	b := &kernelBench{T: t, clock: clock.Boot(), presses: make(chan hal.Press, 1000)}
	var err error
	b.Buttons, err = Open(options, b.clock, zerolog.New(zerolog.NewTestWriter(t)), func(p hal.Press) { b.presses <- p })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// next waits for the next press.
func (b *kernelBench) next(want string) hal.Press {
	b.Helper()
	select {
	case p := <-b.presses:
		if p.Button != want {
			b.Fatalf("pressed %+v, want %s", p, want)
		}
		if age := b.clock.Now() - p.At; age < 0 || age > patience {
			b.Errorf("%s was pressed %v ago", want, age)
		}
		return p
	case <-time.After(patience):
		b.Fatalf("%s was not pressed", want)
	}
	return hal.Press{}
}

// nothing wants no press within a while.
func (b *kernelBench) nothing(within time.Duration) {
	b.Helper()
	select {
	case p := <-b.presses:
		b.Errorf("pressed %+v, want nothing", p)
	case <-time.After(within):
	}
}

func (b *kernelBench) state(button int, want State) Status {
	b.Helper()
	var last Status
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if last = b.Status()[button]; last.State == want {
			return last
		}
	}
	b.Fatalf("status = %+v, want %s", last, want)
	return last
}

func option(name, input string, hold time.Duration) hal.ButtonOptions {
	return hal.ButtonOptions{Name: name, Key: "KEY_ENTER", Input: input, Action: hal.ActionEvent, Hold: hold}
}

func TestDevicePressAndHold(t *testing.T) {
	k := plug(t, "callbox test A", enter, esc)
	b := listen(t, option("short", "callbox test A", 0), option("long", "callbox test A", time.Second))
	b.state(0, Found)
	for range 3 {
		k.down(enter)
		k.up(enter)
		if p := b.next("short"); p.Held {
			t.Errorf("press = %+v", p)
		}
	}
	began := b.clock.Now()
	k.down(enter) // and the kernel repeats it from 250 ms on
	p := b.next("long")
	if took := b.clock.Now() - p.At; !p.Held || p.At < began || took < time.Second {
		t.Errorf("press = %+v, %v after it went down", p, took)
	}
	b.nothing(500 * time.Millisecond)
	k.up(enter)
	k.down(esc) // a key that nobody asked for
	k.up(esc)
	b.nothing(500 * time.Millisecond)
}

func TestDeviceUnplugAndReplug(t *testing.T) {
	b := listen(t, option("named", "callbox test B", 0), option("any", "", 2*time.Second))
	b.state(0, Missing)
	for range 3 {
		k := plug(t, "callbox test B", enter)
		if s := b.state(0, Found); s.Device != "callbox test B" {
			t.Errorf("status = %+v", s)
		}
		b.state(1, Found)
		k.down(enter)
		b.next("named")
		k.unplug() // while it is down: the hold must not be reached
		b.state(0, Missing)
		b.nothing(2500 * time.Millisecond)
	}
}

func TestDeviceGrab(t *testing.T) {
	k := plug(t, "callbox test C", enter)
	grabbing := option("mine", "callbox test C", 0)
	grabbing.Grab = true
	first := listen(t, grabbing)
	first.state(0, Found)
	other := listen(t, option("other", "callbox test C", 0))
	other.state(0, Found)
	second := listen(t, grabbing)
	if s := second.state(0, Busy); s.Reason == "" {
		t.Errorf("status = %+v, want a reason", s)
	}
	k.down(enter)
	k.up(enter)
	first.next("mine")
	other.nothing(500 * time.Millisecond)
	_ = first.Close()
	k.down(enter)
	k.up(enter)
	other.next("other")
	second.state(0, Found) // it asks again
	k.down(enter)
	k.up(enter)
	second.next("mine")
	other.nothing(500 * time.Millisecond)
}

// TestDeviceOverrun fills the kernel's queue.
func TestDeviceOverrun(t *testing.T) {
	k := plug(t, "callbox test D", enter)
	f, err := evdev.Open(k.path, []key.Code{enter}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 200 {
		k.down(enter)
		k.up(enter)
	}
	k.down(enter)
	var lost []evdev.Event
	for len(lost) == 0 {
		events, err := f.Read()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Lost {
				lost = append(lost, e)
			}
		}
	}
	if len(lost) != 1 || !lost[0].Down || lost[0].Code != enter {
		t.Errorf("after the overrun: %+v, want that the key is down", lost)
	}
	k.up(enter)
	events, err := f.Read()
	if err != nil || !slices.ContainsFunc(events, func(e evdev.Event) bool { return !e.Down && !e.Lost }) {
		t.Errorf("afterwards: %+v, %v; want an up", events, err)
	}
}

// TestDevicePermission: this program, as a user without the right and as one of
// the group input.
func TestDevicePermission(t *testing.T) {
	if os.Getenv("CALLBOX_TEST_LOOK") != "" {
		s, err := Look([]hal.ButtonOptions{option("named", "callbox test E", 0), option("any", "", 0)})
		if err != nil {
			t.Fatal(err)
		}
		b := listen(t, option("named", "callbox test E", 0))
		text, err := json.Marshal(append(s, b.Status()...))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("LOOK %s", text)
		return
	}
	k := plug(t, "callbox test E", enter)
	root := listen(t, option("named", "callbox test E", 0))
	root.state(0, Found)
	var info os.FileInfo
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var err error
		if info, err = os.Stat(k.path); err == nil && info.Mode().Perm() == 0o660 { // by udev
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has the mode %v, %v; want 0660 by udev", k.path, info, err)
		}
	}
	group := info.Sys().(*syscall.Stat_t).Gid
	if group == 0 {
		t.Fatalf("%s belongs to the group 0, not to input", k.path)
	}
	for name, tt := range map[string]struct {
		groups []uint32
		want   State
	}{"nobody": {nil, NoPermission}, "in the group input": {[]uint32{group}, Found}} {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestDevicePermission$", "-test.v")
		cmd.Env = append(os.Environ(), "CALLBOX_TEST_LOOK=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, Groups: tt.groups}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		_, text, ok := strings.Cut(string(out), "LOOK ")
		var all []Status
		if err := json.NewDecoder(strings.NewReader(text)).Decode(&all); !ok || err != nil || len(all) != 3 {
			t.Fatalf("%s: %v in\n%s", name, err, out)
		}
		for i, s := range all {
			if i == 1 && tt.want == NoPermission && s.State == Found {
				t.Errorf("%s: another device was found: %+v", name, s)
				continue
			}
			if s.State != tt.want {
				t.Errorf("%s: %+v, want %s", name, s, tt.want)
			}
			if tt.want == NoPermission && !strings.Contains(s.Reason, "add the daemon's user to the group input") {
				t.Errorf("%s: the reason does not say what to do: %s", name, s.Reason)
			}
		}
	}
}
