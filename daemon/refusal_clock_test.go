package daemon

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"callbox/hal/clock"
)

// aheadClock is the machine's clock until it is put forward: what happens at once
// in a test that is about minutes, while sockets go on in real time.
type aheadClock struct {
	real clock.Clock

	mu      sync.Mutex
	ahead   time.Duration
	pending map[*aheadTimer]struct{}
}

type aheadTimer struct {
	at   time.Duration
	f    func()
	stop func() bool // the real timer
}

func newAheadClock() *aheadClock {
	return &aheadClock{real: clock.Go(), pending: map[*aheadTimer]struct{}{}}
}

// Now is the time that is shown.
func (c *aheadClock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *aheadClock) now() time.Duration { return c.real.Now() + c.ahead }

// AfterFunc calls f once d has been shown to pass.
func (c *aheadClock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &aheadTimer{at: c.now() + d, f: f}
	c.pending[t] = struct{}{}
	t.stop = c.real.AfterFunc(d, func() { c.fire(t) })
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waits := c.pending[t]
		delete(c.pending, t)
		t.stop()
		return waits
	}
}

func (c *aheadClock) fire(t *aheadTimer) {
	c.mu.Lock()
	_, waits := c.pending[t]
	delete(c.pending, t)
	c.mu.Unlock()
	if waits {
		t.f()
	}
}

// Forward puts the clock forward. What has become due by that has been done, in
// its order, when it returns.
func (c *aheadClock) Forward(d time.Duration) {
	for _, t := range c.forward(d) {
		t.f()
	}
}

func (c *aheadClock) forward(d time.Duration) (due []*aheadTimer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
	for t := range c.pending {
		switch left := t.at - c.now(); {
		case !t.stop(): // it is on its way
		case left <= 0:
			delete(c.pending, t)
			due = append(due, t)
		default:
			t.stop = c.real.AfterFunc(left, func() { c.fire(t) })
		}
	}
	slices.SortFunc(due, func(a, b *aheadTimer) int { return cmp.Compare(a.at, b.at) })
	return due
}
