package light

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/haltest"
)

// fakeLED makes a directory like the kernel's, with one LED.
func fakeLED(t *testing.T, name string, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(root, name, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func TestLED(t *testing.T) {
	const name = "green:camera"
	root := fakeLED(t, name, map[string]string{"brightness": "7\n", "max_brightness": "255\n", "trigger": "none [heartbeat] timer\n"})
	l, err := choose(hal.LightOptions{Name: name}, root)
	if err != nil {
		t.Fatal(err)
	}
	haltest.Light(t, l, func() bool { return read(t, root, name, "brightness") == "255" })
	if got := read(t, root, name, "trigger"); got != "none" {
		t.Errorf("trigger = %q, want none", got)
	}
	if got := read(t, root, name, "brightness"); got != "0" {
		t.Errorf("brightness = %q at the end, want 0", got)
	}
	if got := leds(root); len(got) != 1 || got[0] != name {
		t.Errorf("LEDs = %q", got)
	}
}

func TestLEDErrors(t *testing.T) {
	good := map[string]string{"brightness": "0", "max_brightness": "1", "trigger": "[none]"}
	for name, tt := range map[string]struct {
		led    string
		change func(t *testing.T, dir string)
		want   string
		is     error
	}{
		"another name":     {"green:camera", nil, "set hal.light.name to one of: led0", hal.ErrNotFound},
		"none at all":      {"led0", func(t *testing.T, dir string) { remove(t, dir) }, "is the driver loaded", hal.ErrNotFound},
		"no brightness":    {"led0", func(t *testing.T, dir string) { remove(t, dir, "brightness") }, "ReadWritePaths", os.ErrNotExist},
		"no highest level": {"led0", func(t *testing.T, dir string) { remove(t, dir, "max_brightness") }, "max_brightness", os.ErrNotExist},
		"not a number": {"led0", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "max_brightness"), []byte("bright"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, `"bright", no number`, nil},
		"an LED that does not light": {"led0", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "max_brightness"), []byte("0"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "its brightness is 0", nil},
	} {
		t.Run(name, func(t *testing.T) {
			root := fakeLED(t, "led0", good)
			if tt.change != nil {
				tt.change(t, filepath.Join(root, "led0"))
			}
			l := &led{root: root, name: tt.led}
			err := l.Set(true)
			if err == nil || !strings.Contains(err.Error(), tt.want) || (tt.is != nil && !errors.Is(err, tt.is)) {
				t.Errorf("Set(true) = %v, want %q and %v", err, tt.want, tt.is)
			}
		})
	}
}

func remove(t *testing.T, path ...string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(path...)); err != nil {
		t.Fatal(err)
	}
}

func TestVirtual(t *testing.T) {
	file := filepath.Join(t.TempDir(), "light")
	l, err := choose(hal.LightOptions{Name: hal.NameVirtual, File: file}, "")
	if err != nil {
		t.Fatal(err)
	}
	haltest.Light(t, l, func() bool { return read(t, file) == "on" })
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := (&virtual{file: filepath.Join(file, "below a file")}).Set(true); err == nil {
		t.Error("a file that cannot be written is no error")
	}
	if err := (&virtual{}).Set(true); err != nil {
		t.Errorf("without a file: %v", err)
	}
}

// wire is a GPIO line and, perhaps, what is wrong with it.
type wire struct {
	active bool
	stuck  bool          // reads as active says, whatever is set
	err    error         // of everything
	delay  time.Duration // until a reader sees what was set
	since  time.Time
	before bool
	taken  int
	open   bool
}

func (w *wire) take() (line, error) {
	if w.err != nil {
		return nil, w.err
	}
	w.taken++
	w.open = true
	return w, nil
}

func (w *wire) Set(active bool) error {
	if w.err == nil && !w.stuck && w.active != active {
		w.before, w.active, w.since = w.active, active, time.Now()
	}
	return w.err
}

func (w *wire) Value() (bool, error) {
	if time.Since(w.since) < w.delay {
		return w.before, w.err
	}
	return w.active, w.err
}

func (w *wire) Close() error { w.open = false; return nil }

func TestLineLight(t *testing.T) {
	w := &wire{}
	l := &lineLight{held{take: w.take}}
	haltest.Light(t, l, func() bool { return w.active })
	if w.taken != 2 || w.open {
		t.Errorf("the line was taken %d times and is open: %v; want once a round", w.taken, w.open)
	}
	w.stuck = true
	if err := l.Set(true); err == nil {
		t.Error("a line that reads back off was believed")
	}
	w.err = hal.ErrGone
	if err := l.Set(true); !errors.Is(err, hal.ErrGone) || w.open {
		t.Errorf("without the chip: %v, open %v", err, w.open)
	}
	w.err, w.stuck = nil, false
	if err := l.Set(true); err != nil || !w.active {
		t.Errorf("with the chip back: %v", err)
	}
}

func TestSensed(t *testing.T) {
	for name, tt := range map[string]struct {
		sense        wire
		errOn, errOf bool
	}{
		"agrees at once":       {wire{}, false, false},
		"agrees after 100 ms":  {wire{delay: 100 * time.Millisecond}, false, false},
		"agrees after 300 ms":  {wire{delay: 300 * time.Millisecond}, true, true},
		"never lit":            {wire{stuck: true}, true, false},
		"always lit":           {wire{stuck: true, active: true}, false, true},
		"the chip went away":   {wire{err: hal.ErrGone}, true, true},
		"no permission for it": {wire{err: os.ErrPermission}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sense := tt.sense
				time.Sleep(time.Hour) // the last change was long ago
				lamp := &fakeLight{changed: func(on bool) { _ = sense.Set(on) }}
				l := &sensed{Light: lamp, sense: held{take: sense.take}}
				defer l.Close()
				for range 2 {
					began := time.Now()
					if err := l.Set(true); (err != nil) != tt.errOn {
						t.Errorf("Set(true) = %v, want an error: %v", err, tt.errOn)
					}
					time.Sleep(time.Second)
					if err := l.Set(false); (err != nil) != tt.errOf {
						t.Errorf("Set(false) = %v, want an error: %v", err, tt.errOf)
					}
					if d := time.Since(began) - time.Second; d > 2*senseFor {
						t.Errorf("both took %v", d)
					}
					time.Sleep(time.Second)
				}
			})
		})
	}
	lamp := &fakeLight{err: errors.New("broken")}
	if err := (&sensed{Light: lamp, sense: held{take: (&wire{active: true}).take}}).Set(true); !errors.Is(err, lamp.err) {
		t.Errorf("a broken lamp with a sense line that is stuck = %v", err)
	}
}

func TestChoose(t *testing.T) {
	line := hal.GPIO{Chip: "gpiochip0", Line: "1"}
	for name, tt := range map[string]struct {
		options hal.LightOptions
		want    string // the name; "" for none, an error for !
	}{
		"nothing":      {hal.LightOptions{}, ""},
		"none":         {hal.LightOptions{Name: "none"}, ""},
		"virtual":      {hal.LightOptions{Name: "virtual"}, "virtual"},
		"gpio":         {hal.LightOptions{Name: "gpio", GPIO: line}, "gpio"},
		"LED":          {hal.LightOptions{Name: "green:camera"}, "green:camera"},
		"gpio alone":   {hal.LightOptions{Name: "gpio"}, "!"},
		"no LED name":  {hal.LightOptions{Name: "../../etc"}, "!"},
		"a hidden one": {hal.LightOptions{Name: ".."}, "!"},
	} {
		l, err := choose(tt.options, t.TempDir())
		got := ""
		if l != nil {
			got = l.Name()
		}
		if err != nil {
			got = "!"
		}
		if got != tt.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tt.want)
		}
	}
}

// TestOpen: a light that is not there does not keep the device from starting.
func TestOpen(t *testing.T) {
	h, err := Open(hal.LightOptions{Name: "no such LED", Required: true, Sense: hal.GPIO{Chip: "no such chip", Line: "1"}}, clock.Go(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if s := h.Status(); !errors.Is(s.Problem, hal.ErrNotFound) || s.Name != "no such LED" {
		t.Errorf("status = %+v", s)
	}
	if release, err := h.Acquire(nil); err == nil || release != nil {
		t.Errorf("Acquire = %v; want an error", err)
	}
	if err := h.Close(); !errors.Is(err, hal.ErrNotFound) {
		t.Errorf("Close = %v", err)
	}
	if _, err := Open(hal.LightOptions{Name: "a/b"}, clock.Go(), zerolog.Nop()); err == nil {
		t.Error("a name that is a path was taken")
	}
}
