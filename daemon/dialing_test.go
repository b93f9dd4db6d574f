package daemon

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/daemon/store"
	"callbox/media"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// family are three contacts that may be called, of whom two are in a group, and
// one who may not.
func family() []signaling.Contact {
	both := []signaling.Right{signaling.RightCall, signaling.RightBeCalled}
	return []signaling.Contact{
		{JKT: "anna", Name: "Anna", Rights: both, Groups: []string{"family"}},
		{JKT: "bert", Name: "Bert", Rights: both, Groups: []string{"family"}},
		{JKT: "cleo", Name: "Cleo", Rights: both},
		{JKT: "dora", Name: "Dora", Rights: []signaling.Right{signaling.RightCall}},
	}
}

func newFamilyStage(t *testing.T) *stage {
	s := newStage(t, func(set *settings) {
		set.rules = &policy.Rules{
			Groups:      []policy.Group{{Name: "family"}},
			LongestCall: policy.Limit{Set: true, Duration: 10 * time.Minute},
		}
	})
	s.inLoop(func() { s.contacts = family() })
	return s
}

// place calls through the API and returns the rooms, in the order of the rings.
func (s *stage) place(r control.CallRequest) (rooms []string) {
	s.t.Helper()
	started, err := s.backend.Call(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	rooms = slices.Clone(s.rung)
	if len(rooms) == 0 || started.GroupID != started.RoomID || rooms[0] != started.RoomID {
		s.t.Fatalf("started %+v, rung %v", started, rooms)
	}
	return rooms
}

// rungOffer is the answer of a phone that is rung.
func rungOffer(room, phone, name string) signaling.Offer {
	o := theOffer(room)
	o.Ring, o.Room.Phone, o.Contact = true, phone, signaling.Contact{JKT: phone, Name: name}
	return o
}

// wantSome is want for what may come in any order.
func (s *stage) wantSome(want ...string) {
	s.t.Helper()
	got := strings.Split(s.took(), "; ")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("\n got %q\nwant %q", got, want)
	}
}

// call is the running call as the API shows it.
func (s *stage) call() *control.Call {
	s.t.Helper()
	c, err := ask(s.t.Context(), s.loop, func() (*control.Call, error) { return s.loop.callStatus(), nil })
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// listen collects the names of the events, the ticks of the talk left out.
func (s *stage) listen() (names func() string) {
	sub := s.loop.events.Subscribe(control.Position{}, false)
	return func() string {
		synctest.Wait()
		var list []string
		for {
			select {
			case ev := <-sub.C:
				if ev.Name != control.EventCalling {
					list = append(list, ev.Name)
				}
				continue
			default:
			}
			return strings.Join(list, " ")
		}
	}
}

func TestTheDeviceCallsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		events := s.listen()
		room := s.place(control.CallRequest{To: []string{"Anna"}, RoomType: "video", TimeLimit: 60})[0]
		s.want("ring ROOM anna video 1m0s")
		s.receive(signaling.RingReached{Room: signaling.RoomKey{ID: room, Phone: "anna"}})
		s.receive(rungOffer(room, "anna", "Anna"))
		s.want(`accept "our SDP" 1m0s; media accepted; start 1m0s`)
		if c := s.call(); c.Direction != control.Out || c.Contact != "Anna" || c.LimitSeconds != 60 {
			t.Errorf("status %+v", c)
		}
		if err := s.backend.HangUp(t.Context(), room); err != nil {
			t.Fatal(err)
		}
		s.want("shut; bye ROOM hangupmanual; end ROOM; close")
		if got, want := events(), "joinedRoomByCaller ringing hangOnVoip startVoip hangUpVoip endVoip finishVoip"; got != want {
			t.Errorf("events = %s, want %s", got, want)
		}
		r := s.records[0]
		if r.Direction != store.Outgoing || r.Contact != "Anna" || r.Cause != cause.Hangup || r.By != store.ByDevice || len(r.Rings) != 1 || !r.Rings[0].Reached {
			t.Errorf("record = %+v", r)
		}
	})
}

func TestTheFirstOfSeveralWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		rooms := s.place(control.CallRequest{To: []string{"group:family", "Cleo", "Anna"}, Mode: control.Together})
		s.want("ring ROOM anna video 1m0s; ring ROOM bert video 1m0s; ring ROOM cleo video 1m0s")
		s.receive(signaling.RingDeclined{Room: signaling.RoomKey{ID: rooms[2], Phone: "cleo"}, Cause: cause.Rejected})
		s.receive(rungOffer(rooms[1], "bert", "Bert"))
		s.want(`accept "our SDP" 10m0s; media accepted; cancel ROOM answeredElsewhere; start 10m0s`)
		s.receive(signaling.Bye{Room: signaling.RoomKey{ID: rooms[1], Phone: "bert"}, End: cause.End{Cause: cause.Hangup, Origin: cause.Manual}})
		s.want("shut; end ROOM; close")
		r := s.records[0]
		if r.Contact != "Bert" || r.By != store.ByPhone || len(s.records) != 1 {
			t.Errorf("records = %+v", s.records)
		}
		var ends []string
		for _, ring := range r.Rings {
			ends = append(ends, ring.Contact+" "+string(ring.Cause))
		}
		if got := strings.Join(ends, ", "); got != "Anna answeredElsewhere, Bert , Cleo rejected" {
			t.Errorf("rings: %s", got)
		}
	})
}

// TestTheNextWhenMediaFails: one whose media does not connect is given up, and the
// other gets a session of its own.
func TestTheNextWhenMediaFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		s.manualStart = true
		rooms := s.place(control.CallRequest{To: []string{"Anna", "Bert"}, Mode: control.Together})
		s.receive(rungOffer(rooms[0], "anna", "Anna"))
		s.receive(rungOffer(rooms[1], "bert", "Bert"))
		s.receive(signaling.Candidates{Room: signaling.RoomKey{ID: rooms[1], Phone: "bert"}, Candidates: [][]byte{[]byte(`{"candidate":"c"}`)}})
		s.want(`ring ROOM anna video 1m0s; ring ROOM bert video 1m0s; accept "our SDP" 10m0s; media accepted`)
		old := s.emitter()
		time.Sleep(20 * time.Second) // the connect timer
		// The old session is closed in the background.
		s.wantSome("shut", "bye ROOM joinFailed", "add 1 candidates", "close", `accept "our SDP" 10m0s`, "media accepted")
		old(media.Started{At: s.clock.Now()})
		s.want("") // of the session that was given up
		s.emitter()(media.Started{At: s.clock.Now()})
		s.want("start 10m0s")
	})
}

func TestInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		s.place(control.CallRequest{To: []string{"Anna", "Bert"}, Mode: control.InTurn})
		s.want("ring ROOM anna video 1m0s")
		time.Sleep(time.Minute)
		s.want("cancel ROOM timeout; ring ROOM bert video 1m0s")
		s.receive(signaling.RingReached{Room: signaling.RoomKey{ID: s.rung[1], Phone: "bert"}})
		time.Sleep(time.Minute)
		s.want("cancel ROOM timeout; end ROOM")
		if r := s.records[0]; r.Cause != cause.Timeout || r.Rings[0].Detail != cause.Unreachable {
			t.Errorf("record = %+v", r)
		}
	})
}

// TestGlare: the phone calls while it is rung: its own call is answered at once.
func TestGlare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		s.place(control.CallRequest{To: []string{"Anna"}, RoomType: "voice"})
		s.want("ring ROOM anna voice 1m0s")
		o := theOffer("annas own")
		o.Contact = s.contacts[0]
		s.receive(o)
		s.want(`cancel ROOM answeredElsewhere; accept "our SDP" 10m0s; media accepted; start 10m0s`)
		if c := s.call(); c.RoomID != "annas own" || c.Camera {
			t.Errorf("the ring was for a voice call; status %+v", c)
		}
	})
}

func TestWhoMayNotBeCalled(t *testing.T) {
	for name, tt := range map[string]struct {
		to   []string
		want *control.Error
	}{
		"no such contact":         {[]string{"Emil"}, control.ErrNoContact},
		"an empty group":          {[]string{"group:work"}, control.ErrNoContact},
		"one without the right":   {[]string{"Dora"}, control.ErrNotAllowed},
		"one of them is unknown ": {[]string{"Anna", "Emil"}, control.ErrNoContact},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFamilyStage(t)
				defer s.end()
				if _, err := s.backend.Call(t.Context(), control.CallRequest{To: tt.to}); !errors.Is(err, tt.want) {
					t.Errorf("Call = %v, want %v", err, tt.want)
				}
				s.want("")
			})
		})
	}
	t.Run("who was revoked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newFamilyStage(t)
			defer s.end()
			s.inLoop(func() { s.contacts[0].Revoked = true })
			_, err := s.backend.Call(t.Context(), control.CallRequest{To: []string{"Anna"}})
			if !errors.Is(err, control.ErrNoContact) || !strings.Contains(err.Error(), "is revoked") {
				t.Errorf("Call = %v", err)
			}
			if err := s.backend.HangUp(t.Context(), ""); !errors.Is(err, control.ErrNoCall) || !strings.HasPrefix(err.Error(), "no call is running") {
				t.Errorf("HangUp = %v", err)
			}
		})
	})
	t.Run("while a call is running", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newFamilyStage(t)
			defer s.end()
			s.talk()
			if _, err := s.backend.Call(t.Context(), control.CallRequest{To: []string{"Bert"}}); !errors.Is(err, control.ErrBusy) {
				t.Errorf("Call = %v", err)
			}
		})
	})
	t.Run("who was revoked meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newFamilyStage(t)
			defer s.end()
			room := s.place(control.CallRequest{To: []string{"Anna"}})[0]
			s.took()
			s.inLoop(func() { s.contacts[0].Rights = []signaling.Right{signaling.RightCall} })
			s.receive(rungOffer(room, "anna", "Anna"))
			s.want("cancel ROOM forbidden; end ROOM")
			if r := s.records[0]; r.Cause != cause.Forbidden {
				t.Errorf("record = %+v", r)
			}
		})
	})
}

// TestAutoAnswerIsAnnounced: people near the device hear it before it listens.
func TestAutoAnswerIsAnnounced(t *testing.T) {
	auto := func(set *settings) {
		set.rules = &policy.Rules{Answer: policy.AnswerAuto, LongestCall: policy.Limit{Set: true, Duration: 10 * time.Minute}}
	}
	offer := func() signaling.Offer {
		o := theOffer("r")
		o.Contact.Rights = []signaling.Right{signaling.RightCall, signaling.RightAuto}
		return o
	}
	t.Run("and then answered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, auto)
			defer s.end()
			s.receive(offer())
			s.wantSome("announce", `ringing r "our SDP" 1m0s`)
			time.Sleep(1500*time.Millisecond - time.Nanosecond)
			s.want("")
			time.Sleep(time.Nanosecond)
			s.want(`accept "our SDP" 10m0s; media accepted; start 10m0s`)
		})
	})
	t.Run("and cut short by a person", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, auto)
			defer s.end()
			s.receive(offer())
			s.took()
			if err := s.backend.Answer(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			if got := s.took(); !strings.Contains(got, "announcement stopped") || !strings.Contains(got, "start 10m0s") {
				t.Error(got)
			}
		})
	})
	t.Run("or, unheard, left to a person", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, auto)
			defer s.end()
			s.inLoop(func() { s.loop.sounds = muteSounds{} })
			s.receive(offer())
			s.want(`ringing r "our SDP" 1m0s`)
			time.Sleep(30 * time.Second)
			s.want("")
		})
	})
	t.Run("never without the right", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, auto)
			defer s.end()
			s.receive(theOffer("r"))
			s.want(`ringing r "our SDP" 1m0s`)
		})
	})
}

type muteSounds struct{}

func (muteSounds) Announce(context.Context) error    { return media.ErrNoSpeaker }
func (muteSounds) Tone(context.Context, sound) error { return media.ErrNoSpeaker }
