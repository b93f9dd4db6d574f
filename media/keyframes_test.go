package media

import (
	"testing"
	"time"
)

func TestKeyBudget(t *testing.T) {
	var k keyBudget
	taken := func(from, to time.Duration, ask bool) (n int) {
		for now := from; now < to; now += 50 * time.Millisecond {
			if ask {
				k.ask()
			}
			if k.take(now) {
				n++
			}
		}
		return n
	}
	if n := taken(0, time.Second, false); n != 0 {
		t.Errorf("%d keyframes that nobody asked for", n)
	}
	if n := taken(time.Second, 16*time.Second, true); n < 12 || n > 15 {
		t.Errorf("%d keyframes in 15 s of requests; want %d at once and one each %v", n, keyBurst, keyPeriod)
	}
	if n := taken(16*time.Second, 18*time.Second, false); n != 1 {
		t.Errorf("%d keyframes for the request that waited", n)
	}
	taken(18*time.Second, 40*time.Second, false)
	k.ask()
	if !k.take(40 * time.Second) {
		t.Error("a request after a long pause waits")
	}
}
