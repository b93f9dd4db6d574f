package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// LoadFiles is Load, and opens the files that the configuration names and that the
// daemon does not start without: secrets, certificates and their keys. What cannot be
// used comes as Problems, at the place of its key. A systemd credential is not looked
// at: only the daemon is handed it.
func LoadFiles(path string) (*Config, error) {
	c, w, err := open(path)
	if err != nil {
		return nil, err
	}
	var problems Problems
	checkFiles(c, func(path, text string) { problems = append(problems, w.at(path, text)) })
	if len(problems) > 0 {
		return nil, problems.sorted()
	}
	return c, nil
}

// checkFiles opens the files of what is switched on.
func checkFiles(c *Config, r report) {
	note := func(key string, err error) {
		switch {
		case errors.Is(err, fs.ErrPermission):
			r(key, fmt.Sprintf("%v; may the daemon read it? ask as root, or as the daemon's user", err))
		case err != nil:
			r(key, err.Error())
		}
	}
	secret := func(key, name string) {
		if name == "" || !filepath.IsAbs(name) {
			return
		}
		_, err := ReadSecret(name)
		note(key, err)
	}
	pair := func(key, certificate, private string) {
		if certificate == "" || private == "" {
			return
		}
		if _, err := tls.LoadX509KeyPair(certificate, private); err != nil {
			note(key, fmt.Errorf("cannot use the certificate and its key: %w", err))
		}
	}
	if d := c.Signaling.Direct; d.Enabled {
		pair("signaling.direct.tls.certificate", d.TLS.Certificate, d.TLS.Key)
	}
	if m := c.Signaling.MQTT; m.Enabled {
		secret("signaling.mqtt.password_file", m.PasswordFile)
		note("signaling.mqtt.ca", checkAuthorities(m.CA))
		pair("signaling.mqtt.client_certificate", m.ClientCertificate, m.ClientKey)
	}
	if w := c.Signaling.Push.Webhook; w.URL != "" {
		secret("signaling.push.webhook.secret_file", w.SecretFile)
	}
	secret("media.ice.turn_secret_file", c.Media.ICE.TURNSecretFile)
}

func checkAuthorities(file string) error {
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("cannot read the authorities: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return fmt.Errorf("cannot use the authorities: %s holds no certificate; it must be PEM", file)
	}
	return nil
}
