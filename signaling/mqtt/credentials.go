package mqtt

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"
)

var (
	// ErrPassword means that the password cannot be read or used.
	ErrPassword = errors.New("no usable password")
	// ErrCertificate means that a PEM file cannot be used.
	ErrCertificate = errors.New("no usable certificate")
)

// password reads the password; nil when there is none. Errors: ErrPassword.
func (c *Config) password() ([]byte, error) {
	if c.Password == nil {
		return nil, nil
	}
	text, err := c.Password()
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot log in at the broker: %w: %w", ErrPassword, err)
	case len(text) == 0:
		return nil, fmt.Errorf("cannot log in at the broker: %w: it is empty", ErrPassword)
	case bytes.ContainsAny(text, "\r\n"):
		return nil, fmt.Errorf("cannot log in at the broker: %w: it has several lines; the password is one", ErrPassword)
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
