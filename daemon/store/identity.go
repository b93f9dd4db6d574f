package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

const (
	identityFile = "identity.pem" // PKCS#8 in PEM (RFC 7468, 10); the key says who the device is
	epochFile    = "epoch.json"
	epochVersion = 1
)

// newDevice is the remedy when nothing is left to restore.
const newDevice = "empty the whole directory to make this a new device, with which every phone must pair again"

// epochRemedy is what to do about a damaged epoch.
const epochRemedy = `write {"version":1,"epoch":N} with the number of seconds since 1970 as N, which is larger than any before`

type epochJSON struct {
	Version int    `json:"version"`
	Epoch   uint64 `json:"epoch"`
}

// Key is the device's private key (P-256). It never changes while the directory
// lives.
func (s *Store) Key() *ecdsa.PrivateKey { return s.key }

// Epoch is the number of this start: larger than that of every start before.
func (s *Store) Epoch() uint64 { return s.epoch }

// loadIdentity reads the key. Only a directory that has never been used gets a
// new one: a lost key must not turn the device into a stranger without a word.
func (s *Store) loadIdentity() error {
	path := s.files.path(identityFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		for _, other := range []string{epochFile, contactsFile, callsName, journalFile, importedFile} {
			if _, err := os.Lstat(s.files.path(other)); err == nil {
				return fmt.Errorf("cannot find %s, but %s is there: %w; restore the key from a backup, or %s",
					path, other, ErrDamaged, newDevice)
			}
		}
		return s.makeIdentity()
	}
	if err != nil {
		return fmt.Errorf("cannot read the device's key: %w; it must belong to the user of the daemon", err)
	}
	if info, err := os.Stat(path); err != nil {
		return fmt.Errorf("cannot read the device's key: %w", err)
	} else if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("cannot use %s: others may read it (mode %#o); run chmod 600 on it, and if it may have been copied, %s",
			path, info.Mode().Perm(), newDevice)
	}
	if s.key, err = parseKey(data); err != nil {
		return s.files.damaged(identityFile, err, newDevice)
	}
	return nil
}

func parseKey(data []byte) (*ecdsa.PrivateKey, error) {
	block, rest := pem.Decode(data)
	switch {
	case block == nil || block.Type != "PRIVATE KEY":
		return nil, errors.New("it holds no PEM block PRIVATE KEY")
	case len(rest) != 0:
		return nil, errors.New("something follows the key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("it is no P-256 key")
	}
	return key, nil
}

func (s *Store) makeIdentity() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("cannot make the device's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("cannot make the device's key: %w", err)
	}
	if err := s.files.replace(identityFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return err
	}
	s.key = key
	return nil
}

// countEpoch counts up, durably. Phones take a larger epoch as "it restarted", so
// a number must never come twice.
func (s *Store) countEpoch() error {
	e := epochJSON{}
	err := s.files.readJSON(epochFile, &e, epochVersion, epochRemedy)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	e = epochJSON{Version: epochVersion, Epoch: e.Epoch + 1}
	err = s.files.writeJSON(epochFile, e)
	if err != nil && noSpace(err) {
		// A full disk must not keep the device from starting. The few bytes lie in
		// one sector of the file that is there: it is written whole or not.
		err = s.files.overwrite(epochFile, fmt.Appendf(nil, `{"version":%d,"epoch":%d}`+"\n", e.Version, e.Epoch))
	}
	if err != nil {
		return err
	}
	s.epoch = e.Epoch
	return nil
}
