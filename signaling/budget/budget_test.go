package budget

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal/clock"
)

// spend sends n messages at once and returns how many passed.
func spend(n int, take func() bool) int {
	passed := 0
	for range n {
		if take() {
			passed++
		}
	}
	return passed
}

func TestOnePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(clock.Go())
		take := func() bool { return b.Message("anna", true) }
		if got := spend(100, take); got != 10 {
			t.Errorf("burst = %d, want 10", got)
		}
		time.Sleep(time.Second)
		if got := spend(100, take); got != 5 {
			t.Errorf("after a second %d, want 5", got)
		}
		time.Sleep(time.Hour)
		if got := spend(100, take); got != 10 {
			t.Errorf("after an hour %d, want 10", got)
		}
	})
}

func TestUnprovenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(clock.Go())
		passed := 0
		for range 10 { // seconds
			for i := range 1000 {
				if b.Message(fmt.Sprint("stranger", i), false) {
					passed++
				}
			}
			time.Sleep(time.Second)
		}
		if passed < 180 || passed > 220 {
			t.Errorf("%d messages of strangers passed in 10 s, want about 200", passed)
		}
		if got := spend(10, func() bool { return b.Message("anna", true) }); got != 10 {
			t.Errorf("strangers cost a contact %d of 10 messages", 10-got)
		}
	})
}

// TestFairShare: a flood from one stranger leaves the others their part.
func TestFairShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(clock.Go())
		good, flood := 0, 0
		for range 20 * 10 { // every 50 ms for 10 s
			flood += spend(50, func() bool { return b.Message("flood", false) })
			time.Sleep(50 * time.Millisecond)
		}
		for range 20 * 10 {
			flood += spend(50, func() bool { return b.Message("flood", false) })
			for i := range 3 {
				good += spend(1, func() bool { return b.Message(fmt.Sprint("good", i), false) })
			}
			time.Sleep(50 * time.Millisecond)
		}
		if good < 3*5*8 { // 10 s at 5/s each would be 150
			t.Errorf("%d messages of three honest strangers passed in 10 s beside a flood of which %d passed", good, flood)
		}
		if flood > 5*20+20 {
			t.Errorf("%d messages of the flood passed in 20 s, want about 100", flood)
		}
	})
}

func TestRoomsAndFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(clock.Go())
		if got := spend(500, func() bool { return b.Room("a") }); got != 100 {
			t.Errorf("room burst = %d, want 100", got)
		}
		if got := spend(500, func() bool { return b.Frame("a") }); got != 40 {
			t.Errorf("frame burst = %d, want 40", got)
		}
		if got := spend(1, func() bool { return b.Room("b") }); got != 1 {
			t.Error("one room's budget is another's")
		}
		time.Sleep(time.Second)
		if got := spend(500, func() bool { return b.Room("a") }); got != 50 {
			t.Errorf("room after a second = %d, want 50", got)
		}
	})
}

// TestMemory: many peers cost bounded memory, and are forgotten when they are
// silent.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(clock.Go())
		for i := range 20_000 {
			b.Message(fmt.Sprint("stranger", i), false)
		}
		if len(b.buckets) > maxPeers {
			t.Errorf("%d buckets", len(b.buckets))
		}
		time.Sleep(idleLife)
		b.Message("anna", true)
		if len(b.buckets) != 1 {
			t.Errorf("%d buckets are left of peers that are silent", len(b.buckets))
		}
	})
}
