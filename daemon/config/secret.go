package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxSecret is above any secret, login tokens of brokers among them; it bounds what a
// wrong path can cost.
const maxSecret = 8 << 10

// credentials are those that the unit asks systemd for, all of which may be missing.
var credentials = []string{"callbox.broker-password", "callbox.turn-secret", "callbox.webhook-secret"}

// ReadSecret reads a secret that the configuration names: the file at an absolute
// path, or a systemd credential by its name. Line ends after it do not count.
func ReadSecret(name string) ([]byte, error) {
	path := name
	if !filepath.IsAbs(name) {
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		path = filepath.Join(dir, name)
		if _, err := os.Stat(path); dir == "" || errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("cannot read the systemd credential %q: systemd has not passed it; %s", name, credentialRemedy(name))
		}
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

// credentialRemedy is how a credential comes to the daemon.
func credentialRemedy(name string) string {
	if !slices.Contains(credentials, name) {
		return "the unit asks for " + strings.Join(credentials, ", ") + ": name one of these, or a file by its absolute path"
	}
	return fmt.Sprintf("make it with: systemd-creds encrypt --name=%s - /etc/credstore.encrypted/%s, and restart callbox", name, name)
}

// checkSecret looks at how a secret is named; "" is none.
func checkSecret(key, name string, r report) {
	if name != "" && !filepath.IsAbs(name) && (strings.ContainsAny(name, "/ \t") || name == "." || name == "..") {
		r(key, fmt.Sprintf("%q is neither an absolute path nor the name of a systemd credential; allowed: /etc/callbox/secret, or one of %s", name, strings.Join(credentials, ", ")))
	}
}
