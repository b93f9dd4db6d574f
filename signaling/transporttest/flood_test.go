package transporttest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/message"
	"callbox/signaling/mqtttest"
	"callbox/signaling/signalingtest"
)

// flooders is how many strangers there are: each with a login of its own at the
// broker, or another sender in the eyes of a maker's program.
const flooders = 200

// floodRate is how many invites they send in a second, all together.
const floodRate = 2000

// flooder is what one of them says over and over.
type flooder struct {
	text string
	say  func(text string)
}

// crowd connects the strangers.
func (s *scene) crowd() []flooder {
	s.t.Helper()
	all := make([]flooder, flooders)
	for i := range all {
		p := stranger(s)
		all[i].text = p.Invite(message.NewID())
		switch c := s.carrier.(type) {
		case *relayCarrier:
			all[i].say = func(text string) { _ = c.relay.Receive(p.Address(), text) }
		default:
			l := c.line(s.t, p, func(string) {})
			s.t.Cleanup(l.close)
			all[i].say = l.say
		}
	}
	return all
}

// flood has the crowd speak until stop is called; it returns how many messages that
// were.
func flood(crowd []flooder) (stop func() uint64) {
	const workers = 8
	var sent atomic.Uint64
	var work sync.WaitGroup
	end := make(chan struct{})
	for w := range workers {
		work.Go(func() {
			ticker := time.NewTicker(workers * time.Second / floodRate)
			defer ticker.Stop()
			for i := w; ; i = (i + workers) % len(crowd) {
				select {
				case <-ticker.C:
					crowd[i].say(crowd[i].text)
					sent.Add(1)
				case <-end:
					return
				}
			}
		})
	}
	return func() uint64 {
		close(end)
		work.Wait()
		return sent.Load()
	}
}

// TestFloodFromManySenders: strangers who flood, from many logins of a broker or
// through a maker's program, keep a contact that uses the same waiting for less than
// two seconds, and a talk knows nothing of it.
func TestFloodFromManySenders(t *testing.T) {
	broker := mqtttest.Start(t, mqtttest.Options{})
	for name, open := range map[string]opener{
		"mqtt":  func(t testing.TB, s *scene, e end) carrier { return openMQTT(t, s, e, broker, mqtttest.TCP) },
		"relay": openRelay,
	} {
		for state, talking := range map[string]bool{"idle": false, "in a talk": true} {
			t.Run(name+", "+state, func(t *testing.T) {
				s := newScene(t, open, fair)
				bert := s.phone("Bert", signaling.RightCall)
				room, rings := "", 1
				if talking {
					room, rings = s.talk(), 2
				}
				crowd, flooded := s.crowd(), time.Now()
				stop := flood(crowd)
				counted := func() uint64 { return s.Refused()["rate"] + s.Refused()["stranger"] }
				eventually(t, "the flood has begun", func() bool { return counted() > floodRate })

				began, before := time.Now(), counted()
				called := message.NewID()
				invite, nonce := bert.challenged(called)
				bert.post(bert.Offer(called, nonce, invite, signalingtest.SDP{}.String()))
				eventually(t, "it rings", func() bool { return count[signaling.Offer](s) == rings })
				took := time.Since(began)
				if talking {
					s.NeedRestart(s.anna.room(room), 1)
					s.anna.expect(room, message.TypeNeedRestart)
					s.anna.post(s.anna.Restart(room, 1, signalingtest.SDP{Ufrag: "vvvv"}.String()))
					event[signaling.Restart](s)
				}
				all := time.Since(began)
				rate := float64(counted()-before) / all.Seconds()
				sent := stop()
				t.Logf("rang after %v, all was said after %v, beside %.0f messages a second of %d", took.Round(time.Millisecond), all.Round(time.Millisecond), rate, sent)
				if all > 2*time.Second {
					t.Errorf("it rang after %v, and all was said after %v", took, all)
				}
				// All strangers together have 20 a second, and as many at once.
				if n, most := s.Refused()["stranger"], 30+uint64(20*time.Since(flooded).Seconds()); n > most {
					t.Errorf("%d messages of %d of the flood were looked at, want at most %d", n, sent, most)
				}
			})
		}
	}
}
