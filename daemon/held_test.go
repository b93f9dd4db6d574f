package daemon

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/media"
	"callbox/signaling"
)

// The tests of this file hold what no other test would miss.

// block stops the loop for some time, as a machine does that has no time for it.
func (s *stage) block(d time.Duration) {
	free := make(chan struct{})
	s.loop.box.put(request(func() { <-free }))
	time.Sleep(d)
	close(free)
}

// TestTheEndOfACallForgetsData: nobody waits for an answer that cannot come, and none
// is given to a call that is over.
func TestTheEndOfACallForgetsData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		program := s.loop.events.Subscribe(control.Position{}, true)
		defer program.Close()
		s.receive(signaling.PhoneData{Room: theOffer("r").Room, ID: "k", Payload: []byte("1")})
		sent := make(chan control.DataResult)
		go func() {
			r, err := s.backend.SendData(t.Context(), control.DataRequest{ID: "mine", Payload: []byte("2")})
			if err != nil {
				t.Error(err)
			}
			sent <- r
		}()
		synctest.Wait()
		began := time.Now()
		if err := s.backend.HangUp(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		if r := <-sent; r.Error != signaling.ErrorTimeout || time.Since(began) != 0 {
			t.Errorf("the program that sent got %+v %v after the end", r, time.Since(began))
		}
		if err := s.backend.AnswerData(t.Context(), control.DataAnswer{ID: "k"}); !errors.Is(err, control.ErrNoData) {
			t.Errorf("an answer after the end: %v", err)
		}
		s.took()
		time.Sleep(2 * handlerTimeout)
		s.want("")
	})
}

// TestARevokedRoomStaysClosed, even to a phone that is paired again at once.
func TestARevokedRoomStaysClosed(t *testing.T) {
	h := newHouse(t)
	h.anna.rings()
	h.revoke("Anna")
	h.anna.expect("reject aborted")
	h.anna.pair(h.window(signaling.RightCall), "Anna")
	h.anna.expect("paired")
	before := h.refused()[string(signaling.RefusedRevoked)]
	h.anna.say(h.anna.Cancel(theRoom))
	h.eventually("the old room is refused", func() bool { return h.refused()[string(signaling.RefusedRevoked)] == before+1 })
}

// TestOnlyPhonesThatShowedItAreReached in the record.
func TestOnlyPhonesThatShowedItAreReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		rooms := s.place(control.CallRequest{To: []string{"Anna", "Bert", "Cleo"}, Mode: control.Together})
		s.receive(signaling.RingReached{Room: signaling.RoomKey{ID: rooms[1], Phone: "bert"}})
		s.receive(rungOffer(rooms[2], "cleo", "Cleo"))
		synctest.Wait()
		if err := s.backend.HangUp(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		s.took()
		var got []string
		for _, r := range s.records[0].Rings {
			got = append(got, fmt.Sprint(r.Contact, " ", r.Reached))
		}
		if want := "Anna false, Bert true, Cleo true"; strings.Join(got, ", ") != want {
			t.Errorf("reached: %s, want %s", strings.Join(got, ", "), want)
		}
	})
}

// TestALateLoopChargesNothing: media stops at the deadline, whenever the loop gets to
// hear of it.
func TestALateLoopChargesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		time.Sleep(10*time.Minute - time.Second)
		s.block(42 * time.Second)
		s.took()
		if r := s.records[0]; r.TalkSeconds != 600 {
			t.Errorf("the record says %v s of talk, want 600", r.TalkSeconds)
		}
		if used := s.used(); used != 600 {
			t.Errorf("the contact has used %v s, want 600", used)
		}
	})
}

// TestTicksAreOnWholeSeconds of the talk, after a late one, too.
func TestTicksAreOnWholeSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		began := time.Now()
		sub := s.loop.events.Subscribe(control.Position{}, false)
		var ticks []string
		read := make(chan struct{})
		go func() {
			defer close(read)
			for ev := range sub.C {
				if ev.Name == control.EventCalling {
					ticks = append(ticks, fmt.Sprint(time.Since(began), string(ev.Data)))
				}
			}
		}()
		time.Sleep(1900 * time.Millisecond)
		s.block(400 * time.Millisecond)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		sub.Close()
		<-read
		want := []string{`1s{"keepTime":1}`, `2.3s{"keepTime":2}`, `3s{"keepTime":3}`, `4s{"keepTime":4}`}
		if !reflect.DeepEqual(ticks, want) {
			t.Errorf("ticks %q, want %q", ticks, want)
		}
	})
}

// TestDoNotDisturbEndsByTheWallClock: one that is put back meanwhile makes it longer.
func TestDoNotDisturbEndsByTheWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		var offset atomic.Int64 // of the wall clock, in nanoseconds
		s.inLoop(func() { s.loop.wall = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) } })
		if _, err := s.backend.SetDND(t.Context(), control.DND{On: true, Until: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		events := s.listen()
		on := func(after time.Duration, want bool) {
			t.Helper()
			synctest.Wait()
			if d, err := s.backend.DND(t.Context()); err != nil || d.On != want {
				t.Errorf("after %v: %+v, %v; want %v", after, d, err, want)
			}
			s.inLoop(func() {
				if s.loop.dnd.On != want {
					t.Errorf("after %v the switch is %v, want %v", after, s.loop.dnd.On, want)
				}
			})
		}
		time.Sleep(30 * time.Minute)
		offset.Store(int64(-time.Hour))
		time.Sleep(31 * time.Minute)
		on(61*time.Minute, true)
		if got := events(); got != "" {
			t.Errorf("events %s before its end", got)
		}
		time.Sleep(58 * time.Minute)
		on(119*time.Minute, true)
		time.Sleep(2 * time.Minute)
		on(121*time.Minute, false)
		if got := events(); got != control.EventDND {
			t.Errorf("events = %s, want %s", got, control.EventDND)
		}
	})
}

// slowSession takes its time to close, as a sound card does.
type slowSession struct{ fakeSession }

const slowClose = 3 * time.Second

func (s slowSession) Close() error {
	time.Sleep(slowClose)
	return s.fakeSession.Close()
}

// TestTheAnnouncementWaitsForTheLastCall: two of them cannot have the speaker.
func TestTheAnnouncementWaitsForTheLastCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(set *settings) {
			set.rules = &policy.Rules{Answer: policy.AnswerAuto, LongestCall: policy.Limit{Set: true, Duration: 10 * time.Minute}}
		})
		defer s.end()
		s.inLoop(func() {
			open := s.loop.open
			s.loop.open = func(cfg media.SessionConfig) (mediaSession, error) {
				_, err := open(cfg)
				return slowSession{fakeSession{s}}, err
			}
		})
		s.talk()
		if err := s.backend.HangUp(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		s.took()
		o := theOffer("next")
		o.Contact.Rights = append(o.Contact.Rights, signaling.RightAuto)
		s.receive(o)
		time.Sleep(slowClose - time.Millisecond)
		s.want("")
		time.Sleep(time.Millisecond)
		s.wantSome("close", "announce", `ringing next "our SDP" 1m0s`)
	})
}

// TestInfoOnceASecond: what changes faster is told when a second has passed.
func TestInfoOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		time.Sleep(time.Hour) // since the boot
		s.talk()
		began := time.Now()
		s.emitter()(media.DataOpen{})
		synctest.Wait()
		var last time.Time
		var infos []string
		look := func() {
			for one := range strings.SplitSeq(s.took(), "; ") {
				if !strings.Contains(one, `"t":"info"`) {
					continue
				}
				if !last.IsZero() && time.Since(last) < infoPause {
					t.Errorf("an info %v after the last one", time.Since(last))
				}
				last = time.Now()
				mic := strings.Contains(one, `"mic":true`)
				infos = append(infos, fmt.Sprint(time.Since(began), " ", mic))
			}
		}
		look()
		on := true
		for range 40 { // 4 s
			on = !on
			if err := s.backend.SetMicrophone(t.Context(), on); err != nil {
				t.Fatal(err)
			}
			look()
			time.Sleep(100 * time.Millisecond)
		}
		if err := s.backend.SetMicrophone(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			look()
			time.Sleep(100 * time.Millisecond)
		}
		if len(infos) < 3 || len(infos) > 7 || !strings.HasSuffix(infos[len(infos)-1], "false") {
			t.Errorf("infos %q; want about one a second, and the last word to be false", infos)
		}
	})
}

// TestAReloadLeavesWhatNeedsARestart, and takes the rest.
func TestAReloadLeavesWhatNeedsARestart(t *testing.T) {
	d := runDaemon(t)
	before, err := ask(t.Context(), d.loop, func() (settings, error) { return d.loop.settings, nil })
	if err != nil {
		t.Fatal(err)
	}
	next := *d.cfg
	next.Device.Name, next.Media.Preconnect, next.Call.RingTimeout = "Back door", media.PreconnectOff, 7*time.Second
	if before.deviceName == next.Device.Name || before.preconnect == next.Media.Preconnect || before.ring == next.Call.RingTimeout {
		t.Fatalf("nothing changes: %+v", before)
	}
	d.reload = func() (*config.Config, error) { return &next, nil }
	if _, err := (&backend{loop: d.loop, parts: d.parts}).Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := ask(t.Context(), d.loop, func() (settings, error) { return d.loop.settings, nil })
	if err != nil || after.deviceName != before.deviceName || after.preconnect != before.preconnect || after.ring != 7*time.Second {
		t.Errorf("after the reload: %+v, %v", after, err)
	}
}

// TestPeopleInABugReport: as much as was configured, of rung phones, too.
func TestPeopleInABugReport(t *testing.T) {
	whole := control.Record{
		RoomID: "r", Contact: "Anna", Phone: "jkt-a",
		Rings: []control.RingRecord{{RoomID: "r", Contact: "Anna", Phone: "jkt-a", Reached: true}, {RoomID: "s", Contact: "Bert", Phone: "jkt-b"}},
	}
	for people, want := range map[config.People]control.Record{
		config.PeopleFull: whole,
		config.PeopleThumbprint: {RoomID: "r", Phone: "jkt-a", Rings: []control.RingRecord{
			{RoomID: "r", Phone: "jkt-a", Reached: true}, {RoomID: "s", Phone: "jkt-b"},
		}},
		config.PeopleNone: {RoomID: "r", Rings: []control.RingRecord{{RoomID: "r", Reached: true}, {RoomID: "s"}}},
	} {
		if got := stripped(whole, people); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", people, got, want)
		}
	}
	if whole.Rings[0].Contact != "Anna" {
		t.Error("the record itself was changed")
	}
}
