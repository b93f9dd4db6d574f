package signaling_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

func TestAPhoneThatConnectsWhileItIsRung(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		if r.Reachable(r.phone.JKT()) {
			t.Error("a phone that never connected is reachable")
		}
		if err := r.Ring(r.request()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * time.Second)
		r.expect()
		r.Up(r.peer(r.phone))
		if !r.Reachable(r.phone.JKT()) {
			t.Error("a connected phone is not reachable")
		}
		at, _ := r.sendings(5 * time.Minute)
		if len(at) == 0 || at[0] != 0 || at[len(at)-1] >= ringLife-31*time.Second {
			t.Errorf("sent at %v, want at once and for the rest of the ring's life", at)
		}
		expectEvent[signaling.Unanswered](r)
	})
}

// TestARingToAPhoneOutOfReachEndsInTime: the caller lets it ring so long, and no longer.
func TestARingToAPhoneOutOfReachEndsInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		if err := r.Ring(r.request()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(ringLife)
		if e := expectEvent[signaling.Unanswered](r); e.Type != "ring" {
			t.Errorf("event %+v", e)
		}
		r.Up(r.peer(r.phone))
		time.Sleep(time.Minute)
		r.expect()
	})
}

func TestAPageThatIsOpenedAnewIsRungAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		ring := r.dial()
		r.alerts(ring)
		r.Gone(r.peer(r.phone))
		if r.Reachable(r.phone.JKT()) {
			t.Error("a phone that has gone is reachable")
		}
		time.Sleep(10 * time.Second)
		r.expect()
		r.Up(r.peer(r.phone))
		if again := r.expect(message.TypeRing)[0]; again.Text != ring.Text {
			t.Error("it was not the same bytes")
		}
		invite := r.phone.Answer(ring)
		r.deliver(invite)
		c := r.expect(message.TypeChallenge)[0].Body.(message.Challenge)
		if c.RingTimeout != 50 {
			t.Errorf("ringTimeout = %v, want the 50 s that are left", c.RingTimeout)
		}
		r.expectNoEvent() // it was reached before
		r.deliver(r.phone.Offer(roomID, c.Nonce, invite, signalingtest.SDP{}.String()))
		expectEvent[signaling.Offer](r)
		r.Up(r.peer(r.phone)) // it has answered
		time.Sleep(200 * time.Millisecond)
		r.expect(message.TypeAck)
	})
}

func TestARingGoesOverAllTransports(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		second := r.peer(r.phone)
		other := &wire{}
		second.Transport = other
		r.Up(second)
		ring := r.dial()
		if got := other.take(); len(got) != 1 || got[0].text != ring.Text {
			t.Fatalf("the second transport carried %d messages, want the ring", len(got))
		}
		r.wire.set(true) // one of them fails: it goes on over the other
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if got := other.take(); len(got) != 1 {
			t.Fatalf("the second transport carried %d messages, want the ring again", len(got))
		}
		r.Gone(second)
		r.wire.set(false)
		time.Sleep(time.Second)
		r.expect(message.TypeRing)
		if got := other.take(); len(got) != 0 {
			t.Errorf("the transport that has gone carried %d messages", len(got))
		}
		r.Up(second)
		r.expect(message.TypeRing)
		if got := other.take(); len(got) != 1 {
			t.Errorf("the transport that came back carried %d messages, want the ring at once", len(got))
		}
		r.CancelRing(r.room(), cause.AnsweredElsewhere)
		synctest.Wait()
		cancel := r.expect(message.TypeCancel)[0]
		if got := other.take(); len(got) != 1 || got[0].text != cancel.Text {
			t.Errorf("the second transport carried %d messages, want the cancel", len(got))
		}
	})
}

func TestAfterTheOfferItsWayCounts(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		second := r.peer(r.phone)
		other := &wire{}
		second.Transport = other
		r.Up(second)
		o := r.answers(r.dial())
		other.take()
		r.Accept(o.Room, answerSDP, signaling.Limit{})
		r.acked(message.TypeAccept)
		if got := other.take(); len(got) != 0 {
			t.Errorf("the other transport carried %d messages, want none", len(got))
		}
	})
}

func TestACallGoesOnOverAnotherTransport(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		second := r.peer(r.phone)
		other := &wire{}
		second.Transport = other
		r.Up(r.peer(r.phone))
		r.Up(second)
		r.talks()
		r.wire.set(true)
		r.NeedRestart(r.room(), 1)
		r.Gone(r.peer(r.phone))
		synctest.Wait()
		if got := other.take(); len(got) != 1 {
			t.Errorf("the transport that is left carried %d messages, want the one that waited", len(got))
		}
	})
}

func TestTheOwnCallOfARungPhoneIsAnOrdinaryOne(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		ring := r.dial()
		r.deliver(r.phone.Ack(roomID, ring.ID))
		const own = "b3duLXJvb20tMDAwMDAwMDAx"
		invite := r.phone.Invite(own)
		r.deliver(invite)
		c := r.expect(message.TypeChallenge)[0].Body.(message.Challenge)
		if c.RingTimeout != 0 {
			t.Errorf("challenge %+v in a room that is not rung", c)
		}
		r.deliver(r.phone.Offer(own, c.Nonce, invite, signalingtest.SDP{}.String()))
		if o := expectEvent[signaling.Offer](r); o.Ring || o.Room.ID != own {
			t.Errorf("offer = %+v", o)
		}
		r.Accept(signaling.RoomKey{ID: own, Phone: r.phone.JKT()}, answerSDP, signaling.Limit{})
		r.expect(message.TypeAccept)
		r.CancelRing(r.room(), cause.AnsweredElsewhere)
		if got := types(r.said(r.phone)); !slices.Contains(got, message.TypeCancel) {
			t.Errorf("the device said %v, want a cancel of its ring", got)
		}
	})
}

func TestSeveralPhonesAreRungApart(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		first, firstRing := r.room(), r.dial()
		r.deliver(r.phone.Ack(roomID, firstRing.ID))
		rest := r.phone
		second := r.other()
		const room = "c2Vjb25kLXJvb20tMDAwMDAx"
		ring := r.dial(func(q *signaling.RingRequest) { q.RoomID = room })
		if ring.RoomID != room || ring.To != second.Address() {
			t.Fatalf("ring = %+v", ring.Envelope)
		}
		invite := second.Answer(ring)
		r.deliver(invite)
		nonce := r.expect(message.TypeChallenge)[0].Body.(message.Challenge).Nonce
		expectEvent[signaling.RingReached](r)
		r.deliver(second.Offer(room, nonce, invite, signalingtest.SDP{}.String()))
		o := expectEvent[signaling.Offer](r)
		if !o.Ring || o.Room != (signaling.RoomKey{ID: room, Phone: second.JKT()}) {
			t.Errorf("offer = %+v", o)
		}
		r.Accept(o.Room, answerSDP, signaling.Limit{})
		accept := r.expect(message.TypeAccept)[0]
		r.deliver(second.Ack(room, accept.ID))
		r.CancelRing(first, cause.AnsweredElsewhere)
		r.phone = rest
		if m := r.expect(message.TypeCancel)[0]; m.RoomID != roomID {
			t.Errorf("cancel in room %s", m.RoomID)
		}
	})
}
