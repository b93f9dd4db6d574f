//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The names of the host and of the device.
const (
	hostName = "calls.callbox.test"
	doorName = "door.callbox.test"
)

// certificate is one for both names. A browser with its flags trusts it, as if an
// authority had signed it.
type certificate struct {
	chain, key string // PEM files
	pair       tls.Certificate
	flags      []chromedp.ExecAllocatorOption
}

// makeCertificate makes one, and flags under which the names lead to the host on
// loopback and to the device's address.
func makeCertificate(t *testing.T, address string) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: hostName},
		DNSNames:     []string{hostName, doorName},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := certificate{chain: filepath.Join(dir, "fullchain.pem"), key: filepath.Join(dir, "key.pem")}
	for file, block := range map[string]*pem.Block{c.chain: {Type: "CERTIFICATE", Bytes: der}, c.key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.pair = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	sum := sha256.Sum256(public)
	c.flags = []chromedp.ExecAllocatorOption{
		chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(sum[:])),
		chromedp.Flag("host-resolver-rules", fmt.Sprintf("MAP %s 127.0.0.1, MAP %s %s", hostName, doorName, address)),
	}
	return c
}

// TestHostedHTTPS: the page on an https host that does what docs/hosting.md tells it,
// and a device with a certificate for a name of its own. Pairing codes lead to the
// host, the page keeps its files and calls. A device that has made its certificate
// itself it does not reach.
func TestHostedHTTPS(t *testing.T) {
	guide := readHostGuide(t)
	address := ownAddress(t)
	c := makeCertificate(t, address)
	server := httptest.NewUnstartedServer(guide)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{c.pair}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	origin := "https://" + net.JoinHostPort(hostName, port)
	page := origin + guide.path

	ways := "  page: " + page
	plain := startDevice(t, deviceOptions{tone: 440, sn: "plain", name: "Plain", ways: ways, noDisplay: true})
	own := startDevice(t, deviceOptions{tone: 440, sn: "own", name: "Own", ways: ways, noDisplay: true, listen: net.JoinHostPort(address, freePort(t, address))})
	t.Setenv("CALLBOX_SIGNALING_DIRECT_NAMES", doorName)
	t.Setenv("CALLBOX_SIGNALING_DIRECT_TLS_CERTIFICATE", c.chain)
	t.Setenv("CALLBOX_SIGNALING_DIRECT_TLS_KEY", c.key)
	d := startDevice(t, deviceOptions{tone: 440, ways: ways, noDisplay: true, listen: net.JoinHostPort(address, freePort(t, address))})
	p := startPhone(t, phoneOptions{tone: 600, flags: c.flags})

	window := ctl[struct {
		URL string `json:"url"`
	}](d, "pair", "--name", "Anna")
	rest, leads := strings.CutPrefix(window.URL, page)
	if !leads {
		t.Fatalf("the pairing code leads to %s, want %s", window.URL, page)
	}
	// As somebody types it, who leaves the last slash out.
	p.open(strings.TrimSuffix(page, "/") + rest)
	p.click("pair-confirm")
	p.home()
	if at := eval[string](p, `location.href`); at != page {
		t.Errorf("the page is at %s, want %s", at, page)
	}
	p.open(strings.TrimSuffix(page, "/") + "?a=b")
	if at := eval[string](p, `location.href`); at != page+"?a=b" {
		t.Errorf("the redirect leads to %s, want %s", at, page+"?a=b")
	}
	if kept := p.shell(); len(kept) < 5 {
		t.Errorf("the page keeps %q", kept)
	}
	p.open(page)
	for file, kind := range map[string]string{"./": "text/html; charset=utf-8", "sw.js": "text/javascript", "manifest.webmanifest": "application/manifest+json"} {
		got := eval[string](p, fmt.Sprintf(`fetch(%q).then((r) => r.headers.get("content-type") + " " + r.headers.get("cache-control") + " " + r.headers.get("x-content-type-options"))`, file))
		if want := kind + " no-cache nosniff"; got != want {
			t.Errorf("%s comes with %q, want %q", file, got, want)
		}
	}
	if framed := guide.headers["Content-Security-Policy"]; !strings.Contains(framed, "frame-ancestors 'none'") {
		t.Errorf("the host's policy is %q", framed)
	}

	room := p.call(d, "call-video")
	eventually(t, 10*time.Second, "the picture is shown", func() bool {
		return eval[int](p, `document.querySelector('[data-testid="remote-video"]').videoWidth`) > 0
	})
	if own := eval[string](p, `(({ mic, camera, problems }) => JSON.stringify({ mic, camera, problems }))(window.callbox.currentCall())`); own != `{"mic":true,"camera":true,"problems":[]}` {
		t.Errorf("this phone's microphone and camera are %s", own)
	}
	p.click("hang-up")
	p.waitEventOf("finishVoip", room, 5*time.Second)
	d.waitState("idle", 5*time.Second)
	if r := d.lastCall(); r.RoomID != room || r.Cause != "hangup" {
		t.Errorf("record = %+v", r)
	}

	for name, way := range map[string]struct{ url, want string }{
		"the device with a certificate for its name": {"wss://" + doorName + ":" + portOf(t, d), "open"},
		"one with the certificate that it made":      {"wss://" + net.JoinHostPort(address, portOf(t, own)), "error"},
		"one on loopback, without https":             {"ws://127.0.0.1:" + portOf(t, plain), "open"},
		"one elsewhere, without https":               {"ws://" + net.JoinHostPort(address, portOf(t, own)), "SecurityError"},
	} {
		got := eval[string](p, fmt.Sprintf(`new Promise((done) => {
			try {
				const socket = new WebSocket(%q, "callbox.v1");
				socket.onopen = () => { done("open"); socket.close(); };
				socket.onerror = () => done("error");
			} catch (e) { done(e.name); }
		})`, way.url+"/signal"))
		if got != way.want {
			t.Errorf("a page on https that connects to %s: %s, want %s", name, got, way.want)
		}
	}
}

// portOf is the port of a device's own listener.
func portOf(t *testing.T, d *device) string {
	t.Helper()
	_, rest, _ := strings.Cut(d.log.String(), `"address":"`)
	listens, _, _ := strings.Cut(rest, `"`)
	_, port, err := net.SplitHostPort(listens)
	if err != nil {
		t.Fatalf("the device does not say where it listens: %v", err)
	}
	return port
}
