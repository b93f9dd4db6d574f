package gate

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"callbox/signaling/base64url"
)

// nonces are made and known again without a memory: a nonce is the time of its
// making, 8 bytes on clock.Boot, and an HMAC-SHA256 over it by the key of this
// process. A restart kills every older one.
type nonces struct{ key [sha256.Size]byte }

const nonceLabel = "callbox/1 token nonce"

func newNonces() *nonces {
	n := &nonces{}
	_, _ = rand.Read(n.key[:]) // never fails
	return n
}

func (n *nonces) make(now time.Duration) string {
	return base64url.Encode(n.seal(binary.BigEndian.AppendUint64(nil, uint64(now))))
}

func (n *nonces) seal(made []byte) []byte {
	h := hmac.New(sha256.New, n.key[:])
	h.Write([]byte(nonceLabel))
	h.Write(made)
	return h.Sum(made[:8:8])
}

// check reports whether the nonce was made at most NonceLife ago.
func (n *nonces) check(nonce string, now time.Duration) bool {
	p, err := base64url.Decode(nonce)
	if err != nil || len(p) != 8+sha256.Size || !hmac.Equal(p, n.seal(p[:8])) {
		return false
	}
	age := now - time.Duration(binary.BigEndian.Uint64(p)) //nolint:gosec // of our own making
	return age >= 0 && age <= NonceLife
}
