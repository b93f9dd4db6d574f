package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"callbox/signaling/token"
)

const (
	spentFile = "spent.json"
	maxSpent  = 4096
	// spentRest is after how long of running time a used token cannot be good any
	// more, whatever the wall clock says: it lives ten minutes, and proves by a nonce
	// that it is of the present.
	spentRest = time.Hour
	// clockSlack is by how much a trusted clock may be wrong.
	clockSlack = time.Hour
)

type spentJSON struct {
	Version int          `json:"version"`
	Spent   []spentToken `json:"spent"`
}

// spentToken is one token that was used.
type spentToken struct {
	Issuer  string    `json:"iss"`
	ID      string    `json:"jti"`
	Expires time.Time `json:"exp"`
	// at is when, with a monotonic reading; zero before this start.
	at time.Time
}

// spentTokens are the call tokens that were used and may not be over, the oldest first.
type spentTokens struct {
	spentMu sync.Mutex // guards what follows and the file
	spent   []spentToken
}

// Spend notes that a call token was used. It is on the disk before Spend returns nil.
// IDs are an issuer's own: two issuers may use the same. Errors: token.ErrSpent when
// it was used before; others are of the disk, or mean that too many were used in an
// hour, and the token must not count then.
func (s *Store) Spend(issuer, id string, expires time.Time) error {
	s.spentMu.Lock()
	defer s.spentMu.Unlock()
	if slices.ContainsFunc(s.spent, func(t spentToken) bool { return t.Issuer == issuer && t.ID == id }) {
		return fmt.Errorf("cannot use the token %q of %s: %w", id, issuer, token.ErrSpent)
	}
	left := s.unforgotten()
	if len(left) >= maxSpent {
		if !left[0].at.IsZero() && s.now().Sub(left[0].at) < spentRest {
			return fmt.Errorf("cannot use the token %q of %s: %d were used within %v", id, issuer, maxSpent, spentRest)
		}
		left = left[1:]
	}
	// In memory first: a token that may be on the disk must not be used again.
	s.spent = append(left, spentToken{issuer, id, expires.UTC(), s.now()})
	if err := s.files.writeJSON(spentFile, spentJSON{1, s.spent}); err != nil {
		return fmt.Errorf("cannot note that the token %q of %s was used: %w", id, issuer, err)
	}
	return nil
}

// unforgotten are the tokens that a trusted clock does not know to be over. Without
// one they are all kept: a clock that is right later may still find them good.
func (s *Store) unforgotten() []spentToken {
	if !s.clockTrusted() {
		return slices.Clone(s.spent)
	}
	now := s.now()
	return slices.DeleteFunc(slices.Clone(s.spent), func(t spentToken) bool { return now.Sub(t.Expires) > clockSlack })
}

// loadSpent reads the file. One that is damaged is moved aside and told: it keeps
// nobody from calling, and what it held is over in ten minutes.
func (s *Store) loadSpent() error {
	var f spentJSON
	err := s.loadSmall(spentFile, &f, "no used token is known, so each may be used once more until it expires")
	s.spent = f.Spent
	return err
}

// loadSmall reads a file without which the device can go on. Damaged, it is moved
// aside, v stays zero, and consequence is told. Error: ErrNewer.
func (s *Store) loadSmall(name string, v any, consequence string) error {
	err := s.files.readJSON(name, v, 1, "move it away")
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, ErrNewer):
		return err
	}
	moved, errAside := s.file.aside(s.files.path(name))
	if errAside != nil {
		err = errors.Join(err, errAside)
	}
	s.report(fmt.Sprintf("%v: %s", err, consequence), moved)
	return nil
}
