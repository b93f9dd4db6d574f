package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/media"
	"callbox/signaling"
	"callbox/signaling/cause"
)

func TestAWholeCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		names, ticks := []string{}, 0
		sub := s.loop.events.Subscribe(control.Position{}, false)
		read := make(chan struct{})
		go func() {
			defer close(read)
			for ev := range sub.C {
				if ev.Name == control.EventCalling {
					if ticks++; string(ev.Data) != fmt.Sprintf(`{"keepTime":%d}`, ticks) {
						t.Errorf("second %d: %s", ticks, ev.Data)
					}
					continue
				}
				names = append(names, ev.Name)
			}
		}()
		s.receive(theOffer("r"))
		s.want(`ringing r "our SDP" 1m0s`)
		if err := s.backend.Answer(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		s.want(`accept "our SDP" 10m0s; media accepted; start 10m0s`)
		time.Sleep(10*time.Minute - 30*time.Second - time.Millisecond)
		s.want("")
		time.Sleep(time.Millisecond)
		s.want("tone")
		time.Sleep(20 * time.Second)
		s.want("tone")
		time.Sleep(10*time.Second - time.Millisecond)
		s.want("")
		time.Sleep(time.Millisecond)
		s.want("shut; bye r hanguptimeLimit; end r; close")
		sub.Close()
		<-read
		if got, want := strings.Join(names, " "), "joinedRoomByCaller ringing hangOnVoip startVoip limitWarning limitWarning hangUpVoip endVoip finishVoip"; got != want {
			t.Errorf("events = %s, want %s", got, want)
		}
		if ticks != 599 && ticks != 600 { // the last second and the limit come at once
			t.Errorf("%d seconds were counted, want 599 or 600", ticks)
		}
		r := s.records[0]
		if len(s.records) != 1 || r.Cause != cause.Hangup || r.Origin != cause.TimeLimit || r.TalkSeconds != 600 {
			t.Errorf("records = %+v", s.records)
		}
	})
}

// TestBothLocksEndItOnce: the session's own lock reports, and the timer of the loop comes
// late: one end, not two.
func TestBothLocksEndItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		time.Sleep(10*time.Minute - time.Millisecond)
		s.emit(media.DeadlineReached{At: s.clock.Now()})
		time.Sleep(time.Second)
		s.want("tone; tone; shut; bye r hanguptimeLimit; end r; close")
		if len(s.records) != 1 {
			t.Errorf("%d records", len(s.records))
		}
	})
}

func TestTimeouts(t *testing.T) {
	for name, tt := range map[string]struct {
		until func(s *stage)
		after time.Duration
		want  string
		cause cause.Cause
	}{
		"nobody answers": {func(*stage) {}, time.Minute, "shut; reject r timeout; end r; close", cause.Timeout},
		"media stays lost": {func(s *stage) {
			if err := s.backend.Answer(s.t.Context(), ""); err != nil {
				s.t.Error(err)
			}
			s.took()
			s.emit(media.Lost{})
			s.want("needRestart 1")
		}, 30 * time.Second, "shut; bye r abortedmediaLost; end r; close", cause.Aborted},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, nil)
				defer s.end()
				s.receive(theOffer("r"))
				s.took()
				tt.until(s)
				time.Sleep(tt.after - time.Millisecond)
				s.want("")
				time.Sleep(2 * time.Millisecond)
				s.want(tt.want)
				if s.records[0].Cause != tt.cause {
					t.Errorf("record = %+v", s.records[0])
				}
			})
		})
	}
}

// TestARestartThatFails: the next one is not shut out, and is asked for while media are
// lost; while they flow the phone is left alone.
func TestARestartThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		restart := func(generation int) {
			s.receive(signaling.Restart{Room: signaling.RoomKey{ID: "r", Phone: "anna"}, Generation: generation, SDP: "new"})
		}
		s.restartErr = errors.New("no way")
		restart(1)
		s.want("restart 1 failed")
		s.emit(media.Lost{})
		s.want("needRestart 2")
		restart(2)
		s.want("restart 2 failed; needRestart 3")
		s.restartErr = nil
		restart(3)
		s.want(`restarted 3 "restarted SDP"`)
	})
}

// TestMediaThatHangs: an SDP answer that never comes does not hold the loop up.
func TestMediaThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.answer = func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }
		s.receive(theOffer("r"))
		s.want("")
		if _, err := ask(t.Context(), s.loop, func() (bool, error) { return true, nil }); err != nil {
			t.Fatalf("the loop is stuck: %v", err)
		}
		time.Sleep(answerTimeout)
		s.want("shut; reject r joinFailed; end r; close")
	})
}

func TestBadOfferIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.answer = func(context.Context) (string, error) { return "", fmt.Errorf("x: %w", media.ErrBadOffer) }
		s.receive(theOffer("r"))
		s.want("shut; reject r badRequest; end r; close")
	})
}

func TestBusyForASecondCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		second := theOffer("other")
		second.Room.Phone, second.Contact.Name = "bert", "Bert"
		s.receive(second)
		s.want("reject other busy; end other")
		if len(s.records) != 1 || s.records[0].Cause != cause.Busy || s.records[0].Contact != "Bert" || s.loop.refused["busy"] != 1 {
			t.Errorf("records = %+v, refused = %v", s.records, s.loop.refused)
		}
		s.receive(theOffer("r")) // the same room again
		s.want("")
	})
}

func TestForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		o := theOffer("r")
		o.Contact.Rights = []signaling.Right{signaling.RightBeCalled}
		s.receive(o)
		s.want("reject r forbidden; end r")
		if s.loop.refused["forbidden"] != 1 {
			t.Errorf("refused = %v", s.loop.refused)
		}
	})
}

func TestWithoutPreconnectTheAnswerWaitsForAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(c *settings) { c.preconnect = media.PreconnectOff })
		defer s.end()
		s.receive(theOffer("r"))
		s.want(`ringing r "" 1m0s`)
		if err := s.backend.Answer(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		s.want(`accept "our SDP" 10m0s; media accepted; start 10m0s`)
	})
}

func TestPreconnectMediaPrepares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(c *settings) { c.preconnect = media.PreconnectMedia })
		defer s.end()
		s.receive(theOffer("r"))
		s.want(`prepare; ringing r "our SDP" 1m0s`)
	})
}

// TestCandidatesWaitForTheirSDP: ours for the answer, theirs for the session.
func TestCandidatesWaitForTheirSDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(c *settings) { c.preconnect = media.PreconnectOff })
		defer s.end()
		s.receive(theOffer("r"))
		s.receive(signaling.Candidates{Room: theOffer("r").Room, Candidates: [][]byte{[]byte(`{"candidate":"a"}`), []byte(`nonsense`)}})
		s.want(`ringing r "" 1m0s`)
		release := make(chan struct{})
		s.answer = func(context.Context) (string, error) { <-release; return "our SDP", nil }
		if err := s.backend.Answer(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.emit(media.LocalCandidates{Candidates: make([]media.Candidate, 3)})
		s.want("")
		close(release)
		s.want(`add 1 candidates; accept "our SDP" 10m0s; 3 candidates false; media accepted; start 10m0s`)
		s.emit(media.LocalCandidates{End: true})
		s.want("0 candidates true")
	})
}

func TestShutdownInATalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		s.talk()
		s.emit(media.DataOpen{})
		s.took()
		s.end()
		s.want("shut; bye r abortedshutdown; frame bye frame; end r; close")
		if r := s.records[0]; r.Cause != cause.Aborted || r.Detail != cause.Shutdown {
			t.Errorf("record = %+v", r)
		}
	})
}

func TestAnOldSessionIsNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		old := s.emit
		if err := s.backend.HangUp(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		s.took()
		s.receive(theOffer("next"))
		s.took()
		old(media.Failed{Err: errors.New("late")})
		old(media.DeadlineReached{})
		s.want("")
		if s.loop.state.Phase != call.Ringing {
			t.Errorf("the next call is %s", s.loop.state.Phase)
		}
	})
}

func TestRequestsThatDoNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		ctx := t.Context()
		for name, err := range map[string]error{
			"answer": s.backend.Answer(ctx, ""), "reject": s.backend.Reject(ctx, ""), "hangup": s.backend.HangUp(ctx, ""),
			"mute": s.backend.SetMicrophone(ctx, false),
		} {
			if !errors.Is(err, control.ErrNoCall) {
				t.Errorf("%s without a call = %v", name, err)
			}
		}
		s.talk()
		if err := s.backend.Answer(ctx, ""); !errors.Is(err, control.ErrNotRinging) {
			t.Errorf("answer in a talk = %v", err)
		}
		if err := s.backend.HangUp(ctx, "another room"); !errors.Is(err, control.ErrNoCall) {
			t.Errorf("hangup of another room = %v", err)
		}
		if err := s.backend.SetMicrophone(ctx, false); err != nil {
			t.Error(err)
		}
		s.want("microphone false")
	})
}

func TestAStuckLoopIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		release := make(chan struct{})
		s.loop.box.put(request(func() { <-release }))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.backend.HangUp(ctx, ""); !errors.Is(err, control.ErrStuck) {
			t.Errorf("HangUp of a stuck loop = %v", err)
		}
		close(release)
	})
}

// TestUnlock: the door opens only with the right, and only when somebody listens.
func TestUnlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		knock := signaling.PhoneData{Room: theOffer("r").Room, ID: "k", Right: signaling.RightUnlock, Payload: []byte(`{"door":1}`)}
		door := s.loop.events.Subscribe(control.Position{}, true)
		s.receive(knock)
		s.want(`answer data k "forbidden"`)
		if err := s.backend.HangUp(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		o := theOffer("with right")
		o.Contact.Rights = append(o.Contact.Rights, signaling.RightUnlock)
		s.inLoop(func() { s.contacts = []signaling.Contact{o.Contact} })
		s.receive(o)
		synctest.Wait()
		knock.Room = o.Room
		s.took()
		s.receive(knock)
		s.want("") // it waits for the program that opens the door
		if err := s.backend.AnswerData(t.Context(), control.DataAnswer{ID: "k"}); err != nil {
			t.Error(err)
		}
		s.want(`answer data k ""`)
		if err := s.backend.AnswerData(t.Context(), control.DataAnswer{ID: "k"}); !errors.Is(err, control.ErrNoData) {
			t.Errorf("answered twice: %v", err)
		}
		knock.ID = "slow"
		s.receive(knock)
		time.Sleep(handlerTimeout - time.Millisecond)
		s.want("")
		time.Sleep(2 * time.Millisecond)
		s.want(`answer data slow "noHandler"`)
		door.Close()
		var names []string
		for ev := range door.C {
			names = append(names, ev.Name)
			if ev.Name == control.EventUnlock && !strings.Contains(string(ev.Data), `"payload":{"door":1}`) {
				t.Errorf("unlock carries %s", ev.Data)
			}
		}
		if n := len(slices.DeleteFunc(names, func(n string) bool { return n != control.EventUnlock })); n != 2 {
			t.Errorf("the door was to be opened %d times, want 2", n)
		}
		s.receive(knock)
		s.want(`answer data slow "noHandler"`)
	})
}
