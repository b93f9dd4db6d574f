package direct

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// certificates give the certificate for the next handshake.
type certificates interface {
	// certificate is never nil, and its Leaf is parsed.
	certificate() *tls.Certificate
}

// makerCertificate is read from the maker's files, again when they change.
type makerCertificate struct {
	opt     TLSOptions
	recheck time.Duration
	log     zerolog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	loaded  [2]stamp // of the files that current was made of
	failure string   // the last one that was logged
	at      time.Time
}

// stamp tells versions of a file apart.
type stamp struct {
	modified time.Time
	size     int64
}

func newMakerCertificate(opt TLSOptions, recheck time.Duration, log zerolog.Logger) (*makerCertificate, error) {
	m := &makerCertificate{opt: opt, recheck: recheck, log: log}
	stamps, err := m.stat()
	if err == nil {
		err = m.load(stamps)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the certificate of signaling.direct.tls: %w; "+
			"name a readable PEM file with the leaf first and its unencrypted key, or neither", err)
	}
	m.at = time.Now()
	return m, nil
}

func (m *makerCertificate) certificate() *tls.Certificate {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.at) < m.recheck {
		return m.current
	}
	m.at = time.Now()
	stamps, err := m.stat()
	if err == nil && stamps == m.loaded {
		return m.current
	}
	if err == nil {
		err = m.load(stamps)
	}
	// Renewal writes two files; between them they do not match. So this is tried
	// again at every look, and said once for each failure.
	switch {
	case err == nil:
		m.failure = ""
		m.log.Info().Str("file", m.opt.Certificate).Time("notAfter", m.current.Leaf.NotAfter).Msg("certificate read again")
	case err.Error() != m.failure:
		m.failure = err.Error()
		m.log.Warn().Err(err).Msg("cannot read the new certificate; the old one stays in use")
	}
	return m.current
}

func (m *makerCertificate) stat() (stamps [2]stamp, err error) {
	for i, name := range []string{m.opt.Certificate, m.opt.Key} {
		info, err := os.Stat(name)
		if err != nil {
			return [2]stamp{}, err
		}
		stamps[i] = stamp{info.ModTime(), info.Size()}
	}
	return stamps, nil
}

func (m *makerCertificate) load(stamps [2]stamp) error {
	c, err := tls.LoadX509KeyPair(m.opt.Certificate, m.opt.Key)
	if err != nil {
		return err
	}
	m.current, m.loaded = &c, stamps
	return nil
}
