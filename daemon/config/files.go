package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// Files opens what the configuration names and the daemon does not start without:
// secrets and certificates. A systemd credential cannot be seen from outside of its
// unit, and counts as there. Errors: Problems, of all that cannot be used; and beside
// them, as an error that is fs.ErrPermission, what this user may not open.
func (c *Config) Files(file string) error {
	var problems Problems
	var hidden []error
	look := func(key string, err error) {
		switch {
		case err == nil:
		case errors.Is(err, fs.ErrPermission):
			hidden = append(hidden, fmt.Errorf("%s: %w", key, err))
		default:
			problems = append(problems, Problem{Source: file, Key: key, Text: err.Error()})
		}
	}
	secret := func(key, name string, wanted bool) {
		if wanted && filepath.IsAbs(name) {
			_, err := ReadSecret(name)
			look(key, err)
		}
	}
	m, d := c.Signaling.MQTT, c.Signaling.Direct
	secret("signaling.mqtt.password_file", m.PasswordFile, m.Enabled)
	if m.Enabled {
		look("signaling.mqtt", m.Certificates(time.Now))
	}
	if t := d.TLS; d.Enabled && t.Certificate != "" && t.Key != "" {
		_, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		look("signaling.direct.tls", err)
	}
	w := c.Signaling.Push.Webhook
	secret("signaling.push.webhook.secret_file", w.SecretFile, w.URL != "")
	secret("media.ice.turn_secret_file", c.Media.ICE.TURNSecretFile, c.Media.ICE.TURNSecretFile != "")
	if len(problems) > 0 {
		hidden = append([]error{problems}, hidden...)
	}
	return errors.Join(hidden...)
}
