// Package token is the call token of callbox/1: what a maker's backend (an issuer)
// signs so that a phone may call a device once.
//
// A token is a JWS (RFC 7515), ES256, of type callbox-token+jws. It names the device
// and its key, the phone's key, and the one room that it is for, and is good for at
// most MaxLife. It is no bearer token: whoever does not hold the phone's key can do
// nothing with it. docs/tokens.md is the guide; docs/protocol.md, section 2, the
// contract.
//
// A backend calls ParseKey once and Issue for each call. The device's side, with its
// issuers' files and its clock, is package gate.
//
// Times are seconds since 1970 (NumericDate, RFC 7519, 2); sizes are in bytes.
package token

import (
	"errors"
	"time"
)

// Typ is the JWS type of a call token.
const Typ = "callbox-token+jws"

// Limits.
const (
	MaxSize  = 4 << 10           // bytes of a token, checked before anything else
	MaxLife  = 600 * time.Second // from iat to exp
	MaxAhead = 60 * time.Second  // that iat may be ahead of a device's trusted clock

	maxWord   = 256 // bytes of iss, aud, sub, jti and nonce
	maxRights = 16
)

// Why a token is refused. Reason has a word for each.
var (
	// ErrTooLarge means that it is over MaxSize.
	ErrTooLarge = errors.New("the token is too large")
	// ErrMalformed means that it is no token: its JWS, its JSON or one of its claims
	// breaks the rules.
	ErrMalformed = errors.New("malformed token")
	// ErrIssuer means that its iss is not known.
	ErrIssuer = errors.New("no such issuer")
	// ErrKey means that the issuer has no key of that name (kid).
	ErrKey = errors.New("the issuer has no such key")
	// ErrSignature means that the issuer's key has not signed it.
	ErrSignature = errors.New("the token is not signed by that key")
	// ErrDevice means that it is for another device, or for another key of it.
	ErrDevice = errors.New("the token is for another device")
	// ErrRoom means that it is for another room or type of room.
	ErrRoom = errors.New("the token is for another room")
	// ErrHolder means that it is for another phone's key.
	ErrHolder = errors.New("the token is for another phone")
	// ErrLife means that exp is not after iat, or more than MaxLife after it.
	ErrLife = errors.New("the token lives too long")
	// ErrExpired means that it is too old.
	ErrExpired = errors.New("the token has expired")
	// ErrAhead means that it comes from the future.
	ErrAhead = errors.New("the token is not valid yet")
	// ErrDenied means that the device denies its issuer, its key, its subject or itself.
	ErrDenied = errors.New("the token is denied")
	// ErrNeedNonce means that the device cannot tell how old it is: it must carry a
	// nonce of the device.
	ErrNeedNonce = errors.New("the token needs a nonce of the device")
	// ErrSpent means that it was used before.
	ErrSpent = errors.New("the token was used before")
)

// reasons are the words for errors, the same in every language.
var reasons = []struct {
	err  error
	word string
}{
	{ErrTooLarge, "tooLarge"}, {ErrMalformed, "malformed"}, {ErrIssuer, "issuer"}, {ErrKey, "key"}, {ErrSignature, "signature"},
	{ErrDevice, "device"}, {ErrRoom, "room"}, {ErrHolder, "holder"}, {ErrLife, "life"}, {ErrExpired, "expired"},
	{ErrAhead, "ahead"}, {ErrDenied, "denied"}, {ErrNeedNonce, "needNonce"}, {ErrSpent, "spent"},
}

// Reason is the word for an error of this package, "" for nil and for others. The
// words stand in signaling/testdata/tokens.json.
func Reason(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return ""
}
