package media

import (
	"sync/atomic"
	"time"
)

// Freezes of a display, as W3C's webrtc-stats defines freezeCount: a picture stands
// still when the next one comes later than three times the mean distance of pictures,
// and later than that mean and 150 ms.
const (
	freezeFactor = 3
	freezeMargin = 150 * time.Millisecond
	freezeMean   = 30 // pictures that the mean is of
)

// freezes counts them. Its zero value is ready; shown is for one goroutine.
type freezes struct {
	count atomic.Uint64

	last  time.Duration
	gaps  [freezeMean]time.Duration // of the pictures before; a ring
	known int                       // gaps that were seen
	sum   time.Duration
}

// shown notes a picture that is shown at a time on the clock.
func (f *freezes) shown(now time.Duration) {
	before := f.last
	f.last = now
	if before == 0 {
		return
	}
	gap := now - before
	if n := min(f.known, freezeMean); n > 0 {
		mean := f.sum / time.Duration(n)
		if gap > max(freezeFactor*mean, mean+freezeMargin) {
			f.count.Add(1)
		}
	}
	slot := &f.gaps[f.known%freezeMean]
	f.sum += gap - *slot
	*slot = gap
	f.known++
}
