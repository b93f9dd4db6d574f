package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxSecret is above any secret, login tokens of brokers among them; it bounds what a
// wrong path can cost.
const maxSecret = 8 << 10

// ReadSecret reads a secret that the configuration names: the file at an absolute
// path, or a systemd credential (LoadCredential=, SetCredentialEncrypted= …) by its
// name. Line ends after it do not count.
func ReadSecret(name string) ([]byte, error) {
	path := name
	if !filepath.IsAbs(name) {
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return nil, fmt.Errorf("cannot read the systemd credential %q: systemd has passed none; add LoadCredential=%s:/path to the unit (systemctl edit callbox), or name a file", name, name)
		}
		path = filepath.Join(dir, name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the secret: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	text = bytes.TrimRight(text, "\r\n")
	switch {
	case err != nil:
	case len(text) == 0:
		err = errors.New("it is empty")
	case len(text) > maxSecret:
		err = fmt.Errorf("it is larger than %d bytes", maxSecret)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the secret in %s: %w", path, err)
	}
	return text, nil
}

// checkSecret looks at how a secret is named; "" is none.
func checkSecret(key, name string, r report) {
	if name != "" && !filepath.IsAbs(name) && (strings.ContainsAny(name, "/ \t") || name == "." || name == "..") {
		r(key, fmt.Sprintf("%q is neither an absolute path nor the name of a systemd credential; allowed: /etc/callbox/secret, or a name as in LoadCredential=", name))
	}
}
