package push

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"callbox/signaling"
	"callbox/signaling/base64url"
	"callbox/signaling/key"
)

// browser is the other end of RFC 8291.
type browser struct {
	key  *ecdh.PrivateKey
	auth []byte
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{key: k, auth: make([]byte, authSize)}
	_, _ = rand.Read(b.auth)
	return b
}

func (b *browser) subscription(endpoint string) signaling.PushSubscription {
	s := signaling.PushSubscription{Endpoint: endpoint}
	s.Keys.P256DH, s.Keys.Auth = base64url.Encode(b.key.PublicKey().Bytes()), base64url.Encode(b.auth)
	return s
}

// open reads a message as a browser does.
func (b *browser) open(body []byte) ([]byte, error) {
	if len(body) < saltSize+5+65 || binary.BigEndian.Uint32(body[saltSize:]) < uint32(len(body)-saltSize-5-65) || body[saltSize+4] != 65 {
		return nil, errors.New("bad header")
	}
	salt, sender, sealed := body[:saltSize], body[saltSize+5:saltSize+5+65], body[saltSize+5+65:]
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := b.key.ECDH(public)
	if err != nil {
		return nil, err
	}
	aead, nonce, err := recordKey(shared, b.auth, salt, b.key.PublicKey().Bytes(), sender)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nonce, sealed, nil)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(plain), "\x00")
	if !strings.HasSuffix(text, "\x02") {
		return nil, errors.New("no delimiter of a last record")
	}
	return []byte(text[:len(text)-1]), nil
}

// service is a push service, or a backend.
type service struct {
	*httptest.Server
	mu      sync.Mutex
	answers []func(http.ResponseWriter) // the last one again and again
	got     []*http.Request
	bodies  [][]byte
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func newService(t *testing.T, answers ...func(http.ResponseWriter)) *service {
	t.Helper()
	s := &service{answers: answers}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got, s.bodies = append(s.got, r), append(s.bodies, body)
		s.answers[0](w)
		if len(s.answers) > 1 {
			s.answers = s.answers[1:]
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) host() string { return strings.TrimPrefix(s.URL, "https://") }

func (s *service) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

func (s *service) sender(t *testing.T) *Sender {
	t.Helper()
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	sender, err := NewSender(SenderOptions{Key: k, Hosts: []string{s.host()}, Contact: "mailto:ops@example.com", Wall: time.Now, Private: true, Roots: s.roots()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sender.Close)
	return sender
}

func ringing(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// TestABrowserIsWoken: what comes at the push service opens with the browser's keys,
// says the room and no more, and is signed by the key that the browser subscribed
// with.
func TestABrowserIsWoken(t *testing.T) {
	s := newService(t, status(http.StatusCreated))
	sender, b := s.sender(t), newBrowser(t)
	sub := b.subscription(s.URL + "/send/abc")
	if err := sender.Check(sub); err != nil {
		t.Fatal(err)
	}
	if err := sender.Wake(ringing(t, time.Minute), sub, "room-1", time.Minute); err != nil {
		t.Fatal(err)
	}
	text, err := b.open(s.bodies[0])
	if err != nil || string(text) != `{"v":1,"t":"ring","roomId":"room-1"}` {
		t.Errorf("message %q, %v", text, err)
	}
	if _, err := newBrowser(t).open(s.bodies[0]); err == nil {
		t.Error("another browser can read it")
	}
	r := s.got[0]
	for name, want := range map[string]string{
		"TTL": "60", "Urgency": "high", "Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if topic := r.Header.Get("Topic"); len(topic) != 32 || strings.Contains(topic, "room") {
		t.Errorf("topic %q, want 32 characters that say nothing", topic)
	}
	if r.URL.Path != "/send/abc" || r.Method != http.MethodPost || r.Header.Get("User-Agent") == "" {
		t.Errorf("request %s %s", r.Method, r.URL)
	}
	wantVAPID(t, sender, r.Header.Get("Authorization"), s.URL)
}

// wantVAPID reads the header with another library than the one that wrote it.
func wantVAPID(t *testing.T, sender *Sender, header, audience string) {
	t.Helper()
	token, k, ok := strings.Cut(strings.TrimPrefix(header, "vapid t="), ", k=")
	if !ok || k != sender.Key() {
		t.Fatalf("authorization %q, want the key %q", header, sender.Key())
	}
	j, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	p := sender.o.Key.Public().JWK()
	raw, _ := json.Marshal(p)
	var public jose.JSONWebKey
	if err := public.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	payload, err := j.Verify(public)
	if err != nil {
		t.Fatalf("the token is not by the key: %v", err)
	}
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	life := time.Until(time.Unix(claims.Exp, 0))
	if claims.Aud != audience || claims.Sub != "mailto:ops@example.com" || life < 11*time.Hour || life > 24*time.Hour {
		t.Errorf("claims %+v, good for %v", claims, life)
	}
	point, err := base64.RawURLEncoding.DecodeString(k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ecdh.P256().NewPublicKey(point); err != nil || len(point) != 65 {
		t.Errorf("the key is no uncompressed point: %v", err)
	}
}

// TestTheExampleOfTheStandard is RFC 8291, 5.
func TestTheExampleOfTheStandard(t *testing.T) {
	bytes := func(s string) []byte {
		p, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	local, err := ecdh.P256().NewPrivateKey(bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	var s signaling.PushSubscription
	s.Keys.P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	s.Keys.Auth = "BTBZMqHH6r4Tts7J_aSIgg"
	k, err := readKeys(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := seal(k, []byte("When I grow up, I want to be a watermelon"), local, bytes("DGv6ra1nlYgDCS1FRnbzlw"), 0)
	const want = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	if err != nil || base64url.Encode(got) != want {
		t.Errorf("sealed %s, %v; want %s", base64url.Encode(got), err, want)
	}
}

// TestNoLengthTellsTheRoom: every message has one size.
func TestNoLengthTellsTheRoom(t *testing.T) {
	s := newService(t, status(http.StatusCreated))
	sender, b := s.sender(t), newBrowser(t)
	for _, room := range []string{"r", strings.Repeat("r", 128)} {
		if err := sender.Wake(ringing(t, time.Minute), b.subscription(s.URL), room, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := len(s.bodies[0]), len(s.bodies[1]); a != b || a > recordSize {
		t.Errorf("messages of %d and %d bytes", a, b)
	}
}
