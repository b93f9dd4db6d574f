package sdp

import "callbox/signaling/message"

// Answer is a checked answer.
type Answer struct {
	SDP         string // to be used; without the candidates that are dropped
	Fingerprint string // of DTLS: SHA-256, upper case, with colons
	Ufrag       string // of ICE
	Candidates  int    // how many stood in it, usable or not
}

// CheckAnswer reads a device's answer as a phone does. fingerprint is the one
// that the call has had before, "" when this is its first answer. Errors:
// ErrForbidden.
func CheckAnswer(text string, room message.RoomType, fingerprint string, allowLoopback bool) (*Answer, error) {
	o, err := check(text, room, allowLoopback, []string{"active", "passive"})
	if err != nil {
		return nil, err
	}
	if fingerprint != "" && o.Fingerprint != fingerprint {
		return nil, forbidden("the fingerprint changed")
	}
	return &Answer{SDP: o.SDP, Fingerprint: o.Fingerprint, Ufrag: o.Ufrag, Candidates: o.Candidates}, nil
}
