package light

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
)

// fakeLight is a light that can be broken. The test of races is the race detector:
// it has no lock.
type fakeLight struct {
	on      bool
	sets    []bool
	err     error
	slow    time.Duration
	closed  int
	changed func(on bool)
}

func (f *fakeLight) Name() string { return "fake" }

func (f *fakeLight) Set(on bool) error {
	time.Sleep(f.slow)
	f.sets = append(f.sets, on)
	if f.err != nil {
		return f.err
	}
	f.on = on
	if f.changed != nil {
		f.changed(on)
	}
	return nil
}

func (f *fakeLight) Lit() (bool, error) { return f.on, f.err }

func (f *fakeLight) Close() error { f.closed++; return nil }

func TestHolder(t *testing.T) {
	f := &fakeLight{on: true}
	h := New(f, true, clock.Go(), zerolog.Nop())
	if f.on {
		t.Error("the light is on at the start")
	}
	camera, err := h.Acquire(nil)
	if err != nil || !f.on {
		t.Fatalf("Acquire = %v, the light is %v", err, f.on)
	}
	microphone, err := h.Acquire(nil)
	if err != nil || !f.on {
		t.Fatalf("the second Acquire = %v, the light is %v", err, f.on)
	}
	if s := h.Status(); s != (Status{Name: "fake", Required: true, On: true, Uses: 2}) {
		t.Errorf("status = %+v", s)
	}
	camera()
	camera()
	if !f.on {
		t.Error("the light went off although one still needs it")
	}
	microphone()
	if s := h.Status(); f.on || s != (Status{Name: "fake", Required: true}) {
		t.Errorf("after the last the light is %v, status = %+v", f.on, s)
	}

	last, err := h.Acquire(nil)
	if err != nil || !f.on {
		t.Fatalf("Acquire again = %v", err)
	}
	for range 2 {
		if err := h.Close(); err != nil || f.on || f.closed != 1 {
			t.Errorf("Close = %v, the light is %v, closed %d times", err, f.on, f.closed)
		}
	}
	sets := len(f.sets)
	last()
	if _, err := h.Acquire(nil); !errors.Is(err, ErrClosed) || len(f.sets) != sets {
		t.Errorf("Acquire after Close = %v; sets: %v", err, f.sets[sets:])
	}
}

func TestBrokenLight(t *testing.T) {
	broken := errors.New("broken")
	for _, required := range []bool{true, false} {
		t.Run(fmt.Sprintf("required=%v", required), func(t *testing.T) {
			f := &fakeLight{err: broken}
			h := New(f, required, clock.Go(), zerolog.Nop())
			if s := h.Status(); !errors.Is(s.Problem, broken) {
				t.Errorf("status at the start = %+v", s)
			}
			release, err := h.Acquire(nil)
			if required != errors.Is(err, broken) || required != (release == nil) {
				t.Fatalf("Acquire = %v", err)
			}
			if s := h.Status(); s.On || !errors.Is(s.Problem, broken) || (s.Uses == 0) != required {
				t.Errorf("status = %+v", s)
			}
			if last := f.sets[len(f.sets)-1]; required && last {
				t.Error("the light was not turned off again: it may be on, and only not confirmed")
			}

			f.err = nil // it works again
			again, err := h.Acquire(nil)
			if err != nil || !f.on {
				t.Fatalf("Acquire of a good light = %v, it is %v", err, f.on)
			}
			if s := h.Status(); !s.On || s.Problem != nil {
				t.Errorf("status = %+v", s)
			}

			f.err = broken // in the middle: the first one keeps it
			if _, err := h.Acquire(nil); required != (err != nil) {
				t.Errorf("Acquire beside another = %v", err)
			}
			if required && !f.on {
				t.Error("a refused Acquire turned the light of another off")
			}
			f.err = nil
			again()
			if required && f.on {
				t.Error("the light stays on")
			}
			if release != nil {
				release()
			}
		})
	}
}

func TestNoLight(t *testing.T) {
	h := New(nil, false, clock.Go(), zerolog.Nop())
	release, err := h.Acquire(nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := h.Status(); s != (Status{Name: "none", Uses: 1}) {
		t.Errorf("status = %+v", s)
	}
	release()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if _, err := New(nil, true, clock.Go(), zerolog.Nop()).Acquire(nil); !errors.Is(err, hal.ErrNotFound) {
		t.Errorf("a light that is required and missing: %v, want %v", err, hal.ErrNotFound)
	}
}

// TestManyUsers: at no time does anybody hold the light while it is off.
func TestManyUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeLight{slow: 3 * time.Millisecond}
		h := New(f, true, clock.Go(), zerolog.Nop())
		var mu sync.Mutex
		holding := 0
		f.changed = func(on bool) {
			mu.Lock()
			defer mu.Unlock()
			if !on && holding > 0 {
				t.Errorf("the light went off while %d need it", holding)
			}
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for range 20 {
					time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
					release, err := h.Acquire(nil)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					holding++
					mu.Unlock()
					time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
					mu.Lock()
					holding--
					mu.Unlock()
					release()
				}
			})
		}
		wg.Wait()
		if s := h.Status(); f.on || s.On || s.Uses != 0 {
			t.Errorf("at the end the light is %v, status = %+v", f.on, s)
		}
	})
}

// TestLogsOnce: a broken light is no flood.
func TestLogsOnce(t *testing.T) {
	var log strings.Builder
	f := &fakeLight{err: errors.New("broken")}
	h := New(f, false, clock.Go(), zerolog.New(&log))
	for range 100 {
		release, err := h.Acquire(nil)
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines, want 1:\n%s", n, log.String())
	}
}
