// Package clock is the device's boot-time clock: it counts from boot, goes on
// during suspend and never jumps, whatever happens to the wall clock.
//
// Everything in callbox that waits or measures takes a Clock, so that tests can
// put a bubble of testing/synctest around it (Go) instead of waiting.
package clock

import "time"

// Clock tells the time since boot and calls back later.
type Clock interface {
	// Now returns the time since some fixed point at or before boot.
	Now() time.Duration
	// AfterFunc calls f in its own goroutine once d has passed, and at once
	// when d <= 0. stop returns false when f has been started already.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// Go returns a clock over package time, which testing/synctest controls. It
// stops while the machine is suspended: for tests only.
func Go() Clock { return goClock{start: time.Now()} }

type goClock struct{ start time.Time }

func (c goClock) Now() time.Duration { return time.Since(c.start) }

func (c goClock) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}
