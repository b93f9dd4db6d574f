package token

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"callbox/signaling/jws"
	"callbox/signaling/key"
	"callbox/signaling/message"
)

// DefaultLife is how long a token lives whose Expires is not set: a phone asks for it
// and calls at once.
const DefaultLife = 120 * time.Second

// Key is an issuer's private key and what the issuer calls it.
type Key struct {
	Private *key.Private
	ID      string // kid: unique among the issuer's keys
}

// NewKey makes a key that is named by its thumbprint.
func NewKey() (Key, error) {
	k, err := key.New()
	if err != nil {
		return Key{}, err
	}
	return Key{Private: k, ID: k.JKT()}, nil
}

// ParseKey reads a private P-256 key: PEM (PKCS#8), or a JWK with d, whose kid is
// kept. Without one the key is named by its thumbprint. Errors: key.ErrInvalid.
func ParseKey(data []byte) (Key, error) {
	k, err := key.Parse(data)
	if err != nil {
		return Key{}, err
	}
	var named struct {
		KID string `json:"kid"`
	}
	_ = json.Unmarshal(data, &named) // PEM has no name
	if named.KID == "" {
		named.KID = k.JKT()
	}
	if !jws.ValidKID(named.KID) {
		return Key{}, fmt.Errorf("cannot use private key: its kid is too long: %w", key.ErrInvalid)
	}
	return Key{Private: k, ID: named.KID}, nil
}

// JWKS writes the public halves of keys as the JWK Set (RFC 7517, 5) that a device
// reads.
func JWKS(keys ...Key) ([]byte, error) {
	type entry struct {
		Kty string `json:"kty"`
		Crv string `json:"crv"`
		X   string `json:"x"`
		Y   string `json:"y"`
		KID string `json:"kid"`
		Alg string `json:"alg"`
		Use string `json:"use"`
	}
	set := struct {
		Keys []entry `json:"keys"`
	}{Keys: []entry{}}
	for _, k := range keys {
		j := k.Private.Public().JWK()
		set.Keys = append(set.Keys, entry{j.Kty, j.Crv, j.X, j.Y, k.ID, "ES256", "sig"})
	}
	text, err := json.Marshal(set, jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("cannot write JWK Set: %w", err)
	}
	return append(text, '\n'), nil
}

// Issue signs a token. What is not set is filled in: ID with 128 random bits, Issued
// with the present, Expires with DefaultLife later, Rights with the right to call. It
// refuses to sign what no device would accept. Errors: ErrMalformed, ErrLife,
// ErrTooLarge.
//
// Claims that the caller got from a phone (Holder, RoomID, RoomType, DKT, Nonce) need
// no trust: they bind the token to what that phone can prove. Who the phone's user
// is, whether they may call that device, and Subject and CallerName, are the
// backend's to know.
func Issue(k Key, c Claims) (string, error) {
	if c.ID == "" {
		c.ID = message.NewID()
	}
	if c.Issued == 0 {
		c.Issued = DateOf(time.Now())
	}
	if c.Expires == 0 {
		c.Expires = c.Issued + Date(DefaultLife.Seconds())
	}
	if c.Rights == nil {
		c.Rights = []Right{"call"}
	}
	if err := c.check(); err != nil {
		return "", fmt.Errorf("cannot issue: %w", err)
	}
	if err := c.CheckLife(); err != nil {
		return "", fmt.Errorf("cannot issue: %w", err)
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("cannot issue: %w: %w", err, ErrMalformed)
	}
	text, err := jws.SignNamed(k.Private, k.ID, Typ, payload)
	if err != nil {
		return "", err
	}
	if len(text) > MaxSize {
		return "", fmt.Errorf("cannot issue a token of %d bytes, more than %d: %w", len(text), MaxSize, ErrTooLarge)
	}
	return text, nil
}
