package signaling_test

import (
	"testing"
	"testing/synctest"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// attachWire says that the wire may reach anybody.
func (r *rig) attachWire() { r.Attach(r.wire) }

// TestRingOverAWideTransport: a phone that no transport knows of is rung over those
// that may reach anybody.
func TestRingOverAWideTransport(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		ring := func() {
			t.Helper()
			if err := r.Ring(signaling.RingRequest{Phone: r.phone.JKT(), RoomID: roomID, RoomType: signaling.Voice, Life: time.Minute}); err != nil {
				t.Fatal(err)
			}
		}
		ring()
		r.expect() // there is no way
		if r.Reachable(r.phone.JKT()) {
			t.Error("a phone is held to be reachable that nothing reaches")
		}
		time.Sleep(20 * time.Second)
		r.expect()
		r.attachWire()
		m := r.expect(message.TypeRing)[0]
		if !r.Reachable(r.phone.JKT()) {
			t.Error("a transport may reach the phone, which is held to be out of reach")
		}
		r.attachWire() // twice is once
		r.expect()
		r.Detach(r.wire)
		time.Sleep(20 * time.Second)
		r.expect()
		r.attachWire()
		r.expect(message.TypeRing)
		answer := r.phone.Answer(m)
		r.deliver(answer)
		r.expect(message.TypeChallenge)
		expectEvent[signaling.RingReached](r)
	})
}

// TestDetachStopsTheClock: while the transport of a room is down no life is spent,
// and what waits goes at once when it is back.
func TestDetachStopsTheClock(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.attachWire()
		r.talks()
		r.Detach(r.wire)
		r.wire.set(true)
		r.Bye(r.room(), cause.End{Cause: cause.Hangup, Origin: cause.Manual})
		time.Sleep(100 * time.Second) // more than a message lives
		r.expect()
		r.expectNoEvent() // nothing has expired
		r.wire.set(false)
		r.attachWire()
		r.acked(message.TypeBye)
		time.Sleep(time.Minute)
		r.expect()
	})
}

// TestDetachGoesAnotherWay: what waits for a phone goes over a transport that reaches
// it.
func TestDetachGoesAnotherWay(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.attachWire()
		r.talks()
		other := &wire{}
		p := r.peer(r.phone)
		p.Transport = other
		r.Up(p)
		r.wire.set(true)
		r.Bye(r.room(), cause.End{Cause: cause.Hangup, Origin: cause.Manual})
		r.expect()
		r.Detach(r.wire)
		synctest.Wait()
		list := other.take()
		if len(list) != 1 {
			t.Fatalf("%d messages went the other way, want the bye", len(list))
		}
		if m, err := r.phone.Read(list[0].text); err != nil || m.Type != message.TypeBye {
			t.Errorf("%v, %v went the other way", m, err)
		}
	})
}
