package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"callbox/daemon/policy"
)

// DefaultAttempts is how many calls an hour an issuer's tokens may try.
const DefaultAttempts = 60

// Issuer is a backend whose call tokens the device accepts.
type Issuer struct {
	// Issuer is the name in its tokens (iss), letter for letter: 1 to 256 characters.
	Issuer string `mapstructure:"issuer"`
	// JWKS is the absolute path of the file with its public keys (RFC 7517). It is read
	// again when it changes; one that is damaged leaves the old keys in use.
	JWKS string `mapstructure:"jwks"`
	// Rights are what its tokens may give: call, auto, unlock. Not set: call.
	Rights []policy.Right `mapstructure:"rights"`
	// Groups are names of policy.groups, whose restrictions hold for its callers, too.
	Groups []string `mapstructure:"groups"`
	// LongestCall is the longest talk of each call, 1s or more, or the word none. The
	// token's own limit and call.max_duration hold beside it.
	LongestCall *Duration `mapstructure:"longest_call"`
	// TalkADay is how long all its callers together may talk in a day: 1s to 24h, or the
	// word none.
	TalkADay *Duration `mapstructure:"talk_a_day"`
	// AttemptsAnHour is how many calls all its callers together may try in an hour, one
	// of them (a sub) at most half of that: 1 to 1000. Not set: 60.
	AttemptsAnHour *int `mapstructure:"attempts_an_hour"`
	// Hours are when its callers may call. Not set: at all times.
	Hours policy.Schedule `mapstructure:"hours"`
	// Camera says whether its callers may see the device's camera. Where nobody says
	// anything they may.
	Camera *bool `mapstructure:"camera"`
	// ThroughDND says whether their calls come through do-not-disturb.
	ThroughDND *bool `mapstructure:"through_dnd"`
}

// Caller is what the policy knows of a caller by a token of the issuer that gives
// these rights.
func (i Issuer) Caller(name string, rights []policy.Right) policy.Contact {
	r := Rule{LongestCall: i.LongestCall, TalkADay: i.TalkADay, Hours: i.Hours, Camera: i.Camera, ThroughDND: i.ThroughDND}.rule()
	r.Rights = append([]policy.Right{}, rights...)
	return policy.Contact{Name: name, Groups: i.Groups, Rule: r}
}

// May are the rights that its tokens may give.
func (i Issuer) May() []policy.Right {
	if i.Rights == nil {
		return []policy.Right{policy.RightCall}
	}
	return i.Rights
}

// Attempts is how many calls an hour may be tried.
func (i Issuer) Attempts() int {
	if i.AttemptsAnHour == nil {
		return DefaultAttempts
	}
	return *i.AttemptsAnHour
}

func checkIssuers(c *Config, r report) {
	for i, one := range c.Signaling.Issuers {
		at := fmt.Sprintf("signaling.issuers[%d]", i)
		switch {
		case one.Issuer == "" || len(one.Issuer) > 256:
			r(at+".issuer", "is missing or too long; allowed: the iss of its tokens, 1 to 256 characters")
		case strings.ContainsFunc(one.Issuer, unprintable):
			r(at+".issuer", fmt.Sprintf("%q has control or format characters; allowed: what can be seen", one.Issuer))
		}
		for j, other := range c.Signaling.Issuers[:i] {
			if one.Issuer != "" && other.Issuer == one.Issuer {
				r(at+".issuer", fmt.Sprintf("%q is that of signaling.issuers[%d] already; put all its keys into one file", one.Issuer, j))
				break
			}
		}
		if !filepath.IsAbs(one.JWKS) {
			r(at+".jwks", fmt.Sprintf("%q is no absolute path; allowed: a file such as /etc/callbox/maker.jwks.json", one.JWKS))
		}
		if slices.Contains(one.Rights, policy.RightBeCalled) {
			r(at+".rights", `has "beCalled", which a token cannot give: the device calls contacts; allowed: call, auto, unlock`)
		}
		for j, name := range one.Groups {
			if !slices.ContainsFunc(c.Policy.Groups, func(g Group) bool { return g.Name == name }) {
				r(fmt.Sprintf("%s.groups[%d]", at, j), fmt.Sprintf("policy.groups has no %q", name))
			}
		}
		if n := one.AttemptsAnHour; n != nil && (*n < 1 || *n > 1000) {
			r(at+".attempts_an_hour", fmt.Sprintf("%d is out of range; allowed: 1 to 1000", *n))
		}
		checkRule(at, Rule{Rights: one.Rights, LongestCall: one.LongestCall, TalkADay: one.TalkADay, Hours: one.Hours}, r)
	}
}
