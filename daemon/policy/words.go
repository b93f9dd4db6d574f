package policy

import (
	"fmt"
	"strings"
)

// Right is what a contact may do.
type Right string

// The rights, spelled as the protocol and the store spell them.
const (
	RightCall     Right = "call"     // may call the device
	RightBeCalled Right = "beCalled" // may be called by the device
	RightAuto     Right = "auto"     // is answered without a person, where the device does so
	RightUnlock   Right = "unlock"   // may open the door
)

// UnmarshalText refuses every other word.
func (r *Right) UnmarshalText(p []byte) error {
	return word(r, p, RightCall, RightBeCalled, RightAuto, RightUnlock)
}

// Answer says what happens to a permitted call.
type Answer string

// The answers. The zero value says nothing.
const (
	AnswerRing Answer = "ring" // ring until a person answers
	AnswerAuto Answer = "auto" // answer by itself, for callers with the right auto
)

// UnmarshalText refuses every other word.
func (a *Answer) UnmarshalText(p []byte) error {
	return word(a, p, AnswerRing, AnswerAuto)
}

// UntrustedClock says what counts of hours and schedules while the device does not
// know the time.
type UntrustedClock string

// The safe sides. The zero value is UntrustedDeny.
const (
	UntrustedDeny  UntrustedClock = "deny"  // it is outside hours, and do-not-disturb holds
	UntrustedAllow UntrustedClock = "allow" // it is inside hours, and do-not-disturb does not hold
)

// UnmarshalText refuses every other word.
func (u *UntrustedClock) UnmarshalText(p []byte) error {
	return word(u, p, UntrustedDeny, UntrustedAllow)
}

// Direction says who began a call, seen from the device.
type Direction string

// The directions. The zero value is Incoming.
const (
	Incoming Direction = "in"
	Outgoing Direction = "out"
)

// UnmarshalText refuses every other word.
func (d *Direction) UnmarshalText(p []byte) error {
	return word(d, p, Incoming, Outgoing)
}

// word sets *p to the allowed word that text is.
func word[T ~string](p *T, text []byte, allowed ...T) error {
	names := make([]string, len(allowed))
	for i, a := range allowed {
		if string(a) == string(text) {
			*p = a
			return nil
		}
		names[i] = string(a)
	}
	return fmt.Errorf("%q is unknown; allowed: %s", text, strings.Join(names, ", "))
}
