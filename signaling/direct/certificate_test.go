package direct

import (
	"crypto/tls"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

var y2027 = time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)

func TestSelfSigned(t *testing.T) {
	for name, tt := range map[string]struct {
		firstAt, thenAt time.Time
		then            []string // addresses
		sameAfter       bool
	}{
		"restart":                    {y2027, y2027.Add(time.Hour), []string{"192.0.2.7"}, true},
		"near its end":               {y2027, y2027.Add(validity - backdated - renewal + time.Hour), []string{"192.0.2.7"}, false},
		"not so near":                {y2027, y2027.Add(validity - backdated - renewal - time.Hour), []string{"192.0.2.7"}, true},
		"new address":                {y2027, y2027, []string{"198.51.100.1"}, false},
		"address gone":               {y2027, y2027, nil, true},
		"other IPv6 address":         {y2027, y2027, []string{"192.0.2.7", "2001:db8::8"}, true},
		"clock fell back to 1970":    {y2027, time.Unix(100, 0), []string{"192.0.2.7"}, true},
		"clock was in the far years": {y2027.AddDate(40, 0, 0), y2027, []string{"192.0.2.7"}, false},
		"clock stood at 1970":        {time.Unix(100, 0), y2027.AddDate(2, 0, 0), []string{"192.0.2.7"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			make := func(at time.Time, addrs ...string) *selfSigned {
				s, err := newSelfSigned(dir, newReach(Options{}, "SN_1", "", testMachine(addrs...), 0), 0,
					func() time.Time { return at }, zerolog.Nop())
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			first := make(tt.firstAt, "192.0.2.7", "2001:db8::7").certificate().Leaf
			for _, n := range []string{"localhost", "door", "door.local", "sn_1.local", "192.0.2.7", "2001:db8::7"} {
				if !slices.Contains(first.DNSNames, n) && first.VerifyHostname(n) != nil {
					t.Errorf("%s is not in the certificate", n)
				}
			}
			real := tt.firstAt
			if real.Before(built()) {
				real = built()
			}
			if !first.NotBefore.Equal(real.Add(-backdated).UTC().Truncate(time.Second)) || first.NotAfter.Sub(first.NotBefore) != validity-time.Second {
				t.Errorf("valid from %v to %v, made at %v", first.NotBefore, first.NotAfter, real)
			}
			info, err := os.Stat(filepath.Join(dir, selfSignedFile))
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("file: %v %v", info, err)
			}
			second := make(tt.thenAt, tt.then...)
			if same := second.certificate().Leaf.Equal(first); same != tt.sameAfter {
				t.Errorf("kept = %v, want %v", same, tt.sameAfter)
			}
			if third := make(tt.thenAt, "192.0.2.7").certificate().Leaf; !third.Equal(second.certificate().Leaf) {
				t.Error("going back to the first address made a third certificate")
			}
		})
	}
}

func TestBrokenSelfSignedFileIsReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, selfSignedFile), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := newSelfSigned(dir, newReach(Options{}, "a", "", testMachine(), 0), 0, time.Now, zerolog.Nop())
	if err != nil || s.certificate() == nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("files left: %v", left)
	}
}

func TestAddressThatComesLater(t *testing.T) {
	m := testMachine()
	s, err := newSelfSigned(t.TempDir(), newReach(Options{}, "a", "", machine{
		addresses: func() []netip.Addr { return m.addresses() }, hostname: m.hostname}, 0), 0, time.Now, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	m = testMachine("192.0.2.9")
	if s.certificate().Leaf.VerifyHostname("192.0.2.9") != nil {
		t.Error("the address of a network that came up later is not in the certificate")
	}
}

func TestMakerCertificate(t *testing.T) {
	dir := t.TempDir()
	opt := TLSOptions{Certificate: filepath.Join(dir, "c.pem"), Key: filepath.Join(dir, "k.pem")}
	at := time.Now().Add(-time.Hour)
	put := func(text []byte) {
		t.Helper()
		for _, name := range []string{opt.Certificate, opt.Key} {
			at = at.Add(time.Second) // a file of its own time, whatever the clock's grain
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(name, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := New(Options{Listen: ":0", TLS: opt}, Config{}); err == nil {
		t.Fatal("missing files are taken")
	}
	one, err := makeCertificate([]string{"*.devices.example.com", "door.example.com"}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	put(one)
	s, ev := start(t, setup{opt: Options{Listen: ":0", TLS: opt}, time: func(l *timeouts) { l.recheck = 0 }})
	leaf := func() string {
		t.Helper()
		c, err := tls.Dial("tcp", "127.0.0.1:"+port(s), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := leaf()
	put([]byte("half a file"))
	if leaf() != first {
		t.Error("a broken file replaced the certificate")
	}
	two, err := makeCertificate([]string{"*.devices.example.com", "door.example.com"}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	put(two)
	if leaf() == first {
		t.Error("the new certificate is not served")
	}
	for host, want := range map[string]bool{"a.devices.example.com": true, "DOOR.example.com:1": true, "example.com": false} {
		if s.names.isHost(host) != want {
			t.Errorf("host %s: %v", host, !want)
		}
	}
	if s.SelfSigned() || s.URLs()[0] != "https://door.example.com:"+port(s)+"/" {
		t.Errorf("self-signed %v, %v", s.SelfSigned(), s.URLs())
	}
	c := prove(t, s, ev, "p.a")
	write(t, c, "x")
	ev.want(t, "receive p.a 127.0.0.1 true x")
}
