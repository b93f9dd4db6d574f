// Package policy decides whether a proven caller may ring, how the call is
// answered and for how long it may last. It is pure: what it needs to know comes
// in, what it decides goes out, and it says which rule decided.
//
// No rule that allows a thing means no.
package policy

import (
	"slices"
	"time"

	"callbox/signaling/cause"
)

// Limit is a time limit. The zero value is none.
type Limit struct {
	Set      bool
	Duration time.Duration
}

// Request is a proven wish to call.
type Request struct {
	Rights  []string // of the contact
	Wish    Limit    // of the phone
	Contact Limit    // the contact's longest call
	Config  Limit    // call.max_duration
	Auto    bool     // call.answer is auto
}

// Decision is what follows.
type Decision struct {
	Allowed bool
	Cause   cause.Cause // when not allowed
	Limit   Limit       // the smallest of all
	Auto    bool        // answered without a person
	Rule    string      // which rule decided, for people
}

// Decide applies the rules.
func Decide(r Request) Decision {
	if !slices.Contains(r.Rights, "call") {
		return Decision{Cause: cause.Forbidden, Rule: `the contact lacks the right "call"`}
	}
	d := Decision{Allowed: true, Rule: `the contact has the right "call"`}
	for _, l := range []Limit{r.Wish, r.Contact, r.Config} {
		if l.Set && (!d.Limit.Set || l.Duration < d.Limit.Duration) {
			d.Limit = l
		}
	}
	// A device that answers by itself is a microphone in somebody's room: the
	// contact and the device's owner must both have said so.
	if r.Auto && slices.Contains(r.Rights, "auto") {
		d.Auto = true
		d.Rule += `, and contact and configuration both answer automatically`
	}
	return d
}
