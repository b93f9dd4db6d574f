package daemon

import (
	"path/filepath"
	"testing"
	"time"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// nonceFor is what a token must carry now: a nonce of the device where the machine
// that tests does not keep its clock right, else nothing.
func nonceFor(p *handset, maker *signalingtest.Issuer) string {
	p.h.t.Helper()
	p.say(p.Invite(theRoom, with("token", maker.Token(p.Phone, theRoom))))
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		switch heard := p.unread(); {
		case len(heard) == 0:
		case heard[0] == "challenge":
			p.expect("challenge")
			return ""
		default:
			return p.expect("reject needNonce").Body.(message.Reject).Nonce
		}
	}
	p.h.t.Fatalf("the device said nothing; refused %v", p.h.refused())
	return ""
}

// TestACallByTokenOverSockets: a running daemon accepts an issuer's token after a
// reload, shows the caller, uses the token once, also over a restart, and ends the
// call when its subject is denied.
func TestACallByTokenOverSockets(t *testing.T) {
	h := newHouse(t)
	maker := signalingtest.NewIssuer(t, theIssuer)
	file := filepath.Join(filepath.Dir(h.cfg.Control.Socket), "maker.json")
	maker.Publish(file)
	h.cfg.Signaling.Issuers = []config.Issuer{{Issuer: theIssuer, JWKS: file, Rights: []policy.Right{policy.RightCall}}}
	h.restart()
	h.anna.connect()

	state := func() string {
		findings, err := h.api.Doctor(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Name == "issuer "+theIssuer {
				return f.State
			}
		}
		return "nothing"
	}
	if got := state(); got != control.StateOK {
		t.Errorf("doctor says %s of the issuer", got)
	}
	signalingtest.WriteFile(t, file, []byte("{"))
	h.eventually("doctor sees the damage", func() bool { h.clock.Forward(lookInterval); return state() == control.StateWarning })
	maker.Publish(file)
	h.eventually("the file is read again", func() bool { h.clock.Forward(lookInterval); return state() == control.StateOK })

	joy := h.stranger()
	joy.contact = true // it acknowledges
	nonce := nonceFor(joy, maker)
	text := maker.Token(joy.Phone, theRoom, with("nonce", nonce), with("timeLimit", 60))
	joy.rings(with("token", text))
	s := h.status()
	if s.Call == nil || s.Call.Contact != "Nurse Joy" || s.Call.LimitSeconds != 60 {
		t.Errorf("the call is %+v", s.Call)
	}
	i, err := h.api.Issuers(t.Context())
	if err != nil || len(i.Issuers) != 1 || i.Issuers[0].Attempts != 1 || i.Issuers[0].Problem != "" || len(i.Issuers[0].Keys) != 1 || i.Issuers[0].Rights[0] != "call" {
		t.Errorf("issuers = %+v, %v", i, err)
	}

	if _, err := h.api.Deny(t.Context(), control.Denial{Issuer: theIssuer, Subject: "user-17"}); err != nil {
		t.Fatal(err)
	}
	joy.expect("reject aborted")
	h.eventually("the device is idle", func() bool { return h.status().State == "idle" })
	if _, err := h.api.Allow(t.Context(), control.Denial{Issuer: theIssuer, Subject: "user-17"}); err != nil {
		t.Fatal(err)
	}

	h.restart()
	joy.connect()
	before := h.refused()
	nonce = nonceFor(joy, maker)
	again := maker.Token(joy.Phone, theRoom, with("nonce", nonce), with("jti", "once"))
	invite, challenge := joy.challenged(with("token", again))
	joy.say(joy.Offer(theRoom, challenge, invite, signalingtest.SDP{}.String()))
	joy.expect("ringing")
	joy.say(joy.Cancel(theRoom))
	h.eventually("the device is idle", func() bool { return h.status().State == "idle" })
	h.clock.Forward(roomIsForgotten)
	nonce = nonceFor(joy, maker)
	again = maker.Token(joy.Phone, theRoom, with("nonce", nonce), with("jti", "once"))
	invite, challenge = joy.challenged(with("token", again))
	joy.say(joy.Offer(theRoom, challenge, invite, signalingtest.SDP{}.String()))
	joy.expect("reject forbidden")
	after := h.refused()
	if after["tokenSpent"] != before["tokenSpent"]+1 {
		t.Errorf("refused %v, before %v", after, before)
	}
	if got := h.named("ringing"); got != 2 {
		t.Errorf("it rang %d times, want 2", got)
	}
}

// roomIsForgotten is after how long a room's name means nothing to the device.
const roomIsForgotten = 3 * time.Minute
