package phonepeer

import (
	"callbox/signaling/message"
	"callbox/signaling/sdp"
)

// trickle is the trickle ICE (RFC 8838) of one call, both ways: batched, counted,
// filtered. It belongs to the loop.
type trickle struct {
	loop *loop
	send func([]message.Candidate) // 1 to 40
	add  func(message.Candidate)   // one of the device's that may be used

	open        bool
	batch       []message.Candidate
	timer       *timer
	own, theirs int // of this generation
}

// found takes a candidate of ours; an empty one ends its generation's list.
func (t *trickle) found(c message.Candidate) {
	if c.Candidate != "" {
		t.own++
	}
	if t.own > message.MaxCandidates {
		return
	}
	t.batch = append(t.batch, c)
	if t.open && t.timer == nil {
		t.timer = t.loop.after(candidateBatch, t.flush)
	}
}

// start says that the device has verified the offer: before, it takes none.
func (t *trickle) start() {
	if t.open {
		return
	}
	t.open = true
	t.flush()
}

// came takes candidates of the device.
func (t *trickle) came(list []message.Candidate, allowLoopback bool) {
	for _, c := range list {
		if c.Candidate == "" {
			t.add(c)
			continue
		}
		if t.theirs++; t.theirs <= message.MaxCandidates && sdp.Usable(c.Candidate, allowLoopback) {
			t.add(c)
		}
	}
}

// restart begins a new generation, which counts anew.
func (t *trickle) restart() { t.own, t.theirs = 0, 0 }

func (t *trickle) stop() {
	t.timer.cancel()
	t.batch, t.open = nil, false
}

func (t *trickle) flush() {
	t.timer.cancel()
	t.timer = nil
	for len(t.batch) > 0 {
		n := min(len(t.batch), message.MaxCandidates)
		t.send(t.batch[:n])
		t.batch = t.batch[n:]
	}
}
