package hotplug

import (
	"context"
	"slices"
	"time"
)

const (
	// settle is how long a device gets from its event on: one plug makes several, and
	// whoever looks for it shall not look for each of them.
	settle = 100 * time.Millisecond
	// unsure is how long after an event a device may be there and not be usable: udev has
	// not set its group yet, or a sound server has not taken it.
	unsure = 2 * time.Second
	// again is the pause between two tries in that time.
	again = 200 * time.Millisecond
)

// Listener hears of devices that are plugged in. It is for one goroutine at a time.
type Listener struct {
	monitor *Monitor // nil: it hears nothing
	both    bool     // what is pulled out counts, too
	kinds   []Kind
	heard   chan time.Time // when the last one was that was not waited for yet
	last    time.Time      // the last one that was
}

// Close ends the listening. It may be called twice.
func (l *Listener) Close() {
	if l.monitor != nil {
		l.monitor.forget(l)
	}
}

// Wait waits until a device may be there: one has come, d has passed, or ctx has ended.
// What has come since the last Wait counts, too. In the two seconds after an event it
// waits 200 ms at most, so that a device that cannot be opened yet is tried again.
func (l *Listener) Wait(ctx context.Context, d time.Duration) {
	if !l.last.IsZero() && time.Since(l.last) < unsure {
		d = min(d, again)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case l.last = <-l.heard:
		l.settle(ctx, min(settle, d))
	}
}

// Next waits until something has come, or has gone where that counts; false when ctx has
// ended first. What has happened since the last Next counts, too.
func (l *Listener) Next(ctx context.Context) bool {
	select {
	case <-ctx.Done():
	case l.last = <-l.heard:
		l.settle(ctx, settle)
	}
	return ctx.Err() == nil
}

// settle passes the time in which the other events of a plug come.
func (l *Listener) settle(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	select {
	case l.last = <-l.heard:
	default:
	}
}

func (l *Listener) counts(e event) bool {
	return slices.ContainsFunc(l.kinds, func(k Kind) bool { return k.counts(e, l.both) })
}

// wake is called by one goroutine at a time.
func (l *Listener) wake() {
	select {
	case <-l.heard: // the later one counts
	default:
	}
	l.heard <- time.Now()
}
