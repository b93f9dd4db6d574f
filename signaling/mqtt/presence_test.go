package mqtt

import (
	"encoding/json"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"callbox/signaling/jws"
	"callbox/signaling/key"
	"callbox/signaling/mqtttest"
)

const statusTopic = "callbox/1/" + device + "/status"

// presence waits for a presence of the device in this state.
func presence(t *testing.T, r *rig, watcher *mqtttest.Client, want State) (text string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		m := watcher.Next()
		p, err := ParsePresence(m.Text, device, r.key.JKT())
		if err != nil {
			continue // a will, or a foreign one
		}
		if p.Epoch != 7 || p.Nonce == "" || len(p.Versions) != 1 || p.Versions[0] != 1 {
			t.Errorf("presence %+v", p)
		}
		if p.State == want {
			return m.Text
		}
	}
	t.Fatalf("the presence never was %s", want)
	return ""
}

func isWill(text string) bool {
	var w struct {
		State State  `json:"state"`
		Epoch uint64 `json:"epoch"`
	}
	return json.Unmarshal([]byte(text), &w) == nil && w.State == Offline && w.Epoch == 7
}

func TestPresence(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{})
	anna := phone(t)
	w := b.Dial(anna, b.Login(anna, device))
	w.Subscribe(statusTopic)
	r := newRig(t, Options{Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: b.Login(device)}, nil)
	presence(t, r, w, Idle)
	r.SetState(Busy)
	presence(t, r, w, Busy)
	r.SetState(DND)
	presence(t, r, w, DND)

	late := b.Dial("p.late", b.Login("p.late", device))
	late.Subscribe(statusTopic)
	if m := late.Next(); !m.Retained {
		t.Error("the presence is not retained")
	} else if p, err := ParsePresence(m.Text, device, r.key.JKT()); err != nil || p.State != DND {
		t.Errorf("the retained presence is %+v, %v", p, err)
	}

	r.end()
	if m := w.Next(); !isWill(m.Text) {
		t.Errorf("after the end the presence is %q", m.Text)
	}
}

// TestWill: a connection that breaks leaves the will, and the next one the truth.
func TestWill(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{})
	anna := phone(t)
	w := b.Dial(anna, b.Login(anna, device))
	w.Subscribe(statusTopic)
	r := newRig(t, Options{Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: b.Login(device)}, nil)
	presence(t, r, w, Idle)
	r.isUp()
	_ = r.current().conn.Close()
	for !isWill(w.Next().Text) {
	}
	presence(t, r, w, Idle)
}

// TestPresenceIsRenewed: its nonce is never old.
func TestPresenceIsRenewed(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{})
	anna := phone(t)
	w := b.Dial(anna, b.Login(anna, device))
	w.Subscribe(statusTopic)
	var made atomic.Int32
	r := newRig(t, Options{Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: b.Login(device)}, func(c *Config, times *timeouts) {
		times.renew = 50 * time.Millisecond
		c.Nonce = func() string { return strconv.Itoa(int(made.Add(1))) }
	})
	for last := 0; last < 4; {
		p, err := ParsePresence(presence(t, r, w, Idle), device, r.key.JKT())
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(p.Nonce)
		if err != nil || n <= last {
			t.Fatalf("after nonce %d comes %q", last, p.Nonce)
		}
		last = n
	}
}

// TestForeignPresence: whoever writes on the status topic of a broker without an ACL
// is contradicted, at a bounded rate.
func TestForeignPresence(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{NoACL: true})
	w := b.Dial("watcher", b.Login("watcher"))
	w.Subscribe(statusTopic)
	r := newRig(t, Options{Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: b.Login(device)}, nil)
	first := presence(t, r, w, Idle)
	r.SetState(Busy)
	presence(t, r, w, Busy)
	for name, text := range map[string]string{"nothing": "", "words": "idle", "an older one": first, "a will": `{"state":"offline","epoch":99}`} {
		t.Run(name, func(t *testing.T) {
			w.Publish(statusTopic, text, true)
			presence(t, r, w, Busy)
		})
	}
	const foreign = 50
	began := time.Now()
	for range foreign {
		w.Publish(statusTopic, "again", true)
	}
	// The last of them is answered, too: the truth comes after it. However long the
	// broker takes, there are not more answers than pauses.
	answers, heard := 0, 0
	eventually(t, "the last foreign presence was answered", func() bool {
		m := w.Next()
		if m.Text == "again" {
			heard++
		} else if _, err := ParsePresence(m.Text, device, r.key.JKT()); err == nil {
			answers++
			return heard == foreign
		}
		return false
	})
	if most := 3 + int(time.Since(began)/r.time.reassert); answers > most {
		t.Errorf("%d foreign presences were answered %d times, want at most %d", foreign, answers, most)
	}
	late := b.Dial("late", b.Login("late"))
	late.Subscribe(statusTopic)
	if p, err := ParsePresence(late.Next().Text, device, r.key.JKT()); err != nil || p.State != Busy {
		t.Errorf("the last word is %+v, %v", p, err)
	}
}

func TestForgedPresence(t *testing.T) {
	k, other := newKey(t), newKey(t)
	right := Presence{From: device, State: Idle, Epoch: 1, Nonce: "n"}
	sign := func(k *key.Private, p Presence) string {
		text, err := SignPresence(k, p)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	payload := func(change func(map[string]any)) string {
		m := map[string]any{"v": 1, "from": device, "state": "idle", "epoch": 1, "nonce": "n", "versions": []int{1}, "jwk": k.Public().JWK()}
		change(m)
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		text, err := jws.Sign(k, StatusTyp, raw)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	message, err := jws.Sign(k, "callbox-msg+jws", []byte(`{"v":1,"from":"d.door-1","state":"idle","epoch":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParsePresence(sign(k, right), device, k.JKT()); err != nil {
		t.Fatal(err)
	}
	elsewhere, offline := right, right
	elsewhere.From, offline.State = "d.door-2", Offline
	for name, text := range map[string]string{
		"by another key":     sign(other, right),
		"another device's":   sign(k, elsewhere),
		"offline":            sign(k, offline),
		"the will":           string(will(1)),
		"a message":          message,
		"version 2":          payload(func(m map[string]any) { m["v"] = 2 }),
		"another key inside": payload(func(m map[string]any) { m["jwk"] = other.Public().JWK() }),
		"no state":           payload(func(m map[string]any) { delete(m, "state") }),
		"nothing":            "",
	} {
		if p, err := ParsePresence(text, device, k.JKT()); !errors.Is(err, ErrPresence) {
			t.Errorf("%s: %+v, %v; want ErrPresence", name, p, err)
		}
	}
}

func newKey(t *testing.T) *key.Private {
	t.Helper()
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}
