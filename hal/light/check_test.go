package light

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
)

// watched is a holder of a light that can be broken, and what it tells.
type watched struct {
	*Holder
	lamp *fakeLight
	log  strings.Builder
	told []string // to users, and of the light
}

func watch(t *testing.T, required bool) *watched {
	w := &watched{lamp: &fakeLight{}}
	w.Holder = New(w.lamp, required, clock.Go(), zerolog.New(&w.log))
	w.Notify(func(problem error) { w.told = append(w.told, fmt.Sprint("light ", problem)) })
	t.Cleanup(func() {
		if err := w.Close(); err != nil && w.lamp.err == nil {
			t.Error(err)
		}
	})
	return w
}

func (w *watched) acquire(t *testing.T, name string) (release func()) {
	t.Helper()
	release, err := w.Acquire(func(err error) { w.told = append(w.told, fmt.Sprint(name, " ", err)) })
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func (w *watched) want(t *testing.T, told ...string) {
	t.Helper()
	synctest.Wait()
	w.with(func() {
		if fmt.Sprint(w.told) != fmt.Sprint(told) {
			t.Errorf("told %q, want %q", w.told, told)
		}
		w.told = nil
	})
}

// with has the turn while f looks at the lamp or changes it.
func (w *watched) with(f func()) {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	f()
}

func (w *watched) lampIs() (on bool) {
	w.with(func() { on = w.lamp.on })
	return on
}

func (w *watched) sets() (n int) {
	w.with(func() { n = len(w.lamp.sets) })
	return n
}

// breaks makes every use of the lamp fail; nil mends it.
func (w *watched) breaks(err error) { w.with(func() { w.lamp.err = err }) }

// logged counts lines.
func (w *watched) logged(text string) (n int) {
	w.with(func() { n = strings.Count(w.log.String(), text) })
	return n
}

var errDead = errors.New("dead")

// TestALightThatIsSwitchedOff by somebody else is on again within a second, and that
// is logged once a use, however often it happens.
func TestALightThatIsSwitchedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, true)
		release := w.acquire(t, "camera")
		for range 5 {
			w.with(func() { w.lamp.on = false })
			time.Sleep(checkEvery - time.Millisecond)
			if w.lampIs() {
				t.Fatal("it was looked at too early")
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if !w.lampIs() || !w.Status().On {
				t.Fatalf("after a second it is %v, %+v", w.lampIs(), w.Status())
			}
		}
		w.want(t)
		if n := w.logged("set again"); n != 1 {
			t.Errorf("logged %d times", n)
		}
		release()
		sets := w.sets()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := w.sets(); w.lampIs() || n != sets {
			t.Errorf("nobody needs the light, and it is %v; it was set %d times", w.lampIs(), n-sets)
		}
	})
}

// TestALightThatIsWell is only looked at.
func TestALightThatIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, true)
		w.acquire(t, "camera")
		sets := w.sets()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := w.sets(); n != sets {
			t.Errorf("it was set %d times", n-sets)
		}
		w.want(t)
	})
}

// TestALightThatDies in use: those who need it are told once, where it is required.
func TestALightThatDies(t *testing.T) {
	for _, required := range []bool{true, false} {
		t.Run(fmt.Sprintf("required=%v", required), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t, required)
				camera := w.acquire(t, "camera")
				w.breaks(errDead)
				time.Sleep(10 * checkEvery)
				if required {
					w.want(t, "light dead", "camera dead")
				} else {
					w.want(t, "light dead")
				}
				if s := w.Status(); s.On || !errors.Is(s.Problem, errDead) || s.Uses != 1 {
					t.Errorf("status %+v", s)
				}
				if n := w.logged("dead"); n != 1 {
					t.Errorf("logged %d times", n)
				}
				w.breaks(nil)
				time.Sleep(checkEvery)
				w.want(t, "light <nil>")
				if !w.lampIs() || !w.Status().On {
					t.Error("the light that works again is not on")
				}
				camera()
			})
		})
	}
}

// TestASecondUserThatIsRefused: the light has shown then that it is not on for the
// first one either.
func TestASecondUserThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, true)
		camera := w.acquire(t, "camera")
		w.breaks(errDead)
		if _, err := w.Acquire(func(error) { t.Error("one that was refused was told") }); !errors.Is(err, errDead) {
			t.Errorf("Acquire = %v", err)
		}
		w.want(t, "light dead", "camera dead")
		camera()
		time.Sleep(time.Minute)
		w.want(t)
	})
}

// TestTurningOffProvesNothing: a lamp that cannot be lit is not back because it is
// dark when that is wanted.
func TestTurningOffProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, false)
		w.breaks(errDead)
		release := w.acquire(t, "camera")
		w.want(t, "light dead")
		w.breaks(nil)
		release()
		w.want(t)
		w.acquire(t, "camera")
		w.want(t, "light <nil>")
	})
}

// TestAnEndedHolderLooksNoMore, whoever still needs the light.
func TestAnEndedHolderLooksNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, true)
		release := w.acquire(t, "camera")
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w.breaks(errDead)
		sets := w.sets()
		time.Sleep(time.Minute)
		release()
		w.want(t)
		if n := w.sets(); n != sets {
			t.Errorf("it was set %d times after Close", n-sets)
		}
	})
}

// TestLit: each driver sees what another program does to its light.
func TestLit(t *testing.T) {
	const name = "led0"
	root := fakeLED(t, name, map[string]string{"brightness": "0", "max_brightness": "9", "trigger": "[none] timer"})
	set := func(path, text string) func() {
		return func() {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	brightness, file := filepath.Join(root, name, "brightness"), filepath.Join(t.TempDir(), "light")
	lines := map[string]*wire{"line": {}, "sense": {}}
	lamp := &fakeLight{changed: func(on bool) { lines["sense"].active = on }}
	for what, tt := range map[string]struct {
		light  hal.Light
		breaks func()
		fails  bool // instead of being off
	}{
		"an LED that is switched off":       {&led{root: root, name: name}, set(brightness, "0"), false},
		"an LED with a trigger":             {&led{root: root, name: name}, set(filepath.Join(root, name, "trigger"), "none [timer]"), false},
		"an LED that is gone":               {&led{root: root, name: name}, func() { remove(t, brightness) }, true},
		"a file":                            {&virtual{file: file}, set(file, "off\n"), false},
		"a file that is gone":               {&virtual{file: file}, func() { remove(t, file) }, true},
		"a line":                            {&lineLight{held{take: lines["line"].take}}, func() { lines["line"].active = false }, false},
		"a line whose chip is gone":         {&lineLight{held{take: lines["line"].take}}, func() { lines["line"].err = hal.ErrGone }, true},
		"a lamp that its sense line denies": {&sensed{Light: lamp, sense: held{take: lines["sense"].take}}, func() { lines["sense"].active = false }, false},
		"a lamp that says so itself":        {&sensed{Light: lamp, sense: held{take: lines["sense"].take}}, func() { lamp.on = false }, false},
	} {
		*lines["line"], *lines["sense"] = wire{}, wire{}
		set(brightness, "0")()
		set(filepath.Join(root, name, "trigger"), "[none] timer")()
		if err := tt.light.Set(true); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if lit, err := tt.light.Lit(); err != nil || !lit {
			t.Errorf("%s: while it is well: %v, %v", what, lit, err)
		}
		tt.breaks()
		if lit, err := tt.light.Lit(); lit || (err != nil) != tt.fails {
			t.Errorf("%s: %v, %v; want an error: %v", what, lit, err, tt.fails)
		}
	}
}
