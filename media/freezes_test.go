package media

import (
	"testing"
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

func repeat(d time.Duration, n int) []time.Duration {
	list := make([]time.Duration, n)
	for i := range list {
		list[i] = d
	}
	return list
}
