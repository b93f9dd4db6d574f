package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"callbox/signaling/token"
)

const (
	spentFile = "spent.jsonl"
	// maxOfIssuer is how many used tokens of one issuer are kept: more than its
	// attempts_an_hour can be. No issuer takes another's places.
	maxOfIssuer = 1024
	// maxOfSubject is how many of them one caller of the issuer may fill.
	maxOfSubject = maxOfIssuer / 4
	// spentRest is after how long of running time a used token cannot be good any
	// more, whatever the wall clock says: it lives ten minutes, and proves by a nonce
	// that it is of the present.
	spentRest = time.Hour
	// clockSlack is by how much a trusted clock may be wrong.
	clockSlack = time.Hour
	// spareLines is how many lines of forgotten tokens the file holds before it is
	// written anew.
	spareLines = 1024
)

// spentToken is one token that was used: a line of the file.
type spentToken struct {
	Version int       `json:"version"`
	Issuer  string    `json:"iss"`
	Subject string    `json:"sub"`
	ID      string    `json:"jti"`
	Expires time.Time `json:"exp"`
	// at is when, with a monotonic reading; zero before this start.
	at time.Time
}

// line is the token as it stands in the file.
func (t spentToken) line() []byte {
	text, err := json.Marshal(t)
	if err != nil {
		panic(err) // forJSON keeps out the only thing that JSON cannot say
	}
	return append(text, '\n')
}

// spentTokens are the call tokens that were used and may not be over, the oldest first.
type spentTokens struct {
	spentMu sync.Mutex // guards what follows and the file
	spent   []spentToken
	lines   int  // of the file
	torn    bool // the file may not end with a whole line: it is written anew
}

// Spend notes that a call token was used. It is on the disk before Spend returns nil.
// IDs are an issuer's own: two issuers may use the same. Errors: token.ErrSpent when
// it was used before; others are of the disk, or mean that the issuer or its subject
// used too many in an hour, and the token must not count then.
func (s *Store) Spend(issuer, subject, id string, expires time.Time) error {
	s.spentMu.Lock()
	defer s.spentMu.Unlock()
	if slices.ContainsFunc(s.spent, func(t spentToken) bool { return t.Issuer == issuer && t.ID == id }) {
		return fmt.Errorf("cannot use the token %q of %s: %w", id, issuer, token.ErrSpent)
	}
	left := s.unforgotten()
	for _, share := range []struct {
		most  int
		whose string
		in    func(spentToken) bool
	}{
		{maxOfSubject, fmt.Sprintf("%s of %s", subject, issuer), func(t spentToken) bool { return t.Issuer == issuer && t.Subject == subject }},
		{maxOfIssuer, issuer, func(t spentToken) bool { return t.Issuer == issuer }},
	} {
		var ok bool
		if left, ok = s.place(left, share.most-1, share.in); !ok {
			return fmt.Errorf("cannot use the token %q of %s: %d of %s were used within %v", id, issuer, share.most, share.whose, spentRest)
		}
	}
	// In memory first: a token that may be on the disk must not be used again.
	s.spent = append(left, spentToken{Version: 1, Issuer: issuer, Subject: subject, ID: id, Expires: forJSON(expires), at: s.now()})
	if err := s.writeSpent(); err != nil {
		return fmt.Errorf("cannot note that the token %q of %s was used: %w", id, issuer, err)
	}
	return nil
}

// place forgets the oldest among the tokens for which in says yes, until there are at
// most so many; false when one of those may still be good.
func (s *Store) place(list []spentToken, most int, in func(spentToken) bool) ([]spentToken, bool) {
	over := -most
	for _, t := range list {
		if in(t) {
			over++
		}
	}
	ok := true
	list = slices.DeleteFunc(list, func(t spentToken) bool {
		if over <= 0 || !in(t) {
			return false
		}
		over--
		if !t.at.IsZero() && s.now().Sub(t.at) < spentRest {
			ok = false
		}
		return ok
	})
	return list, ok
}

// writeSpent adds the last token to the file, or writes that anew when it holds many
// lines of no use.
func (s *Store) writeSpent() error {
	if s.torn || s.lines >= len(s.spent)+spareLines {
		var all []byte
		for _, t := range s.spent {
			all = append(all, t.line()...)
		}
		if err := s.files.replace(spentFile, all); err != nil {
			return err
		}
		s.torn, s.lines = false, len(s.spent)
		return nil
	}
	if err := s.files.add(spentFile, s.spent[len(s.spent)-1].line()); err != nil {
		s.torn = true
		return err
	}
	s.lines++
	return nil
}

// add writes at the end of a file, mode 0600, and returns when that will survive a
// power cut.
func (f files) add(name string, data []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot write %s: %w; is the disk full or read-only?", f.path(name), err)
		}
	}()
	_, missing := os.Lstat(f.path(name))
	if err := f.step("open"); err != nil {
		return err
	}
	t, err := os.OpenFile(f.path(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if err = f.step("append"); err == nil {
		_, err = t.Write(data)
	}
	if err == nil {
		err = t.Sync()
	}
	if err = errors.Join(err, t.Close()); err != nil || missing == nil {
		return err
	}
	return f.syncDir()
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

// loadSpent reads the file. A last line that is not whole was granted to nobody. Where
// more is damaged the file is moved aside and told, and what can be read of it stays.
// Error: ErrNewer.
func (s *Store) loadSpent() error {
	data, err := os.ReadFile(s.files.path(spentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	end := bytes.LastIndexByte(data, '\n') + 1
	s.torn = end < len(data)
	for line := range bytes.Lines(data[:end]) {
		var t spentToken
		errLine := decode(line, &t, 1)
		switch {
		case errors.Is(errLine, ErrNewer):
			return fmt.Errorf("cannot use %s: %w; %s", s.files.path(spentFile), errLine, newerRemedy)
		case errLine == nil && (t.Issuer == "" || t.ID == ""):
			errLine = errors.New("a used token has no issuer or no ID")
		}
		s.lines++
		if errLine != nil {
			err = errors.Join(err, fmt.Errorf("line %d: %w", s.lines, errLine))
			continue
		}
		s.spent = append(s.spent, t)
	}
	if err == nil {
		return nil
	}
	s.torn = true
	s.moveAside(spentFile, s.files.damaged(spentFile, err, "move it away"), "tokens that are not known to be used may be used once more until they expire")
	if err := s.writeSpent(); err != nil {
		s.report(err.Error(), "")
	}
	return nil
}
