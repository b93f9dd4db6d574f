package control

import "time"

// Issuers are the issuers of call tokens and what is denied: GET /v1/issuers.
type Issuers struct {
	Issuers []Issuer `json:"issuers"`
	Denied  []Denial `json:"denied"`
}

// Issuer is a backend whose call tokens the device accepts.
type Issuer struct {
	Issuer         string   `json:"issuer"`           // iss of its tokens
	File           string   `json:"file"`             // with its public keys
	Keys           []string `json:"keys"`             // their names (kid), those in use
	Problem        string   `json:"problem,omitzero"` // why the file cannot be read; the keys are the last good ones then
	Rights         []string `json:"rights"`           // that its tokens may give
	Attempts       int      `json:"attempts"`         // calls that were tried in the last hour
	AttemptsAnHour int      `json:"attemptsAnHour"`   // and how many may be
	TalkedSeconds  float64  `json:"talkedSeconds"`    // talk that counts for today
}

// Denial is what of call tokens is refused: POST /v1/issuers/deny and …/allow. Of
// subject, key and token at most one is set; none means all of the issuer's.
type Denial struct {
	Issuer  string    `json:"issuer"`           // iss
	Subject string    `json:"subject,omitzero"` // sub
	Key     string    `json:"key,omitzero"`     // kid
	Token   string    `json:"token,omitzero"`   // jti
	Since   time.Time `json:"since,omitzero"`   // of an answer
}
