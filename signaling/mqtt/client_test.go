package mqtt

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"callbox/signaling/message"
	"callbox/signaling/mqtttest"
)

// TestEveryWay carries a message in and one out over each kind of connection.
func TestEveryWay(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{})
	password := b.Login(device)
	for _, scheme := range []string{mqtttest.TCP, mqtttest.TLS, mqtttest.WS, mqtttest.WSS, mqtttest.MTLS} {
		t.Run(scheme, func(t *testing.T) {
			o := Options{Brokers: []string{b.URL(scheme)}, PasswordFile: password, CA: b.CA}
			if scheme == mqtttest.MTLS {
				o.ClientCertificate, o.ClientKey = b.Certificate, b.Key
			}
			r := newRig(t, o, nil)
			anna := phone(t)
			p := b.DialIn(t, anna, b.Login(anna))
			if code := p.Subscribe("callbox/1/" + anna + "/rx/+"); code != 1 {
				t.Fatalf("subscribe: 0x%02x", code)
			}
			r.isUp()
			if code := p.Publish("callbox/1/"+device+"/rx/"+anna, "hello", false); code != 0 {
				t.Errorf("publish: 0x%02x", code)
			}
			want := []string{"up", "from " + anna + " on callbox/1/" + device + "/rx/" + anna + ": hello"}
			eventually(t, "the message came", func() bool { return slices.Equal(r.all(), want) })
			long := strings.Repeat("x", message.MaxMessage)
			for _, text := range []string{"one", long, "three"} {
				if !r.Send(anna, text) {
					t.Error("Send is false while it is up")
				}
				if m := p.Next(); m.Text != text || m.Retained || m.Topic != "callbox/1/"+anna+"/rx/"+device {
					t.Errorf("the phone got %d bytes on %s, retained %v; want %d", len(m.Text), m.Topic, m.Retained, len(text))
				}
			}
			if s := r.Status(); s.Broker == "" || s.Problem != "" || s.Connected != 1 {
				t.Errorf("status %+v", s)
			}
		})
	}
}

// TestOrder: what is sent in a burst comes in order, without waiting for each
// acknowledgement.
func TestOrder(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{})
	r := newRig(t, Options{Brokers: []string{b.URL(mqtttest.TLS)}, PasswordFile: b.Login(device), CA: b.CA}, nil)
	anna := phone(t)
	p := b.Dial(anna, b.Login(anna))
	p.Subscribe("callbox/1/" + anna + "/rx/+")
	r.isUp()
	const n = maxQueue
	for i := range n {
		r.Send(anna, fmt.Sprint(i))
	}
	for i := range n {
		if m := p.Next(); m.Text != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, m.Text)
		}
	}
}

// TestAbsentBrokerIsNoError: it starts, says so once, tries the list in turn, and
// connects when there is one.
func TestAbsentBrokerIsNoError(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{})
	b.Kill()
	r := newRig(t, Options{Brokers: []string{"mqtt://127.0.0.1:1", b.URL(mqtttest.TCP)}, PasswordFile: b.Login(device)}, nil)
	r.problem("connection refused")
	if r.Send(phone(t), "hello") {
		t.Error("Send is true without a broker")
	}
	time.Sleep(3 * time.Second) // several attempts at each
	b.Run()
	r.isUp()
	if s := r.Status(); s.Broker != b.URL(mqtttest.TCP) {
		t.Errorf("it is connected to %q, want the second of the list", s.Broker)
	}
	for _, url := range []string{"127.0.0.1:1:", b.URL(mqtttest.TCP) + ":"} {
		if n := r.log.count("cannot reach the broker mqtt://" + strings.TrimPrefix(url, "mqtt://")); n != 1 {
			t.Errorf("the absence of %s was logged %d times, want once: %s", url, n, r.log.text.String())
		}
	}
}

func TestRefusedLogin(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{})
	password := b.Login(device)
	right, err := os.ReadFile(password)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(password, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong\n")
	r := newRig(t, Options{Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: password}, nil)
	r.problem("does not know the user \"d.door-1\" with this password")
	time.Sleep(1500 * time.Millisecond) // further attempts
	if n := r.log.count("mqtt is not connected"); n != 1 {
		t.Errorf("it was logged %d times, want once", n)
	}
	write(string(right)) // the file is read at each connect
	r.isUp()
	if n := r.log.count("mqtt connected"); n != 1 {
		t.Errorf("that it is connected was logged %d times, want once", n)
	}
}

// TestCertificates: a foreign authority is refused, and so is a clock that stands at
// 1970, until it is given a floor.
func TestCertificates(t *testing.T) {
	b, other := mqtttest.Start(t, mqtttest.Options{}), mqtttest.Start(t, mqtttest.Options{})
	password := b.Login(device)
	at := func(now time.Time) func(*Config, *timeouts) {
		return func(c *Config, _ *timeouts) { c.Now = func() time.Time { return now } }
	}
	for name, tt := range map[string]struct {
		ca, scheme, problem string
		change              func(*Config, *timeouts)
	}{
		"foreign authority":        {other.CA, mqtttest.TLS, "signed by unknown authority", nil},
		"foreign authority, wss":   {other.CA, mqtttest.WSS, "signed by unknown authority", nil},
		"the system's authorities": {"", mqtttest.TLS, "signed by unknown authority", nil},
		"1970":                     {b.CA, mqtttest.TLS, "not yet valid", at(time.Unix(100, 0))},
		"1970, wss":                {b.CA, mqtttest.WSS, "not yet valid", at(time.Unix(100, 0))},
		"a floor":                  {b.CA, mqtttest.TLS, "", at(mqtttest.NotBefore.Add(time.Hour))},
		"no certificate to show":   {b.CA, mqtttest.MTLS, "cannot reach the broker", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{Brokers: []string{b.URL(tt.scheme)}, PasswordFile: password, CA: tt.ca}, tt.change)
			if tt.problem == "" {
				r.isUp()
				return
			}
			r.problem(tt.problem)
		})
	}
}

// TestSilentACL: Mosquitto grants a subscription that its ACL forbids. The device
// finds out that nothing is delivered to it.
func TestSilentACL(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{ACL: "pattern write callbox/1/+/rx/%u\n"})
	r := newRig(t, Options{Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: b.Login(device)}, nil)
	r.problem("does not deliver to this device")
	if r.Status().Up || r.Send(phone(t), "hello") {
		t.Error("it is up although nothing is delivered")
	}
}

// TestRepairedACL: what was lost or forbidden once is tried again on the same
// connection.
func TestRepairedACL(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{ACL: "pattern write callbox/1/+/rx/%u\n"})
	r := newRig(t, Options{Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: b.Login(device)}, nil)
	r.problem("does not deliver to this device")
	b.SetACL("")
	r.isUp()
	if n := r.log.count("does not deliver"); n != 1 {
		t.Errorf("the log says %d times that nothing is delivered", n)
	}
}

// TestForbiddenPublish: PUBACK 0x87 shows; the transport stays up.
func TestForbiddenPublish(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{ACL: "pattern write callbox/1/%u/rx/%u\npattern read callbox/1/%u/rx/+\npattern readwrite callbox/1/%u/status\n"})
	r := newRig(t, Options{Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: b.Login(device)}, nil)
	r.isUp()
	anna := phone(t)
	r.Send(anna, "hello")
	r.problem("does not let this device write callbox/1/" + anna)
	if !r.Status().Up {
		t.Error("it is down")
	}
}

// TestRefusedTopics: what cannot be a message of a phone to this device goes no
// further.
func TestRefusedTopics(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{NoACL: true})
	foe := b.Dial("foe", b.Login("foe"))
	anna := phone(t)
	inbox := "callbox/1/" + device + "/rx/"
	foe.Publish(inbox+anna, "retained", true) // before the device is there
	r := newRig(t, Options{Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: b.Login(device)}, nil)
	r.isUp()
	for _, topic := range []string{inbox + "foe", inbox + "p.short", inbox + device, inbox + "d.door-2"} {
		foe.Publish(topic, "hello", false)
	}
	foe.Publish(inbox+anna, "\xff\xfe", false)
	foe.Publish(inbox+anna, "the last", false)
	eventually(t, "the last one came", func() bool { return len(r.all()) > 1 })
	if got := r.all(); len(got) != 2 || !strings.HasSuffix(got[1], ": the last") {
		t.Errorf("the device heard %q", got)
	}
	for reason, want := range map[Reason]uint64{RefusedRetained: 1, RefusedTopic: 4, RefusedShape: 1, RefusedSize: 0, RefusedPacket: 0} {
		if got := r.Refused()[string(reason)]; got != want {
			t.Errorf("refused %d for %s, want %d", got, reason, want)
		}
	}
}

// TestBrokerKilled: it is gone, and up again by itself.
func TestBrokerKilled(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{})
	r := newRig(t, Options{Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: b.Login(device)}, nil)
	r.isUp()
	b.Kill()
	eventually(t, "it is gone", func() bool { return slices.Equal(r.all(), []string{"up", "gone"}) })
	if r.Send(phone(t), "hello") {
		t.Error("Send is true without a broker")
	}
	b.Run()
	began := time.Now()
	r.isUp()
	t.Logf("up again %v after the broker", time.Since(began).Round(time.Millisecond))
	if got := r.all(); !slices.Equal(got, []string{"up", "gone", "up"}) {
		t.Errorf("the handler heard %q", got)
	}
}

// TestTakenOver: a second device with the same configuration is named, and the two
// do not throw each other out as fast as they can. TestQuarrel holds how fast they do;
// here the pauses are drawn, 8 connections on an average, and only what no luck gives
// is a failure.
func TestTakenOver(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{})
	password := b.Login(device)
	o := Options{Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: password}
	first := newRig(t, o, nil)
	first.isUp()
	second := newRig(t, o, nil)
	first.problem("is another client logged in with this device's address?")
	time.Sleep(4 * time.Second)
	n := first.Status().Connected + second.Status().Connected
	t.Logf("%d connections in 4 s", n)
	if n > 40 {
		t.Errorf("%d connections in 4 s", n)
	}
}
