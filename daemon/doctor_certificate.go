package daemon

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"callbox/daemon/control"
	"callbox/hal/clock"
)

// expiresSoon is when a certificate that ends should have been renewed: certbot and
// others do so 30 days before.
const expiresSoon = 14 * 24 * time.Hour

// doctorCertificates looks at the certificates that the configuration names.
func (p *parts) doctorCertificates(now clock.Reading) (findings []control.Finding) {
	s := p.cfg.Signaling
	for _, one := range []struct {
		name, file string
		on         bool
	}{
		{"certificate", s.Direct.TLS.Certificate, s.Direct.Enabled},
		{"mqtt certificate", s.MQTT.ClientCertificate, s.MQTT.Enabled},
	} {
		if one.on && one.file != "" {
			findings = append(findings, doctorCertificate(one.name, one.file, now))
		}
	}
	return findings
}

// doctorCertificate says whether others accept a certificate today. A device that does not
// know the time knows what time it is at least: what has expired before that has
// expired.
func doctorCertificate(name, file string, now clock.Reading) control.Finding {
	f := control.Finding{Name: name, State: control.StateOK}
	leaf, err := leafOf(file)
	if err != nil {
		f.State, f.Message = control.StateProblem, err.Error()
		f.Remedy = "put a PEM file there that the daemon's user can read, the leaf first"
		return f
	}
	day := func(t time.Time) string { return t.UTC().Format(time.DateOnly) }
	f.Message = fmt.Sprintf("%s is good until %s", file, day(leaf.NotAfter))
	switch {
	case now.Floor.After(leaf.NotAfter) || now.Trusted && now.Now.After(leaf.NotAfter):
		f.State, f.Message = control.StateProblem, fmt.Sprintf("%s has expired on %s: nobody accepts it", file, day(leaf.NotAfter))
		f.Remedy = "renew it; the new one is read without a restart"
	case !now.Trusted && now.Now.After(leaf.NotAfter):
		f.State, f.Message = control.StateWarning, fmt.Sprintf("%s has expired on %s, if the clock, which nobody has set, is right", file, day(leaf.NotAfter))
		f.Remedy = "let an NTP client set the clock, and look again; callboxctl clock"
	case !now.Trusted:
	case now.Now.Before(leaf.NotBefore):
		f.State, f.Message = control.StateProblem, fmt.Sprintf("%s is good from %s on: nobody accepts it yet", file, day(leaf.NotBefore))
		f.Remedy = "is the clock right? callboxctl clock"
	case leaf.NotAfter.Sub(now.Now) < expiresSoon:
		f.State, f.Message = control.StateWarning, fmt.Sprintf("%s expires on %s", file, day(leaf.NotAfter))
		f.Remedy = "renew it; the new one is read without a restart"
	}
	return f
}

// leafOf reads the first certificate in a PEM file.
func leafOf(file string) (*x509.Certificate, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificate: %w", err)
	}
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, fmt.Errorf("cannot use %s: %w", file, errNoCertificate)
		}
		if block.Type == "CERTIFICATE" {
			leaf, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("cannot read the certificate in %s: %w", file, err)
			}
			return leaf, nil
		}
	}
}

// errNoCertificate means that a PEM file has none.
var errNoCertificate = errors.New("there is no certificate in it")
