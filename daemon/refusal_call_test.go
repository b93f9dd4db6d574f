package daemon

import (
	"slices"
	"strings"
	"time"

	"callbox/signaling"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// hostLine is a candidate on this machine, on a port that nobody listens on.
const hostLine = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"

// offers are offers of an allowed caller, after a right challenge, that must not
// ring.
func offers() map[string]attack {
	badNonce := func(do func(*house)) attack {
		return attack{do: do, refused: once(signaling.RefusedNonce), told: []string{"reject badRequest"}}
	}
	badSDP := func(do func(*house)) attack {
		return attack{do: do, refused: once(signaling.RefusedSDP), told: []string{"reject badRequest"}}
	}
	plain := signalingtest.SDP{}.String()
	return map[string]attack{
		"offer without a challenge": badNonce(func(h *house) {
			h.anna.say(h.anna.Offer(theRoom, message.NewID(), h.anna.Invite(theRoom), plain))
		}),
		"offer with the nonce of another invite": badNonce(func(h *house) {
			_, nonce := h.anna.challenged()
			h.anna.say(h.anna.Offer(theRoom, nonce, h.anna.Invite(theRoom, with("timeLimit", 5)), plain))
		}),
		"offer with the nonce of another room": badNonce(func(h *house) {
			_, nonce := h.anna.challenged()
			other := message.NewID()
			h.anna.say(h.anna.Offer(other, nonce, h.anna.Invite(other), plain))
		}),
		"offer with the nonce of another phone": badNonce(func(h *house) {
			invite, nonce := h.anna.challenged()
			p := h.paired("Bob", signaling.RightCall)
			p.say(p.Offer(theRoom, nonce, invite, plain))
		}),
		"offer whose invite has another signature": {do: func(h *house) {
			invite, nonce := h.anna.challenged()
			cut := strings.LastIndexByte(invite, '.') + 1
			h.anna.say(h.anna.Offer(theRoom, nonce, invite[:cut]+strings.Repeat("A", len(invite)-cut), plain))
		}, refused: once(signaling.RefusedInvite), told: []string{"reject badRequest"}},
		"offer held 11 s": {do: func(h *house) {
			invite, nonce := h.anna.challenged()
			h.clock.Forward(11 * time.Second)
			h.anna.say(h.anna.Offer(theRoom, nonce, invite, plain))
		}, refused: once(signaling.RefusedLate), told: []string{"reject timeout"}},
		"a nonce used twice": {do: func(h *house) {
			invite, nonce := h.anna.challenged()
			h.anna.say(h.anna.Offer(theRoom, nonce, invite, plain))
			h.anna.expect("ringing")
			if err := h.api.Reject(h.t.Context(), ""); err != nil {
				h.t.Fatal(err)
			}
			h.anna.expect("reject rejected")
			h.anna.say(h.anna.Offer(theRoom, nonce, invite, plain))
		}, refused: once(signaling.RefusedOffer), rings: 1},
		"a nonce used twice while it rings": {do: func(h *house) {
			invite, nonce := h.anna.challenged()
			h.anna.say(h.anna.Offer(theRoom, nonce, invite, plain))
			h.anna.expect("ringing")
			h.anna.say(h.anna.Offer(theRoom, nonce, invite, plain))
		}, refused: once(signaling.RefusedOffer), rings: 1, state: "ringing"},
		"two fingerprints": badSDP(func(h *house) {
			offerChanged(h, with("sdp", signalingtest.SDP{Fingerprints: []string{signalingtest.OtherFingerprint}}.String()))
		}),
		"video in a voice room": badSDP(func(h *house) {
			invite, nonce := h.anna.challenged(with("roomType", "voice"))
			h.anna.say(h.anna.Offer(theRoom, nonce, invite, plain))
		}),
		"41 candidates": badSDP(func(h *house) {
			offerChanged(h, with("sdp", signalingtest.SDP{Candidates: slices.Repeat([]string{hostLine}, 41)}.String()))
		}),
		"not SDP":         badSDP(func(h *house) { offerChanged(h, with("sdp", "hello")) }),
		"SDP over 16 KiB": {do: func(h *house) { offerChanged(h, with("sdp", strings.Repeat("x", message.MaxSDP+1))) }, refused: once(signaling.RefusedSize)},
	}
}

// aWholeCall rings, is declined, and leaves all that Anna's phone has sent.
func aWholeCall(h *house) (recorded []string) {
	h.anna.sent = nil
	h.anna.rings()
	h.anna.say(h.anna.Candidates(theRoom, []string{hostLine}), h.anna.Bye(theRoom))
	h.eventually("the call is over", func() bool { return h.status().State == "idle" })
	return h.anna.sent
}

// rooms are attacks on a call, by who is not in it or by an old recording.
func rooms() map[string]attack {
	byBob := func(do func(p *handset), refused counts, told ...string) attack {
		return attack{do: func(h *house) {
			h.anna.rings()
			do(h.paired("Bob", signaling.RightCall))
		}, refused: refused, told: told, rings: 1, state: "ringing"}
	}
	room := once(signaling.RefusedRoom)
	lateData := func(wait time.Duration, at float64) attack {
		return attack{do: func(h *house) {
			nonce := h.anna.rings()
			h.clock.Forward(wait)
			h.anna.say(h.anna.Data(theRoom, nonce, at, ""))
		}, refused: once(signaling.RefusedData), told: []string{"ack badRequest"}, rings: 1, state: "ringing"}
	}
	return map[string]attack{
		"a whole call replayed after a restart": {do: func(h *house) {
			recorded := aWholeCall(h)
			h.restart()
			h.anna.connect()
			h.anna.say(recorded...)
		}, refused: counts{"nonce": 1, "room": 2}, told: []string{"challenge", "reject badRequest"}, rings: 1},
		"a whole call replayed on another line": {do: func(h *house) {
			recorded := aWholeCall(h)
			h.paired("Bob", signaling.RightCall).say(recorded...)
		}, refused: counts{"sender": 4}, rings: 1},
		"a whole call replayed once it is forgotten": {do: func(h *house) {
			recorded := aWholeCall(h)
			h.clock.Forward(5 * time.Minute)
			h.anna.say(recorded...)
		}, refused: counts{"late": 1, "room": 2}, told: []string{"challenge", "reject timeout"}, rings: 1},
		"bye of another key":        byBob(func(p *handset) { p.say(p.Bye(theRoom)) }, room),
		"cancel of another key":     byBob(func(p *handset) { p.say(p.Cancel(theRoom)) }, room),
		"candidates of another key": byBob(func(p *handset) { p.say(p.Candidates(theRoom, []string{hostLine})) }, room),
		"restart of another key": byBob(func(p *handset) {
			p.say(p.Restart(theRoom, 1, signalingtest.SDP{Ufrag: "vvvv"}.String()))
		}, room, "bye aborted unknownRoom"),
		"data of another key": byBob(func(p *handset) { p.say(p.Data(theRoom, message.NewID(), 0, "")) }, room),
		"call of another key": byBob(func(p *handset) {
			invite, nonce := p.challenged()
			p.say(p.Offer(theRoom, nonce, invite, signalingtest.SDP{}.String()))
		}, counts{"busy": 1}, "reject busy"),
		"data before an offer":       {do: func(h *house) { h.anna.say(h.anna.Data(theRoom, message.NewID(), 0, "")) }, refused: room},
		"candidates before an offer": {do: func(h *house) { h.anna.say(h.anna.Candidates(theRoom, []string{hostLine})) }, refused: room},
		"data held back for 6 s":     lateData(6*time.Second, 0),
		"data from the future":       lateData(0, 10),
		"data with another nonce": {do: func(h *house) {
			h.anna.rings()
			h.anna.say(h.anna.Data(theRoom, message.NewID(), 0, ""))
		}, refused: once(signaling.RefusedData), told: []string{"ack badRequest"}, rings: 1, state: "ringing"},
		"data whose nonce was used": {do: func(h *house) {
			nonce := h.anna.rings()
			h.anna.say(h.anna.Data(theRoom, nonce, 0, ""))
			h.eventually("the first data is an event", func() bool { return h.named("data") == 1 })
			h.anna.say(h.anna.Data(theRoom, nonce, 0, ""))
			h.anna.expect("ack badRequest")
			if n := h.named("data"); n != 1 {
				h.t.Errorf("the data came through %d times, want once", n)
			}
		}, refused: once(signaling.RefusedData), rings: 1, state: "ringing"},
		"unlock without the right": {do: func(h *house) {
			h.anna.say(h.anna.Data(theRoom, h.anna.rings(), 0, "unlock"))
			h.anna.expect("ack forbidden")
			if n := h.named("unlock"); n != 0 {
				h.t.Errorf("it was told to unlock %d times", n)
			}
		}, refused: once(signaling.RefusedRight), rings: 1, state: "ringing"},
		"restart with another fingerprint": {do: func(h *house) {
			h.anna.rings()
			h.anna.say(h.anna.Restart(theRoom, 1, signalingtest.SDP{Ufrag: "vvvv", Fingerprint: signalingtest.OtherFingerprint}.String()))
		}, refused: once(signaling.RefusedSDP), told: []string{"ack badRequest"}, rings: 1, state: "ringing"},
		"same id, other bytes": {do: func(h *house) {
			h.anna.rings()
			id := with("id", message.NewID())
			h.anna.say(h.anna.Candidates(theRoom, []string{hostLine}, id), h.anna.Candidates(theRoom, []string{""}, id))
		}, refused: once(signaling.RefusedID), rings: 1, state: "ringing"},
	}
}
