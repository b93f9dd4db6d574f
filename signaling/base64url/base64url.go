// Package base64url is the one spelling of binary on the wire: base64url without
// padding (RFC 4648, 5), canonical.
//
// encoding/base64 alone is not enough: even in Strict mode it skips line breaks,
// so one signature would have many spellings.
package base64url

import (
	"encoding/base64"
	"errors"
	"fmt"
)

// ErrNotCanonical means that a text is not the one spelling of some bytes.
var ErrNotCanonical = errors.New("not canonical base64url")

// Encode writes p without padding.
func Encode(p []byte) string { return base64.RawURLEncoding.EncodeToString(p) }

// Decode reads what Encode writes and nothing else: no padding, no line breaks,
// no bits set behind the last byte. Errors: ErrNotCanonical.
func Decode(s string) ([]byte, error) {
	for i := range len(s) {
		if s[i] == '\r' || s[i] == '\n' {
			return nil, fmt.Errorf("cannot decode: line break at %d: %w", i, ErrNotCanonical)
		}
	}
	p, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("cannot decode: %w: %w", err, ErrNotCanonical)
	}
	return p, nil
}
