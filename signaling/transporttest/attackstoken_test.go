package transporttest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// carries is an invite's token.
func carries(text string) signalingtest.Change { return with("token", text) }

// guest is a phone that no contact book knows, with a token for one room.
type guest struct {
	*handset
	room, token string
}

func (s *scene) guest(changes ...signalingtest.Change) guest {
	s.t.Helper()
	p, room := s.phone(""), message.NewID()
	return guest{p, room, s.maker.Token(p.Phone, room, changes...)}
}

// calls goes on until the device has the offer.
func (g guest) calls() (offer string) {
	g.s.t.Helper()
	invite, nonce := g.challenged(g.room, carries(g.token))
	offer = g.Offer(g.room, nonce, invite, signalingtest.SDP{}.String())
	g.post(offer)
	event[signaling.Offer](g.s)
	return offer
}

// attacksWithTokens is the part of the table that is about callers who are no
// contacts: what of a token, or of a call with one, is somebody else's, changed, too
// late or used.
func attacksWithTokens() map[string]attack {
	invites := func(why signaling.Reason, changes ...signalingtest.Change) attack {
		return attack{reason: why, do: func(s *scene) {
			g := s.guest(changes...)
			g.line.say(g.Invite(g.room, carries(g.token)))
		}}
	}
	lives := func(why signaling.Reason, from, until time.Duration) attack {
		return attack{reason: why, do: func(s *scene) {
			now := time.Now()
			g := s.guest(with("iat", now.Add(from).Unix()), with("exp", now.Add(until).Unix()))
			g.line.say(g.Invite(g.room, carries(g.token)))
		}}
	}
	offers := func(why signaling.Reason, change func(s *scene, g guest, invite, nonce string) string) attack {
		return attack{reason: why, do: func(s *scene) {
			g := s.guest()
			invite, nonce := g.challenged(g.room, carries(g.token))
			g.line.say(change(s, g, invite, nonce))
		}}
	}
	plain := signalingtest.SDP{}.String()
	return map[string]attack{
		"token: foreign key": {reason: signaling.RefusedTokenIssuer, do: func(s *scene) {
			other := signalingtest.NewIssuer(s.t, makerName)
			g := s.guest()
			g.line.say(g.Invite(g.room, carries(other.Token(g.Phone, g.room))))
		}},
		"token: right kid, foreign key": {reason: signaling.RefusedTokenSignature, do: func(s *scene) {
			g := s.guest(signalingtest.SignedBy(signalingtest.NewIssuer(s.t, makerName).Key.Private))
			g.line.say(g.Invite(g.room, carries(g.token)))
		}},
		"token: signed by the phone itself": {reason: signaling.RefusedTokenSignature, do: func(s *scene) {
			g := s.guest()
			g.line.say(g.Invite(g.room, carries(s.maker.Token(g.Phone, g.room, signalingtest.SignedBy(g.Key)))))
		}},
		"token: alg none": invites(signaling.RefusedTokenShape, header("alg", "none"), signalingtest.Unsigned()),
		"token: HS256 with the public key": {reason: signaling.RefusedTokenShape, do: func(s *scene) {
			secret, err := json.Marshal(s.maker.Key.Private.Public().JWK())
			if err != nil {
				s.t.Fatal(err)
			}
			g := s.guest(header("alg", "HS256"), signalingtest.Signature(func(input []byte) []byte {
				m := hmac.New(sha256.New, secret)
				m.Write(input)
				return m.Sum(nil)
			}))
			g.line.say(g.Invite(g.room, carries(g.token)))
		}},
		"token: typ of a message": invites(signaling.RefusedTokenShape, header("typ", message.Typ)),
		"token: a message in its place": {reason: signaling.RefusedTokenShape, do: func(s *scene) {
			g := s.guest()
			g.line.say(g.Invite(g.room, carries(g.Invite(g.room))))
		}},
		"token: for another device":         invites(signaling.RefusedTokenDevice, with("aud", "d.elsewhere")),
		"token: for another device's key":   invites(signaling.RefusedTokenDevice, with("dkt", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
		"token: for another room":           invites(signaling.RefusedTokenRoom, with("roomId", "another-room")),
		"token: roomId and another groupId": invites(signaling.RefusedTokenShape, with("groupId", "another")),
		"token: for a voice call":           invites(signaling.RefusedTokenRoom, with("roomType", "voice")),
		"token: expired":                    lives(signaling.RefusedTokenLife, -2*time.Minute, -time.Second),
		"token: from the future":            lives(signaling.RefusedTokenLife, 2*time.Minute, 4*time.Minute),
		"token: good for ten years":         lives(signaling.RefusedTokenLife, 0, 10*365*24*time.Hour),
		"token: stolen, with an own key": {reason: signaling.RefusedTokenHolder, do: func(s *scene) {
			g, thief := s.guest(), s.phone("")
			thief.line.say(thief.Invite(g.room, carries(g.token)))
		}},
		"token: stolen, with its holder's jwk and a foreign signature": {reason: signaling.RefusedSender, do: func(s *scene) {
			g, thief := s.guest(), s.phone("")
			thief.line.say(thief.Invite(g.room, carries(g.token), with("jwk", g.Key.Public().JWK())))
		}},
		"token: stolen by the carrier, with all that is its holder's but the key": {reason: signaling.RefusedSignature, do: func(s *scene) {
			g, thief := s.guest(), s.phone("")
			g.challenged(g.room, carries(g.token))
			s.net.inject(s.net.peerOf(g.Address()), g.Invite(g.room, carries(g.token), signalingtest.SignedBy(thief.Key)))
		}},
		"token: another sender's address in the message": {reason: signaling.RefusedSender, do: func(s *scene) {
			g := s.guest()
			g.line.say(g.Invite(g.room, carries(g.token), with("from", s.anna.Address())))
		}},
		"token: used, after the call and a restart": {reason: signaling.RefusedTokenSpent, rang: 1, do: func(s *scene) {
			g := s.guest()
			g.calls()
			s.Reject(g.handset.room(g.room), cause.Busy)
			g.expect(g.room, message.TypeReject)
			s.boot()
			g.forget()
			invite, nonce := g.challenged(g.room, carries(g.token))
			g.line.say(g.Offer(g.room, nonce, invite, plain))
		}},
		"token: recorded with its call, after a restart": {reason: signaling.RefusedNonce, rang: 1, do: func(s *scene) {
			g := s.guest()
			g.calls()
			s.Reject(g.handset.room(g.room), cause.Busy)
			g.expect(g.room, message.TypeReject)
			recorded := s.net.recorded()
			s.boot()
			s.replay(recorded)
		}},
		"token: swapped SDP": offers(signaling.RefusedSignature, func(s *scene, g guest, invite, nonce string) string {
			return edited(s, g.Offer(g.room, nonce, invite, plain), signalingtest.DefaultFingerprint, signalingtest.OtherFingerprint)
		}),
		"token: two fingerprints": offers(signaling.RefusedSDP, func(_ *scene, g guest, invite, nonce string) string {
			return g.Offer(g.room, nonce, invite, signalingtest.SDP{Fingerprints: []string{signalingtest.OtherFingerprint}}.String())
		}),
		"token: another nonce": offers(signaling.RefusedNonce, func(_ *scene, g guest, invite, _ string) string {
			return g.Offer(g.room, message.NewID(), invite, plain)
		}),
		"token: another token in the offer's invite": offers(signaling.RefusedNonce, func(s *scene, g guest, _, nonce string) string {
			return g.Offer(g.room, nonce, g.Invite(g.room, carries(s.maker.Token(g.Phone, g.room))), plain)
		}),
		"token: an offer that was held back for 11 s": offers(signaling.RefusedLate, func(s *scene, g guest, invite, nonce string) string {
			s.clock.forward(11 * time.Second)
			return g.Offer(g.room, nonce, invite, plain)
		}),
	}
}
