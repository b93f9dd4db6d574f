package daemon

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/control"
	"callbox/media"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// own is a call of a contact's own.
func (s *stage) own(room string, who int) signaling.Offer {
	o := theOffer(room)
	o.Contact = s.contacts[who]
	o.Room.Phone = o.Contact.JKT
	return o
}

// TestGlareInTurn: a phone that calls before its turn has answered; what it sends
// afterwards, in whatever room, breaks nothing.
func TestGlareInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		s.place(control.CallRequest{To: []string{"Anna", "Bert"}, Mode: control.InTurn})
		s.want("ring ROOM anna video 1m0s")
		for _, room := range []string{"berts", "berts second", "berts third"} {
			s.receive(s.own(room, 1))
		}
		synctest.Wait()
		if c := s.call(); c.RoomID != "berts" || c.State != "talking" {
			t.Errorf("the call is %+v; %s", c, s.took())
		}
		if err := s.backend.HangUp(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if r := s.records[len(s.records)-1]; r.Contact != "Bert" || r.Cause != cause.Hangup {
			t.Errorf("record = %+v", r)
		}
	})
}

// TestGlareWithBoth: two rung phones call by themselves; the second gets the call
// when the first one's media does not connect.
func TestGlareWithBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		s.manualStart = true
		s.place(control.CallRequest{To: []string{"Anna", "Bert"}, Mode: control.Together})
		s.receive(s.own("annas", 0))
		s.receive(s.own("annas again", 0))
		s.receive(s.own("berts", 1))
		s.receive(s.own("cleos", 2)) // nobody rang her: busy
		s.took()
		time.Sleep(20 * time.Second)
		s.took()
		if c := s.call(); c.RoomID != "berts" || c.Contact != "Bert" {
			t.Errorf("the call is %+v", c)
		}
	})
}

// TestAStoppedTimerSkipsNobody: the ring's own time on the wire and the loop's timer
// run out at the same moment.
func TestAStoppedTimerSkipsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		began := time.Now()
		s.place(control.CallRequest{To: []string{"Anna", "Bert", "Cleo"}, Mode: control.InTurn})
		for i, phone := range []string{"anna", "bert", "cleo"} {
			room := signaling.RoomKey{ID: s.rung[i], Phone: phone}
			s.receive(signaling.RingReached{Room: room})
			synctest.Wait()
			time.Sleep(time.Minute - time.Nanosecond)
			// Both are in the mailbox before the loop looks.
			s.loop.box.put(request(func() { time.Sleep(2 * time.Nanosecond) }))
			s.receive(signaling.RingDeclined{Room: room, Cause: cause.Timeout})
			time.Sleep(3 * time.Nanosecond)
			synctest.Wait()
		}
		if len(s.rung) != 3 || len(s.records) != 1 {
			t.Fatalf("rung %d phones, %d records", len(s.rung), len(s.records))
		}
		if took := time.Since(began); s.records[0].RingSeconds < 179.9 || took < 3*time.Minute {
			t.Errorf("rang for %v s in %v", s.records[0].RingSeconds, took)
		}
	})
}

// TestLimitsOfSeveralPhones: each phone has its own, whoever was tried before.
func TestLimitsOfSeveralPhones(t *testing.T) {
	for name, tt := range map[string]struct {
		first, second float64 // MaxSeconds
		want          string
	}{
		"the second's":    {0, 60, `accept "our SDP" 1m0s`},
		"not the first's": {60, 0, `accept "our SDP" 10m0s`},
		"the smaller one": {600, 45, `accept "our SDP" 45s`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFamilyStage(t)
				defer s.end()
				s.manualStart = true
				s.inLoop(func() { s.contacts[0].MaxSeconds, s.contacts[1].MaxSeconds = tt.first, tt.second })
				rooms := s.place(control.CallRequest{To: []string{"Anna", "Bert"}, Mode: control.Together})
				s.receive(rungOffer(rooms[0], "anna", "Anna"))
				s.receive(rungOffer(rooms[1], "bert", "Bert"))
				s.took()
				time.Sleep(20 * time.Second)
				s.wantSome("shut", "bye ROOM joinFailed", "close", tt.want, "media accepted")
			})
		})
	}
}

// TestNoTalkOfADroppedLeg: media that starts when its phone was given up was never
// talked.
func TestNoTalkOfADroppedLeg(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		s.manualStart = true
		rooms := s.place(control.CallRequest{To: []string{"Anna", "Bert"}, Mode: control.Together})
		s.receive(rungOffer(rooms[0], "anna", "Anna"))
		synctest.Wait()
		late := s.emitter()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		late(media.Started{At: s.clock.Now()})
		time.Sleep(41 * time.Second)
		synctest.Wait()
		if r := s.records; len(r) != 1 || r[0].TalkSeconds != 0 || r[0].Cause != cause.JoinFailed {
			t.Errorf("records = %+v", r)
		}
	})
}

// TestAskedTooLate: what a client was told is not done is not done later.
func TestAskedTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		s.loop.box.put(request(func() { time.Sleep(10 * time.Second) })) // the loop is stuck
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := s.backend.Call(ctx, control.CallRequest{To: []string{"Anna"}}); !errors.Is(err, control.ErrStuck) {
			t.Errorf("Call = %v", err)
		}
		time.Sleep(20 * time.Second)
		s.want("")
	})
}
