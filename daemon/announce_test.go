package daemon

import (
	"net"
	"net/netip"
	"testing"
)

func TestWhereTheDeviceIsAnnounced(t *testing.T) {
	const dkt = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	for name, tt := range map[string]struct {
		at   string
		only string // "": all
		ok   bool
	}{
		"everywhere":         {"[::]:8443", "", true},
		"everywhere, IPv4":   {"0.0.0.0:8443", "", true},
		"one address":        {"192.0.2.7:8443", "192.0.2.7", true},
		"one, mapped":        {"[::ffff:192.0.2.7]:8443", "192.0.2.7", true},
		"loopback":           {"127.0.0.1:8443", "", false},
		"loopback of IPv6":   {"[::1]:8443", "", false},
		"a mapped loopback":  {"[::ffff:127.0.0.1]:8443", "", false},
		"another of the /8s": {"127.1.2.3:8443", "", false},
	} {
		o, ok, err := announcement(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(tt.at)), dkt)
		only := ""
		if o.Only.IsValid() {
			only = o.Only.String()
		}
		if err != nil || ok != tt.ok || only != tt.only || ok && (o.ID != "0001020304050607" || o.Port != 8443) {
			t.Errorf("%s: %+v, %v, %v", name, o, ok, err)
		}
	}
	if _, _, err := announcement(&net.UnixAddr{}, dkt); err == nil {
		t.Error("a Unix socket is announced")
	}
}
