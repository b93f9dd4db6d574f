package daemon

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// names are the events so far.
func (s *stage) names() (names []string) {
	for _, ev := range s.loop.events.Recent(1000) {
		names = append(names, ev.Name)
	}
	return names
}

// TestTheRecordComesFirst: until the disk has the beginning of a call nobody hears or
// sees anything of it.
func TestTheRecordComesFirst(t *testing.T) {
	for name, begin := range map[string]func(s *stage){
		"a phone calls": func(s *stage) { s.receive(theOffer("r")) },
		"the device calls": func(s *stage) {
			if _, err := s.backend.Call(s.t.Context(), control.CallRequest{To: []string{"Anna"}}); err != nil {
				s.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, nil)
				defer s.end()
				s.contacts = []signaling.Contact{{JKT: "anna", Name: "Anna", Rights: []signaling.Right{"call", "beCalled"}}}
				s.disk = 700 * time.Millisecond
				began := time.Now()
				begin(s)
				time.Sleep(690 * time.Millisecond)
				s.want("")
				if names := s.names(); len(names) != 0 {
					t.Errorf("before the record there were the events %v", names)
				}
				time.Sleep(20 * time.Millisecond)
				if got := s.took(); got == "" {
					t.Error("nothing rings after the record was written")
				}
				if names := s.names(); !slices.Contains(names, control.EventJoinedRoomByCaller) {
					t.Errorf("events %v", names)
				}
				if c := s.call(); !c.Since.Equal(began) {
					t.Errorf("the call is since %v, want %v", c.Since, began)
				}
			})
		})
	}
}

// TestAStuckDiskHoldsNobodyUp: after a second it rings all the same.
func TestAStuckDiskHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.disk = time.Minute
		s.receive(theOffer("r"))
		time.Sleep(recordWait - time.Millisecond)
		s.want("")
		time.Sleep(2 * time.Millisecond)
		s.want(`ringing r "our SDP" 1m0s`)
		time.Sleep(time.Minute) // when it has answered at last, nothing begins twice
		s.want("shut; reject r timeout; end r; close")
	})
}

// TestWhatComesBeforeTheRecord waits for it, in order: a second caller is told busy, and
// the first, which gave up, leaves a call that was cancelled.
func TestWhatComesBeforeTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.disk = 500 * time.Millisecond
		s.receive(theOffer("r"))
		second := theOffer("other")
		second.Room.Phone, second.Contact.JKT, second.Contact.Name = "bert", "bert", "Bert"
		s.receive(second)
		s.receive(signaling.Cancel{Room: theOffer("r").Room, Cause: cause.Cancelled})
		time.Sleep(499 * time.Millisecond)
		s.want("")
		time.Sleep(time.Second)
		s.want("reject other busy; end other; shut; end r; close")
		if len(s.records) != 2 || s.records[0].Cause != cause.Busy || s.records[1].Cause != cause.Cancelled {
			t.Errorf("records %+v", s.records)
		}
	})
}

// TestAShutdownBeforeTheRecord: the call that was about to begin ends with the daemon.
func TestAShutdownBeforeTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		s.disk = 500 * time.Millisecond
		s.receive(theOffer("r"))
		synctest.Wait()
		s.end()
		if len(s.records) != 1 || s.records[0].Cause != cause.Aborted || s.records[0].Detail != cause.Shutdown {
			t.Errorf("records %+v", s.records)
		}
	})
}

// TestTheSessionGoesWithItsCall: until the next call nothing of the last one's media is
// held.
func TestTheSessionGoesWithItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		if err := s.backend.HangUp(context.Background(), ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		s.inLoop(func() {
			if s.loop.state.Phase != call.Idle || s.loop.cur.leg.session != nil || s.loop.cur.leg.answer != "" {
				t.Errorf("%s, and the leg is %+v", s.loop.state.Phase, s.loop.cur.leg)
			}
		})
	})
}
