package media

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

// TestASecondLeg: within one call the device tries one phone after the other. The
// leg of the first may have its devices open, or still be closing, when that of
// the second begins.
func TestASecondLeg(t *testing.T) {
	for name, first := range map[string]func(t *testing.T, e *Engine) *Session{
		"never answered": func(t *testing.T, e *Engine) *Session {
			s, err := e.NewSession(SessionConfig{Room: "r", Video: true, Emit: func(Event) {}})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		"never connected, devices open": func(t *testing.T, e *Engine) *Session {
			s, err := e.NewSession(SessionConfig{Room: "r", Video: true, Emit: func(Event) {}})
			if err != nil {
				t.Fatal(err)
			}
			s.Prepare()
			s.Accept(Limit{})
			return s
		},
		"in a talk": func(t *testing.T, e *Engine) *Session {
			l := connect(t, e, true)
			l.session.Accept(Limit{})
			l.eventually("media flows", func() bool { return l.video.Load() > 0 && l.audio.Load() > 0 })
			return l.session
		},
	} {
		for _, overlap := range []bool{false, true} {
			when := "closed"
			if overlap {
				when = "still closing"
			}
			t.Run(name+", "+when, func(t *testing.T) {
				j := &journal{}
				e := testEngine(t, func(o *EngineOptions) {
					o.Camera = &notedCamera{Camera: o.Camera, journal: j, silent: true}
					o.Sound = &notedSound{Sound: o.Sound, journal: j}
				})
				s := first(t, e)
				var closing sync.WaitGroup
				closing.Go(func() {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				})
				if !overlap {
					closing.Wait()
				}
				l := connect(t, e, true)
				l.session.Accept(Limit{})
				l.eventually("media flows on the second leg", func() bool { return l.video.Load() > 5 && l.audio.Load() > 10 })
				closing.Wait()
				l.mu.Lock()
				for _, ev := range l.events {
					switch ev := ev.(type) {
					case DeviceGone, Failed:
						t.Errorf("the second leg told %+v", ev)
					default:
					}
				}
				l.mu.Unlock()
				if err := errors.Join(l.session.Close(), e.Close()); err != nil {
					t.Error(err)
				}
				wantAlone(t, j)
			})
		}
	}
}

// wantAlone fails when a device was opened while it was open.
func wantAlone(t *testing.T, j *journal) {
	t.Helper()
	open := map[string]bool{}
	for _, line := range j.lines {
		verb, device, _ := strings.Cut(line, " ")
		if (verb == "open") == open[device] {
			t.Errorf("%s out of turn: %q", line, j.lines)
		}
		open[device] = verb == "open"
	}
}
