package pairing

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden file in ../testdata")

const goldenFile = "../testdata/pairing.json"

type goldenPairing struct {
	Secret     string `json:"secret"` // base64url
	JKT        string `json:"jkt"`    // the phone's
	DKT        string `json:"dkt"`
	PhoneName  string `json:"phoneName"`
	DeviceName string `json:"deviceName"`
	PhoneMAC   string `json:"phoneMac"`
	DeviceMAC  string `json:"deviceMac"`
	Link       Link   `json:"link"`
	Fragment   string `json:"fragment"`
}

func TestGoldenPairing(t *testing.T) {
	g := goldenPairing{
		Secret: "AAECAwQFBgcICQoLDA0ODw", JKT: "_-8hJ6d4wAlvJk3kD4sQtI1V9p3o0b3wJZ5Hc8m1k2E", DKT: "0b3wJZ5Hc8m1k2E_-8hJ6d4wAlvJk3kD4sQtI1V9p3o",
		PhoneName: "Anna’s phone", DeviceName: "Front door",
	}
	secret := make([]byte, SecretSize)
	for i := range secret {
		secret[i] = byte(i)
	}
	g.PhoneMAC = PhoneMAC(secret, g.JKT, g.DKT, g.PhoneName)
	g.DeviceMAC = DeviceMAC(secret, g.JKT, g.DKT, g.DeviceName)
	g.Link = Link{SN: "golden-device-1", DKT: g.DKT, Secret: g.Secret, Endpoints: []string{"wss://192.0.2.7:8443/signal"}}
	var err error
	if g.Fragment, err = g.Link.Fragment(); err != nil {
		t.Fatal(err)
	}
	if back, err := ParseLink("https://192.0.2.7:8443/" + g.Fragment); err != nil || !reflect.DeepEqual(back, g.Link) {
		t.Errorf("ParseLink = %+v, %v", back, err)
	}
	p, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	p = append(p, '\n')
	if *update {
		if err := os.WriteFile(goldenFile, p, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p, want) {
		t.Error("pairing.json differs from what the code writes; if that is meant, run go test -update")
	}
}

func TestMACsBindEverything(t *testing.T) {
	secret := []byte("0123456789abcdef")
	right := PhoneMAC(secret, "jkt", "dkt", "name")
	for name, other := range map[string]string{
		"secret":     PhoneMAC([]byte("0123456789abcdeF"), "jkt", "dkt", "name"),
		"phone key":  PhoneMAC(secret, "jkT", "dkt", "name"),
		"device key": PhoneMAC(secret, "jkt", "dkT", "name"),
		"name":       PhoneMAC(secret, "jkt", "dkt", "Name"),
		"side":       DeviceMAC(secret, "jkt", "dkt", "name"),
		"boundary":   PhoneMAC(secret, "jktd", "kt", "name"),
	} {
		if equal(right, other) {
			t.Errorf("the MAC does not bind the %s", name)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	l, err := Link{SN: "d", DKT: "_-8hJ6d4wAlvJk3kD4sQtI1V9p3o0b3wJZ5Hc8m1k2E", Secret: "AAECAwQFBgcICQoLDA0ODw", Endpoints: []string{}}.Fragment()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(l)
	f.Add("https://example.org/#pair=e30")
	f.Fuzz(func(t *testing.T, url string) {
		l, err := ParseLink(url)
		if err != nil {
			if !errors.Is(err, ErrLink) {
				t.Errorf("error = %v, want ErrLink", err)
			}
			return
		}
		again, err := l.Fragment()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseLink(again); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
