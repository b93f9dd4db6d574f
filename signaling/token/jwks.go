package token

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"callbox/signaling/jws"
	"callbox/signaling/key"
)

// Limits of a JWK Set.
const (
	MaxSet  = 64 << 10 // bytes
	maxKeys = 32
)

var (
	// ErrKeySet means that a JWK Set cannot be used.
	ErrKeySet = errors.New("not a usable JWK Set")
	// ErrNoKeys means that it can, and that nothing is signed by any key of it: an issuer
	// may withdraw its last one.
	ErrNoKeys = errors.New("no key that signs by ES256 (kty EC, crv P-256, use sig)")
)

// ParseJWKS reads a JWK Set (RFC 7517, 5): the keys with which an issuer signs. Keys
// for another purpose or of another kind are skipped. A set with a private key in it is
// refused: it was meant for the issuer alone. Errors: ErrKeySet; ErrNoKeys when no key
// is left.
func ParseJWKS(data []byte) (Keys, error) {
	if len(data) > MaxSet {
		return nil, fmt.Errorf("cannot read JWK Set of %d bytes, more than %d: %w", len(data), MaxSet, ErrKeySet)
	}
	var set struct {
		Keys []member `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("cannot read JWK Set: %w: %w", err, ErrKeySet)
	}
	if set.Keys == nil {
		return nil, fmt.Errorf("cannot read JWK Set: it has no member keys: %w", ErrKeySet)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("cannot use JWK Set of %d keys, more than %d: %w", len(set.Keys), maxKeys, ErrKeySet)
	}
	keys := Keys{}
	for i, m := range set.Keys {
		if m.D != nil || m.K != nil {
			return nil, fmt.Errorf("cannot use JWK Set: key %d is a private one: %w; give the device only the public keys, and replace this one", i+1, ErrKeySet)
		}
		if !m.signs() {
			continue
		}
		k, err := key.ParsePublic(key.JWK{Kty: m.Kty, Crv: m.Crv, X: m.X, Y: m.Y})
		switch _, twice := keys[m.KID]; {
		case err != nil:
			return nil, fmt.Errorf("cannot use JWK Set: key %d: %w: %w", i+1, err, ErrKeySet)
		case !jws.ValidKID(m.KID):
			return nil, fmt.Errorf("cannot use JWK Set: key %d has no kid, or one over 128 bytes: %w", i+1, ErrKeySet)
		case twice:
			return nil, fmt.Errorf("cannot use JWK Set: the kid %q is there twice: %w", m.KID, ErrKeySet)
		}
		keys[m.KID] = k
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("the JWK Set has %w", ErrNoKeys)
	}
	return keys, nil
}

// member is one JWK, as far as it matters. Members that are not known are ignored, as
// RFC 7517, 4 wants.
type member struct {
	Kty    string         `json:"kty"`
	Crv    string         `json:"crv"`
	X      string         `json:"x"`
	Y      string         `json:"y"`
	D      jsontext.Value `json:"d"` // of a private key
	K      jsontext.Value `json:"k"` // a shared secret
	KID    string         `json:"kid"`
	Alg    string         `json:"alg"`
	Use    string         `json:"use"`
	KeyOps []string       `json:"key_ops"`
}

// signs reports whether the key is for signatures of our kind.
func (m *member) signs() bool {
	return m.Kty == "EC" && m.Crv == "P-256" && (m.Alg == "" || m.Alg == "ES256") && (m.Use == "" || m.Use == "sig") &&
		(m.KeyOps == nil || slices.Contains(m.KeyOps, "verify"))
}
