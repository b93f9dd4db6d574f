//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/phonepeer"
)

// The times of the households: short, so that the slow kinds are not too slow, and
// long enough for a machine that has much else to do.
const (
	householdRing  = 1500 * time.Millisecond
	householdTimes = `  connect_timeout: 10s
  reconnect_timeout: 1s
`
)

// kind is one way in which a call goes.
type kind struct {
	name  string
	times int // that it is played in a round
	video int // so many times in a video room, else in a voice room
	play  func(h *household)
}

// kinds is a round of calls but for its last. Each round has the same, in another
// order: after it the daemon remembers as much as after any other.
func kinds() []kind {
	return []kind{
		// A phone calls the device.
		{"hung up by the phone", 4, 1, func(h *household) { h.answered(endsByPhone) }},
		{"hung up by the device", 3, 1, func(h *household) { h.answered(endsByDevice) }},
		{"rejected", 6, 2, (*household).rejected},
		{"cancelled", 6, 2, (*household).cancelled},
		{"busy", 2, 0, (*household).busy}, // two calls
		{"timed out", 1, 0, (*household).timedOut},
		{"limit", 1, 1, func(h *household) { h.answered(endsAtLimit) }},
		{"lost media", 1, 0, func(h *household) { h.answered(endsWithMedia) }},
		// The device calls phones.
		{"out, hung up by the phone", 1, 1, func(h *household) { h.callsOut(endsByPhone) }},
		{"out, hung up by the device", 1, 0, func(h *household) { h.callsOut(endsByDevice) }},
		{"out, limit", 1, 0, func(h *household) { h.callsOut(endsAtLimit) }},
		{"out, declined", 3, 0, (*household).lastOfRound},
		{"out, busy", 1, 0, func(h *household) { h.declined(cause.Busy) }},
		{"out, given up", 3, 1, (*household).givenUp},
		{"out, timed out", 1, 0, (*household).notAnswered},
		{"out, unreachable", 1, 1, (*household).unreachable},
		{"out, together", 2, 1, (*household).together},
		{"out, in turn", 1, 0, (*household).inTurn},
	}
}

// lastOfRound is a call that never had media: the daemon keeps what it knows of the
// last call until the next.
func (h *household) lastOfRound() { h.declined(cause.Rejected) }

// The ways in which a talk ends.
type talkEnd int

const (
	endsByPhone talkEnd = iota
	endsByDevice
	endsAtLimit
	endsWithMedia
)

// talkLimit is the limit of the calls that run into it.
const talkLimit = time.Second

func (e talkEnd) limit() time.Duration {
	if e == endsAtLimit {
		return talkLimit
	}
	return 0
}

// payload reads what an event says.
func payload[T any](t *testing.T, ev control.Event, v *T) *T {
	t.Helper()
	if err := json.Unmarshal(ev.Data, v); err != nil {
		t.Fatalf("event %s says %q: %v", ev.Name, ev.Data, err)
	}
	return v
}

// anyPhone is one that is on.
func (h *household) anyPhone() *phonepeer.Phone { return h.phones[h.random.IntN(len(h.phones))] }

// roomType is that of the calls that are being played.
func (h *household) roomType() message.RoomType {
	if h.video {
		return message.Video
	}
	return message.Voice
}

// rest is how long people talk who have little to say.
func (h *household) rest() { time.Sleep(time.Duration(h.random.Int64N(int64(300 * time.Millisecond)))) }

// rings lets a phone call the device, up to the ringing: sometimes the phone has
// heard of that.
func (h *household) rings(p *phonepeer.Phone, limit time.Duration) *phonepeer.Call {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.ctx, soon)
	defer cancel()
	c, err := p.Call(ctx, phonepeer.CallOptions{RoomType: h.roomType(), TimeLimit: limit})
	h.must(err)
	h.find(c.Room, control.EventRinging)
	if h.random.IntN(2) == 0 {
		h.awaits(phonepeer.Await[phonepeer.Ringing](ctx, c))
	}
	return c
}

// awaits fails the test when the phone did not hear what it should.
func (h *household) awaits(_ phonepeer.Event, err error) {
	h.t.Helper()
	h.must(err)
}

// talks waits until both ends have begun the talk of an answered call.
func (h *household) talks(c *phonepeer.Call, group string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.ctx, soon)
	defer cancel()
	h.awaits(phonepeer.Await[phonepeer.Started](ctx, c))
	h.find(group, control.EventStartVoip)
}

// ends brings a talk to its end, and returns that and whose word it was.
func (h *household) ends(c *phonepeer.Call, how talkEnd) (end cause.End, byDevice bool) {
	h.t.Helper()
	manual := cause.End{Cause: cause.Hangup, Origin: cause.Manual}
	switch how {
	case endsByPhone:
		h.rest()
		c.HangUp(cause.Manual)
		return manual, false
	case endsByDevice:
		h.rest()
		h.must(h.api.HangUp(h.ctx, c.Room))
		return manual, true
	case endsAtLimit:
		return cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}, true
	default:
		h.rest()
		c.DropMedia()
		return cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}, true
	}
}

// heard wants sound to have come over a talk that was long enough for some.
func (h *household) heard(c *phonepeer.Call, how talkEnd) {
	h.t.Helper()
	if how == endsAtLimit && c.Stats().Audio.Packets == 0 {
		h.t.Errorf("call %s: the phone has heard nothing in %v", c.Room, talkLimit)
	}
}

// incoming is what a call of a phone must leave behind.
func incoming(c *phonepeer.Call, p *phonepeer.Phone, end cause.End, byDevice bool) account {
	return account{group: c.Room, room: c.Room, jkt: p.Key().JKT(), end: end, byDevice: byDevice}
}

func (h *household) answered(how talkEnd) {
	h.t.Helper()
	p := h.anyPhone()
	c := h.rings(p, how.limit())
	h.must(h.api.Answer(h.ctx, c.Room))
	h.talks(c, c.Room)
	end, byDevice := h.ends(c, how)
	h.phoneEnds(c, end, byDevice)
	h.heard(c, how)
	a := incoming(c, p, end, byDevice)
	a.talked = true
	h.settle(a)
}

func (h *household) rejected() {
	h.t.Helper()
	p := h.anyPhone()
	c := h.rings(p, 0)
	h.must(h.api.Reject(h.ctx, c.Room))
	end := cause.End{Cause: cause.Rejected}
	h.phoneEnds(c, end, true)
	h.settle(incoming(c, p, end, true))
}

func (h *household) cancelled() {
	h.t.Helper()
	p := h.anyPhone()
	c := h.rings(p, 0)
	c.Cancel()
	end := cause.End{Cause: cause.Cancelled}
	h.phoneEnds(c, end, false)
	h.settle(incoming(c, p, end, false))
}

func (h *household) timedOut() {
	h.t.Helper()
	p := h.anyPhone()
	c := h.rings(p, 0)
	end := cause.End{Cause: cause.Timeout}
	h.phoneEnds(c, end, true)
	h.settle(incoming(c, p, end, true))
}

// busy is a talk during which a second phone calls.
func (h *household) busy() {
	h.t.Helper()
	first := h.anyPhone()
	second := first
	for second == first {
		second = h.anyPhone()
	}
	c := h.rings(first, 0)
	h.must(h.api.Answer(h.ctx, c.Room))
	h.talks(c, c.Room)
	ctx, cancel := context.WithTimeout(h.ctx, soon)
	defer cancel()
	late, err := second.Call(ctx, phonepeer.CallOptions{RoomType: h.roomType()})
	h.must(err)
	h.phoneEnds(late, cause.End{Cause: cause.Busy}, true)
	h.find(late.Room, control.EventRefused)
	if _, over := c.Ended(); over {
		h.t.Errorf("call %s: a second caller has ended it", c.Room)
	}
	end, byDevice := h.ends(c, endsByPhone)
	h.phoneEnds(c, end, byDevice)
	a, b := incoming(c, first, end, byDevice), incoming(late, second, cause.End{Cause: cause.Busy}, true)
	a.talked, b.refused = true, true
	h.settle(a, b)
}
