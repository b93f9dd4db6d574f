package daemon

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/hal/clock"
)

func TestDoctorOfCertificates(t *testing.T) {
	from, to := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, form, form, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, key, spoilt := file("good.pem", "CERTIFICATE", der), file("key.pem", "PRIVATE KEY", der), file("spoilt.pem", "CERTIFICATE", der[:20])
	day := func(d int) time.Time { return from.AddDate(0, 0, d) }
	for name, tt := range map[string]struct {
		file    string
		now     time.Time
		trusted bool
		floor   time.Time
		state   string
		message string
		remedy  string
	}{
		"good":    {good, day(10), true, day(-9), control.StateOK, "good until 2026-04-01", ""},
		"expired": {good, day(91), true, day(-9), control.StateProblem, "has expired on 2026-04-01", "renew it"},
		"soon":    {good, day(80), true, day(-9), control.StateWarning, "expires on 2026-04-01", "renew it"},
		"not yet": {good, day(-1), true, day(-9), control.StateProblem, "is good from 2026-01-01 on", "callboxctl clock"},
		"expired, by a clock that nobody has set": {good, day(91), false, day(-9), control.StateWarning, "has expired on 2026-04-01, if the clock", "NTP"},
		"expired before what time it is at least": {good, day(-9000), false, day(91), control.StateProblem, "has expired on 2026-04-01", "renew it"},
		"an unknown time":                         {good, day(-9000), false, day(-9), control.StateOK, "good until 2026-04-01", ""},
		"no file":                                 {filepath.Join(dir, "none"), day(1), true, day(-9), control.StateProblem, "no such file", "PEM file"},
		"no certificate":                          {key, day(1), true, day(-9), control.StateProblem, "there is no certificate in it", "PEM file"},
		"half of one":                             {spoilt, day(1), true, day(-9), control.StateProblem, "cannot read the certificate in", "PEM file"},
	} {
		t.Run(name, func(t *testing.T) {
			got := doctorCertificate("certificate", tt.file, clock.Reading{Now: tt.now, Trusted: tt.trusted, Floor: tt.floor})
			if got.State != tt.state || !strings.Contains(got.Message, tt.message) || !strings.Contains(got.Remedy, tt.remedy) || (tt.remedy == "") != (got.Remedy == "") {
				t.Errorf("%+v, want %+v", got, tt)
			}
		})
	}
	cfg := config.Default()
	cfg.Signaling.Direct.TLS.Certificate, cfg.Signaling.MQTT.ClientCertificate = good, good
	p := &parts{cfg: cfg}
	if got := p.doctorCertificates(clock.Reading{}); len(got) != 1 || got[0].Name != "certificate" {
		t.Errorf("of a broker that is off the certificate is looked at: %+v", got)
	}
	cfg.Signaling.MQTT.Enabled = true
	if got := p.doctorCertificates(clock.Reading{}); len(got) != 2 {
		t.Errorf("%+v", got)
	}
}
