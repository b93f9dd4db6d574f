package clock

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clocks are the ways in which Boot may run.
func clocks() map[string]*bootClock {
	return map[string]*bootClock{
		"timerfd":  {newTimer: newTimerFile},
		"fallback": {newTimer: func() (*os.File, error) { return nil, errors.New("refused") }},
	}
}

func TestBootCountsFromBoot(t *testing.T) {
	c := Boot()
	before := now(unix.CLOCK_BOOTTIME)
	got := c.Now()
	if after := now(unix.CLOCK_BOOTTIME); got < before || got > after {
		t.Errorf("Now = %v, want between %v and %v", got, before, after)
	}
	if err := CheckBoot(); err != nil {
		t.Error(err)
	}
}

func TestAfterFuncFires(t *testing.T) {
	for name, c := range clocks() {
		t.Run(name, func(t *testing.T) {
			for _, d := range []time.Duration{-time.Second, 0, 1, time.Millisecond, 30 * time.Millisecond} {
				fired := make(chan time.Duration, 2)
				start := c.Now()
				stop := c.AfterFunc(d, func() { fired <- c.Now() })
				if late := <-fired - start - d; d > 0 && late < 0 {
					t.Errorf("%v fired %v early", d, -late)
				}
				if stop() {
					t.Errorf("%v: stop = true after it fired", d)
				}
			}
		})
	}
}

// TestAfterFuncOrder: a timer that is due before the one that waits arms the
// descriptor anew.
func TestAfterFuncOrder(t *testing.T) {
	c := Boot()
	fired := make(chan string, 2)
	stop := c.AfterFunc(time.Hour, func() { fired <- "the later one" })
	c.AfterFunc(10*time.Millisecond, func() { fired <- "the earlier one" })
	select {
	case got := <-fired:
		if got != "the earlier one" {
			t.Errorf("%s fired", got)
		}
	case <-time.After(30 * time.Second):
		t.Error("the earlier one waits for the later one")
	}
	if !stop() {
		t.Error("the later one had fired")
	}
}

func TestStop(t *testing.T) {
	for name, c := range clocks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			fired := make(chan struct{})
			// A machine that is busy may take its time between two lines of a test.
			stop := c.AfterFunc(time.Second, func() { calls.Add(1) })
			c.AfterFunc(time.Second+20*time.Millisecond, func() { close(fired) })
			if !stop() {
				t.Error("stop = false before it fired")
			}
			if stop() {
				t.Error("the second stop = true")
			}
			<-fired
			if n := calls.Load(); n != 0 {
				t.Errorf("a stopped timer fired %d times", n)
			}
		})
	}
}

// A clock must be as good as new after its last timer took the timerfd away.
func TestClockRestsAndWakes(t *testing.T) {
	c := &bootClock{newTimer: newTimerFile}
	for range 100 {
		stop := c.AfterFunc(time.Hour, func() {})
		if !stop() {
			t.Fatal("stop = false")
		}
		fired := make(chan struct{})
		c.AfterFunc(time.Microsecond, func() { close(fired) })
		<-fired
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file != nil || len(c.timers) != 0 {
		t.Errorf("an idle clock holds %v and %d timers", c.file, len(c.timers))
	}
}

func TestThousandsOfTimersShareOneDescriptor(t *testing.T) {
	c := Boot()
	before := openFiles(t)
	var wg sync.WaitGroup
	var stops []func() bool
	for i := range 4000 {
		if i%2 == 0 {
			stops = append(stops, c.AfterFunc(time.Hour+time.Duration(i), func() { t.Error("fired") }))
			continue
		}
		wg.Add(1)
		c.AfterFunc(time.Duration(i)*10*time.Microsecond, wg.Done)
	}
	if n := openFiles(t); n > before+4 { // Go's poller may have opened its own
		t.Errorf("%d files open with 4000 timers, %d before", n, before)
	}
	wg.Wait()
	for _, stop := range stops {
		if !stop() {
			t.Error("stop = false")
		}
	}
	if n := openFiles(t); n > before+3 {
		t.Errorf("%d files open at the end, %d before", n, before)
	}
}

func TestConcurrentUse(t *testing.T) {
	c := Boot()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 300 {
				done := make(chan struct{})
				stop := c.AfterFunc(time.Duration(i%50)*time.Microsecond, func() { close(done) })
				if i%3 == 0 && stop() {
					continue
				}
				<-done
			}
		})
	}
	wg.Wait()
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
