// Package challenge makes the stateless nonce by which a caller proves that it is
// here now.
//
// A nonce is the time of its making, 8 bytes, and an HMAC-SHA256 over who may use
// it for what. The device keeps nothing for it; the key lives as long as the
// process, so a reboot kills every older nonce.
package challenge

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"callbox/signaling/base64url"
)

// Life is how long a nonce is good, but in a room that the device itself rings:
// there as long as it rings.
const Life = 10 * time.Second

const (
	timeSize = 8
	label    = "callbox/1 challenge"
)

var (
	// ErrForeign means that a nonce was not made by this boot for this key, room
	// and invite.
	ErrForeign = errors.New("nonce is not ours for this")
	// ErrLate means that a nonce was ours and is older than its life.
	ErrLate = errors.New("nonce is too old")
)

// Subject is who may use a nonce for what.
type Subject struct {
	JKT    string            // of the caller's key
	Room   string            // roomId
	Invite [sha256.Size]byte // SHA-256 of the invite's signing input
}

// Maker makes and checks nonces. It never changes after New.
type Maker struct{ key [sha256.Size]byte }

// New returns a Maker with a fresh key: that of this boot.
func New() *Maker {
	m := &Maker{}
	_, _ = rand.Read(m.key[:]) // never fails
	return m
}

// Nonce returns the nonce for s made at now, on clock.Boot.
func (m *Maker) Nonce(s Subject, now time.Duration) string {
	p := binary.BigEndian.AppendUint64(nil, uint64(now))
	return base64url.Encode(m.seal(p, s))
}

// seal appends the HMAC to the time.
func (m *Maker) seal(made []byte, s Subject) []byte {
	h := hmac.New(sha256.New, m.key[:])
	h.Write([]byte(label))
	for _, part := range [][]byte{[]byte(s.JKT), []byte(s.Room), s.Invite[:], made} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return h.Sum(made[:timeSize:timeSize])
}

// Check verifies nonce for s at now, which is good for life. That it is used once
// is the caller's to see: the room remembers. Errors: ErrForeign, ErrLate.
func (m *Maker) Check(nonce string, s Subject, now, life time.Duration) error {
	p, err := base64url.Decode(nonce)
	if err != nil || len(p) != timeSize+sha256.Size || !hmac.Equal(p, m.seal(p[:timeSize], s)) {
		return fmt.Errorf("cannot accept nonce: %w", ErrForeign)
	}
	if age := now - time.Duration(binary.BigEndian.Uint64(p)); age > life {
		return fmt.Errorf("cannot accept nonce of %v ago: %w", age, ErrLate)
	}
	return nil
}
