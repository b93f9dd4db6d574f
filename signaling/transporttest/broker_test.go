package transporttest

import (
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/mqtttest"
	"callbox/signaling/signalingtest"
)

// TestBrokerKilledInACall: the talk knows nothing of it, and what is said meanwhile
// arrives when the broker is back.
func TestBrokerKilledInACall(t *testing.T) {
	broker := mqtttest.Start(t, mqtttest.Options{})
	s := newScene(t, func(t testing.TB, s *scene, e end) carrier { return openMQTT(t, s, e, broker, mqtttest.TLS) }, fair)
	client := s.carrier.(*mqttCarrier).client
	room := s.talk()
	broker.Kill()
	eventually(t, "the device has noticed", func() bool { return !client.Status().Up })
	s.NeedRestart(s.anna.room(room), 1) // nobody can hear it
	s.clock.forward(10 * time.Minute)   // time in which the transport is down does not count
	time.Sleep(time.Second)
	if n := count[signaling.Bye](s) + count[signaling.Unanswered](s); n != 0 {
		t.Fatalf("%d ends of the call without the broker", n)
	}
	broker.Run()
	began := time.Now()
	eventually(t, "the device is there again", func() bool { return client.Status().Up })
	t.Logf("the device was back after %v", time.Since(began).Round(time.Millisecond))
	s.anna.reconnect()
	s.anna.expect(room, message.TypeNeedRestart)
	s.anna.post(s.anna.Restart(room, 1, signalingtest.SDP{Ufrag: "vvvv"}.String()))
	r := event[signaling.Restart](s)
	s.Restarted(s.anna.room(room), r.Generation, answerSDP)
	s.anna.expect(room, message.TypeRestarted)
	s.Bye(s.anna.room(room), cause.End{Cause: cause.Hangup, Origin: cause.Manual})
	s.anna.expect(room, message.TypeBye)
	s.want(1, 0)
}

// TestRungWhileTheBrokerIsAway: a ring waits for the broker, like everything else.
func TestRungWhileTheBrokerIsAway(t *testing.T) {
	broker := mqtttest.Start(t, mqtttest.Options{})
	s := newScene(t, func(t testing.TB, s *scene, e end) carrier { return openMQTT(t, s, e, broker, mqtttest.TCP) }, fair)
	client := s.carrier.(*mqttCarrier).client
	broker.Kill()
	eventually(t, "the device has noticed", func() bool { return !client.Status().Up })
	room := s.ring()
	broker.Run()
	s.anna.reconnect()
	s.anna.expect(room, message.TypeRing)
}

// TestForeignPublisher: at a broker without an ACL anybody may write to the device,
// in anybody's name. Signatures refuse it, and the contact gets through.
func TestForeignPublisher(t *testing.T) {
	broker := mqtttest.Start(t, mqtttest.Options{NoACL: true})
	s := newScene(t, func(t testing.TB, s *scene, e end) carrier { return openMQTT(t, s, e, broker, mqtttest.TCP) }, fair)
	foe := broker.Dial("foe", broker.Login("foe"))
	foe.Subscribe("#") // it reads everything
	s.anna.challenged(message.NewID())
	topic := foe.Next().Topic
	for topic != mqtttest.Prefix+"/d."+s.sn+"/rx/"+s.anna.Address() {
		topic = foe.Next().Topic
	}
	own := signalingtest.NewPhone(t, s.sn, s.key.JKT())
	for _, text := range []string{
		s.anna.Invite(message.NewID(), signalingtest.SignedBy(own.Key)), // Anna's name, its own key
		own.Invite(message.NewID()),                                     // its own name, on Anna's topic
	} {
		foe.Publish(topic, text, false)
	}
	foe.Publish(mqtttest.Prefix+"/d."+s.sn+"/rx/"+own.Address(), own.Invite(message.NewID()), false)
	for _, reason := range []signaling.Reason{signaling.RefusedSignature, signaling.RefusedSender, signaling.RefusedStranger} {
		eventually(t, "it was refused for "+string(reason), func() bool { return s.Refused()[string(reason)] == 1 })
	}
	if n := count[signaling.Offer](s); n != 0 {
		t.Errorf("it rang %d times", n)
	}
	s.talk()
}
