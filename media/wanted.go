package media

import (
	"context"
	"sync"
	"time"

	"callbox/hal/clock"
)

// wanted says whether a device shall run, and wakes whoever runs it.
type wanted struct {
	mu      sync.Mutex
	on      bool
	changed chan struct{} // closed at each change
}

func newWanted() *wanted { return &wanted{changed: make(chan struct{})} }

func (w *wanted) set(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on != on {
		w.on = on
		close(w.changed)
		w.changed = make(chan struct{})
	}
}

// wait waits until it is as asked; false when ctx ends first.
func (w *wanted) wait(ctx context.Context, on bool) bool {
	for {
		w.mu.Lock()
		now, changed := w.on, w.changed
		w.mu.Unlock()
		if ctx.Err() != nil {
			return false
		}
		if now == on {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// each runs use again and again while the device is wanted; the context that use
// gets ends when it is not wanted any more. When use ends by itself, idle passes
// the time until the next try. each returns when ctx ends.
func (w *wanted) each(ctx context.Context, use, idle func(context.Context)) {
	for w.wait(ctx, true) {
		on, cancel := context.WithCancel(ctx)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			w.wait(on, false)
			cancel()
		}()
		for on.Err() == nil {
			use(on)
			idle(on)
		}
		<-watched
	}
}

// pause waits some time, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// throttle lets one through at a time.
type throttle struct {
	every time.Duration
	clock clock.Clock
	mu    sync.Mutex
	used  bool
	last  time.Duration
}

func (t *throttle) allow() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	if t.used && now-t.last < t.every {
		return false
	}
	t.used, t.last = true, now
	return true
}
