package media

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestFreezes(t *testing.T) {
	const usual = 40 * time.Millisecond
	for name, tt := range map[string]struct {
		gaps []time.Duration // after 40 usual ones
		want uint64
	}{
		"none":                           {nil, 0},
		"a late picture":                 {[]time.Duration{usual + freezeMargin}, 0},
		"a later one":                    {[]time.Duration{usual + freezeMargin + 1}, 1},
		"two":                            {[]time.Duration{time.Second, usual, time.Second}, 2},
		"a slower phone freezes at once": {[]time.Duration{300 * time.Millisecond}, 1},
		// Freezes as long as a third of it is above the mean, which rises by 46/3 ms each time.
		"and is usual later": {repeat(500*time.Millisecond, 80), 9},
	} {
		t.Run(name, func(t *testing.T) {
			var f freezes
			now := time.Hour
			f.shown(now)
			for _, gap := range append(repeat(usual, 40), tt.gaps...) {
				now += gap
				f.shown(now)
			}
			if got := f.count.Load(); got != tt.want {
				t.Errorf("%d freezes, want %d", got, tt.want)
			}
		})
	}
}

// TestFirstPicturesAreNoFreeze: there is nothing to compare the first distance with.
func TestFirstPicturesAreNoFreeze(t *testing.T) {
	var f freezes
	for _, at := range []time.Duration{time.Second, time.Minute} {
		f.shown(at)
	}
	if n := f.count.Load(); n != 0 {
		t.Errorf("%d freezes", n)
	}
}

// TestFrozenAtTheEnd: the freeze in which a call ends counts, a phone that only hung up or
// turned its camera off before is none.
func TestFrozenAtTheEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		still  time.Duration // how long the last picture stands
		sound  bool          // goes on meanwhile
		packet bool          // a packet of a picture comes meanwhile
		want   uint64
	}{
		"hung up":                      {still: 900 * time.Millisecond, sound: true, packet: true},
		"the network is lost":          {still: 3 * time.Second, want: 1},
		"nothing that can be shown":    {still: 3 * time.Second, sound: true, packet: true, want: 1},
		"the phone's camera is off":    {still: 3 * time.Second, sound: true},
		"and has been for half a call": {still: 10 * time.Minute, sound: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newTalk(t, bubbleEngine(t, nil), false)
				l.Accept(Limit{})
				l.connect()
				packet := func(video bool) {
					l.heard()
					if video {
						l.lastVideo.Store(l.lastMedia.Load())
					}
				}
				for range 40 {
					time.Sleep(40 * time.Millisecond)
					packet(true)
					l.count.freezes.shown(l.now())
				}
				time.Sleep(tt.still)
				if tt.sound || tt.packet {
					packet(tt.packet)
				}
				if n := l.Stats().VideoFreezes; n != 0 {
					t.Errorf("%d freezes while it lasts", n)
				}
				l.Shut()
				l.Shut()
				if n := l.Stats().VideoFreezes; n != tt.want {
					t.Errorf("%d freezes, want %d", n, tt.want)
				}
			})
		})
	}
}

func repeat(d time.Duration, n int) []time.Duration {
	list := make([]time.Duration, n)
	for i := range list {
		list[i] = d
	}
	return list
}
