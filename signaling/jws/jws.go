// Package jws reads and writes the one form of JWS (RFC 7515) that callbox/1
// speaks: compact, ES256, the protected header exactly alg, typ and kid.
//
// A header never chooses a key or an algorithm: kid only says whose signature it
// is meant to be, and everything else is refused. Nothing here is trusted before
// Verify. A kid is the thumbprint of the sender's key, but in what an issuer signs:
// there it is a name that the issuer has given to its key.
package jws

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"callbox/signaling/base64url"
	"callbox/signaling/key"
)

// ErrMalformed means that a text is not a JWS of the one form.
var ErrMalformed = errors.New("malformed JWS")

type header struct {
	Alg string `json:"alg"`
	Typ string `json:"typ"`
	Kid string `json:"kid"`
}

// maxKID bounds the name of an issuer's key, in bytes.
const maxKID = 128

// Sign returns payload as a compact JWS of type typ by k.
func Sign(k *key.Private, typ string, payload []byte) (string, error) {
	return SignNamed(k, k.JKT(), typ, payload)
}

// SignNamed is Sign by an issuer, who calls its key kid.
func SignNamed(k *key.Private, kid, typ string, payload []byte) (string, error) {
	if !ValidKID(kid) {
		return "", fmt.Errorf("cannot sign with the key %q: its name must have 1 to %d bytes: %w", kid, maxKID, ErrMalformed)
	}
	h, err := json.Marshal(header{Alg: "ES256", Typ: typ, Kid: kid})
	if err != nil {
		return "", fmt.Errorf("cannot write header: %w", err)
	}
	input := base64url.Encode(h) + "." + base64url.Encode(payload)
	signature, err := k.Sign([]byte(input))
	if err != nil {
		return "", err
	}
	return input + "." + base64url.Encode(signature), nil
}

// JWS is a well-formed one whose signature has not been verified by Parse.
type JWS struct {
	KID       string // thumbprint, or name, of the key that is said to have signed
	Payload   []byte
	input     string
	signature []byte
}

// ValidKID reports whether an issuer may call its key so.
func ValidKID(kid string) bool { return kid != "" && len(kid) <= maxKID }

// Parse reads a compact JWS of type typ, whose kid is a thumbprint. The caller has
// limited its length. Errors: ErrMalformed.
func Parse(text, typ string) (*JWS, error) { return parse(text, typ, key.ValidJKT) }

// ParseNamed is Parse for what an issuer has signed: kid is the name of its key.
func ParseNamed(text, typ string) (*JWS, error) { return parse(text, typ, ValidKID) }

func parse(text, typ string, isKID func(string) bool) (*JWS, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("cannot read JWS: %d parts: %w", len(parts), ErrMalformed)
	}
	var raw [3][]byte
	for i, part := range parts {
		p, err := base64url.Decode(part)
		if err != nil {
			return nil, fmt.Errorf("cannot read part %d of JWS: %w: %w", i, err, ErrMalformed)
		}
		raw[i] = p
	}
	var h header
	if err := json.Unmarshal(raw[0], &h, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("cannot read header of JWS: %w: %w", err, ErrMalformed)
	}
	if h.Alg != "ES256" || h.Typ != typ || !isKID(h.Kid) {
		return nil, fmt.Errorf("cannot use header of JWS: alg %q, typ %q, kid %q: %w", h.Alg, h.Typ, h.Kid, ErrMalformed)
	}
	if len(raw[2]) != key.SignatureSize {
		return nil, fmt.Errorf("cannot use signature of %d bytes: %w", len(raw[2]), ErrMalformed)
	}
	return &JWS{
		KID: h.Kid, Payload: raw[1], signature: raw[2],
		input: text[:len(parts[0])+1+len(parts[1])],
	}, nil
}

// Verify reports whether k is the key that kid names and has signed.
func (j *JWS) Verify(k *key.Public) bool {
	return k.JKT() == j.KID && k.Verify([]byte(j.input), j.signature)
}

// VerifyNamed reports whether k has signed: the key that its issuer calls kid.
func (j *JWS) VerifyNamed(k *key.Public) bool { return k.Verify([]byte(j.input), j.signature) }

// InputHash is the SHA-256 of the signing input: of what is signed, not of one
// of its many valid signatures.
func (j *JWS) InputHash() [sha256.Size]byte { return sha256.Sum256([]byte(j.input)) }
