package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"callbox/signaling/mqtt"
)

func checkMQTT(m mqtt.Options, r report) {
	const at = "signaling.mqtt."
	if m.Enabled && len(m.Brokers) == 0 {
		r(at+"brokers", `is empty; needs a list such as ["mqtts://broker.example.com:8883"]`)
	}
	for i, text := range m.Brokers {
		if _, err := mqtt.ParseBroker(text); err != nil {
			r(fmt.Sprintf("%sbrokers[%d]", at, i), err.Error())
		}
	}
	for i, text := range m.PhoneBrokers {
		if err := mqtt.CheckPhoneBroker(text); err != nil {
			r(fmt.Sprintf("%sphone_brokers[%d]", at, i), err.Error())
		}
	}
	if n := len(m.PhoneBrokers); n > mqtt.MaxPhoneBrokers {
		r(at+"phone_brokers", fmt.Sprintf("has %d URLs; allowed: at most %d", n, mqtt.MaxPhoneBrokers))
	}
	if err := mqtt.CheckPrefix(m.Prefix); err != nil {
		r(at+"prefix", err.Error())
	}
	checkSecret(at+"password_file", m.PasswordFile, r)
	for key, f := range map[string]string{"ca": m.CA, "client_certificate": m.ClientCertificate, "client_key": m.ClientKey} {
		if f != "" && !filepath.IsAbs(f) {
			r(at+key, fmt.Sprintf("%q is no absolute path; allowed: a PEM file such as /etc/callbox/%s.pem", f, key))
		}
	}
	if (m.ClientCertificate == "") != (m.ClientKey == "") {
		missing := "client_key"
		if m.ClientCertificate == "" {
			missing = "client_certificate"
		}
		r(at+missing, "is missing; allowed: certificate and key both, or neither")
	}
	if strings.ContainsFunc(m.User, unprintable) || len(m.User) > 256 {
		r(at+"user", "is no name of a login; allowed: up to 256 bytes that can be seen, or empty for the device's address")
	}
}
