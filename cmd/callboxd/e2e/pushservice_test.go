//go:build e2e

package e2e

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pushService is a push service, and the part of a browser that opens what it gets
// (RFC 8030, 8291). A browser without the internet reaches no real one.
type pushService struct {
	*httptest.Server
	t    *testing.T
	key  *ecdh.PrivateKey
	auth []byte
	got  chan []byte // opened messages
	gone chan bool   // while there is one in it, the next is answered 410
}

// startPushService starts one that devices started after it speak to and trust.
func startPushService(t *testing.T) *pushService {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &pushService{t: t, key: key, auth: make([]byte, 16), got: make(chan []byte, 10), gone: make(chan bool, 1)}
	_, _ = rand.Read(s.auth)
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.take))
	t.Cleanup(s.Close)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", roots)
	t.Setenv("CALLBOX_SIGNALING_PUSH_HOSTS", strings.TrimPrefix(s.URL, "https://"))
	t.Setenv("CALLBOX_SIGNALING_PUSH_ALLOW_PRIVATE", "true")
	return s
}

func (s *pushService) take(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.gone:
		w.WriteHeader(http.StatusGone)
		return
	default:
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		body, err = s.open(body)
	}
	if err != nil || r.Header.Get("Content-Encoding") != "aes128gcm" || r.Header.Get("TTL") == "" || !strings.HasPrefix(r.Header.Get("Authorization"), "vapid t=") {
		s.t.Errorf("the device pushes with %v: %v", r.Header, err)
	}
	w.WriteHeader(http.StatusCreated)
	s.got <- body
}

// next waits for a message.
func (s *pushService) next(within time.Duration) string {
	s.t.Helper()
	select {
	case text := <-s.got:
		return string(text)
	case <-time.After(within):
		s.t.Fatalf("no push within %v", within)
		return ""
	}
}

// open reads a message of one record (RFC 8291, 4; RFC 8188, 2.1).
func (s *pushService) open(body []byte) ([]byte, error) {
	const salt, size, point = 16, 4, 65
	if len(body) < salt+size+1+point || body[salt+size] != point || binary.BigEndian.Uint32(body[salt:]) < 18 {
		return nil, errors.New("bad header")
	}
	public, sealed := body[salt+size+1:salt+size+1+point], body[salt+size+1+point:]
	sender, err := ecdh.P256().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	shared, err := s.key.ECDH(sender)
	if err != nil {
		return nil, err
	}
	ikm, err := hkdf.Key(sha256.New, shared, s.auth, "WebPush: info\x00"+string(s.key.PublicKey().Bytes())+string(public), 32)
	if err != nil {
		return nil, err
	}
	cek, err := hkdf.Key(sha256.New, ikm, body[:salt], "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Key(sha256.New, ikm, body[:salt], "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nonce, sealed, nil)
	if err != nil {
		return nil, err
	}
	text, ok := strings.CutSuffix(strings.TrimRight(string(plain), "\x00"), "\x02")
	if !ok {
		return nil, errors.New("no delimiter of a last record")
	}
	return []byte(text), nil
}

// stub is JavaScript that subscribes at this service in the place of the browser's
// own. Subscriptions outlive the page, as the browser's do.
func (s *pushService) stub() string {
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`(() => {
  if (!isSecureContext) return;
  const scope = new WeakMap();
  const manager = Object.getOwnPropertyDescriptor(ServiceWorkerRegistration.prototype, "pushManager").get;
  Object.defineProperty(ServiceWorkerRegistration.prototype, "pushManager", { get() {
    const made = manager.call(this);
    scope.set(made, "stub " + this.scope);
    return made;
  } });
  const made = (at, { key, n }) => {
    const endpoint = %q + "/" + n;
    return {
      endpoint,
      options: { userVisibleOnly: true, applicationServerKey: Uint8Array.from(atob(key.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)).buffer },
      toJSON: () => ({ endpoint, expirationTime: null, keys: { p256dh: %q, auth: %q } }),
      unsubscribe: async () => (localStorage.removeItem(at), true),
    };
  };
  PushManager.prototype.getSubscription = async function () {
    const kept = localStorage.getItem(scope.get(this));
    return kept && made(scope.get(this), JSON.parse(kept));
  };
  PushManager.prototype.subscribe = async function ({ userVisibleOnly, applicationServerKey }) {
    if (!userVisibleOnly || Notification.permission !== "granted") throw new DOMException("no", "NotAllowedError");
    const kept = { key: applicationServerKey, n: Math.random() };
    localStorage.setItem(scope.get(this), JSON.stringify(kept));
    return made(scope.get(this), kept);
  };
})()`, s.URL, encode(s.key.PublicKey().Bytes()), encode(s.auth))
}
