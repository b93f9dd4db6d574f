package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	deniedFile = "denied.json"
	maxDenied  = 1000 // more than a person can look after; a fleet's list is the issuer's to keep
	maxWord    = 256  // bytes of a name; as in a token
)

// Errors of the list.
var (
	// ErrDenial means that a denial cannot be.
	ErrDenial = errors.New("not a denial that can be kept")
	// ErrNotDenied means that the list has no such denial.
	ErrNotDenied = errors.New("it is not denied")
)

// Denial is what of call tokens is refused: of one issuer all of them, or those for
// one subject, by one key, or one token. At most one of Subject, Key and Token is set.
type Denial struct {
	Issuer  string    `json:"iss"`
	Subject string    `json:"sub,omitzero"`
	Key     string    `json:"kid,omitzero"`
	Token   string    `json:"jti,omitzero"`
	Since   time.Time `json:"since"` // by the wall clock, for people
}

type deniedJSON struct {
	Version int      `json:"version"`
	Denied  []Denial `json:"denied"`
}

// denials is the list, the oldest first.
type denials struct {
	deniedMu sync.Mutex // guards what follows and the file
	denied   []Denial
}

func (d Denial) same(o Denial) bool {
	d.Since, o.Since = time.Time{}, time.Time{}
	return d == o
}

// String writes what is denied for a person.
func (d Denial) String() string {
	switch {
	case d.Subject != "":
		return "subject " + d.Subject + " of " + d.Issuer
	case d.Key != "":
		return "key " + d.Key + " of " + d.Issuer
	case d.Token != "":
		return "token " + d.Token + " of " + d.Issuer
	}
	return "issuer " + d.Issuer
}

func (d Denial) check() error {
	set := 0
	for i, word := range []string{d.Issuer, d.Subject, d.Key, d.Token} {
		if word != "" && i > 0 {
			set++
		}
		if len(word) > maxWord || strings.ContainsFunc(word, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) {
			return fmt.Errorf("%w: a name has at most %d bytes and no control characters", ErrDenial, maxWord)
		}
	}
	if d.Issuer == "" || set > 1 {
		return fmt.Errorf("%w: it needs an issuer, and at most one of subject, key and token", ErrDenial)
	}
	return nil
}

// Deny puts d on the list, durably before it returns. What is on it stays as it is.
// Errors: ErrDenial, or of the disk.
func (s *Store) Deny(d Denial) (Denial, error) {
	if err := d.check(); err != nil {
		return Denial{}, err
	}
	s.deniedMu.Lock()
	defer s.deniedMu.Unlock()
	if i := slices.IndexFunc(s.denied, d.same); i >= 0 {
		return s.denied[i], nil
	}
	if len(s.denied) >= maxDenied {
		return Denial{}, fmt.Errorf("%w: there are %d already; allow some again, or deny the issuer", ErrDenial, maxDenied)
	}
	d.Since = s.now().UTC().Round(0)
	return d, s.saveDenied(append(slices.Clone(s.denied), d))
}

// Allow takes d off the list. Errors: ErrNotDenied, or of the disk.
func (s *Store) Allow(d Denial) (Denial, error) {
	s.deniedMu.Lock()
	defer s.deniedMu.Unlock()
	i := slices.IndexFunc(s.denied, d.same)
	if i < 0 {
		return Denial{}, fmt.Errorf("cannot allow the %v again: %w", d, ErrNotDenied)
	}
	old := s.denied[i]
	return old, s.saveDenied(slices.Delete(slices.Clone(s.denied), i, i+1))
}

// saveDenied writes first, so that memory never holds what the disk does not.
func (s *Store) saveDenied(next []Denial) error {
	if err := s.files.writeJSON(deniedFile, deniedJSON{1, next}); err != nil {
		return err
	}
	s.denied = next
	return nil
}

// Denials returns the list, the oldest first.
func (s *Store) Denials() []Denial {
	s.deniedMu.Lock()
	defer s.deniedMu.Unlock()
	return slices.Clone(s.denied)
}

// Denied reports whether a token of the issuer, for the subject, by the key, with the
// ID, is refused.
func (s *Store) Denied(issuer, subject, key, token string) bool {
	s.deniedMu.Lock()
	defer s.deniedMu.Unlock()
	return slices.ContainsFunc(s.denied, func(d Denial) bool {
		return d.Issuer == issuer && (d.Subject == "" || d.Subject == subject) && (d.Key == "" || d.Key == key) && (d.Token == "" || d.Token == token)
	})
}

// loadDenied reads the list. A damaged one stops the start: without it somebody who
// was shut out would be let in.
func (s *Store) loadDenied() error {
	const remedy = "remove it to start with nothing denied"
	var f deniedJSON
	err := s.files.readJSON(deniedFile, &f, 1, remedy)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, d := range f.Denied {
		if err := d.check(); err != nil {
			return s.files.damaged(deniedFile, err, remedy)
		}
		if slices.ContainsFunc(f.Denied[:i], d.same) {
			return s.files.damaged(deniedFile, fmt.Errorf("it has the %v twice", d), remedy)
		}
	}
	s.denied = f.Denied
	return nil
}
