package transporttest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/base64url"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// attack is what somebody tries: over a line of their own, or as whoever carries the
// messages. Afterwards one more refusal of that reason is counted, and nothing rings.
type attack struct {
	reason signaling.Reason // "": nothing is refused, because nothing wrong arrives
	do     func(s *scene)
	rang   int    // calls that are no attack, before it
	byes   int    // of those calls
	times  uint64 // how often it is refused for that reason; 0: once
}

// many is how often something is refused of which nobody can say how often.
const many = math.MaxUint64

type members = signalingtest.Members

func with(name string, v any) signalingtest.Change { return signalingtest.With(members{name: v}) }

func header(name string, v any) signalingtest.Change {
	return signalingtest.WithHeader(members{name: v})
}

// attacks is the table: those of the channel, and those of contacts.
func attacks() map[string]attack {
	byAnna := func(why signaling.Reason, changes ...signalingtest.Change) attack {
		return attack{reason: why, do: func(s *scene) { s.anna.line.say(s.anna.Invite(message.NewID(), changes...)) }}
	}
	offer := func(why signaling.Reason, change func(s *scene, room, invite, nonce string) string) attack {
		return attack{reason: why, do: func(s *scene) {
			room := message.NewID()
			invite, nonce := s.anna.challenged(room)
			s.anna.line.say(change(s, room, invite, nonce))
		}}
	}
	plain := signalingtest.SDP{}.String()
	return map[string]attack{
		"foreign key": {reason: signaling.RefusedStranger, do: func(s *scene) {
			p := s.phone("")
			p.line.say(p.Invite(message.NewID()))
		}},
		"right kid, foreign key": {reason: signaling.RefusedSignature, do: func(s *scene) {
			s.anna.line.say(s.anna.Invite(message.NewID(), signalingtest.SignedBy(stranger(s).Key)))
		}},
		"foreign key, with the contact's key inside": {reason: signaling.RefusedSender, do: func(s *scene) {
			p := s.phone("")
			p.line.say(p.Invite(message.NewID(), with("jwk", s.anna.Key.Public().JWK())))
		}},
		"alg none":            byAnna(signaling.RefusedShape, header("alg", "none"), signalingtest.Unsigned()),
		"typ of a token":      byAnna(signaling.RefusedShape, header("typ", "callbox-token+jws")),
		"typ of a presence":   byAnna(signaling.RefusedShape, header("typ", "callbox-status+jws")),
		"groupId and roomId":  byAnna(signaling.RefusedShape, with("groupId", "another")),
		"not for this key":    byAnna(signaling.RefusedRecipient, with("tkt", strings.Repeat("A", 43))),
		"for another device":  byAnna(signaling.RefusedRecipient, with("to", "d.elsewhere")),
		"more than a message": byAnna(signaling.RefusedSize, with("query", strings.Repeat("x", message.MaxQuery+1))),
		"HS256 with the public key": {reason: signaling.RefusedShape, do: func(s *scene) {
			s.anna.line.say(s.anna.Invite(message.NewID(), hs256(s.anna)))
		}},
		"another sender's address in the message": {reason: signaling.RefusedSender, do: func(s *scene) {
			p := s.phone("Bob", signaling.RightCall)
			p.line.say(p.Invite(message.NewID(), with("from", s.anna.Address())))
		}},
		"another's message on the own line": {reason: signaling.RefusedSender, do: func(s *scene) {
			p := s.phone("Bob", signaling.RightCall)
			p.line.say(s.anna.Invite(message.NewID()))
		}},
		"swapped by the carrier: one phone's message as another's": {reason: signaling.RefusedSender, do: func(s *scene) {
			p := s.phone("Bob", signaling.RightCall)
			p.challenged(message.NewID())
			s.anna.challenged(message.NewID())
			s.net.inject(s.net.peerOf(s.anna.Address()), p.Invite(message.NewID()))
		}},
		"forged by the carrier on the contact's line": {reason: signaling.RefusedSignature, do: func(s *scene) {
			s.anna.challenged(message.NewID())
			s.net.inject(s.net.peerOf(s.anna.Address()), s.anna.Invite(message.NewID(), signalingtest.SignedBy(stranger(s).Key)))
		}},
		"swapped SDP": offer(signaling.RefusedSignature, func(s *scene, room, invite, nonce string) string {
			return edited(s, s.anna.Offer(room, nonce, invite, plain), signalingtest.DefaultFingerprint, signalingtest.OtherFingerprint)
		}),
		"two fingerprints": offer(signaling.RefusedSDP, func(s *scene, room, invite, nonce string) string {
			return s.anna.Offer(room, nonce, invite, signalingtest.SDP{Fingerprints: []string{signalingtest.OtherFingerprint}}.String())
		}),
		"another nonce": offer(signaling.RefusedNonce, func(s *scene, room, invite, _ string) string {
			return s.anna.Offer(room, message.NewID(), invite, plain)
		}),
		"a nonce for another invite": offer(signaling.RefusedNonce, func(s *scene, room, _, nonce string) string {
			return s.anna.Offer(room, nonce, s.anna.Invite(room, with("timeLimit", 5)), plain)
		}),
		"an offer that was held back for 11 s": offer(signaling.RefusedLate, func(s *scene, room, invite, nonce string) string {
			s.clock.forward(11 * time.Second)
			return s.anna.Offer(room, nonce, invite, plain)
		}),
		"an answer to a ring that never was": byAnna(signaling.RefusedRing, with("ref", message.NewID())),
		"a call that was recorded, after a restart": {reason: signaling.RefusedNonce, rang: 1, byes: 1, do: func(s *scene) {
			recorded := recordedCall(s)
			s.boot()
			s.replay(recorded)
		}},
		"a call that was recorded, at once": {reason: signaling.RefusedRoom, rang: 1, byes: 1, do: func(s *scene) {
			s.replay(recordedCall(s))
		}},
		"a call that was recorded, on another line": {reason: signaling.RefusedSender, times: many, rang: 1, byes: 1, do: func(s *scene) {
			p := s.phone("Bob", signaling.RightCall)
			p.challenged(message.NewID())
			for _, one := range recordedCall(s) {
				if one.peer.Address == s.anna.Address() {
					s.net.inject(s.net.peerOf(p.Address()), one.text)
				}
			}
		}},
		"a bye of another key": {reason: signaling.RefusedRoom, rang: 1, do: func(s *scene) {
			room := s.talk()
			p := s.phone("Bob", signaling.RightCall)
			p.line.say(p.Bye(room))
		}},
		"a key that was revoked": {reason: signaling.RefusedRevoked, do: func(s *scene) {
			invite, nonce := s.anna.challenged("revoked-room")
			c, _ := s.contacts.Contact(s.anna.JKT())
			c.Revoked = true
			_, _, _ = s.contacts.Pair(c)
			s.anna.line.say(s.anna.Offer("revoked-room", nonce, invite, plain))
		}},
		"garbage": {reason: signaling.RefusedShape, do: func(s *scene) { s.anna.line.say("hello") }},
	}
}

// stranger is a key that nobody knows.
func stranger(s *scene) *signalingtest.Phone {
	return signalingtest.NewPhone(s.t, s.sn, s.key.JKT())
}

// hs256 signs with the phone's public key as if it were a shared secret.
func hs256(p *handset) signalingtest.Change {
	return func(d *signalingtest.Draft) {
		secret, err := json.Marshal(p.Key.Public().JWK())
		if err != nil {
			p.s.t.Fatal(err)
		}
		d.Header["alg"] = "HS256"
		d.Sign = func(input []byte) []byte {
			m := hmac.New(sha256.New, secret)
			m.Write(input)
			return m.Sum(nil)
		}
	}
}

// edited changes a signed message's payload; the signature stays.
func edited(s *scene, signed, before, after string) string {
	parts := strings.Split(signed, ".")
	payload, err := base64url.Decode(parts[1])
	if err != nil || !strings.Contains(string(payload), before) {
		s.t.Fatalf("there is no %q to change: %v", before, err)
	}
	return parts[0] + "." + base64url.Encode([]byte(strings.ReplaceAll(string(payload), before, after))) + "." + parts[2]
}

// recordedCall is all that a whole call has sent to the device.
func recordedCall(s *scene) []passed {
	room := s.talk()
	s.anna.post(s.anna.Bye(room))
	event[signaling.Bye](s)
	return s.net.recorded()
}

// replay plays what was recorded again, as whoever carries the messages can.
func (s *scene) replay(recorded []passed) {
	for _, one := range recorded {
		s.net.inject(one.peer, one.text)
	}
}

// TestAttacks tries every attack over every transport.
func TestAttacks(t *testing.T) {
	var all table
	for transport, open := range transports(t) {
		tries := attacks()
		maps.Copy(tries, attacksWithTokens())
		maps.Copy(tries, attacksOnTheWay())
		for name, tt := range tries {
			all.add(transport+"/"+name, func(t *testing.T) {
				s := newScene(t, open, fair)
				tt.do(s)
				if tt.reason != "" {
					eventually(t, "it was counted as "+string(tt.reason), func() bool { return s.Refused()[string(tt.reason)] > 0 })
				}
				time.Sleep(300 * time.Millisecond) // what else comes of it
				if n := count[signaling.Offer](s); n != tt.rang {
					t.Errorf("it rang %d times, want %d", n, tt.rang)
				}
				if n := count[signaling.Bye](s); n != tt.byes {
					t.Errorf("%d byes, want %d", n, tt.byes)
				}
				if n, want := s.Refused()[string(tt.reason)], max(1, tt.times); tt.reason != "" && n != want && tt.times != many {
					t.Errorf("%d were refused as %s, want %d", n, tt.reason, want)
				}
				// Whoever was attacked still gets through, if it may.
				if tt.reason != signaling.RefusedRevoked {
					s.clock.forward(10 * time.Second) // the budget is full again
					s.anna.post(s.anna.Ping("after-the-attack"))
					s.anna.expect("after-the-attack", message.TypePong)
				}
			})
		}
	}
	all.run(t)
}

// TestForeignDevice: what another device, or whoever carries the messages, says to a
// phone in the device's place is taken by no phone.
func TestForeignDevice(t *testing.T) {
	for transport, open := range transports(t) {
		t.Run(transport, func(t *testing.T) {
			s, other := newScene(t, open, fair), newScene(t, open, fair)
			if err := other.Ring(signaling.RingRequest{Phone: other.anna.JKT(), RoomID: "room", RoomType: signaling.Voice, Life: time.Minute}); err != nil {
				t.Fatal(err)
			}
			ring := other.anna.expect("room", message.TypeRing)
			room := s.talk()
			way := s.net.peerOf(s.anna.Address()).Transport
			forged, _, err := message.Sign(other.key, message.Envelope{
				From: key.DeviceAddress(s.sn), To: s.anna.Address(), TKT: s.anna.JKT(), RoomID: room,
			}, message.Bye{Cause: "hangup"})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{ring.Text, forged} {
				way.Send(s.anna.Address(), text)
			}
			eventually(t, "the phone dropped both", func() bool { return s.anna.dropped() == 2 })
			if n := s.anna.said(message.TypeBye) + s.anna.said(message.TypeRing); n != 0 {
				t.Errorf("the phone took %d of them", n)
			}
		})
	}
}
