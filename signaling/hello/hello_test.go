package hello

import (
	"errors"
	"strings"
	"testing"

	"callbox/signaling/key"
	"callbox/signaling/message"
)

func newKey(t *testing.T) *key.Private {
	t.Helper()
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestHandshake(t *testing.T) {
	device, phone := newKey(t), newKey(t)
	g, err := Greet(device, "door-1", 7)
	if err != nil {
		t.Fatal(err)
	}
	answer, h, err := Answer(phone, device.JKT(), g.Text())
	if err != nil || h.SN != "door-1" || h.Epoch != 7 {
		t.Fatalf("hello = %+v, %v", h, err)
	}
	if jkt, err := g.Verify(answer); err != nil || jkt != phone.JKT() {
		t.Fatalf("Verify = %q, %v; want the phone's thumbprint", jkt, err)
	}
	if _, _, err := Answer(phone, phone.JKT(), g.Text()); !errors.Is(err, ErrRefused) {
		t.Errorf("a hello of another device's key: %v, want ErrRefused", err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	device, phone, stranger := newKey(t), newKey(t), newKey(t)
	g, err := Greet(device, "door-1", 7)
	if err != nil {
		t.Fatal(err)
	}
	h, err := message.ParseDeviceHello(g.Text())
	if err != nil {
		t.Fatal(err)
	}
	right := message.PhoneHello{ID: message.NewID(), To: h.From, TKT: device.JKT(), Ref: h.ID, Nonce: h.Nonce}
	for name, change := range map[string]func(*message.PhoneHello){
		"to another device":            func(h *message.PhoneHello) { h.To = key.DeviceAddress("door-2") },
		"for another key":              func(h *message.PhoneHello) { h.TKT = stranger.JKT() },
		"answer to another connection": func(h *message.PhoneHello) { h.Ref = message.NewID() },
		"nonce of another connection":  func(h *message.PhoneHello) { h.Nonce = message.NewID() },
		"no nonce":                     func(h *message.PhoneHello) { h.Nonce = "" },
	} {
		t.Run(name, func(t *testing.T) {
			wrong := right
			change(&wrong)
			text, err := message.SignPhoneHello(phone, wrong)
			if err != nil {
				t.Fatal(err)
			}
			if jkt, err := g.Verify(text); !errors.Is(err, ErrRefused) {
				t.Errorf("Verify = %q, %v; want ErrRefused", jkt, err)
			}
		})
	}
	for name, text := range map[string]string{"not a message": "hello", "our own hello": g.Text(), "empty": ""} {
		if jkt, err := g.Verify(text); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: Verify = %q, %v; want ErrRefused", name, jkt, err)
		}
	}
}

// FuzzVerify: nothing but the answer of a phone to this very greeting is taken, and
// nothing but a device's hello by the known key is answered.
func FuzzVerify(f *testing.F) {
	device, err := key.New()
	if err != nil {
		f.Fatal(err)
	}
	phone, err := key.New()
	if err != nil {
		f.Fatal(err)
	}
	g, err := Greet(device, "door-1", 7)
	if err != nil {
		f.Fatal(err)
	}
	answer, _, err := Answer(phone, device.JKT(), g.Text())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answer)
	f.Add(g.Text())
	f.Add(answer[:len(answer)-1] + "A")
	f.Add("hello")
	f.Fuzz(func(t *testing.T, text string) {
		signed := func(s string) string { return s[:max(0, strings.LastIndexByte(s, '.'))] } // ECDSA's signature has a second form
		if jkt, err := g.Verify(text); err == nil && (jkt != phone.JKT() || signed(text) != signed(answer)) {
			t.Errorf("taken as the hello of %s: %s", jkt, text)
		} else if err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("error = %v, want ErrRefused", err)
		}
		if _, _, err := Answer(phone, device.JKT(), text); err == nil && signed(text) != signed(g.Text()) {
			t.Errorf("answered: %s", text)
		}
	})
}
