package signaling_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/base64url"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

type members = signalingtest.Members

// attack is something that must be refused: why, and what is answered.
type attack struct {
	do      func(*rig)
	want    signaling.Reason
	answers []message.Type
	also    signaling.Reason // counted on the way there; "" for none
}

// offerWith runs a right challenge and then a changed offer.
func offerWith(sdp signalingtest.SDP, changes ...signalingtest.Change) func(*rig) {
	return func(r *rig) {
		invite, nonce := r.challenged()
		r.deliver(r.phone.Offer(roomID, nonce, invite, sdp.String(), changes...))
	}
}

func inviteWith(changes ...signalingtest.Change) func(*rig) {
	return func(r *rig) { r.deliver(r.phone.Invite(roomID, changes...)) }
}

func attacks() map[string]attack {
	reject, ack := []message.Type{message.TypeReject}, []message.Type{message.TypeAck}
	with := func(name string, v any) signalingtest.Change { return signalingtest.With(members{name: v}) }
	header := func(name string, v any) signalingtest.Change { return signalingtest.WithHeader(members{name: v}) }
	return map[string]attack{
		"alg none, without a signature": {inviteWith(header("alg", "none"), signalingtest.Unsigned()), signaling.RefusedShape, nil, ""},
		"alg none, with a signature":    {inviteWith(header("alg", "none")), signaling.RefusedShape, nil, ""},
		"HS256 with the public key":     {hs256, signaling.RefusedShape, nil, ""},
		"typ of a token":                {inviteWith(header("typ", "callbox-token+jws")), signaling.RefusedShape, nil, ""},
		"extra header field jwk":        {func(r *rig) { inviteWith(header("jwk", r.phone.Key.Public().JWK()))(r) }, signaling.RefusedShape, nil, ""},
		"extra header field jku":        {inviteWith(header("jku", "https://example.org")), signaling.RefusedShape, nil, ""},
		"extra header field crit":       {inviteWith(header("crit", []string{"x"})), signaling.RefusedShape, nil, ""},
		"line break in the signature":   {inviteWith(signalingtest.Text(func(s string) string { return s[:len(s)-4] + "\n" + s[len(s)-4:] })), signaling.RefusedShape, nil, ""},
		"groupId beside another roomId": {inviteWith(with("groupId", "another")), signaling.RefusedShape, nil, ""},
		"over 32 KiB":                   {inviteWith(with("x", strings.Repeat("x", message.MaxMessage))), signaling.RefusedSize, nil, ""},
		"query over 1 KiB":              {inviteWith(with("query", strings.Repeat("x", message.MaxQuery+1))), signaling.RefusedSize, nil, ""},
		"wrong tkt":                     {func(r *rig) { inviteWith(with("tkt", r.phone.JKT()))(r) }, signaling.RefusedRecipient, nil, ""},
		"to another device":             {inviteWith(with("to", "d.door-2")), signaling.RefusedRecipient, nil, ""},
		"somebody else's address": {func(r *rig) {
			other := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.book.put(other, signaling.RightCall)
			r.from(other, r.phone.Invite(roomID)) // the transport says who it came from
		}, signaling.RefusedSender, nil, ""},
		"from is not the key's": {func(r *rig) {
			other := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.from(other, r.phone.Invite(roomID, with("from", other.Address())))
		}, signaling.RefusedSender, nil, ""},
		"jwk of another key": {func(r *rig) {
			inviteWith(with("jwk", r.key.Public().JWK()))(r)
		}, signaling.RefusedSender, nil, ""},
		"foreign key": {func(r *rig) {
			stranger := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.from(stranger, stranger.Invite(roomID))
		}, signaling.RefusedStranger, nil, ""},
		"foreign key with a token": {func(r *rig) {
			stranger := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.from(stranger, stranger.Invite(roomID, with("token", "eyJ.e30.x")))
		}, signaling.RefusedStranger, nil, ""},
		"right kid, foreign key": {func(r *rig) {
			inviteWith(signalingtest.SignedBy(signalingtest.NewPhone(r.t, sn, "").Key))(r)
		}, signaling.RefusedSignature, nil, ""},
		"revoked key":       {func(r *rig) { r.book.revoke(r.phone); inviteWith()(r) }, signaling.RefusedRevoked, nil, ""},
		"another version":   {inviteWith(with("v", 2)), signaling.RefusedVersion, reject, ""},
		"unknown room type": {inviteWith(with("roomType", "text")), signaling.RefusedValue, reject, ""},
		"limit of 0":        {inviteWith(with("timeLimit", 0)), signaling.RefusedValue, reject, ""},
		"limit as a string": {inviteWith(with("timeLimit", "60")), signaling.RefusedValue, reject, ""},
		"negative limit":    {inviteWith(with("timeLimit", -1)), signaling.RefusedValue, reject, ""},
		"limit over 2^31":   {inviteWith(with("timeLimit", int64(1<<31+1))), signaling.RefusedValue, reject, ""},
		"answer to no ring": {inviteWith(with("ref", message.NewID())), signaling.RefusedRing, []message.Type{message.TypeBye}, ""},
		"swapped SDP":       {offerWith(signalingtest.SDP{}, swapSDP), signaling.RefusedSignature, nil, ""},
		"two fingerprints":  {offerWith(signalingtest.SDP{Fingerprints: []string{signalingtest.OtherFingerprint}}), signaling.RefusedSDP, reject, ""},
		"not SDP":           {offerWith(signalingtest.SDP{}, with("sdp", "hello")), signaling.RefusedSDP, reject, ""},
		"SDP over 16 KiB":   {offerWith(signalingtest.SDP{}, with("sdp", strings.Repeat("x", message.MaxSDP+1))), signaling.RefusedSize, nil, ""},
		"41 candidates":     {offerWith(signalingtest.SDP{Candidates: slices.Repeat([]string{hostLine}, 41)}), signaling.RefusedSDP, reject, ""},
		"video in a voice room": {func(r *rig) {
			invite, nonce := r.challenged(with("roomType", "voice"))
			r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		}, signaling.RefusedSDP, reject, ""},
		"offer without a challenge": {func(r *rig) {
			r.deliver(r.phone.Offer(roomID, message.NewID(), r.phone.Invite(roomID), signalingtest.SDP{}.String()))
		}, signaling.RefusedNonce, reject, ""},
		"offer with another invite": {func(r *rig) {
			_, nonce := r.challenged()
			r.deliver(r.phone.Offer(roomID, nonce, r.phone.Invite(roomID, with("timeLimit", 1)), signalingtest.SDP{}.String()))
		}, signaling.RefusedNonce, reject, ""},
		"offer with the nonce of another room": {func(r *rig) {
			_, nonce := r.challenged()
			const other = "YW5vdGhlci1yb29tLTAwMDAx"
			r.deliver(r.phone.Offer(other, nonce, r.phone.Invite(other), signalingtest.SDP{}.String()))
		}, signaling.RefusedNonce, reject, ""},
		"offer with the nonce of another phone": {func(r *rig) {
			invite, nonce := r.challenged()
			other := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.book.put(other, signaling.RightCall)
			r.phone = other
			r.deliver(other.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		}, signaling.RefusedNonce, reject, ""},
		"offer whose invite has another signature": {func(r *rig) {
			invite, nonce := r.challenged()
			cut := strings.LastIndexByte(invite, '.') + 1
			r.deliver(r.phone.Offer(roomID, nonce, invite[:cut]+strings.Repeat("A", len(invite)-cut), signalingtest.SDP{}.String()))
		}, signaling.RefusedInvite, reject, ""},
		"offer held 11 s": {func(r *rig) {
			invite, nonce := r.challenged()
			time.Sleep(11 * time.Second)
			r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		}, signaling.RefusedLate, reject, ""},
		"a whole call replayed after a restart": {replayAfterRestart, signaling.RefusedNonce, reject, ""},
		"a nonce used twice": {func(r *rig) {
			invite, nonce := r.challenged()
			r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
			expectEvent[signaling.Offer](r)
			r.Reject(r.room(), "busy")
			r.acked(message.TypeReject)
			r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		}, signaling.RefusedOffer, ack, ""},
		"a nonce used again after a wrong SDP": {func(r *rig) {
			invite, nonce := r.challenged()
			r.deliver(r.phone.Offer(roomID, nonce, invite, "x"))
			r.acked(message.TypeReject)
			r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		}, signaling.RefusedOffer, ack, signaling.RefusedSDP},
		"another key in a running room": {func(r *rig) {
			r.talks()
			other := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.book.put(other, signaling.RightCall)
			r.phone = other
			r.deliver(other.Bye(roomID))
		}, signaling.RefusedRoom, ack, ""},
		"candidates of another key in a running room": {func(r *rig) {
			r.talks()
			other := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.book.put(other, signaling.RightCall)
			r.phone = other
			r.deliver(other.Candidates(roomID, []string{hostLine}))
		}, signaling.RefusedRoom, nil, ""},
		"revoked key in a running room": {func(r *rig) {
			r.talks()
			r.book.revoke(r.phone)
			r.deliver(r.phone.Bye(roomID))
		}, signaling.RefusedRevoked, nil, ""},
		"data before an offer":       {func(r *rig) { r.deliver(r.phone.Data(roomID, message.NewID(), 0, "")) }, signaling.RefusedRoom, nil, ""},
		"candidates before an offer": {func(r *rig) { r.deliver(r.phone.Candidates(roomID, []string{hostLine})) }, signaling.RefusedRoom, nil, ""},
		"restart of an unknown room": {func(r *rig) { r.deliver(r.phone.Restart(roomID, 1, "x")) }, signaling.RefusedRoom, []message.Type{message.TypeBye}, ""},
		"data before ringing": {func(r *rig) {
			r.offered()
			time.Sleep(150 * time.Millisecond)
			r.expect(message.TypeAck)
			r.deliver(r.phone.Data(roomID, message.NewID(), 0, ""))
		}, signaling.RefusedData, ack, ""},
		"data with another nonce": {func(r *rig) { r.rings(); r.deliver(r.phone.Data(roomID, message.NewID(), 0, "")) }, signaling.RefusedData, ack, ""},
		"data held back for 6 s": {func(r *rig) {
			n := r.rings().Nonce
			time.Sleep(6 * time.Second)
			r.deliver(r.phone.Data(roomID, n, 0, ""))
		}, signaling.RefusedData, ack, ""},
		"data from the future":        {func(r *rig) { r.deliver(r.phone.Data(roomID, r.rings().Nonce, 6, "")) }, signaling.RefusedData, ack, ""},
		"unlock without the right":    {func(r *rig) { r.deliver(r.phone.Data(roomID, r.rings().Nonce, 0, "unlock")) }, signaling.RefusedRight, ack, ""},
		"a right that does not exist": {func(r *rig) { r.deliver(r.phone.Data(roomID, r.rings().Nonce, 0, "root")) }, signaling.RefusedRight, ack, ""},
		"signed data in the talk": {func(r *rig) {
			n := r.rings().Nonce
			r.Accept(r.room(), answerSDP, signaling.Limit{})
			r.acked(message.TypeAccept)
			r.deliver(r.phone.Data(roomID, n, 0, ""))
		}, signaling.RefusedData, ack, ""},
		"same id, other bytes": {func(r *rig) {
			r.talks()
			id := message.NewID()
			r.deliver(r.phone.Candidates(roomID, []string{hostLine}, with("id", id)))
			r.expect(message.TypeAck)
			r.deliver(r.phone.Candidates(roomID, []string{""}, with("id", id)))
		}, signaling.RefusedID, nil, ""},
		"pairing without a window": {func(r *rig) {
			stranger := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.phone = stranger
			r.deliver(stranger.Pair(roomID, make([]byte, 16), "Eve"))
		}, signaling.RefusedPairing, reject, ""},
	}
}

// TestRefused runs every attack: its counter goes up by one, nobody else's does,
// and nothing rings.
func TestRefused(t *testing.T) {
	for name, tt := range attacks() {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				r.phone.Learn(r.key.Public())
				before := r.Refused()
				tt.do(r)
				r.phone.Learn(r.key.Public()) // another may have taken its place
				if got := types(r.said(r.phone)); !slices.Equal(got, tt.answers) {
					t.Errorf("answered with %v, want %v", got, tt.answers)
				}
				counts := map[signaling.Reason]uint64{tt.want: 1}
				if tt.also != "" {
					counts[tt.also] = 1
				}
				time.Sleep(5 * time.Second)
				for _, e := range r.emitted() {
					switch e.(type) {
					case signaling.Candidates, signaling.Unanswered:
					default:
						t.Errorf("event %#v", e)
					}
				}
				r.expectRefused(before, counts)
			})
		})
	}
}

func hs256(r *rig) {
	jwk, err := json.Marshal(r.phone.Key.Public().JWK())
	if err != nil {
		r.t.Fatal(err)
	}
	r.deliver(r.phone.Invite(roomID, signalingtest.WithHeader(members{"alg": "HS256"}), signalingtest.Signature(func(input []byte) []byte {
		m := hmac.New(sha256.New, jwk)
		m.Write(input)
		return m.Sum(nil)
	})))
}

// swapSDP puts another fingerprint into an offer that is signed already.
func swapSDP(d *signalingtest.Draft) {
	d.Text = func(signed string) string {
		parts := strings.Split(signed, ".")
		payload, err := base64url.Decode(parts[1])
		if err != nil || !strings.Contains(string(payload), signalingtest.DefaultFingerprint) {
			panic("the offer holds no fingerprint to swap")
		}
		swapped := strings.ReplaceAll(string(payload), signalingtest.DefaultFingerprint, signalingtest.OtherFingerprint)
		return parts[0] + "." + base64url.Encode([]byte(swapped)) + "." + parts[2]
	}
}

// replayAfterRestart plays a recorded call to the device after a restart.
func replayAfterRestart(r *rig) {
	invite, nonce := r.challenged()
	recorded := []string{invite, r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String())}
	old := r.Device
	old.Close()
	r.Device = r.start(2)
	r.deliver(recorded[0])
	r.expect(message.TypeChallenge)
	r.deliver(recorded[1])
}

func TestReplaysCostOnlyTheUnprovenBudget(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.phone.Learn(r.key.Public())
		// Ten of the peer's burst are looked at; the answers come out of what all
		// unproven peers share.
		for range 100 {
			r.deliver(r.phone.Offer(roomID, message.NewID(), r.phone.Invite(roomID), signalingtest.SDP{}.String()))
		}
		if n := len(r.said(r.phone)); n > 10 {
			t.Errorf("%d answers to a hundred replays", n)
		}
		if n := r.Refused()[string(signaling.RefusedRate)]; n < 90 {
			t.Errorf("%d were refused for rate, want at least 90", n)
		}
	})
}

func TestAStrangersFloodDoesNotHinderAContact(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		stranger := signalingtest.NewPhone(t, sn, r.key.JKT())
		flood := stranger.Invite(roomID)
		for i := range 3000 {
			p := r.peer(stranger)
			p.Budget = fmt.Sprint("address ", i%300)
			r.Receive(p, flood)
		}
		r.expect()
		r.talks()
	})
}

func TestARoomHasALargerBudget(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		for range 60 {
			r.deliver(r.phone.Candidates(roomID, []string{""}))
		}
		if n := len(r.said(r.phone)); n != 60 {
			t.Errorf("%d of 60 messages in a room were acknowledged", n)
		}
		for range 1000 {
			r.deliver(r.phone.Candidates(roomID, []string{""}))
		}
		if n := r.Refused()[string(signaling.RefusedRate)]; n < 900 {
			t.Errorf("%d were refused for rate, want at least 900", n)
		}
	})
}

func TestARoomRemembersSoMuch(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		for range 600 {
			r.deliver(r.phone.Candidates(roomID, []string{""}))
			time.Sleep(50 * time.Millisecond)
		}
		if n := r.Refused()[string(signaling.RefusedFull)]; n != 600-511 {
			t.Errorf("%d were refused, want all after the 512th message of the room", n)
		}
		r.said(r.phone)
		r.emitted()
		r.deliver(r.phone.Bye(roomID))
		r.expect(message.TypeAck)
		expectEvent[signaling.Bye](r)
	})
}

func TestNewDeviceRefusesWrongOptions(t *testing.T) {
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]signaling.Options{
		"nothing":     {},
		"wrong sn":    {Key: k, SN: "a/b", Name: "x"},
		"wrong name":  {Key: k, SN: "a", Name: "\u202e"},
		"no contacts": {Key: k, SN: "a", Name: "x"},
	} {
		if d, err := signaling.NewDevice(o); err == nil {
			d.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
