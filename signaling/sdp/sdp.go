// Package sdp checks the other side's SDP before it reaches the WebRTC stack
// (docs/protocol.md, "SDP rules"): a phone's offers on the device, the device's
// answers on a phone.
//
// What is checked is what is used: Check returns the description written anew
// from the checked form, so no second reading of odd line ends or duplicate
// lines exists.
package sdp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"

	"callbox/signaling/message"
)

// ErrForbidden means that an SDP breaks the rules; the sender is told badRequest.
var ErrForbidden = errors.New("SDP breaks the rules")

// maxMedia bounds what one offer makes the device set up: sound, picture and
// data, each with room for one that was rejected before.
const maxMedia = 8

// Offer is a checked offer.
type Offer struct {
	SDP         string // to be used; without the candidates that are dropped
	Fingerprint string // of DTLS: SHA-256, upper case, with colons
	Ufrag       string // of ICE
	Password    string // of ICE
	Candidates  int    // how many stood in it, usable or not
	media       []media
}

// media is what a restart must not change.
type media struct {
	kind, mid, direction string
	active               bool
}

// Check reads an offer. Forbidden candidates are dropped; everything else that
// breaks the rules is an error: ErrForbidden.
func Check(text string, room message.RoomType, allowLoopback bool) (*Offer, error) {
	return check(text, room, allowLoopback, []string{"actpass"})
}

// check reads a description whose a=setup is one of roles.
func check(text string, room message.RoomType, allowLoopback bool, roles []string) (*Offer, error) {
	if len(text) > message.MaxSDP {
		return nil, forbidden("%d bytes, at most %d", len(text), message.MaxSDP)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("cannot read SDP: %w: %w", err, ErrForbidden)
	}
	o := &Offer{}
	if err := o.read(&d, room, allowLoopback, roles); err != nil {
		return nil, err
	}
	clean, err := d.Marshal()
	if err != nil {
		return nil, fmt.Errorf("cannot write SDP: %w: %w", err, ErrForbidden)
	}
	o.SDP = string(clean)
	return o, nil
}

// CheckRestart reads the offer of an ICE restart: next must differ from the
// offer before it in ICE parameters only. Errors: ErrForbidden.
func CheckRestart(before *Offer, next string, room message.RoomType, allowLoopback bool) (*Offer, error) {
	o, err := Check(next, room, allowLoopback)
	if err != nil {
		return nil, err
	}
	switch {
	case o.Fingerprint != before.Fingerprint:
		return nil, forbidden("the fingerprint changed")
	case o.Ufrag == before.Ufrag || o.Password == before.Password:
		return nil, forbidden("the ICE credentials did not change")
	case len(o.media) != len(before.media):
		return nil, forbidden("%d m-lines instead of %d", len(o.media), len(before.media))
	}
	for i, m := range o.media {
		was := before.media[i]
		if !m.active { // the answer may have rejected it
			was.active, was.direction, was.mid, m.direction, m.mid = false, "", "", "", ""
		}
		if m != was {
			return nil, forbidden("m-line %d changed", i)
		}
	}
	return o, nil
}

func forbidden(format string, args ...any) error {
	return fmt.Errorf("cannot accept SDP: %s: %w", fmt.Sprintf(format, args...), ErrForbidden)
}

// found collects what may stand only once over the whole description.
type found struct{ fingerprints, ufrags, passwords []string }

func (o *Offer) read(d *sdp.SessionDescription, room message.RoomType, allowLoopback bool, roles []string) error {
	if len(d.MediaDescriptions) > maxMedia {
		return forbidden("%d m-lines, at most %d", len(d.MediaDescriptions), maxMedia)
	}
	// Candidates belong to media; at the session level they mean nothing.
	d.Attributes = o.dropCandidates(d.Attributes, func(string) bool { return false })
	bundle, err := bundled(d.Attributes)
	if err != nil {
		return err
	}
	f := found{
		fingerprints: values(d.Attributes, "fingerprint"),
		ufrags:       values(d.Attributes, "ice-ufrag"),
		passwords:    values(d.Attributes, "ice-pwd"),
	}
	active := 0
	for i, m := range d.MediaDescriptions {
		m.Attributes = o.dropCandidates(m.Attributes, func(c string) bool { return Usable(c, allowLoopback) })
		seen := describe(m)
		o.media = append(o.media, seen)
		f.fingerprints = append(f.fingerprints, values(m.Attributes, "fingerprint")...) // of rejected media too
		if !seen.active {
			continue
		}
		active++
		setup := append(values(d.Attributes, "setup"), values(m.Attributes, "setup")...)
		if err := checkMedia(m, seen, room, setup, roles, bundle); err != nil {
			return fmt.Errorf("m-line %d: %w", i, err)
		}
		delete(bundle, seen.mid) // a second one with this mid is not in it
		f.ufrags = append(f.ufrags, values(m.Attributes, "ice-ufrag")...)
		f.passwords = append(f.passwords, values(m.Attributes, "ice-pwd")...)
	}
	if active == 0 {
		return forbidden("no active m-line")
	}
	if o.Candidates > message.MaxCandidates {
		return forbidden("%d candidates, at most %d", o.Candidates, message.MaxCandidates)
	}
	return o.identify(f)
}

// identify takes the one fingerprint and the one pair of ICE credentials.
func (o *Offer) identify(f found) error {
	for i, text := range f.fingerprints {
		canonical, err := fingerprint(text)
		if err != nil {
			return err
		}
		f.fingerprints[i] = canonical
	}
	for _, c := range []struct {
		name     string
		values   []string
		min, max int // characters; of ICE: RFC 8839, 5.4
		to       *string
	}{
		{"fingerprint", f.fingerprints, fingerprintLength, fingerprintLength, &o.Fingerprint},
		{"ice-ufrag", f.ufrags, 4, 256, &o.Ufrag},
		{"ice-pwd", f.passwords, 22, 256, &o.Password},
	} {
		slices.Sort(c.values)
		if distinct := slices.Compact(c.values); len(distinct) != 1 {
			return forbidden("%d distinct %s, must be one", len(distinct), c.name)
		}
		*c.to = c.values[0]
		if n := len(*c.to); n < c.min || n > c.max {
			return forbidden("%s of %d characters", c.name, n)
		}
	}
	return nil
}

// fingerprintLength is that of 32 bytes in hexadecimal with colons between.
const fingerprintLength = 32*3 - 1

// fingerprint returns the canonical form of RFC 8122, 5: SHA-256 only.
func fingerprint(value string) (string, error) {
	f := strings.Fields(value)
	if len(f) != 2 || !strings.EqualFold(f[0], "sha-256") {
		return "", forbidden("fingerprint %q is not sha-256", value)
	}
	parts := strings.Split(f[1], ":")
	for _, p := range parts {
		if b, err := hex.DecodeString(p); err != nil || len(b) != 1 {
			return "", forbidden("fingerprint %q is not hexadecimal", value)
		}
	}
	return strings.ToUpper(f[1]), nil
}

// bundled returns the mids of the one BUNDLE group (RFC 9143).
func bundled(attributes []sdp.Attribute) (map[string]bool, error) {
	var mids map[string]bool
	for _, group := range values(attributes, "group") {
		f := strings.Fields(group)
		if len(f) == 0 || f[0] != "BUNDLE" {
			continue
		}
		if mids != nil {
			return nil, forbidden("two BUNDLE groups")
		}
		mids = map[string]bool{}
		for _, mid := range f[1:] {
			mids[mid] = true
		}
	}
	return mids, nil
}

func describe(m *sdp.MediaDescription) media {
	seen := media{kind: m.MediaName.Media, direction: "sendrecv"} // RFC 8866, 6.7
	_, bundleOnly := m.Attribute("bundle-only")
	seen.active = m.MediaName.Port.Value != 0 || bundleOnly // RFC 9143, 6
	seen.mid, _ = m.Attribute("mid")
	for _, a := range m.Attributes {
		switch a.Key {
		case "sendrecv", "sendonly", "recvonly", "inactive":
			seen.direction = a.Key
		}
	}
	return seen
}

func checkMedia(m *sdp.MediaDescription, seen media, room message.RoomType, setup, roles []string, bundle map[string]bool) error {
	switch seen.kind {
	case "video":
		if room == message.Voice {
			return forbidden("video in a voice room")
		}
		fallthrough
	case "audio":
		if _, ok := m.Attribute("rtcp-mux"); !ok {
			return forbidden("no rtcp-mux")
		}
	case "application":
	default:
		return forbidden("media of kind %q", seen.kind)
	}
	if len(setup) == 0 || slices.ContainsFunc(setup, func(s string) bool { return !slices.Contains(roles, s) }) {
		return forbidden("setup %q, must be one of %q", setup, roles)
	}
	if !bundle[seen.mid] {
		return forbidden("mid %q is not in the BUNDLE group, or stands twice", seen.mid)
	}
	return nil
}

// dropCandidates removes the candidates that are not usable and counts all.
func (o *Offer) dropCandidates(list []sdp.Attribute, usable func(string) bool) []sdp.Attribute {
	return slices.DeleteFunc(list, func(a sdp.Attribute) bool {
		if a.Key != "candidate" {
			return false
		}
		o.Candidates++
		return !usable(a.Value)
	})
}

// values returns the values of every attribute with this name.
func values(list []sdp.Attribute, name string) []string {
	var all []string
	for _, a := range list {
		if a.Key == name {
			all = append(all, a.Value)
		}
	}
	return all
}
