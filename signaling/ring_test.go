package signaling_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/signaling"
	"callbox/signaling/base64url"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

const ringLife = time.Minute

// request rings the rig's phone for a video call in the rig's room.
func (r *rig) request() signaling.RingRequest {
	return signaling.RingRequest{Phone: r.phone.JKT(), RoomID: roomID, RoomType: signaling.Video, Life: ringLife}
}

// dial connects the phone, rings it and returns the ring.
func (r *rig) dial(change ...func(*signaling.RingRequest)) *message.Message {
	r.t.Helper()
	r.Up(r.peer(r.phone))
	q := r.request()
	for _, c := range change {
		c(&q)
	}
	if err := r.Ring(q); err != nil {
		r.t.Fatal(err)
	}
	return r.expect(message.TypeRing)[0]
}

// alerts lets the phone answer the ring by itself, and returns its invite with
// the nonce that it was challenged with.
func (r *rig) alerts(ring *message.Message, changes ...signalingtest.Change) (invite, nonce string) {
	r.t.Helper()
	invite = r.phone.Answer(ring, changes...)
	r.deliver(invite)
	nonce = r.expect(message.TypeChallenge)[0].Body.(message.Challenge).Nonce
	expectEvent[signaling.RingReached](r)
	return invite, nonce
}

// answers lets its person answer.
func (r *rig) answers(ring *message.Message) signaling.Offer {
	r.t.Helper()
	invite, nonce := r.alerts(ring)
	r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
	return expectEvent[signaling.Offer](r)
}

func TestOutgoingCallFromRingToBye(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		time.Sleep(10 * time.Second) // the device has been up for a while
		r.Up(r.peer(r.phone))
		q := r.request()
		q.TimeLimit, q.Query = limit(90*time.Second), "door=1"
		if err := r.Ring(q); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ring, b, err := r.phone.ReadRing(r.wire.take()[0].text)
		if err != nil || b.RoomType != signaling.Video || b.TimeLimit != limit(90*time.Second) || b.Query != "door=1" || ring.RoomID != roomID {
			t.Fatalf("ring = %+v, %v", b, err)
		}
		time.Sleep(400 * time.Millisecond)
		invite := r.phone.Answer(ring, signalingtest.With(members{"payload": 1}))
		r.deliver(invite)
		c := r.expect(message.TypeChallenge)[0]
		challenge := c.Body.(message.Challenge)
		if c.Ref == "" || c.JWK == nil || challenge.Epoch != 1 || len(challenge.ICEServers) != 2 || challenge.RingTimeout != 59.6 {
			t.Errorf("challenge = %+v, %+v", c.Envelope, challenge)
		}
		if e := expectEvent[signaling.RingReached](r); e.Room != r.room() {
			t.Errorf("event %+v", e)
		}
		time.Sleep(20 * time.Second)
		r.expect() // the invite has stood for an ack
		r.deliver(r.phone.Offer(roomID, challenge.Nonce, invite, signalingtest.SDP{}.String()))
		o := expectEvent[signaling.Offer](r)
		if !o.Ring || o.Room != r.room() || o.Contact.Name != "Anna" || o.RoomType != signaling.Video ||
			o.TimeLimit != limit(90*time.Second) || string(o.Payload) != "1" || o.SDP == "" {
			t.Errorf("offer = %+v", o)
		}
		if frame := r.Accept(o.Room, answerSDP, o.TimeLimit); frame != nil {
			t.Error("accept has a copy for a data channel that cannot be open")
		}
		accept := r.acked(message.TypeAccept)
		if b := accept.Body.(message.Accept); b.SDP != answerSDP || b.TimeLimit != o.TimeLimit || accept.JWK != nil {
			t.Errorf("accept = %+v, %+v", accept.Envelope, b)
		}
		r.Start(o.Room, o.TimeLimit)
		r.acked(message.TypeStart)
		time.Sleep(2 * ringLife) // the ring's life does not touch the talk
		r.expect()
		r.CancelRing(o.Room, cause.Cancelled) // nor does a late cancel
		r.Bye(o.Room, cause.End{Cause: cause.Hangup, Origin: cause.Manual})
		r.acked(message.TypeBye)
		time.Sleep(time.Minute)
		r.expect()
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{})
	})
}

// TestARingIsTheGoldenOne compares the members of a ring with those that the
// phone's tests read.
func TestARingIsTheGoldenOne(t *testing.T) {
	p, err := os.ReadFile("testdata/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Messages []struct {
			Name    string
			Payload map[string]any
		}
	}
	if err := json.Unmarshal(p, &golden); err != nil {
		t.Fatal(err)
	}
	inBubble(t, func(t *testing.T, r *rig) {
		ring := r.dial(func(q *signaling.RingRequest) { q.TimeLimit, q.Query = limit(1500*time.Millisecond), "door=1" })
		payload, err := base64url.Decode(strings.Split(ring.Text, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(payload, &got); err != nil {
			t.Fatal(err)
		}
		for _, g := range golden.Messages {
			if g.Name != "ring" {
				continue
			}
			if want := slices.Sorted(maps.Keys(g.Payload)); !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
				t.Errorf("members %v, want %v", slices.Sorted(maps.Keys(got)), want)
			}
			for _, name := range []string{"v", "t", "roomType", "timeLimit", "query"} {
				if got[name] != g.Payload[name] {
					t.Errorf("%s = %v, want %v", name, got[name], g.Payload[name])
				}
			}
			return
		}
		t.Error("there is no golden ring")
	})
}

func TestARingIsDeliveredUntilAnAck(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		ring := r.dial()
		at, texts := r.sendings(10 * time.Second)
		if want := seconds(.5, 1.5, 3.5, 7.5); !slices.Equal(at, want) {
			t.Errorf("sent again after %v, want %v", at, want)
		}
		if slices.ContainsFunc(texts, func(s string) bool { return s != ring.Text }) {
			t.Error("it was not the same bytes")
		}
		r.deliver(r.phone.Ack(roomID, ring.ID))
		at, _ = r.sendings(45 * time.Second)
		if len(at) != 0 {
			t.Errorf("sent again after the ack: %v", at)
		}
		r.expectNoEvent()
		invite, nonce := r.alerts(ring) // it has taken its time
		r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		expectEvent[signaling.Offer](r)
	})
}

func TestARingThatIsNotHeardOf(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.dial()
		at, _ := r.sendings(5 * time.Minute)
		if last := at[len(at)-1]; last >= ringLife || last < ringLife-5*time.Second {
			t.Errorf("it rang until %v, want its life of %v", last, ringLife)
		}
		if e := expectEvent[signaling.Unanswered](r); e.Room != r.room() || e.Type != "ring" {
			t.Errorf("event %+v", e)
		}
		r.CancelRing(r.room(), cause.Timeout)
		r.expect()
		r.expectNoEvent()
	})
}

func TestARingThatIsHeardOfAndNotAnswered(t *testing.T) {
	for name, hear := range map[string]func(*rig, *message.Message){
		"acknowledged": func(r *rig, ring *message.Message) { r.deliver(r.phone.Ack(roomID, ring.ID)) },
		"alerting":     func(r *rig, ring *message.Message) { r.alerts(ring) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				hear(r, r.dial())
				time.Sleep(ringLife - time.Millisecond)
				r.expect()
				r.expectNoEvent()
				time.Sleep(time.Millisecond)
				if b := r.acked(message.TypeCancel).Body.(message.Cancel); b.Cause != cause.Timeout {
					t.Errorf("cancel %+v", b)
				}
				if e := expectEvent[signaling.RingDeclined](r); e.Room != r.room() || e.Cause != cause.Timeout {
					t.Errorf("event %+v", e)
				}
				time.Sleep(time.Minute)
				r.expect()
				r.expectNoEvent()
			})
		})
	}
}

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

func TestEachCopyOfTheAnswerGetsAChallenge(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		ring := r.dial()
		invite := r.phone.Answer(ring)
		r.deliver(invite, invite, r.phone.Answer(ring))
		nonces := map[string]bool{}
		for _, m := range r.expect(message.TypeChallenge, message.TypeChallenge, message.TypeChallenge) {
			nonces[m.Body.(message.Challenge).Nonce] = true
		}
		if len(nonces) != 2 {
			t.Errorf("%d nonces, want one for each invite at this moment", len(nonces))
		}
		expectEvent[signaling.RingReached](r)
	})
}

func TestTheNonceIsGoodAsLongAsItRings(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		invite, nonce := r.alerts(r.dial())
		time.Sleep(ringLife - time.Millisecond)
		r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		if o := expectEvent[signaling.Offer](r); !o.Ring {
			t.Errorf("offer = %+v", o)
		}
		time.Sleep(ringLife) // the daemon may let it wait
		r.expect(message.TypeAck)
		r.expectNoEvent()
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		r.acked(message.TypeAccept)
	})
}

func TestTheSmallerLimitHolds(t *testing.T) {
	none := signaling.Limit{}
	for name, tt := range map[string]struct {
		ring   signaling.Limit
		invite any
		want   signaling.Limit
	}{
		"none":              {none, nil, none},
		"the ring's":        {limit(time.Minute), nil, limit(time.Minute)},
		"the phone's":       {none, 30, limit(30 * time.Second)},
		"the phone's lower": {limit(time.Minute), 30, limit(30 * time.Second)},
		"the ring's lower":  {limit(time.Minute), 90, limit(time.Minute)},
		"rounded up":        {limit(time.Microsecond), nil, limit(time.Millisecond)},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				var changes []signalingtest.Change
				if tt.invite != nil {
					changes = append(changes, signalingtest.With(members{"timeLimit": tt.invite}))
				}
				invite, nonce := r.alerts(r.dial(func(q *signaling.RingRequest) { q.TimeLimit = tt.ring }), changes...)
				r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
				if o := expectEvent[signaling.Offer](r); o.TimeLimit != tt.want {
					t.Errorf("limit = %v, want %v", o.TimeLimit, tt.want)
				}
			})
		})
	}
}

func TestAVideoRingMayBeAnsweredAsVoice(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		invite, nonce := r.alerts(r.dial(), signalingtest.With(members{"roomType": "voice"}))
		r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{Voice: true}.String()))
		if o := expectEvent[signaling.Offer](r); o.RoomType != signaling.Voice || !o.Ring {
			t.Errorf("offer = %+v", o)
		}
	})
}

func TestRingDeclined(t *testing.T) {
	for name, tt := range map[string]struct {
		word string
		want cause.Cause
	}{
		"by a person":        {"rejected", cause.Rejected},
		"by nobody":          {"timeout", cause.Timeout},
		"busy":               {"busy", cause.Busy},
		"do not disturb":     {"dnd", cause.DND},
		"of a later version": {"boredom", cause.Rejected},
		"of the caller":      {"cancelled", cause.Rejected},
		"of a talk":          {"hangup", cause.Rejected},
	} {
		for when, bring := range map[string]func(*rig){
			"at once":              func(r *rig) { r.dial() },
			"while it alerts":      func(r *rig) { r.alerts(r.dial()) },
			"with the offer there": func(r *rig) { r.answers(r.dial()) },
		} {
			t.Run(name+", "+when, func(t *testing.T) {
				inBubble(t, func(t *testing.T, r *rig) {
					bring(r)
					no := r.phone.Reject(roomID, cause.Cause(tt.word))
					r.deliver(no)
					ack := r.expect(message.TypeAck)[0].Text
					if e := expectEvent[signaling.RingDeclined](r); e.Room != r.room() || e.Cause != tt.want {
						t.Errorf("event %+v, want %s", e, tt.want)
					}
					r.deliver(no)
					if r.expect(message.TypeAck)[0].Text != ack {
						t.Error("the duplicate got another ack")
					}
					r.CancelRing(r.room(), cause.Cancelled)
					r.Accept(r.room(), answerSDP, signaling.Limit{})
					r.Up(r.peer(r.phone))
					for _, m := range func() []*message.Message { time.Sleep(2 * ringLife); return r.said(r.phone) }() {
						if m.Type != message.TypeAck { // of the offer
							t.Errorf("the device said %s", m.Type)
						}
					}
					r.expectNoEvent()
				})
			})
		}
	}
}

func TestANoEndsWhatIsUnderWay(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		o := r.answers(r.dial())
		r.Candidates(o.Room, nil, true)
		r.expect(message.TypeCandidates)
		r.deliver(r.phone.Reject(roomID, cause.Rejected))
		time.Sleep(time.Minute)
		r.expect(message.TypeAck, message.TypeAck) // of the no and of the offer
		expectEvent[signaling.RingDeclined](r)
	})
}

func TestACancelOfTheRungPhoneIsANo(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(*rig) string
		want cause.Cause
	}{
		"cancel":             {func(r *rig) string { return r.phone.Cancel(roomID) }, cause.Rejected},
		"cancel of a breach": {func(r *rig) string { return r.phone.Cancel(roomID, signalingtest.With(members{"cause": "badRequest"})) }, cause.BadRequest},
		"reject without a cause": {func(r *rig) string {
			return r.phone.Reject(roomID, "", signalingtest.Without("cause"))
		}, cause.Rejected},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				r.alerts(r.dial())
				r.deliver(tt.do(r))
				r.expect(message.TypeAck)
				if e := expectEvent[signaling.RingDeclined](r); e.Cause != tt.want {
					t.Errorf("event %+v, want %s", e, tt.want)
				}
			})
		})
	}
}

func TestAHangUpOfTheRungPhoneAfterItsOffer(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		o := r.answers(r.dial())
		r.Accept(o.Room, answerSDP, signaling.Limit{})
		r.acked(message.TypeAccept)
		r.deliver(r.phone.Reject(roomID, cause.Rejected)) // too late
		r.expect(message.TypeAck)
		r.expectNoEvent()
		r.deliver(r.phone.Cancel(roomID))
		r.expect(message.TypeAck)
		if e := expectEvent[signaling.Bye](r); e.End != (cause.End{Cause: cause.Hangup, Origin: cause.Manual}) {
			t.Errorf("event %+v", e)
		}
	})
}

func TestCancelRing(t *testing.T) {
	for name, tt := range map[string]struct {
		bring func(*rig)
		jwk   bool // no offer has shown that the phone holds our key
	}{
		"before anything came": {func(r *rig) { r.dial() }, true},
		"while it alerts":      {func(r *rig) { r.alerts(r.dial()) }, true},
		"with the offer there": {func(r *rig) { r.answers(r.dial()) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				tt.bring(r)
				r.CancelRing(signaling.RoomKey{ID: roomID, Phone: "another"}, cause.Busy)
				r.CancelRing(r.room(), cause.AnsweredElsewhere)
				r.CancelRing(r.room(), cause.Busy)
				m := r.expect(message.TypeCancel)[0]
				if b := m.Body.(message.Cancel); b.Cause != cause.AnsweredElsewhere || (m.JWK != nil) != tt.jwk {
					t.Errorf("cancel %+v, jwk %v", b, m.JWK)
				}
				time.Sleep(500 * time.Millisecond)
				again := r.said(r.phone)
				if last := again[len(again)-1]; last.Text != m.Text {
					t.Errorf("the device said %v, want the cancel again", types(again))
				}
				r.deliver(r.phone.Ack(roomID, m.ID))
				if r.Accept(r.room(), answerSDP, signaling.Limit{}) != nil {
					t.Error("a cancelled room was accepted")
				}
				time.Sleep(2 * ringLife)
				r.expect()
				r.expectNoEvent()
			})
		})
	}
}

func TestCancelRingOfAPhoneThatWasNotRung(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		if err := r.Ring(r.request()); err != nil {
			t.Fatal(err)
		}
		r.CancelRing(r.room(), cause.Cancelled)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Drain(ctx); err != nil {
			t.Error(err)
		}
		r.Up(r.peer(r.phone))
		time.Sleep(time.Minute)
		r.expect() // it has nothing to be told
		r.expectNoEvent()
	})
}

func TestCancelRingLeavesOtherCallsAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.rings()
		r.CancelRing(r.room(), cause.Cancelled) // it is the phone's own call
		r.expect()
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		r.acked(message.TypeAccept)
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

func TestRingErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		bring  func(*rig)
		change func(*rig, *signaling.RingRequest)
		want   error
	}{
		"unknown contact": {nil, func(_ *rig, q *signaling.RingRequest) { q.Phone = "nobody" }, signaling.ErrUnknownPhone},
		"revoked contact": {func(r *rig) { r.book.revoke(r.phone) }, nil, signaling.ErrRevoked},
		"suspended contact": {func(r *rig) {
			secret := r.OpenPairing(signaling.PairingTerms{}).Secret
			r.deliver(r.phone.Pair(roomID+"p", secret, "Anna"))
			eve := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.from(eve, eve.Pair(roomID+"q", secret, "Eve"))
		}, nil, signaling.ErrRevoked},
		"ringing room":      {func(r *rig) { r.dial() }, nil, signaling.ErrRoomTaken},
		"room of a call":    {func(r *rig) { r.talks() }, nil, signaling.ErrRoomTaken},
		"room that ended":   {func(r *rig) { r.dial(); r.CancelRing(r.room(), cause.Cancelled) }, nil, signaling.ErrRoomTaken},
		"another's room":    {otherIsRung, nil, signaling.ErrRoomTaken},
		"no room":           {nil, func(_ *rig, q *signaling.RingRequest) { q.RoomID = "" }, message.ErrBadRequest},
		"bad room":          {nil, func(_ *rig, q *signaling.RingRequest) { q.RoomID = "a/b" }, message.ErrBadRequest},
		"no room type":      {nil, func(_ *rig, q *signaling.RingRequest) { q.RoomType = "" }, message.ErrBadRequest},
		"no life":           {nil, func(_ *rig, q *signaling.RingRequest) { q.Life = 0 }, message.ErrBadRequest},
		"negative life":     {nil, func(_ *rig, q *signaling.RingRequest) { q.Life = -1 }, message.ErrBadRequest},
		"life without end":  {nil, func(_ *rig, q *signaling.RingRequest) { q.Life = math.MaxInt64 }, message.ErrBadRequest},
		"limit of 0":        {nil, func(_ *rig, q *signaling.RingRequest) { q.TimeLimit = limit(0) }, message.ErrBadRequest},
		"limit over 2^31 s": {nil, func(_ *rig, q *signaling.RingRequest) { q.TimeLimit = limit(1<<31*time.Second + 1e9) }, message.ErrBadRequest},
		"query over 1 KiB":  {nil, func(_ *rig, q *signaling.RingRequest) { q.Query = strings.Repeat("x", message.MaxQuery+1) }, message.ErrTooLarge},
		"query not UTF-8":   {nil, func(_ *rig, q *signaling.RingRequest) { q.Query = "\xff" }, message.ErrBadRequest},
		"too many rooms": {func(r *rig) {
			for range 1024 {
				q := r.request()
				q.RoomID = message.NewID()
				if err := r.Ring(q); err != nil {
					r.t.Fatal(err)
				}
			}
		}, nil, signaling.ErrFull},
		"closed": {func(r *rig) { r.Close() }, nil, signaling.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				if tt.bring != nil {
					tt.bring(r)
				}
				synctest.Wait()
				r.wire.take()
				q := r.request()
				if tt.change != nil {
					tt.change(r, &q)
				}
				if err := r.Ring(q); !errors.Is(err, tt.want) {
					t.Errorf("Ring = %v, want %v", err, tt.want)
				}
				r.expect()
			})
		})
	}
}

// otherIsRung rings another phone in the rig's room.
func otherIsRung(r *rig) {
	other := signalingtest.NewPhone(r.t, sn, r.key.JKT())
	r.book.put(other)
	q := r.request()
	q.Phone = other.JKT()
	if err := r.Ring(q); err != nil {
		r.t.Fatal(err)
	}
}

func TestARevokedPhoneIsRungNoFurther(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.dial()
		r.book.revoke(r.phone)
		r.Revoke(r.phone.JKT())
		time.Sleep(10 * time.Second)
		r.Up(r.peer(r.phone))
		r.expect()
		r.CancelRing(r.room(), cause.Aborted)
		m := r.expect(message.TypeCancel)[0]
		r.deliver(r.phone.Ack(roomID, m.ID)) // heard although it is revoked
		time.Sleep(time.Minute)
		r.expect()
		r.expectNoEvent()
	})
}

func TestEndAndCloseStopARing(t *testing.T) {
	for name, end := range map[string]func(*rig){
		"End":   func(r *rig) { r.End(r.room()) },
		"Close": func(r *rig) { r.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				r.dial()
				begin := time.Now()
				end(r)
				if waited := time.Since(begin); waited != 0 {
					t.Errorf("it took %v", waited)
				}
				if err := r.Drain(t.Context()); err != nil {
					t.Error(err)
				}
				r.Up(r.peer(r.phone))
				time.Sleep(2 * ringLife)
				r.expect()
				r.expectNoEvent()
			})
		})
	}
}
