package phone

import (
	"context"
	"math"
	"sync"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/daemon/selftest"
	"callbox/hal/clock"
)

// concealedFrame is the unit of selftest.Up.Concealed.
const concealedFrame = 10 * time.Millisecond

// askEvery is how often the device is asked in the talk.
const askEvery = 500 * time.Millisecond

// observer looks at the call from the device's side, over its local API.
type observer struct {
	api   *client.Client
	clock clock.Clock

	mu       sync.Mutex
	room     string
	deadline time.Duration // on the boot clock; 0: not known
	ended    time.Duration // when the event of the end was published, on the boot clock
	over     chan struct{} // closed with that event
	asked    int
	loss     float64 // the sum of what was asked
	last     control.Link
}

func newObserver(api *client.Client, c clock.Clock) *observer {
	return &observer{api: api, clock: c, over: make(chan struct{})}
}

// follow is told of the room, whose events begin then.
func (o *observer) follow(room string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.room = room
}

// watch waits for the event of the end, until ctx ends. What cannot be watched is not
// measured.
func (o *observer) watch(ctx context.Context) {
	_ = o.api.Watch(ctx, client.WatchOptions{}, func(ev control.Event) error { // see above
		o.mu.Lock()
		defer o.mu.Unlock()
		if ev.Name == control.EventHangUpVoip && ev.RoomID == o.room && o.ended == 0 {
			o.ended = o.boot(ev.Time)
			close(o.over)
		}
		return nil
	})
}

// boot is a time of the wall clock on the boot clock.
func (o *observer) boot(at time.Time) time.Duration { return o.clock.Now() - time.Since(at.Round(0)) }

// wall is a time of the boot clock on the wall clock.
func (o *observer) wall(at time.Duration) time.Time {
	return time.Now().Round(0).Add(at - o.clock.Now())
}

// ask asks the device, and calls each, until ctx ends.
func (o *observer) ask(ctx context.Context, each func()) {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		if s, err := o.api.Status(ctx); err == nil && s.Call != nil {
			o.note(s.Call)
		}
		each()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (o *observer) note(c *control.Call) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.RoomID != o.room {
		return
	}
	if c.Deadline > 0 {
		o.deadline = time.Duration(c.Deadline * float64(time.Second))
	}
	if c.Link != nil {
		o.asked++
		o.loss += c.Link.ReceiveLoss
		o.last = *c.Link
	}
}

// up is what the device said of the phone's media.
func (o *observer) up() selftest.Up {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asked == 0 {
		return selftest.Up{}
	}
	return selftest.Up{Known: true, Loss: o.loss / float64(o.asked), Concealed: uint64(math.Round(o.last.ConcealedSeconds / concealedFrame.Seconds()))}
}

// end fills in how late the ends were. own is when the call should have ended by the
// phone's own start, phone is when it did, both on the boot clock; since counts the packets
// from a time on. The device starts before the phone hears of it: what comes after own is
// late by any account.
func (o *observer) end(e *selftest.End, own, phone time.Duration, since func(time.Time) int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.deadline == 0 || o.ended == 0 {
		e.After = since(o.wall(own))
		return
	}
	e.Known = true
	e.Device, e.Phone = milliseconds(o.ended-o.deadline), milliseconds(phone-o.deadline)
	e.After = since(o.wall(o.deadline))
}
