package budget

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal/clock"
)

// spend sends n messages at once and returns how many were let through.
func spend(b *Budgets, key string, c Class, n int) int {
	through := 0
	for range n {
		if b.Take(key, c) {
			through++
		}
	}
	return through
}

func TestRates(t *testing.T) {
	for name, tt := range map[string]struct {
		class        Class
		burst, after int // messages at once, and in the second after
	}{
		"one unproven peer": {Unproven, 10, 5},
		"claimed":           {Claimed, 10, 5},
		"proven":            {Proven, 10, 5},
		"in a room":         {InRoom, 100, 50},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := New(clock.Go())
				if got := spend(b, "a", tt.class, 500); got != tt.burst {
					t.Errorf("burst = %d, want %d", got, tt.burst)
				}
				time.Sleep(time.Second)
				if got := spend(b, "a", tt.class, 500); got != tt.after {
					t.Errorf("a second later = %d, want %d", got, tt.after)
				}
			})
		})
	}
}

func TestUnprovenShareFairly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(clock.Go())
		const peers, seconds = 10, 20
		through, total := map[string]int{}, 0
		for range seconds * 10 {
			spend(b, "flood", Unproven, 100) // a hundred times its share
			for i := range peers - 1 {
				key := fmt.Sprint(i)
				n := spend(b, key, Unproven, 1) // ten a second: five times its share
				through[key] += n
			}
			time.Sleep(100 * time.Millisecond)
		}
		for key, n := range through {
			total += n
			if n < seconds*sharedRate/peers/2 {
				t.Errorf("peer %s got %d messages through in %d s, want at least half of its share", key, n, seconds)
			}
		}
		if limit := seconds*sharedRate + sharedBurst; total > limit {
			t.Errorf("all together got %d through, want at most %d", total, limit)
		}
		for _, c := range []Class{Claimed, Proven} {
			if got := spend(b, "contact", c, 100); got != peerBurst {
				t.Errorf("a peer of class %d got %d through in the flood, want %d", c, got, peerBurst)
			}
		}
	})
}

func TestManyAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(clock.Go())
		through := 0
		for second := range 10 {
			for i := range 1000 {
				through += spend(b, fmt.Sprint(second, "/", i), Unproven, 1)
			}
			time.Sleep(time.Second)
		}
		if limit := 10*sharedRate + sharedBurst; through > limit {
			t.Errorf("%d messages of fresh addresses came through, want at most %d", through, limit)
		}
		if len(b.peers) > maxPeers {
			t.Errorf("%d peers are remembered, want at most %d", len(b.peers), maxPeers)
		}
		for _, c := range []Class{Claimed, Proven} {
			if got := spend(b, "contact", c, 100); got != peerBurst {
				t.Errorf("among so many a peer of class %d got %d through, want %d", c, got, peerBurst)
			}
		}
		time.Sleep(time.Minute)
		b.Take("x", Unproven)
		if len(b.peers) != 1 || b.unproven != 1 {
			t.Errorf("%d peers (%d unproven) are remembered a minute later, want 1", len(b.peers), b.unproven)
		}
	})
}

func TestReconnectingGainsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(clock.Go())
		total := 0
		for range 10 {
			total += spend(b, "a", Proven, 100)
			time.Sleep(time.Second)
		}
		if want := peerBurst + 9*peerRate; total != want {
			t.Errorf("%d came through, want %d", total, want)
		}
	})
}
