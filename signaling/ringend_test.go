package signaling_test

import (
	"context"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

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
