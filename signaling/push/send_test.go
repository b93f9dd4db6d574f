package push

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"callbox/signaling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAnswersOfAPushService(t *testing.T) {
	for name, tt := range map[string]struct {
		answers []func(http.ResponseWriter)
		tries   int
		want    error // nil with fails: any
		fails   bool
	}{
		"created":           {[]func(http.ResponseWriter){status(201)}, 1, nil, false},
		"gone":              {[]func(http.ResponseWriter){status(410)}, 1, ErrGone, true},
		"not found":         {[]func(http.ResponseWriter){status(404)}, 1, ErrGone, true},
		"our token is bad":  {[]func(http.ResponseWriter){status(403)}, 1, nil, true},
		"busy, then taken":  {[]func(http.ResponseWriter){status(503), status(201)}, 2, nil, false},
		"too many, then ok": {[]func(http.ResponseWriter){status(429), status(201)}, 2, nil, false},
		"too many for as long as it rings": {[]func(http.ResponseWriter){func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(429)
		}}, 1, nil, true},
		"a redirect is not followed": {[]func(http.ResponseWriter){func(w http.ResponseWriter) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(307)
		}}, 1, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // tries are a second apart
			s := newService(t, tt.answers...)
			err := s.sender(t).Wake(ringing(t, 20*time.Second), newBrowser(t).subscription(s.URL+"/secret-path"), "r", 20*time.Second)
			if (err != nil) != tt.fails || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("Wake = %v, want %v", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret-path") {
				t.Errorf("the error tells the endpoint: %v", err)
			}
			if errors.Is(err, ErrGone) && tt.want == nil {
				t.Errorf("%v makes it forget the subscription", err)
			}
			if len(s.got) != tt.tries {
				t.Errorf("%d tries, want %d", len(s.got), tt.tries)
			}
		})
	}
}

func TestTriesAreSpreadOverTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began, tries := time.Now(), 0
		err := retried(ctx, func() error { tries++; return errAgain{error: errors.New("busy")} })
		if took := time.Since(began); err == nil || tries < 6 || tries > 9 || took > time.Minute {
			t.Errorf("%d tries in %v, %v", tries, took, err)
		}
		cancelled, stop := context.WithCancel(t.Context())
		time.AfterFunc(500*time.Millisecond, stop)
		began = time.Now()
		if err := retried(cancelled, func() error { return errAgain{error: errors.New("busy")} }); !errors.Is(err, context.Canceled) || time.Since(began) != 500*time.Millisecond {
			t.Errorf("an answered ring: %v after %v", err, time.Since(began))
		}
	})
}

func TestCheck(t *testing.T) {
	s := newService(t, status(201))
	sender := s.sender(t)
	sender.o.Hosts = []string{"push.example", "Other.Example:8443"}
	good := newBrowser(t)
	for name, tt := range map[string]struct {
		endpoint string
		change   func(*signaling.PushSubscription)
		want     error
	}{
		"a service":             {"https://push.example/x", nil, nil},
		"a name below it":       {"https://eu.Push.Example:443/x?y=z", nil, nil},
		"its own port":          {"https://other.example:8443/", nil, nil},
		"padded keys":           {"https://push.example/x", func(s *signaling.PushSubscription) { s.Keys.Auth += "==" }, nil},
		"http":                  {"http://push.example/x", nil, signaling.ErrBadSubscription},
		"no URL":                {"push.example", nil, signaling.ErrBadSubscription},
		"a password":            {"https://a:b@push.example/", nil, signaling.ErrBadSubscription},
		"another service":       {"https://evil.example/", nil, signaling.ErrPushService},
		"a name that ends so":   {"https://evilpush.example/", nil, signaling.ErrPushService},
		"a name before another": {"https://push.example.evil.example/", nil, signaling.ErrPushService},
		"another port":          {"https://push.example:22/", nil, signaling.ErrPushService},
		"the port of another":   {"https://other.example/", nil, signaling.ErrPushService},
		"an address":            {"https://127.0.0.1/", nil, signaling.ErrPushService},
		"no point":              {"https://push.example/", func(s *signaling.PushSubscription) { s.Keys.P256DH = "BAAA" }, signaling.ErrBadSubscription},
		"a point off the curve": {"https://push.example/", func(s *signaling.PushSubscription) {
			s.Keys.P256DH = s.Keys.P256DH[:80] + "AAAAAAA"
		}, signaling.ErrBadSubscription},
		"a short secret": {"https://push.example/", func(s *signaling.PushSubscription) { s.Keys.Auth = "AAAA" }, signaling.ErrBadSubscription},
	} {
		sub := good.subscription(tt.endpoint)
		if tt.change != nil {
			tt.change(&sub)
		}
		err := sender.Check(sub)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: Check = %v, want %v", name, err, tt.want)
		}
		if tt.want != nil {
			if err := sender.Wake(t.Context(), sub, "r", time.Second); !errors.Is(err, tt.want) {
				t.Errorf("%s: Wake = %v, want %v", name, err, tt.want)
			}
		}
	}
}

// TestNoPrivateAddresses: a name that leads into the house is not connected to,
// however it got there.
func TestNoPrivateAddresses(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3",
		"224.0.0.251", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.0.8",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:1::1",
		"fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "ff02::fb", "fec0::1",
	} {
		if public(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as public", a)
		}
		if err := guard("tcp", netip.AddrPortFrom(netip.MustParseAddr(a), 443).String(), nil); !errors.Is(err, ErrAddress) {
			t.Errorf("guard(%s) = %v", a, err)
		}
	}
	for _, a := range []string{"1.1.1.1", "142.250.1.1", "172.32.0.1", "100.128.0.1", "2a00:1450::1", "2606:4700::1111", "2001:4860::8888"} {
		if !public(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as private", a)
		}
	}
	s := newService(t, status(201))
	sender, err := NewSender(SenderOptions{Key: s.sender(t).o.Key, Hosts: []string{"localhost:" + s.host()[strings.LastIndexByte(s.host(), ':')+1:]}, Wall: time.Now, Roots: s.roots()})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	began := time.Now()
	err = sender.Wake(ringing(t, time.Minute), newBrowser(t).subscription("https://"+sender.o.Hosts[0]), "r", time.Minute)
	if !errors.Is(err, ErrAddress) || len(s.got) != 0 || time.Since(began) > 5*time.Second {
		t.Errorf("Wake = %v after %v, %d requests; want ErrAddress at once", err, time.Since(began), len(s.got))
	}
}

func TestTheVAPIDKeyIsTheDevices(t *testing.T) {
	identity := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := identity()
	a, errA := VAPIDKey(first)
	b, errB := VAPIDKey(first)
	c, errC := VAPIDKey(identity())
	if err := errors.Join(errA, errB, errC); err != nil {
		t.Fatal(err)
	}
	if a.JKT() != b.JKT() || a.JKT() == c.JKT() {
		t.Errorf("keys %s and %s of one device, %s of another", a.JKT(), b.JKT(), c.JKT())
	}
}

func TestWebhook(t *testing.T) {
	secret := []byte("0123456789abcdef")
	s := newService(t, status(500), status(204))
	hook, err := NewWebhook(WebhookConfig{URL: s.URL + "/hook", Secret: secret, AllowPrivate: true, Device: "d.door", Wall: time.Now, Roots: s.roots()})
	if err != nil {
		t.Fatal(err)
	}
	defer hook.Close()
	if err := hook.Ring(ringing(t, time.Minute), "id-1", "room-1", "jkt-1", time.Minute); err != nil {
		t.Fatal(err)
	}
	if len(s.got) != 2 {
		t.Fatalf("%d tries, want 2", len(s.got))
	}
	for i, body := range s.bodies {
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		if got, want := s.got[i].Header.Get("Callbox-Signature"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("signature %q, want %q", got, want)
		}
		var r map[string]any
		if err := json.Unmarshal(body, &r); err != nil {
			t.Fatal(err)
		}
		left, _ := r["ringTimeout"].(float64)
		at, _ := r["time"].(float64)
		if r["event"] != "ring" || r["id"] != "id-1" || r["device"] != "d.door" || r["roomId"] != "room-1" || r["phone"] != "jkt-1" ||
			len(r) != 7 || left <= 50 || left > 60 || time.Since(time.Unix(int64(at), 0)) > time.Minute {
			t.Errorf("body %s", body)
		}
	}
}

func TestWebhookRefused(t *testing.T) {
	long := []byte("0123456789abcdef")
	for name, c := range map[string]WebhookConfig{
		"http":           {URL: "http://backend.example", Secret: long, Wall: time.Now},
		"a password":     {URL: "https://a:b@backend.example", Secret: long, Wall: time.Now},
		"a short secret": {URL: "https://backend.example", Secret: long[:15], Wall: time.Now},
	} {
		if _, err := NewWebhook(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	s := newService(t, status(204))
	hook, err := NewWebhook(WebhookConfig{URL: s.URL, Secret: long, Wall: time.Now, Roots: s.roots()})
	if err != nil {
		t.Fatal(err)
	}
	defer hook.Close()
	if err := hook.Ring(ringing(t, time.Minute), "id", "r", "p", time.Minute); !errors.Is(err, ErrAddress) || len(s.got) != 0 {
		t.Errorf("a private address: %v", err)
	}
}

// FuzzCheck: what a phone may say never leads elsewhere than to a push service over
// https.
func FuzzCheck(f *testing.F) {
	f.Add("https://push.example/x", "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "BTBZMqHH6r4Tts7J_aSIgg")
	f.Add("https://push.example@evil.example/", "BAAA", "")
	f.Add("https://[::1%25eth0]:443/", "", "=")
	s := &Sender{o: SenderOptions{Hosts: []string{"push.example"}}}
	f.Fuzz(func(t *testing.T, endpoint, p256dh, auth string) {
		sub := signaling.PushSubscription{Endpoint: endpoint}
		sub.Keys.P256DH, sub.Keys.Auth = p256dh, auth
		if s.Check(sub) != nil {
			return
		}
		r, err := http.NewRequest(http.MethodPost, endpoint, nil)
		if err != nil {
			return // Wake fails, too
		}
		host := strings.ToLower(r.URL.Hostname())
		if r.URL.Scheme != "https" || host != "push.example" && !strings.HasSuffix(host, ".push.example") || r.URL.User != nil {
			t.Errorf("%q is taken and leads to %s", endpoint, r.URL.Host)
		}
	})
}
