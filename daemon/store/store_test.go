package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callbox/signaling"
)

var day = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func fixed() time.Time { return day }

func mustOpen(t testing.TB, dir string) *Store {
	t.Helper()
	return openWith(t, dir, Options{})
}

func openWith(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := open(files{dir: dir}, o, fixed, currentSchema())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { crash(s) })
	return s
}

// crash lets go of the directory as the end of the process does: nothing more is
// written.
func crash(s *Store) {
	s.write.Lock()
	defer s.write.Unlock()
	s.file.close()
	s.lock.Close()
}

func phone(t *testing.T, name string) signaling.Contact {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := key.PublicKey.Bytes() // 4, X, Y
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	jwk := signaling.JWK{Kty: "EC", Crv: "P-256", X: b64(raw[1:33]), Y: b64(raw[33:])}
	return signaling.Contact{JKT: thumbprint(jwk), JWK: jwk, Name: name, Rights: []signaling.Right{signaling.RightCall}}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestIdentityIsMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := mustOpen(t, dir)
	if s.Epoch() != 1 {
		t.Errorf("first epoch = %d", s.Epoch())
	}
	for name, want := range map[string]os.FileMode{".": 0o700 | os.ModeDir, identityFile: 0o600, epochFile: 0o600, callsName: 0o600, "lock": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
	key := s.Key()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for epoch := uint64(2); epoch < 5; epoch++ {
		again := mustOpen(t, dir)
		if !again.Key().Equal(key) || again.Epoch() != epoch {
			t.Errorf("key kept: %v, epoch %d, want %d", again.Key().Equal(key), again.Epoch(), epoch)
		}
		_ = again.Close()
	}
}

func TestTwoDaemonsCannotShare(t *testing.T) {
	dir := t.TempDir()
	first := mustOpen(t, dir)
	_, err := Open(dir, Options{})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("second Open: %v", err)
	}
	_ = first.Close()
	if s := mustOpen(t, dir); s.Epoch() != 2 {
		t.Errorf("the refused start spent an epoch: %d", s.Epoch())
	}
}

// TestDamage damages one file at a time: each start fails with an error that
// names the file, and leaves it as it was.
func TestDamage(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string
		want       error
	}{
		"identity no PEM":       {identityFile, "hello", ErrDamaged},
		"identity cut":          {identityFile, "-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\n", ErrDamaged},
		"identity empty":        {identityFile, "", ErrDamaged},
		"epoch empty":           {epochFile, "", ErrDamaged},
		"epoch without version": {epochFile, `{"epoch":3}`, ErrDamaged},
		"epoch negative":        {epochFile, `{"version":1,"epoch":-3}`, ErrDamaged},
		"epoch newer":           {epochFile, `{"version":2,"epoch":3}`, ErrNewer},
		"contacts zeros":        {contactsFile, "\x00\x00\x00", ErrDamaged},
		"contacts half":         {contactsFile, `{"version":1,"contacts":[{"jkt":"a"`, ErrDamaged},
		"contacts twice":        {contactsFile, `{"version":1,"contacts":[]}{}`, ErrDamaged},
		"contacts with more":    {contactsFile, `{"version":1,"contacts":[],"more":1}`, ErrDamaged},
		"contacts foreign key":  {contactsFile, `{"version":1,"contacts":[{"jkt":"abc","name":"Eve"}]}`, ErrDamaged},
		"contacts newer":        {contactsFile, `{"version":3,"people":[]}`, ErrNewer},
		"denied newer":          {deniedFile, `{"version":2,"denied":[]}`, ErrNewer},
		"used tokens newer":     {spentFile, `{"version":2,"who":"b"}` + "\n", ErrNewer},
		"records of a newer":    {journalFile, `{"version":2,"kind":"calls"}` + "\n", ErrNewer},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_ = mustOpen(t, dir).Close()
			write(t, dir, tt.file, tt.text)
			_, err := Open(dir, Options{})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), filepath.Join(dir, tt.file)) {
				t.Fatalf("Open: %v; want %v naming %s", err, tt.want, tt.file)
			}
			// A newer file is whole: who removes it has lost it.
			if back := strings.Contains(err.Error(), "put back the copy"); back != errors.Is(tt.want, ErrNewer) || back && strings.Contains(err.Error(), "remove it") {
				t.Errorf("the remedy is that of another error: %v", err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, tt.file)); err != nil || string(got) != tt.text {
				t.Errorf("the damaged file was changed: %q, %v", got, err)
			}
		})
	}
}

func TestLostKeyIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	_ = mustOpen(t, dir).Close()
	if err := os.Remove(filepath.Join(dir, identityFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("Open without the key: %v", err)
	}
}

func TestKeyThatOthersCanReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	_ = mustOpen(t, dir).Close()
	if err := os.Chmod(filepath.Join(dir, identityFile), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("Open: %v", err)
	}
}
