package daemon

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// heard are the sounds that began and stopped, in order.
func (s *stage) heard() string {
	var list []string
	for line := range strings.SplitSeq(s.took(), "; ") {
		if strings.HasPrefix(line, "sound ") || strings.HasPrefix(line, "no sound ") {
			list = append(list, line)
		}
	}
	return strings.Join(list, ", ")
}

func (s *stage) wantHeard(want string) {
	s.t.Helper()
	synctest.Wait()
	if got := s.heard(); got != want {
		s.t.Errorf("heard %q, want %q", got, want)
	}
}

// loudStage is a device whose people hear where a call stands.
func loudStage(t *testing.T, change func(*stage)) *stage {
	s := newFamilyStage(t)
	s.inLoop(func() {
		s.loop.settings.tones = true
		if change != nil {
			change(s)
		}
	})
	return s
}

func TestTonesOfACallToTheDevice(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*stage)
		then   func(*stage)
		want   string
	}{
		"answered, and over": {nil, func(s *stage) {
			if err := s.backend.Answer(s.t.Context(), "r"); err != nil {
				s.t.Error(err)
			}
			s.wantHeard("no sound ring")
			time.Sleep(time.Minute)
			s.wantHeard("")
			s.receive(signaling.Bye{Room: theOffer("r").Room, End: cause.End{Cause: cause.Hangup, Origin: cause.Manual}})
		}, "sound over"},
		"given up by the phone": {nil, func(s *stage) {
			s.receive(signaling.Cancel{Room: theOffer("r").Room, Cause: cause.Cancelled})
		}, "no sound ring"},
		"declined": {nil, func(s *stage) {
			if err := s.backend.Reject(s.t.Context(), "r"); err != nil {
				s.t.Error(err)
			}
		}, "no sound ring"},
		"nobody is there": {nil, func(*stage) { time.Sleep(time.Minute) }, "no sound ring"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loudStage(t, tt.change)
				defer s.end()
				s.receive(theOffer("r"))
				s.wantHeard("sound ring")
				tt.then(s)
				s.wantHeard(tt.want)
				s.receive(theOffer("again"))
				s.wantHeard("sound ring")
			})
		})
	}
}

// TestTonesThatAreNotHeard: where they were turned off, where there is no speaker,
// and while an automatic answer is announced.
func TestTonesThatAreNotHeard(t *testing.T) {
	for name, change := range map[string]func(*stage){
		"turned off": func(s *stage) { s.loop.settings.tones = false },
		"no speaker": func(s *stage) { s.loop.has.speaker = false },
		"announced":  func(s *stage) { s.loop.settings.rules = &policy.Rules{Answer: policy.AnswerAuto} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loudStage(t, change)
				defer s.end()
				o := theOffer("r")
				o.Contact.Rights = []signaling.Right{signaling.RightCall, signaling.RightAuto}
				s.receive(o)
				s.wantHeard("")
			})
		})
	}
}

func TestTonesOfACallOfTheDevice(t *testing.T) {
	for name, tt := range map[string]struct {
		then func(s *stage, key signaling.RoomKey)
		want string
	}{
		"answered": {func(s *stage, key signaling.RoomKey) {
			s.receive(rungOffer(key.ID, key.Phone, "Anna"))
		}, "no sound ring back"},
		"declined": {func(s *stage, key signaling.RoomKey) {
			s.receive(signaling.RingDeclined{Room: key, Cause: cause.Rejected})
		}, "no sound ring back, sound busy"},
		"busy": {func(s *stage, key signaling.RoomKey) {
			s.receive(signaling.RingDeclined{Room: key, Cause: cause.Busy})
		}, "no sound ring back, sound busy"},
		"not answered": {func(*stage, signaling.RoomKey) { time.Sleep(time.Minute) }, "no sound ring back, sound over"},
		"given up": {func(s *stage, key signaling.RoomKey) {
			if err := s.backend.HangUp(s.t.Context(), key.ID); err != nil {
				s.t.Error(err)
			}
		}, "no sound ring back"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loudStage(t, nil)
				defer s.end()
				key := signaling.RoomKey{ID: s.place(control.CallRequest{To: []string{"Anna"}})[0], Phone: "anna"}
				s.wantHeard("") // nobody knows yet whether it rings
				s.receive(signaling.RingReached{Room: key})
				s.wantHeard("sound ring back")
				tt.then(s, key)
				s.wantHeard(tt.want)
			})
		})
	}
}
