package mqtt

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// credentialsVariable is where systemd puts the credentials of a service
// (systemd.exec(5), LoadCredential=).
const credentialsVariable = "CREDENTIALS_DIRECTORY"

var (
	// ErrPassword means that the file with the password cannot be used.
	ErrPassword = errors.New("no usable password")
	// ErrCertificate means that a PEM file cannot be used.
	ErrCertificate = errors.New("no usable certificate")
)

// secretPath is the file that a name in the configuration stands for.
func secretPath(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	dir := os.Getenv(credentialsVariable)
	if dir == "" {
		return "", fmt.Errorf("%w: %q is the name of a systemd credential, and $%s is not set; name a file by its path, or add LoadCredential=%s:/path to the unit",
			ErrPassword, name, credentialsVariable, name)
	}
	return filepath.Join(dir, name), nil
}

// password reads the password; "" when none is configured. Errors: ErrPassword.
func (o Options) password() ([]byte, error) {
	if o.PasswordFile == "" {
		return nil, nil
	}
	path, err := secretPath(o.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("cannot log in at the broker: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot log in at the broker: %w: %w; set signaling.mqtt.password_file to a file that the daemon may read", ErrPassword, err)
	}
	text = bytes.TrimRight(text, "\r\n")
	switch {
	case len(text) == 0 || len(text) > maxPassword:
		return nil, fmt.Errorf("cannot log in at the broker: %w: %s has %d bytes; allowed: 1 to %d", ErrPassword, path, len(text), maxPassword)
	case bytes.ContainsAny(text, "\r\n"):
		return nil, fmt.Errorf("cannot log in at the broker: %w: %s has several lines; the password is one", ErrPassword, path)
	}
	return text, nil
}

// tlsConfig is how the device checks a broker and shows itself. now is the time
// that certificates are measured by. Errors: ErrCertificate.
func (o Options) tlsConfig(now func() time.Time) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, Time: now}
	if o.CA != "" {
		text, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("cannot check the broker's certificate: %w: %w; set signaling.mqtt.ca to a PEM file", ErrCertificate, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("cannot check the broker's certificate: %w: %s holds none; it must be PEM", ErrCertificate, o.CA)
		}
	}
	if o.ClientCertificate == "" && o.ClientKey == "" {
		return c, nil
	}
	if _, err := o.clientCertificate(); err != nil {
		return nil, err
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return o.clientCertificate() }
	return c, nil
}

func (o Options) clientCertificate() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(o.ClientCertificate, o.ClientKey)
	if err != nil {
		return nil, fmt.Errorf("cannot show a certificate to the broker: %w: %w; set signaling.mqtt.client_certificate and client_key to PEM files that belong together",
			ErrCertificate, err)
	}
	return &pair, nil
}
