package control

import "callbox/signaling/key"

// How long the talk of a test call may be, in seconds.
const (
	SelftestDefault = 10
	SelftestLongest = 600
)

// SelftestRequest lets a phone that is no contact make a test call: POST /v1/selftest.
type SelftestRequest struct {
	JWK     key.JWK `json:"jwk"`              // the phone's public P-256 key, RFC 7517
	Seconds float64 `json:"seconds,omitzero"` // of talk at most, 1 to 600; absent: 10
}

// SelftestTerms is what that phone needs to know of the device: the data of the one
// event of POST /v1/selftest.
type SelftestTerms struct {
	Name       string   `json:"name"`
	SN         string   `json:"sn"`
	Thumbprint string   `json:"thumbprint"`        // of the device's key (dkt)
	Endpoints  []string `json:"endpoints"`         // of the device's own listener
	Loopback   bool     `json:"loopback,omitzero"` // media may go over 127.0.0.1
	Contact    string   `json:"contact"`           // the name under which the call is recorded
	Silent     bool     `json:"silent,omitzero"`   // no speaker could announce the call: it rings until it is answered
}

// EventSelftest is the name of that event.
const EventSelftest = "selftest"
