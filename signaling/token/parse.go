package token

import (
	"fmt"

	"callbox/signaling/jws"
	"callbox/signaling/key"
)

// Token is one that was read. Nothing in it is trusted before Verify.
type Token struct {
	Claims
	KID string // name of the issuer's key that is said to have signed

	jws *jws.JWS
}

// Parse reads a token: its size first, then its header (exactly alg, typ and kid),
// then its claims, each by itself. Errors: ErrTooLarge, ErrMalformed.
func Parse(text string) (*Token, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("cannot read token of %d bytes, more than %d: %w", len(text), MaxSize, ErrTooLarge)
	}
	j, err := jws.ParseNamed(text, Typ)
	if err != nil {
		return nil, fmt.Errorf("cannot read token: %w: %w", err, ErrMalformed)
	}
	c, err := readClaims(j.Payload)
	if err != nil {
		return nil, err
	}
	return &Token{Claims: c, KID: j.KID, jws: j}, nil
}

// Verify checks the signature by the key that the issuer of keys calls KID. Whose
// keys those are is the caller's to know: look the issuer up by its exact name.
// Errors: ErrKey, ErrSignature.
func (t *Token) Verify(keys Keys) error {
	k, ok := keys[t.KID]
	if !ok {
		return fmt.Errorf("cannot use token: %s has no key %q: %w", t.Issuer, t.KID, ErrKey)
	}
	if !t.jws.VerifyNamed(k) {
		return fmt.Errorf("cannot use token: %w", ErrSignature)
	}
	return nil
}

// Keys are the public keys of one issuer, by the names that it has given them.
type Keys map[string]*key.Public
