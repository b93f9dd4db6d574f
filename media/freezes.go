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
	// freezeLast is how long the last picture of a call stands at the least to count: a
	// phone that hangs up sends nothing more before its message is there.
	freezeLast = time.Second
)

// freezes counts them. Its zero value is ready; shown is for one goroutine.
type freezes struct {
	count atomic.Uint64

	at    atomic.Int64              // when the last picture was shown, on the clock; 0: none was
	limit atomic.Int64              // what stands longer is frozen; 0: nothing can be said yet
	gaps  [freezeMean]time.Duration // of the pictures before; a ring
	known int                       // gaps that were seen
	sum   time.Duration
}

// shown notes a picture that is shown at a time on the clock.
func (f *freezes) shown(now time.Duration) {
	before := time.Duration(f.at.Swap(int64(now)))
	if before == 0 {
		return
	}
	gap := now - before
	if limit := time.Duration(f.limit.Load()); limit > 0 && gap > limit {
		f.count.Add(1)
	}
	slot := &f.gaps[f.known%freezeMean]
	f.sum += gap - *slot
	*slot = gap
	f.known++
	mean := f.sum / time.Duration(min(f.known, freezeMean))
	f.limit.Store(int64(max(freezeFactor*mean, mean+freezeMargin)))
}

// end counts the freeze that lasts at the end of the call, for which no next picture
// comes.
func (f *freezes) end(now time.Duration) {
	at, limit := time.Duration(f.at.Load()), time.Duration(f.limit.Load())
	if at > 0 && limit > 0 && now-at > max(limit, freezeLast) {
		f.count.Add(1)
	}
}
