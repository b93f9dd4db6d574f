package transporttest

import (
	"context"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/message"
	"callbox/signaling/mqtttest"
	"callbox/signaling/signalingtest"
)

// maxCalls is how many calls a device of the benchmark has: it remembers those that
// have ended.
const maxCalls = 500

// BenchmarkInviteToAccept is the time from the invite to the accept: two round trips
// and six signatures, with the device's answer at once.
func BenchmarkInviteToAccept(b *testing.B) {
	broker := mqtttest.Start(b, mqtttest.Options{})
	over := func(scheme string) opener {
		return func(t testing.TB, s *scene, e end) carrier { return openMQTT(t, s, e, broker, scheme) }
	}
	for _, tt := range []struct {
		name string
		open opener
	}{
		{"direct", openDirect}, {"relay", openRelay}, {"mqtt", over(mqtttest.TCP)}, {"mqtts", over(mqtttest.TLS)},
		{"ws", over(mqtttest.WS)}, {"wss", over(mqtttest.WSS)},
	} {
		b.Run(tt.name, func(b *testing.B) {
			var s *scene
			heard := make(chan *message.Message, 16)
			var l line
			for i := range b.N {
				if i%maxCalls == 0 {
					b.StopTimer()
					if l != nil {
						l.close()
					}
					s = newScene(b, tt.open, fair)
					s.anna.hangUp()
					s.offered = func(o signaling.Offer) { s.Accept(o.Room, answerSDP, signaling.Limit{}) }
					l = s.carrier.line(b, s.anna.Phone, func(text string) {
						if m, err := s.anna.Read(text); err == nil {
							heard <- m
						}
					})
					b.StartTimer()
				}
				s.clock.forward(time.Second) // budgets are not what is measured
				room := message.NewID()
				invite := s.anna.Invite(room)
				l.say(invite)
				nonce := next(heard, message.TypeChallenge).Body.(message.Challenge).Nonce
				l.say(s.anna.Offer(room, nonce, invite, signalingtest.SDP{}.String()))
				accept := next(heard, message.TypeAccept)
				b.StopTimer()
				l.say(s.anna.Ack(room, accept.ID))
				s.End(s.anna.room(room))
				b.StartTimer()
			}
			b.StopTimer()
			l.close()
		})
	}
}

func next(heard <-chan *message.Message, want message.Type) *message.Message {
	for m := range heard {
		if m.Type == want {
			return m
		}
	}
	return nil
}

// BenchmarkReconnect is the time from the return of a broker to a transport that is
// up again: full jitter of up to a second, and the connection. A broker that went and
// came back several times in a minute is waited for longer.
func BenchmarkReconnect(b *testing.B) {
	broker := mqtttest.Start(b, mqtttest.Options{})
	var longest time.Duration
	for range b.N {
		b.StopTimer()
		s := newScene(b, func(t testing.TB, s *scene, e end) carrier { return openMQTT(t, s, e, broker, mqtttest.TLS) }, fair)
		client := s.carrier.(*mqttCarrier).client
		broker.Kill()
		eventually(b, "it is down", func() bool { return !client.Status().Up })
		broker.Run()
		b.StartTimer()
		began := time.Now()
		eventually(b, "it is up", func() bool { return client.Status().Up })
		longest = max(longest, time.Since(began))
		b.StopTimer()
		s.anna.hangUp()
		_ = client.Close(context.Background())
	}
	b.ReportMetric(float64(longest.Milliseconds()), "longest-ms")
}
