package direct

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// How long a self-made certificate holds.
//
// A browser warns of it once, whatever its dates, and remembers the exception for
// this very certificate: each new one asks the person again. So it is made seldom
// and lives long, but not over 398 days, the most that browsers take anywhere
// (Apple: 825 days for what a person trusts, 398 for the rest). Dates that do
// not fit make the warning worse and harder to pass, so:
//
//   - a phone's clock may be slow: notBefore lies a week back. A phone that is
//     further off has no working web at all.
//   - the device's clock may stand at 1970. A certificate from there would have
//     ended decades ago for every phone, and one that spans both would be too
//     long. So the device takes the latest time that it has evidence for: its
//     clock, when the program was built, when its certificate was made. If that is
//     too early still, the certificate is made anew once the clock is right.
const (
	validity  = 397 * 24 * time.Hour
	backdated = 7 * 24 * time.Hour
	renewal   = 30 * 24 * time.Hour // before the end
)

const (
	selfSignedFile = "direct-tls.pem"
	maxAddresses   = 32 // in a certificate, those of earlier networks included
)

// selfSigned makes the device's own certificate and keeps it in a file.
type selfSigned struct {
	file    string
	names   *reach
	recheck time.Duration
	now     func() time.Time
	log     zerolog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	failure string // the last one that was logged
	at      time.Time
}

func newSelfSigned(dir string, names *reach, recheck time.Duration, now func() time.Time, log zerolog.Logger) (*selfSigned, error) {
	s := &selfSigned{file: filepath.Join(dir, selfSignedFile), names: names, recheck: recheck, now: now, log: log}
	stored, err := readCertificate(s.file)
	switch {
	case err == nil:
		s.current = stored
	case !errors.Is(err, fs.ErrNotExist):
		log.Warn().Err(err).Msg("cannot use the device's own certificate; a new one is made")
	}
	if reason := s.unfit(); reason != "" {
		if err := s.renew(reason); err != nil {
			return nil, fmt.Errorf("cannot make the device's own certificate: %w; "+
				"make the directory writable, or name a certificate in signaling.direct.tls", err)
		}
	}
	s.at = time.Now()
	return s, nil
}

func (s *selfSigned) certificate() *tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) < s.recheck {
		return s.current
	}
	s.at = time.Now()
	if reason := s.unfit(); reason != "" {
		if err := s.renew(reason); err == nil {
			s.failure = ""
		} else if err.Error() != s.failure {
			s.failure = err.Error()
			s.log.Warn().Err(err).Msg("cannot renew the device's own certificate; the old one stays in use")
		}
	}
	return s.current
}

// unfit says why the current certificate will not do, "" when it will.
func (s *selfSigned) unfit() string {
	if s.current == nil {
		return "there is none"
	}
	leaf, now := s.current.Leaf, s.now()
	// A clock before the build is no evidence; one behind the certificate is, when
	// the certificate was made under a false time in the future.
	if now.Before(leaf.NotBefore) && !now.Before(built()) {
		return "it begins in the future"
	}
	if s.latest().After(leaf.NotAfter.Add(-renewal)) {
		return "it ends soon"
	}
	names, addrs := s.subjects()
	for _, n := range names {
		if !slices.Contains(leaf.DNSNames, n) {
			return n + " is not in it"
		}
	}
	for _, a := range addrs {
		// IPv6 addresses change daily (RFC 8981); a new certificate a day, each with
		// a warning, is worse than one that lacks an address beside its names.
		if a.Is4() && !slices.ContainsFunc(leaf.IPAddresses, net.IP(a.AsSlice()).Equal) {
			return a.String() + " is not in it"
		}
	}
	return ""
}

// latest is the latest time there is evidence for.
func (s *selfSigned) latest() time.Time {
	t := s.now()
	if b := built(); t.Before(b) {
		t = b
		if s.current != nil && t.Before(s.current.Leaf.NotBefore.Add(backdated)) {
			t = s.current.Leaf.NotBefore.Add(backdated)
		}
	}
	return t
}

// subjects are what the certificate must be good for.
func (s *selfSigned) subjects() (names []string, addrs []netip.Addr) {
	names = slices.Clone(s.names.machine)
	addrs = slices.Clone(s.names.addresses())
	for _, own := range s.names.own {
		if a, err := netip.ParseAddr(own); err == nil {
			addrs = append(addrs, a)
		} else {
			names = append(names, own)
		}
	}
	return names, addrs
}

// renew makes a certificate, stores it and uses it.
func (s *selfSigned) renew(reason string) error {
	names, addrs := s.subjects()
	var ips []net.IP
	for _, a := range addrs {
		ips = append(ips, net.IP(a.AsSlice()))
	}
	if s.current != nil {
		// Who moves between two networks should not be asked at each move.
		for _, ip := range s.current.Leaf.IPAddresses {
			if !slices.ContainsFunc(ips, ip.Equal) {
				ips = append(ips, ip)
			}
		}
	}
	ips = ips[:min(len(ips), max(maxAddresses, len(addrs)))]
	from := s.latest().Add(-backdated)
	text, err := makeCertificate(names, ips, from)
	if err != nil {
		return err
	}
	made, err := parseCertificate(text)
	if err != nil {
		return err
	}
	if err := writeFile(s.file, text); err != nil {
		return err
	}
	s.current = made
	s.log.Info().Str("file", s.file).Str("reason", reason).Time("notAfter", made.Leaf.NotAfter).Msg("made the device's own certificate")
	return nil
}

// makeCertificate returns certificate and key as PEM.
func makeCertificate(names []string, ips []net.IP, from time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)), // RFC 5280, 4.1.2.2: not 0
		Subject:               pkix.Name{CommonName: "callbox " + names[len(names)-1]},
		NotBefore:             from.UTC().Truncate(time.Second),
		NotAfter:              from.UTC().Truncate(time.Second).Add(validity - time.Second), // both ends count
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, // no CA: it must not vouch for others where it is installed
		DNSNames:              names,
		IPAddresses:           ips,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...), nil
}

func readCertificate(file string) (*tls.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parseCertificate(text)
}

func parseCertificate(text []byte) (*tls.Certificate, error) {
	c, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("cannot read certificate and key: %w", err)
	}
	return &c, nil
}

// writeFile replaces the file as a whole, for its owner only: after a power cut
// there is the old or the new one.
func writeFile(name string, text []byte) (err error) {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(name)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// built is a time that has passed for certain: the program's commit, or when this
// was written.
func built() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return t
			}
		}
	}
	return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
}
