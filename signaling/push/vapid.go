package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"callbox/signaling/base64url"
	"callbox/signaling/key"
)

// tokenLife is how long a push service may take a token of ours; 24 h is the most
// (RFC 8292, 2), and half of it leaves room for a clock that is off.
const tokenLife = 12 * time.Hour

// VAPIDKey derives the key by which push services know the device from the device's
// own, so that it lives exactly as long: nothing more to keep, to lose or to back up.
func VAPIDKey(identity *ecdsa.PrivateKey) (*key.Private, error) {
	secret, err := identity.Bytes()
	if err != nil {
		return nil, fmt.Errorf("cannot derive the push key: %w", err)
	}
	for n := byte(0); ; n++ { // a number out of range comes once in 2^32
		d, err := hkdf.Key(sha256.New, secret, nil, "callbox/1 vapid"+string(rune(n)), 32)
		if err != nil {
			return nil, fmt.Errorf("cannot derive the push key: %w", err)
		}
		if k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d); err == nil {
			return key.FromECDSA(k)
		}
	}
}

// applicationServerKey is what a browser's subscribe takes: the uncompressed point.
func applicationServerKey(k *key.Public) (string, error) {
	j := k.JWK()
	x, err := base64url.Decode(j.X)
	if err != nil {
		return "", fmt.Errorf("cannot read the push key: %w", err)
	}
	y, err := base64url.Decode(j.Y)
	if err != nil {
		return "", fmt.Errorf("cannot read the push key: %w", err)
	}
	return base64url.Encode(append(append([]byte{4}, x...), y...)), nil
}

// authorization is the header that tells a push service who sends (RFC 8292, 3).
func (s *Sender) authorization(endpoint *url.URL) (string, error) {
	claims, err := json.Marshal(struct {
		Aud string `json:"aud"`
		Exp int64  `json:"exp"`
		Sub string `json:"sub,omitempty"`
	}{endpoint.Scheme + "://" + endpoint.Host, s.o.Wall().Add(tokenLife).Unix(), s.o.Contact})
	if err != nil {
		return "", fmt.Errorf("cannot write a push token: %w", err)
	}
	input := base64url.Encode([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + base64url.Encode(claims)
	signature, err := s.o.Key.Sign([]byte(input))
	if err != nil {
		return "", fmt.Errorf("cannot sign a push token: %w", err)
	}
	return "vapid t=" + input + "." + base64url.Encode(signature) + ", k=" + s.public, nil
}
