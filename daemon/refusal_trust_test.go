package daemon

import (
	"strings"
	"time"

	"github.com/coder/websocket"

	"callbox/daemon/control"
	"callbox/signaling"
	"callbox/signaling/base64url"
	"callbox/signaling/cause"
	"callbox/signaling/direct"
	"callbox/signaling/message"
	"callbox/signaling/pairing"
	"callbox/signaling/signalingtest"
)

func (h *house) revoke(name string) {
	h.t.Helper()
	if _, err := h.api.Revoke(h.t.Context(), name); err != nil {
		h.t.Fatal(err)
	}
}

// usedCode pairs Anna's phone anew and returns the code that it used.
func usedCode(h *house) pairing.Link {
	h.t.Helper()
	link := h.window(signaling.RightCall)
	h.anna.pair(link, "Anna")
	h.anna.expect("paired")
	return link
}

// endedRevoked wants the ringing call to be over, on both ends and in the records.
// Before accept the phone's word for it is reject, which has no detail.
func (h *house) endedRevoked() {
	h.t.Helper()
	h.anna.expect("reject aborted")
	h.eventually("the call is over", func() bool { return h.named("abortVoip") == 1 && h.status().State == "idle" })
	calls, err := h.api.Calls(h.t.Context(), control.CallQuery{Limit: 1})
	if err != nil || len(calls) != 1 {
		h.t.Fatalf("calls %v, %v; want one", calls, err)
	}
	if c := calls[0]; c.RoomID != theRoom || c.Cause != cause.Aborted || c.Detail != cause.Revoked {
		h.t.Errorf("the record says %+v, want aborted, revoked", c)
	}
}

// trust is about who is a contact, and what it may do.
func trust() map[string]attack {
	revoked, forbidden := once(signaling.RefusedRevoked), []string{"reject forbidden"}
	// A second phone comes with a code that Anna's has used.
	alarm := func(h *house) {
		link := usedCode(h)
		p := h.stranger()
		p.pair(link, "Bob")
		p.expect("reject forbidden")
		h.eventually("there is an alarm", func() bool { return h.named("pairingAlarm") == 1 })
	}
	return map[string]attack{
		"invite of a revoked key": {do: func(h *house) {
			h.revoke("Anna")
			invite()(h)
		}, refused: revoked},
		"invite of a revoked key on a new line": {do: func(h *house) {
			h.revoke("Anna")
			h.anna.reconnect() // the hello proves a key, not trust: it may be paired anew
			invite()(h)
		}, refused: revoked},
		"invite of a revoked key after a restart": {do: func(h *house) {
			h.revoke("Anna")
			h.restart()
			h.anna.connect()
			invite()(h)
		}, refused: revoked},
		"offer of a key revoked after its challenge": {do: func(h *house) {
			invite, nonce := h.anna.challenged()
			h.revoke("Anna")
			h.anna.say(h.anna.Offer(theRoom, nonce, invite, signalingtest.SDP{}.String()))
		}, refused: revoked},
		"key revoked while it rings": {do: func(h *house) {
			h.anna.rings()
			h.revoke("Anna")
			h.endedRevoked()
			h.anna.say(h.anna.Cancel(theRoom))
		}, refused: revoked, rings: 1},
		"contact that may only be called": {do: func(h *house) {
			p := h.paired("Bob", signaling.RightBeCalled)
			invite, nonce := p.challenged()
			p.say(p.Offer(theRoom, nonce, invite, signalingtest.SDP{}.String()))
		}, refused: counts{"forbidden": 1}, told: forbidden},
		"pairing without a window": {do: func(h *house) {
			p := h.stranger()
			p.say(p.Pair(theRoom, make([]byte, pairing.SecretSize), "Bob"))
		}, refused: once(signaling.RefusedPairing), told: forbidden},
		"pairing too late": {do: func(h *house) {
			link, p := h.window(signaling.RightCall), h.stranger()
			h.clock.Forward(6 * time.Minute)
			p.pair(link, "Bob")
		}, refused: once(signaling.RefusedPairing), told: forbidden},
		"pairing with a wrong MAC": {do: func(h *house) {
			link, p := h.window(signaling.RightCall), h.stranger()
			p.say(p.Pair(theRoom, make([]byte, pairing.SecretSize), "Bob"))
			p.expect("reject forbidden")
			p.pair(link, "Bob") // it has closed nothing
			p.expect("paired")
		}, refused: once(signaling.RefusedPairing)},
		"pairing under another name than the MAC's": {do: func(h *house) {
			link, p := h.window(signaling.RightCall), h.stranger()
			p.pair(link, "Bob", with("name", "Anna"))
		}, refused: once(signaling.RefusedPairing), told: forbidden},
		"pairing with the MAC of another key": {do: func(h *house) {
			link, p, first := h.window(signaling.RightCall), h.stranger(), h.stranger()
			secret, err := base64url.Decode(link.Secret)
			if err != nil {
				h.t.Fatal(err)
			}
			p.pair(link, "Bob", with("mac", pairing.PhoneMAC(secret, first.JKT(), link.DKT, "Bob")))
		}, refused: once(signaling.RefusedPairing), told: forbidden},
		"a code used by a second phone": {do: alarm, refused: once(signaling.RefusedSecondPhone)},
		"the first phone after that alarm": {do: func(h *house) {
			alarm(h)
			invite()(h)
		}, refused: counts{"secondPhone": 1, "revoked": 1}},
		"the first phone after that alarm and a restart": {do: func(h *house) {
			alarm(h)
			h.restart()
			h.anna.connect()
			invite()(h)
		}, refused: revoked},
		"the first phone rings at that alarm": {do: func(h *house) {
			link := usedCode(h)
			h.anna.rings()
			p := h.stranger()
			p.pair(link, "Bob")
			p.expect("reject forbidden")
			h.endedRevoked()
		}, refused: once(signaling.RefusedSecondPhone), rings: 1},
	}
}

// lines are attacks that are stopped before there is a message.
func lines() map[string]attack {
	refused := func(reason direct.Reason) counts { return counts{string(reason): 1} }
	return map[string]attack{
		"somebody else's address in hello": {do: func(h *house) {
			h.falseHello(h.stranger().Phone, with("from", h.anna.Address()))
		}, refused: refused(direct.RefusedHello)},
		"somebody else's address and key in hello": {do: func(h *house) {
			h.falseHello(h.anna.Phone, signalingtest.SignedBy(h.stranger().Key))
		}, refused: refused(direct.RefusedHello)},
		"hello of another line": {do: func(h *house) {
			h.falseHello(h.anna.Phone, with("nonce", message.NewID()))
		}, refused: refused(direct.RefusedHello)},
		"hello to another device": {do: func(h *house) {
			h.falseHello(h.anna.Phone, with("tkt", h.anna.JKT()))
		}, refused: refused(direct.RefusedHello)},
		"frame over 64 KiB": {do: func(h *house) {
			p := h.stranger()
			p.say(strings.Repeat("x", 64<<10+1))
			p.reader.Wait() // the line is closed
		}, refused: refused(direct.RefusedSize)},
		"message instead of a hello": {do: func(h *house) {
			ws, _ := h.greeted()
			defer func() { _ = ws.CloseNow() }()
			h.closedFor(ws, h.anna.Invite(theRoom), websocket.StatusPolicyViolation)
		}, refused: refused(direct.RefusedHello)},
		"page of a foreign origin": {do: func(h *house) {
			if ws, _, err := h.dial("", "https://evil.example"); err == nil {
				_ = ws.CloseNow()
				h.t.Error("a page of a foreign origin got a line")
			}
		}, refused: refused(direct.RefusedOrigin)},
		"rebound host name": {do: func(h *house) {
			if ws, _, err := h.dial("evil.example", "http://evil.example"); err == nil {
				_ = ws.CloseNow()
				h.t.Error("a foreign host name got a line")
			}
		}, refused: refused(direct.RefusedHost)},
	}
}
