package transporttest

import (
	"context"
	"sync"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// TestCalls takes every call of the table over every transport, in fair weather and
// in foul.
func TestCalls(t *testing.T) {
	var all table
	for transport, open := range transports(t) {
		for sky, w := range map[string]weather{"fair": fair, "foul": foul} {
			for name, call := range calls() {
				all.add(transport+"/"+sky+"/"+name, func(t *testing.T) {
					s := newScene(t, open, w)
					call(s)
					ctx, cancel := context.WithTimeout(context.Background(), patience)
					defer cancel()
					if err := s.Drain(ctx); err != nil {
						t.Errorf("not everything was acknowledged: %v", err)
					}
					if n := s.anna.dropped(); n > 0 {
						t.Errorf("%d messages reached the phone that no phone takes", n)
					}
				})
			}
		}
	}
	all.run(t)
}

// table are tests that mostly wait: more of them run at once than there are
// processors.
type table struct{ turns []func(t *testing.T) }

// atOnce is how many of a table run at the same time.
const atOnce = 8

func (a *table) add(name string, test func(t *testing.T)) {
	a.turns = append(a.turns, func(t *testing.T) { t.Run(name, test) })
}

func (a *table) run(t *testing.T) {
	turns := make(chan func(*testing.T))
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for turn := range turns {
				turn(t)
			}
		})
	}
	for _, turn := range a.turns {
		turns <- turn
	}
	close(turns)
	workers.Wait()
}

// calls is the table. Each ends with its room over.
func calls() map[string]func(s *scene) {
	return map[string]func(s *scene){
		"the phone calls and hangs up": func(s *scene) {
			room := s.talk()
			s.anna.post(s.anna.Bye(room))
			if bye := event[signaling.Bye](s); bye.End.Cause != cause.Hangup {
				s.t.Errorf("the call ended with %+v", bye.End)
			}
			s.settle()
			s.want(1, 1)
		},
		"the device hangs up": func(s *scene) {
			room := s.talk()
			s.Bye(s.anna.room(room), cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit})
			if b := s.anna.expect(room, message.TypeBye).Body.(message.Bye); b.Origin != cause.TimeLimit {
				s.t.Errorf("the phone was told %+v", b)
			}
			s.settle()
			s.want(1, 0)
		},
		"candidates and a restart": func(s *scene) {
			room := s.talk()
			s.anna.post(s.anna.Candidates(room, []string{hostLine, ""}))
			if c := event[signaling.Candidates](s); len(c.Candidates) != 1 || !c.End {
				s.t.Errorf("candidates %+v", c)
			}
			s.Candidates(s.anna.room(room), [][]byte{[]byte(`{"candidate":"` + hostLine + `","sdpMid":"0"}`)}, true)
			s.anna.expect(room, message.TypeCandidates)
			s.NeedRestart(s.anna.room(room), 1)
			s.anna.expect(room, message.TypeNeedRestart)
			s.anna.post(s.anna.Restart(room, 1, signalingtest.SDP{Ufrag: "vvvv"}.String()))
			r := event[signaling.Restart](s)
			s.Restarted(s.anna.room(room), r.Generation, answerSDP)
			s.anna.expect(room, message.TypeRestarted)
			s.anna.post(s.anna.Bye(room))
			event[signaling.Bye](s)
			s.settle()
			s.want(1, 1)
		},
		"data while it rings": func(s *scene) {
			room := message.NewID()
			s.anna.calls(room)
			s.Ringing(s.anna.room(room), answerSDP, time.Minute)
			nonce := s.anna.expect(room, message.TypeRinging).Body.(message.Ringing).Nonce
			s.anna.post(s.anna.Data(room, nonce, 0, ""))
			d := event[signaling.PhoneData](s)
			s.AnswerData(s.anna.room(room), d.ID, "")
			s.anna.post(s.anna.Cancel(room))
			event[signaling.Cancel](s)
			s.settle()
			s.want(1, 0)
			if n := count[signaling.PhoneData](s); n != 1 {
				s.t.Errorf("the data came %d times", n)
			}
		},
		"the device declines": func(s *scene) {
			room := message.NewID()
			s.anna.calls(room)
			s.Reject(s.anna.room(room), cause.Busy)
			if b := s.anna.expect(room, message.TypeReject).Body.(message.Reject); b.Cause != cause.Busy {
				s.t.Errorf("the phone was told %+v", b)
			}
			s.settle()
			s.want(1, 0)
		},
		"the device calls": func(s *scene) {
			room := s.ring()
			answer := s.anna.Answer(s.anna.expect(room, message.TypeRing))
			s.anna.post(answer)
			event[signaling.RingReached](s)
			nonce := s.anna.expect(room, message.TypeChallenge).Body.(message.Challenge).Nonce
			s.anna.post(s.anna.Offer(room, nonce, answer, signalingtest.SDP{}.String()))
			if o := event[signaling.Offer](s); !o.Ring {
				s.t.Error("the offer answers no ring")
			}
			s.accept(room)
			s.anna.post(s.anna.Bye(room))
			event[signaling.Bye](s)
			s.settle()
			s.want(1, 1)
		},
		"the phone declines": func(s *scene) {
			room := s.ring()
			s.anna.post(s.anna.Answer(s.anna.expect(room, message.TypeRing)))
			s.anna.expect(room, message.TypeChallenge)
			s.anna.post(s.anna.Reject(room, cause.Rejected))
			if d := event[signaling.RingDeclined](s); d.Cause != cause.Rejected {
				s.t.Errorf("declined: %+v", d)
			}
			s.settle()
			s.want(0, 0)
		},
		"the device gives up": func(s *scene) {
			room := s.ring()
			s.anna.expect(room, message.TypeRing)
			s.CancelRing(s.anna.room(room), cause.AnsweredElsewhere)
			if b := s.anna.expect(room, message.TypeCancel).Body.(message.Cancel); b.Cause != cause.AnsweredElsewhere {
				s.t.Errorf("the phone was told %+v", b)
			}
			s.settle()
			s.want(0, 0)
		},
		"a ping": func(s *scene) {
			room := message.NewID()
			s.anna.post(s.anna.Ping(room))
			s.anna.expect(room, message.TypePong)
			s.want(0, 0)
		},
	}
}

// ring rings Anna's phone.
func (s *scene) ring() (room string) {
	s.t.Helper()
	room = message.NewID()
	if err := s.Ring(signaling.RingRequest{Phone: s.anna.JKT(), RoomID: room, RoomType: signaling.Video, Life: time.Minute}); err != nil {
		s.t.Fatal(err)
	}
	return room
}

// talk brings a call of Anna's to its start.
func (s *scene) talk() (room string) {
	s.t.Helper()
	room = message.NewID()
	s.anna.calls(room)
	s.Ringing(s.anna.room(room), answerSDP, time.Minute)
	s.anna.expect(room, message.TypeRinging)
	s.accept(room)
	return room
}

func (s *scene) accept(room string) {
	s.t.Helper()
	s.Accept(s.anna.room(room), answerSDP, signaling.Limit{})
	s.anna.expect(room, message.TypeAccept)
	s.Start(s.anna.room(room), signaling.Limit{})
	s.anna.expect(room, message.TypeStart)
}

// settle lets copies that are under way arrive.
func (s *scene) settle() { time.Sleep(2 * s.net.weather.delay) }

// want wants so many offers and byes: each counts once, however often it came.
func (s *scene) want(offers, byes int) {
	s.t.Helper()
	if n := count[signaling.Offer](s); n != offers {
		s.t.Errorf("%d offers reached the daemon, want %d", n, offers)
	}
	if n := count[signaling.Bye](s); n != byes {
		s.t.Errorf("%d byes reached the daemon, want %d", n, byes)
	}
	for _, kind := range []message.Type{message.TypeAccept, message.TypeStart, message.TypeBye, message.TypeReject} {
		if n := s.anna.said(kind); n > 1 {
			s.t.Errorf("the device said %d different %ss", n, kind)
		}
	}
}

// TestTwoTransports: both are up, each copy of a message comes over both; it counts
// once, and answers go the way that the phone spoke last.
func TestTwoTransports(t *testing.T) {
	all := transports(t)
	for _, pair := range [][2]string{{"direct", "mqtt"}, {"mqtt", "relay"}, {"relay", "direct"}} {
		t.Run(pair[0]+" and "+pair[1], func(t *testing.T) {
			t.Parallel()
			s := newScene(t, func(t testing.TB, s *scene, e end) carrier {
				return &both{first: all[pair[0]](t, s, e), second: all[pair[1]](t, s, e)}
			}, fair)
			room := s.talk()
			s.anna.post(s.anna.Bye(room))
			event[signaling.Bye](s)
			time.Sleep(200 * time.Millisecond) // for the second copies
			s.want(1, 1)

			l := s.anna.line.(*bothLine)
			for i, name := range pair {
				l.speaks(i + 1)
				l.forget()
				s.anna.post(s.anna.Ping(message.NewID()))
				eventually(t, "the pong came over "+name, func() bool { return l.arrived()[i] == 1 })
				if l.arrived()[1-i] != 0 {
					t.Errorf("an answer to what came over %s went the other way", name)
				}
			}
		})
	}
}

// TestARepetitionMovesNoCall: whoever has carried a call's messages brings them again,
// over another transport. The call stays where its phone is, until that itself speaks
// elsewhere.
func TestARepetitionMovesNoCall(t *testing.T) {
	all := transports(t)
	for _, pair := range [][2]string{
		{"direct", "mqtt"}, {"direct", "relay"}, {"mqtt", "direct"}, {"mqtt", "relay"}, {"relay", "direct"}, {"relay", "mqtt"},
	} {
		t.Run("from "+pair[0]+" to "+pair[1], func(t *testing.T) {
			t.Parallel()
			s := newScene(t, func(t testing.TB, s *scene, e end) carrier {
				return &both{first: all[pair[0]](t, s, e), second: all[pair[1]](t, s, e)}
			}, fair)
			l := s.anna.line.(*bothLine)
			l.speaks(2)
			s.anna.post(s.anna.Ping("elsewhere"))
			s.anna.expect("elsewhere", message.TypePong)
			other := s.net.recorded()[0].peer
			l.speaks(1)
			room := s.talk()
			s.anna.post(s.anna.Ping(room))
			s.anna.expect(room, message.TypePong)
			s.anna.post(s.anna.Restart(room, 1, signalingtest.SDP{Ufrag: "tttt"}.String()))
			s.Restarted(s.anna.room(room), event[signaling.Restart](s).Generation, answerSDP)
			s.anna.expect(room, message.TypeRestarted)
			recorded := s.net.recorded()
			early := s.anna.Restart(room, 2, signalingtest.SDP{Ufrag: "wwww"}.String())
			s.anna.line.say(early)
			eventually(t, "a restart too soon after another was refused", func() bool { return s.Refused()["restart"] == 1 })
			l.keepsBack(2)             // whoever does this lets nothing through, by which the phone could bring it back
			s.net.inject(other, early) // it is not remembered, and still too soon
			for _, one := range recorded {
				s.clock.forward(200 * time.Millisecond) // the budget is not what is tested
				s.net.inject(other, one.text)
			}
			s.settles() // duplicates are answered where they come from

			l.forget()
			s.NeedRestart(s.anna.room(room), 3)
			eventually(t, "it was said", func() bool { return l.arrived() != [2]int{} })
			s.settles()
			if came := l.arrived(); came[0] == 0 || came[1] != 0 {
				t.Fatalf("%d copies came over %s and %d over %s", came[0], pair[0], came[1], pair[1])
			}

			l.keepsBack(0)
			l.speaks(2)
			s.clock.forward(10 * time.Second)
			before := count[signaling.Restart](s)
			s.anna.post(s.anna.Restart(room, 3, signalingtest.SDP{Ufrag: "vvvv"}.String()))
			eventually(t, "the phone restarts", func() bool { return count[signaling.Restart](s) == before+1 })
			l.forget()
			s.Restarted(s.anna.room(room), 3, answerSDP)
			eventually(t, "it was said", func() bool { return l.arrived() != [2]int{} })
			s.settles()
			if came := l.arrived(); came[0] != 0 || came[1] == 0 {
				t.Errorf("the phone speaks over %s now, and %d copies came over %s, %d over %s", pair[1], came[0], pair[0], came[1], pair[1])
			}
		})
	}
}

// both is two carriers that one phone uses at once.
type both struct{ first, second carrier }

type bothLine struct {
	lines [2]line
	mu    sync.Mutex
	only  int // 1, 2: what is said goes there alone
	deaf  int // 1, 2: what comes there is counted and not heard
	came  [2]int
}

func (b *both) line(t testing.TB, p *signalingtest.Phone, hear func(text string)) line {
	l := &bothLine{}
	heard := func(i int) func(string) {
		return func(text string) {
			l.mu.Lock()
			l.came[i]++
			deaf := l.deaf == i+1
			l.mu.Unlock()
			if !deaf {
				hear(text)
			}
		}
	}
	l.lines = [2]line{b.first.line(t, p, heard(0)), b.second.line(t, p, heard(1))}
	return l
}

// speaks has what is said go over one line alone, 1 or 2.
func (l *bothLine) speaks(only int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.only = only
}

// keepsBack has what arrives over one line not be heard; 0: none.
func (l *bothLine) keepsBack(line int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deaf = line
}

// forget counts what arrives anew.
func (l *bothLine) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came = [2]int{}
}

// arrived is how much came over each line.
func (l *bothLine) arrived() [2]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.came
}

func (l *bothLine) say(text string) {
	l.mu.Lock()
	only := l.only
	l.mu.Unlock()
	for i, one := range l.lines {
		if only == 0 || only == i+1 {
			one.say(text)
		}
	}
}

func (l *bothLine) close() {
	for _, one := range l.lines {
		one.close()
	}
}
