package phonepeer

import (
	"sync"
	"time"

	"callbox/hal/clock"
)

// loop runs functions one after the other in one goroutine. Who posts never waits.
type loop struct {
	clock clock.Clock
	calls sync.WaitGroup // of timers under way

	mu     sync.Mutex
	queue  []func()
	closed bool
	timers map[*timer]struct{}
	wake   chan struct{} // one place: there is something to do
	done   chan struct{} // run has returned
}

func newLoop(c clock.Clock) *loop {
	return &loop{clock: c, timers: map[*timer]struct{}{}, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// post queues f; false when the loop is closed.
func (l *loop) post(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.queue = append(l.queue, f)
	l.signal()
	return true
}

// signal wakes run; mu is held.
func (l *loop) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// do runs f on the loop and waits for it. Errors: ErrClosed.
func (l *loop) do(f func()) error {
	ran := make(chan struct{})
	if !l.post(func() { defer close(ran); f() }) {
		return ErrClosed
	}
	select {
	case <-ran:
		return nil
	case <-l.done:
	}
	select {
	case <-ran: // it was the last
		return nil
	default:
		return ErrClosed
	}
}

// run runs what is posted until close.
func (l *loop) run() {
	defer close(l.done)
	for {
		l.mu.Lock()
		queue := l.queue
		l.queue = nil
		closed := l.closed
		l.mu.Unlock()
		for _, f := range queue {
			f()
		}
		if len(queue) > 0 {
			continue
		}
		if closed {
			return
		}
		<-l.wake
	}
}

// close lets run end after what is queued, and stops all timers.
func (l *loop) close() {
	l.mu.Lock()
	l.closed = true
	l.signal()
	timers := l.timers
	l.timers = nil
	l.mu.Unlock()
	for t := range timers {
		if t.stop() {
			l.calls.Done()
		}
	}
}

// wait returns when nothing of the loop runs any more.
func (l *loop) wait() {
	<-l.done
	l.calls.Wait()
}

// timer is one call that is due later; its methods belong to the loop.
type timer struct {
	loop    *loop
	stop    func() bool
	stopped bool
}

// after calls f on the loop once d has passed, unless the timer is cancelled
// before. On a closed loop it never does.
func (l *loop) after(d time.Duration, f func()) *timer {
	t := &timer{loop: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		t.stopped = true
		return t
	}
	l.calls.Add(1)
	l.timers[t] = struct{}{}
	t.stop = l.clock.AfterFunc(d, func() {
		defer l.calls.Done()
		l.forget(t)
		l.post(func() {
			if !t.stopped {
				t.stopped = true
				f()
			}
		})
	})
	return t
}

func (l *loop) forget(t *timer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.timers, t)
}

// cancel stops the timer; a nil one too.
func (t *timer) cancel() {
	if t == nil || t.stopped {
		return
	}
	t.stopped = true
	t.loop.mu.Lock()
	_, pending := t.loop.timers[t]
	delete(t.loop.timers, t)
	t.loop.mu.Unlock()
	if pending && t.stop() {
		t.loop.calls.Done()
	}
}
