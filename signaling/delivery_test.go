package signaling_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// sendings waits for d and returns when the wire was used, since start.
func (r *rig) sendings(d time.Duration) (at []time.Duration, texts []string) {
	r.t.Helper()
	start := time.Now()
	time.Sleep(d)
	synctest.Wait()
	for _, s := range r.wire.take() {
		at, texts = append(at, s.at.Sub(start)), append(texts, s.text)
	}
	return at, texts
}

func seconds(s ...float64) []time.Duration {
	var list []time.Duration
	for _, x := range s {
		list = append(list, time.Duration(x*float64(time.Second)))
	}
	return list
}

func TestResendsTheSameBytesUntilTheirLifeEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.offered()
		r.Ringing(r.room(), "", time.Minute)
		at, texts := r.sendings(time.Minute)
		if want := seconds(0, .5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5); !slices.Equal(at, want) {
			t.Errorf("sent at %v, want %v", at, want)
		}
		if slices.ContainsFunc(texts, func(s string) bool { return s != texts[0] }) {
			t.Error("it was not the same bytes")
		}
		if e := expectEvent[signaling.Unanswered](r); e.Room != r.room() || e.Type != "ringing" {
			t.Errorf("event %+v", e)
		}
	})
}

func TestAnAckStopsResending(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.offered()
		r.Ringing(r.room(), "", time.Minute)
		m := r.expect(message.TypeRinging)[0]
		r.deliver(r.phone.Ack(roomID, message.NewID())) // of something else
		time.Sleep(600 * time.Millisecond)
		r.expect(message.TypeRinging)
		r.deliver(r.phone.Ack(roomID, m.ID))
		time.Sleep(time.Minute)
		r.expect()
		r.expectNoEvent()
	})
}

func TestAnAnswerStandsForAnAck(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		r.NeedRestart(r.room(), 1)
		m := r.expect(message.TypeNeedRestart)[0]
		r.deliver(r.phone.Restart(roomID, 1, signalingtest.SDP{Ufrag: "next"}.String(), signalingtest.With(members{"ref": m.ID})))
		expectEvent[signaling.Restart](r)
		r.Restarted(r.room(), 1, answerSDP)
		r.acked(message.TypeRestarted)
		time.Sleep(time.Minute)
		r.expect()
	})
}

func TestAForeignAckStopsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.offered()
		r.Ringing(r.room(), "", time.Minute)
		m := r.expect(message.TypeRinging)[0]
		other := signalingtest.NewPhone(t, sn, r.key.JKT())
		r.book.put(other, signaling.RightCall)
		r.from(other, other.Ack(roomID, m.ID))
		time.Sleep(time.Second / 2)
		r.expect(message.TypeRinging)
	})
}

func TestDuplicatesGetTheSameBytes(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		offer := r.offered()
		r.deliver(offer) // the daemon has not answered yet
		r.expect()
		time.Sleep(150 * time.Millisecond)
		ack := r.expect(message.TypeAck)[0].Text
		r.deliver(offer)
		if got := r.expect(message.TypeAck)[0].Text; got != ack {
			t.Error("the second ack is another")
		}
		r.Ringing(r.room(), answerSDP, time.Minute)
		ringing := r.acked(message.TypeRinging).Text
		r.deliver(offer, offer)
		for _, m := range r.expect(message.TypeRinging, message.TypeRinging) {
			if m.Text != ringing {
				t.Error("a duplicate got another ringing")
			}
		}
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{})
	})
}

func TestALaterMessageReplacesWhatItMakesPointless(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.offered()
		r.Ringing(r.room(), answerSDP, time.Minute)
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		r.expect(message.TypeRinging, message.TypeAccept)
		time.Sleep(500 * time.Millisecond)
		r.expect(message.TypeAccept)
		r.Bye(r.room(), cause.End{Cause: cause.Aborted, Detail: cause.Shutdown})
		r.acked(message.TypeBye)
		time.Sleep(time.Minute)
		r.expect()
	})
}

func TestTimeWithoutATransportDoesNotCount(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.offered()
		r.Ringing(r.room(), answerSDP, 10*time.Minute)
		r.expect(message.TypeRinging)
		r.wire.set(true)
		r.Gone(r.peer(r.phone))
		time.Sleep(5 * time.Minute)
		r.expect()
		r.expectNoEvent()
		r.wire.set(false)
		r.Up(r.peer(r.phone))
		at, _ := r.sendings(time.Minute)
		if len(at) < 8 || at[0] != 0 || at[len(at)-1] < 25*time.Second {
			t.Errorf("sent at %v: want at once, and for the rest of 30 s", at)
		}
		expectEvent[signaling.Unanswered](r)
	})
}

func TestATransportThatComesBackUnnoticed(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.offered()
		r.wire.set(true)
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		time.Sleep(5 * time.Minute)
		r.wire.set(false)
		time.Sleep(4 * time.Second)
		if got := types(r.said(r.phone)); len(got) == 0 || got[0] != message.TypeAccept {
			t.Errorf("the device said %v, want accept", got)
		}
	})
}

func TestTheWayOfTheAnswerIsTheWayOfTheQuestion(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		other := &wire{}
		p := r.peer(r.phone)
		p.Transport = other
		r.Receive(p, r.phone.Candidates(roomID, []string{""}))
		r.expect()
		synctest.Wait()
		if n := len(other.take()); n != 1 {
			t.Errorf("%d messages went the new way, want the ack", n)
		}
	})
}

func TestDrain(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("nothing is under way, and yet: %v", err)
		}
		r.Bye(r.room(), cause.End{Cause: cause.Aborted, Detail: cause.Shutdown})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain = %v although the bye is not acknowledged", err)
		}
		bye := r.said(r.phone)[0]
		done := make(chan error)
		go func() { done <- r.Drain(t.Context()) }()
		synctest.Wait()
		r.deliver(r.phone.Ack(roomID, bye.ID))
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestNothingAfterClose(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		offer := r.offered()
		r.Ringing(r.room(), answerSDP, time.Minute)
		r.said(r.phone)
		r.Close()
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		r.deliver(offer, r.phone.Cancel(roomID), r.phone.Invite(roomID+"2"))
		r.OpenPairing(signaling.PairingTerms{})
		time.Sleep(time.Minute)
		r.expect()
		r.expectNoEvent()
	})
}

// TestEmitMayCallTheDevice answers from within Emit, which would deadlock or
// disorder a device that emits with its mutex held.
func TestEmitMayCallTheDevice(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.Close()
		var d *signaling.Device
		r.emit = func(e signaling.Event) {
			if o, ok := e.(signaling.Offer); ok {
				d.Reject(o.Room, cause.DND)
			}
		}
		d = r.start(2)
		r.Device = d
		invite, nonce := r.challenged()
		r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		r.acked(message.TypeReject)
	})
}
