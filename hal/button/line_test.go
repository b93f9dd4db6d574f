package button

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal"
)

func lineButton(hold time.Duration) hal.ButtonOptions {
	return hal.ButtonOptions{Name: "bell", GPIO: hal.GPIO{Chip: "gpiochip0", Line: "BELL"}, Action: hal.ActionAnswer, Hold: hold}
}

func TestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		b := openBench(t, f, lineButton(0))
		defer b.Close()
		b.wantState("at the start", Found)
		l := f.line(t, "BELL")
		time.Sleep(time.Minute)

		began := f.clk.Now()
		for i := range 9 { // bounces for 8 ms and ends down
			l.turn(i%2 == 0)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(defaultDebounce - 2*time.Millisecond)
		b.want("not yet stable", "")
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if len(b.presses) != 1 || b.presses[0].At != began {
			t.Errorf("presses = %+v, want one at %v", b.presses, began)
		}
		b.want("stable", "bell ")
		for i := range 6 { // bounces and ends down, as a worn contact does
			l.turn(i%2 == 1)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		b.want("a bounce while it is down", "")
		l.turn(false)
		time.Sleep(time.Second)
		l.turn(true)
		l.turn(false) // a spike, seen after it is over
		time.Sleep(time.Second)
		b.want("a spike", "")
		l.turn(true)
		time.Sleep(time.Second)
		b.want("down again", "bell ")
	})
}

func TestLineHoldAndDebounce(t *testing.T) {
	for _, tt := range []struct {
		debounce, down time.Duration
		want           string
	}{
		{5 * time.Millisecond, 4 * time.Millisecond, ""},
		{5 * time.Millisecond, 999 * time.Millisecond, "short "},
		{5 * time.Millisecond, 1001 * time.Millisecond, "long! "},
		{time.Second, 999 * time.Millisecond, ""},
		{time.Second, 1001 * time.Millisecond, "long! "},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeSystem()
				short, long := lineButton(0), lineButton(time.Second)
				short.Name, long.Name = "short", "long"
				short.GPIO.Debounce, long.GPIO.Debounce = tt.debounce, tt.debounce
				b := openBench(t, f, short, long)
				defer b.Close()
				l := f.line(t, "BELL")
				l.turn(true)
				time.Sleep(tt.down)
				l.turn(false)
				time.Sleep(time.Minute)
				b.want("afterwards", tt.want)
			})
		})
	}
}

// TestLineBouncesAtTheHold: the contact bounces just when the hold is reached.
func TestLineBouncesAtTheHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		b := openBench(t, f, lineButton(time.Second))
		defer b.Close()
		l := f.line(t, "BELL")
		l.turn(true)
		time.Sleep(time.Second - 2*time.Millisecond)
		l.turn(false)
		time.Sleep(time.Millisecond)
		l.turn(true)
		time.Sleep(10 * time.Millisecond)
		b.want("while it is not stable", "")
		time.Sleep(defaultDebounce)
		b.want("still down", "bell! ")
		time.Sleep(time.Minute)
		b.want("only once", "")
	})
}

// TestLineDownAtStart: a button that is stuck when the device boots presses
// nothing.
func TestLineDownAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		b := openBench(t, f, lineButton(0))
		defer b.Close()
		l := f.line(t, "BELL")
		f.mu.Lock()
		l.active = true
		f.mu.Unlock()
		time.Sleep(time.Minute)
		l.turn(false)
		time.Sleep(time.Minute)
		b.want("only released", "")
	})
}

func TestLineComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.lineErr["BELL"] = fmt.Errorf("cannot use GPIO: %w", hal.ErrNotFound)
		b := openBench(t, f, lineButton(time.Second))
		defer b.Close()
		b.wantState("no chip", Missing)
		if s, err := look(f, []hal.ButtonOptions{lineButton(0)}); err != nil || s[0].State != Missing || s[0].Reason == "" {
			t.Errorf("Look = %+v, %v", s, err)
		}
		f.mu.Lock()
		f.lineErr["BELL"] = hal.ErrBusy
		f.mu.Unlock()
		f.changed <- struct{}{}
		time.Sleep(moment)
		b.wantState("another program has the line", Busy)
		f.mu.Lock()
		f.lineErr["BELL"] = nil
		f.mu.Unlock()
		time.Sleep(retry + moment)
		b.wantState("it let go", Found)

		l := f.line(t, "BELL")
		l.turn(true)
		time.Sleep(time.Second / 2)
		f.mu.Lock()
		f.lineErr["BELL"] = hal.ErrNotFound
		f.mu.Unlock()
		l.edges <- hal.ErrGone
		time.Sleep(time.Hour)
		b.want("the chip went away while it was down", "")
		b.wantState("the chip is gone", Missing)
		f.mu.Lock()
		f.lineErr["BELL"] = nil
		f.mu.Unlock()
		f.changed <- struct{}{}
		time.Sleep(moment)
		b.wantState("the chip is back", Found)
		f.line(t, "BELL").turn(true)
		time.Sleep(2 * time.Second)
		b.want("and works", "bell! ")
	})
}
