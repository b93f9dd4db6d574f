package daemon

import (
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// theRoom is the room of every call here; each attack has a daemon of its own.
const theRoom = "cm9vbS1mb3ItYS10ZXN0LTAx"

// attack is what somebody tries against a running daemon with one contact, and
// everything that comes of it.
type attack struct {
	do      func(h *house)
	refused counts   // by reason: all there are
	told    []string // what the device says to it, beside plain acks
	rings   int      // how often it may ring, for calls that are no attack
	state   string   // of the device afterwards; "" is idle
}

// once is one refusal.
func once(reason signaling.Reason) counts { return counts{string(reason): 1} }

// bellTime is for how long nothing may ring after an attack.
const bellTime = 5 * time.Second

// atOnce is how many daemons are attacked at the same time; all are watched for
// bellTime together.
const atOnce = 4

// TestEveryRefusal attacks a running daemon over its WebSocket: each attack is
// counted once, under its reason, and rings nothing.
func TestEveryRefusal(t *testing.T) {
	turn := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for name, tt := range everyAttack() {
		all.Go(func() {
			t.Run(name, func(t *testing.T) {
				h := attacked(t, tt, turn)
				time.Sleep(bellTime)
				h.check(tt)
			})
		})
	}
	all.Wait()
}

func attacked(t *testing.T, tt attack, turn chan struct{}) *house {
	t.Helper()
	turn <- struct{}{}
	defer func() { <-turn }()
	h := newHouse(t)
	tt.do(h)
	h.settled(tt)
	return h
}

func everyAttack() map[string]attack {
	all := map[string]attack{}
	for _, some := range []map[string]attack{forgeries(), values(), offers(), rooms(), trust(), lines()} {
		for name, tt := range some {
			if _, twice := all[name]; twice {
				panic("two attacks are called " + name)
			}
			all[name] = tt
		}
	}
	return all
}

// invite has Anna's phone send an invite, changed.
func invite(changes ...signalingtest.Change) func(*house) {
	return func(h *house) { h.anna.say(h.anna.Invite(theRoom, changes...)) }
}

// ofAnna is a change that needs Anna's phone.
func ofAnna(change func(p *handset) signalingtest.Change) func(*house) {
	return func(h *house) { h.anna.say(h.anna.Invite(theRoom, change(h.anna))) }
}

// forgeries are messages that are not what they should be, or not whose.
func forgeries() map[string]attack {
	shape := func(do func(*house)) attack { return attack{do: do, refused: once(signaling.RefusedShape)} }
	return map[string]attack{
		"right kid, foreign key": {do: func(h *house) {
			h.anna.say(h.anna.Invite(theRoom, signalingtest.SignedBy(h.stranger().Key)))
		}, refused: once(signaling.RefusedSignature)},
		"foreign key": {do: func(h *house) {
			p := h.stranger()
			p.say(p.Invite(theRoom))
		}, refused: once(signaling.RefusedStranger)},
		"alg none, without a signature": shape(invite(header("alg", "none"), signalingtest.Unsigned())),
		"alg none, with a signature":    shape(invite(header("alg", "none"))),
		"HS256 with the public key":     shape(ofAnna(hs256)),
		"extra header field jwk": shape(ofAnna(func(p *handset) signalingtest.Change {
			return header("jwk", p.Key.Public().JWK())
		})),
		"extra header field jku":  shape(invite(header("jku", "https://example.org/keys"))),
		"extra header field crit": shape(invite(header("crit", []string{"exp"}))),
		"typ of a token":          shape(invite(header("typ", "callbox-token+jws"))),
		"no typ":                  shape(invite(func(d *signalingtest.Draft) { delete(d.Header, "typ") })),
		"somebody else's address in a message": {do: func(h *house) {
			p := h.paired("Bob", signaling.RightCall)
			p.say(p.Invite(theRoom, with("from", h.anna.Address())))
		}, refused: once(signaling.RefusedSender)},
		"somebody else's message": {do: func(h *house) {
			h.paired("Bob", signaling.RightCall).say(h.anna.Invite(theRoom))
		}, refused: once(signaling.RefusedSender)},
		"somebody else's key in a message": {do: func(h *house) {
			h.anna.say(h.anna.Invite(theRoom, with("jwk", h.stranger().Key.Public().JWK())))
		}, refused: once(signaling.RefusedSender)},
		"wrong tkt":         {do: func(h *house) { invite(with("tkt", h.anna.JKT()))(h) }, refused: once(signaling.RefusedRecipient)},
		"to another device": {do: invite(with("to", "d.door-2")), refused: once(signaling.RefusedRecipient)},
		"swapped SDP": {do: func(h *house) {
			offerChanged(h, edited(h.anna, false, signalingtest.DefaultFingerprint, signalingtest.OtherFingerprint))
		}, refused: once(signaling.RefusedSignature)},
		"swapped SDP, signed anew by a foreign key": {do: func(h *house) {
			offerChanged(h, with("sdp", signalingtest.SDP{Fingerprint: signalingtest.OtherFingerprint}.String()),
				signalingtest.SignedBy(h.stranger().Key))
		}, refused: once(signaling.RefusedSignature)},
		"swapped SDP, signed anew and said so": {do: func(h *house) {
			p := h.stranger()
			offerChanged(h, with("sdp", signalingtest.SDP{Fingerprint: signalingtest.OtherFingerprint}.String()),
				header("kid", p.JKT()), signalingtest.SignedBy(p.Key))
		}, refused: once(signaling.RefusedSender)},
		"member of the envelope twice": shape(ofAnna(func(p *handset) signalingtest.Change {
			return edited(p, true, `"tkt":`, `"tkt":"x","tkt":`)
		})),
		"member of the body twice": shape(ofAnna(func(p *handset) signalingtest.Change {
			return edited(p, true, `"roomType":`, `"roomType":"voice","roomType":`)
		})),
		"wrong case in the envelope": shape(ofAnna(func(p *handset) signalingtest.Change {
			return edited(p, true, `"from":`, `"From":`)
		})),
		"base64 with loose bits":   shape(invite(signalingtest.Text(looseBits))),
		"base64 with padding":      shape(invite(signalingtest.Text(func(s string) string { return s + "==" }))),
		"base64 with a line break": shape(invite(signalingtest.Text(func(s string) string { return s + "\n" }))),
		"groupId beside a roomId":  shape(invite(with("groupId", "another"))),
		"not a message":            shape(func(h *house) { h.anna.say("hello") }),
		"message over 32 KiB":      {do: invite(with("x", strings.Repeat("x", message.MaxMessage))), refused: once(signaling.RefusedSize)},
		"query over 1 KiB":         {do: invite(with("query", strings.Repeat("x", message.MaxQuery+1))), refused: once(signaling.RefusedSize)},
		"payload over 4 KiB":       {do: invite(with("payload", strings.Repeat("x", message.MaxPayload))), refused: once(signaling.RefusedSize)},
		"token instead of a pairing": {do: func(h *house) {
			p := h.stranger()
			p.say(p.Invite(theRoom, with("token", "eyJhbGciOiJFUzI1NiJ9.e30.x")))
		}, refused: once(signaling.RefusedTokenShape)},
		"token of nobody that the device knows": {do: func(h *house) {
			p := h.stranger()
			p.say(p.Invite(theRoom, with("token", signalingtest.NewIssuer(h.t, "https://evil.example").Token(p.Phone, theRoom))))
		}, refused: once(signaling.RefusedTokenIssuer)},
	}
}

// offerChanged goes through a right challenge and then sends a changed offer.
func offerChanged(h *house, changes ...signalingtest.Change) {
	h.t.Helper()
	invite, nonce := h.anna.challenged()
	h.anna.say(h.anna.Offer(theRoom, nonce, invite, signalingtest.SDP{}.String(), changes...))
}

// values are invites of an allowed caller that break a rule: it is told so.
func values() map[string]attack {
	bad := func(changes ...signalingtest.Change) attack {
		return attack{do: invite(changes...), refused: once(signaling.RefusedValue), told: []string{"reject badRequest"}}
	}
	return map[string]attack{
		"limit of 0":        bad(with("timeLimit", 0)),
		"limit of -1":       bad(with("timeLimit", -1)),
		"limit as a string": bad(with("timeLimit", "60")),
		"limit of null":     bad(with("timeLimit", nil)),
		"limit over 2^31":   bad(with("timeLimit", 1<<31+1)),
		"unknown room type": bad(with("roomType", "text")),
		"no room type":      bad(signalingtest.Without("roomType")),
		"wrong case in a body": {do: ofAnna(func(p *handset) signalingtest.Change {
			return edited(p, true, `"roomType":`, `"RoomType":`)
		}), refused: once(signaling.RefusedValue), told: []string{"reject badRequest"}},
		"version 2":         {do: invite(with("v", 2)), refused: once(signaling.RefusedVersion), told: []string{"reject unsupported"}},
		"answer to no ring": {do: invite(with("ref", message.NewID())), refused: once(signaling.RefusedRing), told: []string{"bye aborted unknownRoom"}},
		// No attack: a fraction of a millisecond is rounded up, not down to no limit.
		"limit of 1e-10 is 1 ms": {do: func(h *house) {
			h.anna.rings(with("timeLimit", 1e-10))
			if s := h.status(); s.Call == nil || s.Call.LimitSeconds != 0.001 {
				h.t.Errorf("the call is %+v, want a limit of 0.001 s", s.Call)
			}
		}, rings: 1, state: "ringing"},
	}
}

// TestTheSamePhoneRings is the control: without an attack, that phone gets through.
func TestTheSamePhoneRings(t *testing.T) {
	h := newHouse(t)
	h.anna.rings()
	h.check(attack{rings: 1, state: "ringing"})
	if s := h.status(); s.Call.Contact != "Anna" || s.Call.RoomID != theRoom {
		t.Errorf("the call is %+v, want Anna's", s.Call)
	}
	h.anna.say(h.anna.Cancel(theRoom))
	h.eventually("the device is idle", func() bool { return h.status().State == "idle" })
	h.check(attack{rings: 1})
}

// TestAFloodKeepsNobodyOut floods from a stranger's line and from a contact's own:
// each message is counted, and another contact gets through.
func TestAFloodKeepsNobodyOut(t *testing.T) {
	for name, flood := range map[string]func(h *house) *handset{
		"of a stranger": func(h *house) *handset { return h.stranger() },
		"of a contact":  func(h *house) *handset { return h.paired("Bob", signaling.RightCall) },
	} {
		t.Run(name, func(t *testing.T) {
			const messages = 300
			h := newHouse(t)
			p := flood(h)
			text := p.Invite(theRoom, with("tkt", p.JKT()))
			for range messages {
				p.write(text)
			}
			h.anna.rings()
			h.eventually("all of it was counted", func() bool { return h.refused().sum() >= messages })
			got := h.refused()
			rate := got[string(signaling.RefusedRate)]
			want := counts{string(signaling.RefusedRate): rate, string(signaling.RefusedRecipient): messages - rate}
			if !maps.Equal(got, want) || rate < messages/2 {
				t.Errorf("refused %v, want %d messages, most of them for rate", got, messages)
			}
			h.check(attack{refused: got, rings: 1, state: "ringing"})
		})
	}
}

// TestAFloodDoesNotHinderPairing: a right MAC is never refused for rate.
func TestAFloodDoesNotHinderPairing(t *testing.T) {
	h := newHouse(t)
	p := h.stranger()
	for range 100 {
		p.write("nonsense")
	}
	p.pair(h.window(signaling.RightCall), "Bob")
	p.expect("paired")
	if got := h.refused(); got.sum() != 100 || got[string(signaling.RefusedRate)] < 50 {
		t.Errorf("refused %v, want 100 messages, most of them for rate", got)
	}
}
