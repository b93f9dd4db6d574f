package control

import (
	"encoding/json"
	"time"

	"callbox/signaling/key"
)

// Contact is a phone that the device trusts: GET /v1/contacts.
type Contact struct {
	Name            string    `json:"name"`
	Thumbprint      string    `json:"thumbprint"`          // jkt
	Rights          []string  `json:"rights"`              // its own; null: it inherits its groups' or the default's
	EffectiveRights []string  `json:"effectiveRights"`     // those that count now
	Groups          []string  `json:"groups,omitzero"`     // names of policy.groups
	MaxSeconds      float64   `json:"maxSeconds,omitzero"` // longest call; 0: no limit of its own
	DaySeconds      float64   `json:"daySeconds,omitzero"` // talk a day; 0: no limit of its own
	Hours           []string  `json:"hours,omitzero"`      // when it may call: "Mon-Fri 08:00-20:00"
	Camera          *bool     `json:"camera,omitzero"`     // whether it may see the camera; absent: inherited
	ThroughDND      *bool     `json:"throughDnd,omitzero"` // whether its calls come through do-not-disturb; absent: inherited
	Added           time.Time `json:"added"`
	SelfSigned      bool      `json:"selfSigned,omitzero"` // paired over a self-made certificate
	Revoked         bool      `json:"revoked,omitzero"`
	RevokedTime     time.Time `json:"revokedTime,omitzero"`
	Reach           string    `json:"reach,omitzero"` // how a call of the device gets to it now: connected, push, perhaps, none; absent: revoked
}

// The words of Contact.Reach.
const (
	ReachConnected = "connected" // its page is open, and connected to the device's own listener
	ReachPush      = "push"      // its page is closed and can be woken
	ReachPerhaps   = "perhaps"   // a broker or a relay is up, which does not say who is there
	ReachNone      = "none"      // nothing reaches it until its page is opened
)

// NewContact adds a phone by its public key: POST /v1/contacts. Whoever calls this
// vouches for the key; a pairing (POST /v1/pair) proves it instead.
type NewContact struct {
	Name       string   `json:"name"`
	JWK        key.JWK  `json:"jwk"` // a public P-256 key, RFC 7517
	Rights     []string `json:"rights,omitzero"`
	Groups     []string `json:"groups,omitzero"`
	MaxSeconds float64  `json:"maxSeconds,omitzero"`
	DaySeconds float64  `json:"daySeconds,omitzero"`
	Hours      []string `json:"hours,omitzero"`
	Camera     *bool    `json:"camera,omitzero"`
	ThroughDND *bool    `json:"throughDnd,omitzero"`
}

// ContactChange changes a contact: PATCH /v1/contacts/{id}, a merge patch (RFC
// 7396). What is absent stays, null gives the member back to groups and default.
type ContactChange struct {
	Name       Member[string]   `json:"name,omitzero"` // null is refused
	Rights     Member[[]string] `json:"rights,omitzero"`
	Groups     Member[[]string] `json:"groups,omitzero"`
	MaxSeconds Member[float64]  `json:"maxSeconds,omitzero"`
	DaySeconds Member[float64]  `json:"daySeconds,omitzero"`
	Hours      Member[[]string] `json:"hours,omitzero"`
	Camera     Member[bool]     `json:"camera,omitzero"`
	ThroughDND Member[bool]     `json:"throughDnd,omitzero"`
}

// NewKey is the public key of the phone that takes a contact's place: POST
// /v1/contacts/{id}/replace. Whoever calls this vouches for the key; a pairing (POST
// /v1/pair with replaces) proves it instead.
type NewKey struct {
	JWK key.JWK `json:"jwk"` // a public P-256 key, RFC 7517
}

// Member is one member of a merge patch. The zero value is an absent one.
type Member[T any] struct {
	Set   bool // it is there
	Null  bool // and it is null; Value is zero then
	Value T
}

// Value returns a member that sets v.
func Value[T any](v T) Member[T] { return Member[T]{Set: true, Value: v} }

// Null returns a member that is null.
func Null[T any]() Member[T] { return Member[T]{Set: true, Null: true} }

// IsZero reports whether the member is absent; encoding/json leaves it out then.
func (m Member[T]) IsZero() bool { return !m.Set }

// MarshalJSON writes null or the value.
func (m Member[T]) MarshalJSON() ([]byte, error) {
	if !m.Set || m.Null {
		return []byte("null"), nil
	}
	return json.Marshal(m.Value)
}

// UnmarshalJSON reads null or a value.
func (m *Member[T]) UnmarshalJSON(raw []byte) error {
	*m = Member[T]{Set: true}
	if string(raw) == "null" {
		m.Null = true
		return nil
	}
	return json.Unmarshal(raw, &m.Value)
}

// PolicyQuery asks what would happen: GET /v1/policy/explain.
type PolicyQuery struct {
	Contact   string    // name or thumbprint
	At        time.Time // zero: now
	Direction string    // in (default), out; the server sets it
	RoomType  string    // video (default), voice; the server sets it
}

// PolicyExplanation says what would happen and why.
type PolicyExplanation struct {
	Contact        string       `json:"contact"`
	At             time.Time    `json:"at"`
	Direction      string       `json:"direction"`
	RoomType       string       `json:"roomType"`
	Allowed        bool         `json:"allowed"`
	Cause          string       `json:"cause,omitzero"`  // what the caller is told when it is not allowed; absent: nothing, because it is revoked
	Answer         string       `json:"answer,omitzero"` // ring, auto; of an incoming call
	LimitSeconds   float64      `json:"limitSeconds,omitzero"`
	Camera         bool         `json:"camera"`                  // the phone may see the device's camera
	Unlock         bool         `json:"unlock"`                  // the phone may open the door
	DayLeftSeconds *float64     `json:"dayLeftSeconds,omitzero"` // talk left today; absent: no budget
	ClockTrusted   bool         `json:"clockTrusted"`            // hours count by the clock only then
	Rule           string       `json:"rule"`                    // the one that decided Allowed
	Rules          []PolicyRule `json:"rules"`                   // all that were looked at, in order
}

// The outcomes of a PolicyRule.
const (
	OutcomeYes     = "yes"
	OutcomeNo      = "no"
	OutcomeNothing = "nothing"
)

// PolicyRule is one rule that was looked at.
type PolicyRule struct {
	Name    string `json:"name"`    // what it rules: trust, right, hours, talk_a_day, do_not_disturb, limit, answer, camera, unlock
	Says    string `json:"says"`    // for a person, with who says so
	Outcome string `json:"outcome"` // yes, no, or nothing: it is not asked, or says nothing of it
}
