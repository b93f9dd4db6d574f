package daemon

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/hal"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// aDay gives the stage's contact so much talk a day.
func (s *stage) aDay(d time.Duration) {
	c := theOffer("").Contact
	c.DaySeconds = d.Seconds()
	s.inLoop(func() { s.contacts = []signaling.Contact{c} })
}

func (s *stage) used() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.budgets[budgetKey("anna")].UsedSeconds
}

// callFor is a call of Anna that lasts so long and is hung up then.
func (s *stage) callFor(room string, d time.Duration) {
	s.t.Helper()
	s.receive(theOffer(room))
	synctest.Wait()
	if err := s.backend.Answer(s.t.Context(), ""); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(d)
	if err := s.backend.HangUp(s.t.Context(), ""); err != nil {
		s.t.Fatal(err)
	}
	s.took()
}

func TestMinutesADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.aDay(3 * time.Minute)
		s.callFor("one", 100*time.Second)
		if used := s.used(); used != 100 {
			t.Errorf("used %v s, want 100", used)
		}
		s.receive(theOffer("two"))
		synctest.Wait()
		if err := s.backend.Answer(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		s.want(`ringing two "our SDP" 1m0s; accept "our SDP" 1m20s; media accepted; start 1m20s`)
		time.Sleep(80 * time.Second)
		if got := s.took(); got != "tone; tone; shut; bye two hanguptimeLimit; end two; close" {
			t.Error(got)
		}
		s.receive(theOffer("three"))
		s.want("reject three forbidden; end three")
		time.Sleep(24 * time.Hour)
		s.receive(theOffer("four"))
		s.want(`ringing four "our SDP" 1m0s`)
	})
}

// TestACrashGivesNothingBack: what is on the disk while a call runs is always at
// least what was talked, and at most a checkpoint more.
func TestACrashGivesNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.aDay(time.Hour)
		s.receive(theOffer("r"))
		synctest.Wait()
		if err := s.backend.Answer(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		for range 130 {
			time.Sleep(700 * time.Millisecond)
			synctest.Wait()
			talked := time.Since(began).Seconds()
			if used := s.used(); used < talked || used > talked+checkpoint.Seconds() {
				t.Fatalf("after %.1f s the disk says %.1f", talked, used)
			}
			s.mu.Lock()
			last := s.updates[len(s.updates)-1].TalkSeconds
			s.mu.Unlock()
			if last < talked-checkpoint.Seconds() || last > talked {
				t.Fatalf("after %.1f s the record says %.1f", talked, last)
			}
		}
		if err := s.backend.HangUp(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if used, talked := s.used(), time.Since(began).Seconds(); used != talked {
			t.Errorf("after the call the disk says %v s, want %v", used, talked)
		}
	})
}

// TestAClockThatLies: setting the wall clock gives no time back, and a talk's
// length is not the wall clock's.
func TestAClockThatLies(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forward a day": 24 * time.Hour, "back a month": -30 * 24 * time.Hour} {
		for _, trusted := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStage(t, nil)
					defer s.end()
					var offset atomic.Int64 // of the wall clock, in nanoseconds
					s.inLoop(func() {
						s.loop.wall = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
						s.loop.trusted = func() bool { return trusted }
					})
					s.aDay(2 * time.Minute)
					s.callFor("one", 90*time.Second)
					offset.Store(int64(jump))
					s.receive(theOffer("two"))
					synctest.Wait()
					if err := s.backend.Answer(t.Context(), ""); err != nil {
						t.Fatal(err)
					}
					s.want(`ringing two "our SDP" 1m0s; accept "our SDP" 30s; media accepted; start 30s`)
					offset.Store(-int64(jump))
					time.Sleep(30 * time.Second)
					s.took()
					if r := s.records[1]; r.TalkSeconds != 30 || r.Origin != cause.TimeLimit {
						t.Errorf("record = %+v", r)
					}
				})
			})
		}
	}
}

// TestAgeing: while the clock is not trusted, running time on the disk is what
// lets an allowance come anew.
func TestAgeing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.inLoop(func() { s.loop.trusted = func() bool { return false } })
		s.aDay(time.Minute)
		s.callFor("one", 60*time.Second-time.Millisecond)
		time.Sleep(12 * time.Hour)
		synctest.Wait()
		s.mu.Lock()
		window := s.budgets[budgetKey("anna")].WindowSeconds
		s.mu.Unlock()
		if window < 12*3600-ageing.Seconds() {
			t.Errorf("after 12 h the disk knows of %v s", window)
		}
	})
}

func TestDoNotDisturb(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		events := s.listen()
		if _, err := s.backend.SetDND(t.Context(), control.DND{On: true, Until: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		s.took()
		s.receive(theOffer("one"))
		s.want("reject one dnd; end one")
		time.Sleep(time.Hour)
		synctest.Wait()
		if d, err := s.backend.DND(t.Context()); err != nil || d.On {
			t.Errorf("after its end: %+v, %v", d, err)
		}
		s.took()
		s.receive(theOffer("two"))
		s.want(`ringing two "our SDP" 1m0s`)
		if got, want := events(), "dnd refused dnd joinedRoomByCaller ringing"; got != want {
			t.Errorf("events = %s, want %s", got, want)
		}
		if _, err := s.backend.SetDND(t.Context(), control.DND{On: true, Until: time.Now().Add(-time.Hour)}); !errors.Is(err, control.ErrBadRequest) {
			t.Errorf("an end in the past: %v", err)
		}
	})
}

func TestDataToThePhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		if _, err := s.backend.SendData(t.Context(), control.DataRequest{ID: "x", Payload: []byte("1")}); !errors.Is(err, control.ErrNoCall) {
			t.Errorf("without a call: %v", err)
		}
		s.talk()
		for word, answer := range map[string]bool{"": true, "noHandler": true, "timeout": false} {
			got := make(chan control.DataResult)
			go func() {
				r, err := s.backend.SendData(t.Context(), control.DataRequest{ID: "mine", Payload: []byte(`{"lamp":1}`)})
				if err != nil {
					t.Error(err)
				}
				got <- r
			}()
			synctest.Wait()
			if answer {
				s.receive(signaling.DataAnswered{Room: theOffer("r").Room, ID: s.sentID, Error: word})
			}
			if r := <-got; r.ID != "mine" || r.Error != word {
				t.Errorf("result %+v, want %q", r, word)
			}
		}
	})
}

func TestButtons(t *testing.T) {
	for name, tt := range map[string]struct {
		before func(s *stage)
		press  hal.Press
		want   string
		event  string
	}{
		"answer": {func(s *stage) { s.receive(theOffer("r")) }, hal.Press{Button: "door", Action: hal.ActionAnswer},
			`accept "our SDP" 10m0s; media accepted; start 10m0s`, `{"name":"door","action":"answer","done":true}`},
		"answer when nothing rings": {func(*stage) {}, hal.Press{Button: "door", Action: hal.ActionAnswer},
			"", `{"name":"door","action":"answer","done":false,"reason":"the call is not ringing"}`},
		"hang up": {func(s *stage) { s.talk() }, hal.Press{Button: "door", Action: hal.ActionHangup},
			"shut; bye r hangupmanual; end r; close", `{"name":"door","action":"hangup","done":true}`},
		"toggle ringing": {func(s *stage) { s.receive(theOffer("r")) }, hal.Press{Button: "b", Action: hal.ActionToggle},
			`accept "our SDP" 10m0s; media accepted; start 10m0s`, `{"name":"b","action":"toggle","done":true}`},
		"toggle talking": {func(s *stage) { s.talk() }, hal.Press{Button: "b", Action: hal.ActionToggle},
			"shut; bye r hangupmanual; end r; close", `{"name":"b","action":"toggle","done":true}`},
		"call a contact": {func(*stage) {}, hal.Press{Button: "b", Action: hal.ActionCall, Call: "Cleo"},
			"ring ROOM cleo video 1m0s", `{"name":"b","action":"call","done":true}`},
		"call a group": {func(*stage) {}, hal.Press{Button: "b", Action: hal.ActionCall, Call: "family"},
			"ring ROOM anna video 1m0s; ring ROOM bert video 1m0s", `{"name":"b","action":"call","done":true}`},
		"call nobody": {func(*stage) {}, hal.Press{Button: "b", Action: hal.ActionCall, Call: "Emil"},
			"", `{"name":"b","action":"call","done":false,"reason":"there is no contact \"Emil\""}`},
		"only an event": {func(*stage) {}, hal.Press{Button: "b", Action: hal.ActionEvent}, "", `{"name":"b","action":"event","done":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFamilyStage(t)
				defer s.end()
				tt.before(s)
				s.took()
				sub := s.loop.events.Subscribe(control.Position{}, false)
				defer sub.Close()
				s.loop.box.put(request(func() { s.loop.press(tt.press) }))
				s.want(tt.want)
				for ev := range sub.C {
					if ev.Name == control.EventButton {
						if string(ev.Data) != tt.event {
							t.Errorf("event %s, want %s", ev.Data, tt.event)
						}
						return
					}
				}
			})
		})
	}
}

// TestRulesOfATalkStay: a reload never disturbs the call that is running.
func TestRulesOfATalkStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		s.loop.box.put(request(func() {
			s.loop.settings.rules = &policy.Rules{LongestCall: policy.Limit{Set: true, Duration: time.Second}}
			s.loop.settings.reconnect = time.Second
		}))
		time.Sleep(10*time.Minute - time.Millisecond)
		if got := s.took(); got != "tone; tone" {
			t.Errorf("got %s", got)
		}
	})
}
