package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"callbox/hal"
	"callbox/hal/wav"
)

// Reader is for whom the files that the configuration names are opened. The zero value is
// who asks.
type Reader struct {
	User string       // is named in errors
	Do   func(func()) // calls a function with the rights of that user
}

// LoadFiles is Load, and opens the files that the configuration names and that the
// daemon does not start without: secrets, certificates and their keys. What cannot be
// used comes as Problems, at the place of its key. A systemd credential is not looked
// at: only the daemon is handed it.
func LoadFiles(path string) (*Config, error) {
	c, _, err := Check(path, Reader{})
	return c, err
}

// Check is LoadFiles with the rights of another. It tells its doubts, too: what is right
// by itself, and still will not do what was meant, or not under the unit of the package.
func Check(path string, as Reader) (c *Config, doubtful Problems, err error) {
	c, w, err := open(path)
	if w == nil {
		return nil, nil, err
	}
	problems := w.problems // of the text; the files are looked at all the same, to tell all at once
	doubt := func(path, text string) { doubtful = append(doubtful, w.at(path, text)) }
	look := func() {
		checkFiles(c, as, func(path, text string) {
			if !w.known(path) {
				problems = append(problems, w.at(path, text))
			}
		})
		doubtFiles(c, as, doubt)
	}
	if as.Do == nil {
		look()
	} else {
		as.Do(look)
	}
	if len(problems) > 0 {
		return nil, nil, problems.sorted()
	}
	set := func(key string) bool { _, ok := w.places[key]; return ok }
	inFile := func(key string) bool { return w.places[key].line > 0 }
	doubts(c, set, inFile, doubt)
	return c, doubtful.sorted(), nil
}

// Denied says what to do about a file that the reader may not open.
func (r Reader) Denied(err error) string {
	if r.User == "" {
		return fmt.Sprintf("%v; may the daemon read it? ask as root, or as the daemon's user", err)
	}
	return fmt.Sprintf("%v: the daemon's user %s may not read it; chgrp %s it and chmod 640 it, and let it enter the folders above", err, r.User, r.User)
}

// checkFiles opens the files of what is switched on.
func checkFiles(c *Config, as Reader, r report) {
	note := func(key string, err error) {
		switch {
		case errors.Is(err, fs.ErrPermission):
			r(key, as.Denied(err))
		case err != nil:
			r(key, err.Error())
		}
	}
	for _, one := range c.secrets() {
		if one.name != "" && filepath.IsAbs(one.name) {
			_, err := ReadSecret(one.name)
			note(one.key, err)
		}
	}
	pair := func(key, certificate, private string) {
		if certificate == "" || private == "" {
			return
		}
		if _, err := tls.LoadX509KeyPair(certificate, private); err != nil {
			note(key, fmt.Errorf("cannot use the certificate and its key: %w", err))
		}
	}
	if m := c.HAL.Microphone; m.File != "" && (m.Name == hal.NameVirtual || m.Name == hal.NameAuto) {
		f, err := os.Open(m.File)
		note("hal.microphone.file", err)
		if err == nil {
			_, err = wav.Decode(f)
			_ = f.Close() // it was only read
			if err != nil {
				note("hal.microphone.file", fmt.Errorf("cannot use %s: %w", m.File, err))
			}
		}
	}
	if d := c.Signaling.Direct; d.Enabled {
		pair("signaling.direct.tls.certificate", d.TLS.Certificate, d.TLS.Key)
	}
	if m := c.Signaling.MQTT; m.Enabled {
		note("signaling.mqtt.ca", checkAuthorities(m.CA))
		pair("signaling.mqtt.client_certificate", m.ClientCertificate, m.ClientKey)
	}
}

// doubtFiles opens the files without which the daemon goes on.
func doubtFiles(c *Config, as Reader, r report) {
	one := func(key, name, instead string) {
		if name == "" {
			return
		}
		f, err := os.Open(name)
		switch {
		case errors.Is(err, fs.ErrPermission):
			r(key, as.Denied(err)+"; until then "+instead)
		case err != nil:
			r(key, err.Error()+"; until then "+instead)
		default:
			_ = f.Close() // nothing was written
		}
	}
	one("call.announcement", c.Call.Announcement, "the built-in chime is used")
	if c.HAL.Display.Caption && c.HAL.Display.Name != hal.NameNone {
		one("hal.display.font", c.HAL.Display.Font, "the built-in font is used")
	}
	for i, issuer := range c.Signaling.Issuers {
		one(fmt.Sprintf("signaling.issuers[%d].jwks", i), issuer.JWKS, "its tokens are refused")
	}
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
