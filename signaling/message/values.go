package message

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// rule is one check of a value.
type rule struct {
	member   string
	ok       bool
	tooLarge bool // and not merely wrong
}

// broken returns the first rule that does not hold; what is too large first,
// because that is refused before any cryptography.
func broken(rules ...rule) error {
	for _, r := range rules {
		if !r.ok && r.tooLarge {
			return fmt.Errorf("member %s: %w", r.member, ErrTooLarge)
		}
	}
	for _, r := range rules {
		if !r.ok {
			return fmt.Errorf("member %s: %w", r.member, ErrBadRequest)
		}
	}
	return nil
}

func atMost(member string, n, limit int) rule {
	return rule{member: member, ok: n <= limit, tooLarge: true}
}

func nonce(s string) rule { return rule{member: "nonce", ok: s != "" && len(s) <= maxNonce} }

func sdpSize(s string) rule { return atMost("sdp", len(s), MaxSDP) }

func sdpThere(s string) rule { return rule{member: "sdp", ok: s != ""} }

func payloadSize(p jsontext.Value) rule { return atMost("payload", len(p), MaxPayload) }

func roomType(t RoomType) rule { return rule{member: "roomType", ok: t == Voice || t == Video} }

func generation(n int) rule { return rule{member: "generation", ok: n >= 1 && int64(n) <= 1<<31} }

// word is a cause, an origin, a detail, an error: unknown ones are the
// receiver's to judge, because a later version may have more.
func word(member, s string) rule { return rule{member: member, ok: s != "" && len(s) <= maxWord} }

func optionalWord(member, s string) rule { return rule{member: member, ok: len(s) <= maxWord} }

// ValidName reports whether s may be the name of a contact or of a device: 1 to
// MaxName code points, not only spaces, no control or format characters.
func ValidName(s string) bool {
	return strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= MaxName && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(c rune) bool { return unicode.In(c, unicode.Cc, unicode.Cf) })
}

func (b Invite) check() error {
	return broken(roomType(b.RoomType), atMost("query", len(b.Query), MaxQuery), payloadSize(b.Payload), atMost("token", len(b.Token), MaxToken))
}

// iceServers bounds what a phone is told of STUN and TURN.
func iceServers(list []ICEServer) error {
	if len(list) > MaxCandidates {
		return broken(atMost("iceServers", len(list), MaxCandidates))
	}
	for _, s := range list {
		for _, u := range s.URLs {
			if err := broken(atMost("iceServers", len(u), maxURL)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b Challenge) check() error {
	if err := iceServers(b.ICEServers); err != nil {
		return err
	}
	return broken(nonce(b.Nonce), rule{member: "ringTimeout", ok: b.RingTimeout >= 0 && b.RingTimeout <= maxLimit})
}

func (b Offer) check() error {
	return broken(nonce(b.Nonce), sdpSize(b.SDP), sdpThere(b.SDP), rule{member: "invite", ok: b.Invite != ""})
}

func (b Ringing) check() error {
	return broken(nonce(b.Nonce), sdpSize(b.SDP), rule{member: "ringTimeout", ok: b.RingTimeout > 0 && b.RingTimeout <= maxLimit})
}

func (b Accept) check() error { return broken(sdpSize(b.SDP), sdpThere(b.SDP)) }

func (b Start) check() error { return nil }

func (b Candidates) check() error {
	rules := []rule{
		atMost("candidates", len(b.Candidates), MaxCandidates),
		{member: "candidates", ok: len(b.Candidates) > 0},
	}
	for _, c := range b.Candidates {
		rules = append(rules, rule{member: "candidate", ok: len(c.Candidate) <= maxURL})
	}
	return broken(rules...)
}

func (b Restart) check() error {
	return broken(generation(b.Generation), sdpSize(b.SDP), sdpThere(b.SDP))
}

func (b Restarted) check() error {
	return broken(generation(b.Generation), sdpSize(b.SDP), sdpThere(b.SDP))
}

func (b NeedRestart) check() error {
	if err := iceServers(b.ICEServers); err != nil {
		return err
	}
	return broken(generation(b.Generation))
}

func (b Data) check() error {
	return broken(nonce(b.Nonce), payloadSize(b.Payload), optionalWord("right", string(b.Right)),
		rule{member: "at", ok: b.At >= 0 && b.At <= maxLimit})
}

func (b Ring) check() error {
	return broken(roomType(b.RoomType), atMost("query", len(b.Query), MaxQuery))
}

func (b Reject) check() error {
	return broken(word("cause", string(b.Cause)), rule{member: "nonce", ok: len(b.Nonce) <= maxNonce})
}

func (b Cancel) check() error { return broken(word("cause", string(b.Cause))) }

func (b Bye) check() error {
	return broken(word("cause", string(b.Cause)), optionalWord("origin", string(b.Origin)), optionalWord("detail", string(b.Detail)))
}

func (b Pair) check() error {
	return broken(atMost("name", utf8.RuneCountInString(b.Name), MaxName),
		rule{member: "name", ok: ValidName(b.Name)}, word("mac", b.MAC))
}

func (b Paired) check() error {
	return broken(rule{member: "name", ok: ValidName(b.Name)}, word("mac", b.MAC))
}

func (b Ping) check() error { return broken(nonce(b.Nonce)) }

func (b Pong) check() error { return broken(nonce(b.Nonce)) }

func (b Ack) check() error {
	return broken(optionalWord("error", b.Error), rule{member: "nonce", ok: len(b.Nonce) <= maxNonce})
}

func (b Push) check() error {
	rules := []rule{
		{member: "nonce", ok: len(b.Nonce) <= maxNonce},
		{member: "nonce", ok: b.Nonce != "" || b.Subscription == nil && !b.Remove},
		{member: "remove", ok: b.Subscription == nil || !b.Remove},
	}
	if s := b.Subscription; s != nil {
		rules = append(rules, atMost("endpoint", len(s.Endpoint), maxURL), rule{member: "endpoint", ok: s.Endpoint != ""},
			rule{member: "p256dh", ok: s.Keys.P256DH != "" && len(s.Keys.P256DH) <= maxPushKey},
			rule{member: "auth", ok: s.Keys.Auth != "" && len(s.Keys.Auth) <= maxPushKey})
	}
	return broken(rules...)
}

func (b Pushed) check() error {
	return broken(rule{member: "key", ok: len(b.Key) <= maxPushKey}, rule{member: "nonce", ok: len(b.Nonce) <= maxNonce},
		optionalWord("error", b.Error))
}
