// Package sdp checks the session descriptions and candidates of others before a
// WebRTC stack sees them (docs/protocol.md, section 7).
//
// pion by itself accepts two fingerprints in one description, and a new one on an
// ICE restart. The signature over a message covers the description, so a rule that
// holds here holds for the DTLS connection: who signed it is who is talked to.
//
// What passes is written anew from what was parsed, so that what was checked is
// what is used, whatever another parser would have read.
package sdp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

// ErrRules means that a description breaks the rules; the text says which.
var ErrRules = errors.New("the SDP breaks the rules")

const (
	// MaxBytes bounds a description. Chromium's offer has about 6 kB.
	MaxBytes = 16 << 10
	// MaxCandidates bounds the candidates of one side and generation, those in
	// the description and those that follow together.
	MaxCandidates = 40
)

// Rules are what a description must keep to, beside what always holds.
type Rules struct {
	Video    bool // the room has video; without it a video section is a breach
	Loopback bool // candidates on loopback addresses are kept: one machine, tests
}

func breach(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRules, fmt.Sprintf(format, args...))
}

// Check checks an offer and returns it without the candidates that must not be
// used. Errors wrap ErrRules.
func Check(offer string, r Rules) (string, error) {
	d, err := parse(offer, r)
	if err != nil {
		return "", err
	}
	return write(d)
}

// CheckRestart checks the offer of an ICE restart against the call's first offer:
// only ICE's parameters and candidates may differ in what secures the call. Errors
// wrap ErrRules.
func CheckRestart(before, restart string, r Rules) (string, error) {
	old, err := parse(before, r)
	if err != nil {
		return "", err
	}
	d, err := parse(restart, r)
	if err != nil {
		return "", err
	}
	if fingerprint(d) != fingerprint(old) {
		return "", breach("the fingerprint changed on a restart")
	}
	if len(d.MediaDescriptions) != len(old.MediaDescriptions) {
		return "", breach("the sections changed on a restart: %d, were %d", len(d.MediaDescriptions), len(old.MediaDescriptions))
	}
	for i, m := range d.MediaDescriptions {
		was := old.MediaDescriptions[i]
		if m.MediaName.Media != was.MediaName.Media || value(m.Attributes, "mid") != value(was.Attributes, "mid") {
			return "", breach("section %d changed on a restart", i)
		}
	}
	if credentials(d) == credentials(old) {
		return "", breach("a restart needs new ICE credentials")
	}
	return write(d)
}

func write(d *sdp.SessionDescription) (string, error) {
	text, err := d.Marshal()
	if err != nil {
		return "", breach("it cannot be written: %v", err)
	}
	return string(text), nil
}

// parse reads an offer and applies every rule that holds for any offer.
func parse(text string, r Rules) (*sdp.SessionDescription, error) {
	if len(text) > MaxBytes {
		return nil, breach("%d bytes; allowed: %d", len(text), MaxBytes)
	}
	if strings.ContainsRune(text, 0) {
		return nil, breach("it holds a NUL character")
	}
	d := &sdp.SessionDescription{}
	if err := d.UnmarshalString(text); err != nil {
		return nil, breach("it cannot be read: %v", err)
	}
	if len(d.MediaDescriptions) == 0 {
		return nil, breach("it has no media section")
	}
	if err := checkFingerprint(d); err != nil {
		return nil, err
	}
	bundled, err := bundle(d)
	if err != nil {
		return nil, err
	}
	candidates, kept := 0, 0
	for i, m := range d.MediaDescriptions {
		m.Attributes = filter(m.Attributes, r, &candidates)
		if m.MediaName.Port.Value == 0 && !has(m.Attributes, "bundle-only") {
			continue // rejected: nothing of it is used
		}
		if err := checkSection(d, m, i, bundled, r); err != nil {
			return nil, err
		}
		kept++
	}
	d.Attributes = filter(d.Attributes, r, &candidates)
	switch {
	case kept == 0:
		return nil, breach("every section is rejected")
	case candidates > MaxCandidates:
		return nil, breach("%d candidates; allowed: %d", candidates, MaxCandidates)
	}
	return d, nil
}

// checkSection applies the rules of one media section that is in use.
func checkSection(d *sdp.SessionDescription, m *sdp.MediaDescription, i int, bundled []string, r Rules) error {
	mid := value(m.Attributes, "mid")
	switch m.MediaName.Media {
	case "audio", "application":
	case "video":
		if !r.Video {
			return breach("section %d is video, in a voice room", i)
		}
	default:
		return breach("section %d is %q; allowed: audio, video, application", i, m.MediaName.Media)
	}
	if mid == "" || !slices.Contains(bundled, mid) {
		return breach("section %d is not in the BUNDLE group", i)
	}
	if m.MediaName.Media != "application" && !has(m.Attributes, "rtcp-mux") {
		return breach("section %d lacks rtcp-mux", i)
	}
	setup := value(m.Attributes, "setup")
	if setup == "" {
		setup = value(d.Attributes, "setup")
	}
	if setup != "actpass" {
		return breach("section %d has setup:%s; allowed in an offer: actpass", i, setup)
	}
	if inherit(d, m, "ice-ufrag") == "" || inherit(d, m, "ice-pwd") == "" {
		return breach("section %d lacks ICE credentials", i)
	}
	return nil
}

// checkFingerprint wants exactly one distinct fingerprint over the whole
// description, by sha-256 (RFC 8122).
func checkFingerprint(d *sdp.SessionDescription) error {
	found := fingerprints(d)
	if len(found) != 1 {
		return breach("%d distinct fingerprints; allowed: one", len(found))
	}
	algorithm, hash, _ := strings.Cut(found[0], " ")
	if algorithm != "sha-256" || len(hash) != 32*3-1 {
		return breach("the fingerprint is not sha-256")
	}
	return nil
}

// fingerprints returns the distinct fingerprints, upper-case but for the name of
// the hash: RFC 8122 lets both be written either way.
func fingerprints(d *sdp.SessionDescription) []string {
	var found []string
	add := func(attributes []sdp.Attribute) {
		for _, a := range attributes {
			if !strings.EqualFold(a.Key, "fingerprint") {
				continue
			}
			algorithm, hash, _ := strings.Cut(a.Value, " ")
			f := strings.ToLower(algorithm) + " " + strings.ToUpper(strings.TrimSpace(hash))
			if !slices.Contains(found, f) {
				found = append(found, f)
			}
		}
	}
	add(d.Attributes)
	for _, m := range d.MediaDescriptions {
		add(m.Attributes)
	}
	return found
}

func fingerprint(d *sdp.SessionDescription) string { return fingerprints(d)[0] }

// bundle returns the mids of the one BUNDLE group (RFC 9143).
func bundle(d *sdp.SessionDescription) ([]string, error) {
	var mids []string
	for _, a := range d.Attributes {
		words := strings.Fields(a.Value)
		if a.Key != "group" || len(words) == 0 || words[0] != "BUNDLE" {
			continue
		}
		if mids != nil {
			return nil, breach("it has two BUNDLE groups")
		}
		mids = words[1:]
	}
	if len(mids) == 0 {
		return nil, breach("it has no BUNDLE group")
	}
	return mids, nil
}

// credentials returns the ICE credentials of the whole description.
func credentials(d *sdp.SessionDescription) string {
	for _, m := range d.MediaDescriptions {
		if u := inherit(d, m, "ice-ufrag"); u != "" {
			return u + " " + inherit(d, m, "ice-pwd")
		}
	}
	return ""
}

// inherit returns an attribute of a section, or of the session.
func inherit(d *sdp.SessionDescription, m *sdp.MediaDescription, key string) string {
	if v := value(m.Attributes, key); v != "" {
		return v
	}
	return value(d.Attributes, key)
}

func value(attributes []sdp.Attribute, key string) string {
	for _, a := range attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

func has(attributes []sdp.Attribute, key string) bool {
	return slices.ContainsFunc(attributes, func(a sdp.Attribute) bool { return a.Key == key })
}

// filter leaves out the candidates that must not be used and counts all.
func filter(attributes []sdp.Attribute, r Rules, count *int) []sdp.Attribute {
	return slices.DeleteFunc(attributes, func(a sdp.Attribute) bool {
		if a.Key != "candidate" {
			return false
		}
		*count++
		return !Candidate("candidate:"+a.Value, r)
	})
}
