package pace

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	p := New(30)
	at, told := time.Duration(0), []float64{}
	run := func(n int, gap time.Duration) float64 {
		for range n {
			at += gap
			if rate, changed := p.Next(at); changed {
				told = append(told, rate)
			}
		}
		return p.told
	}
	if got := run(100, time.Second/30); got != 30 || len(told) != 0 {
		t.Errorf("30 a second: told %v", told)
	}
	if got := run(200, time.Second/10); got < 9 || got > 11.1 {
		t.Errorf("10 a second: told %v", got)
	}
	if run(1, time.Hour); len(told) > 20 {
		t.Errorf("told %d times", len(told))
	}
	if got := run(200, time.Second/50); got < 27 || got > 30 {
		t.Errorf("more than the camera gives: told %v, want 30 at most", got)
	}
}
