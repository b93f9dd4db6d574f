package daemon

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/hal/clock"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// lyingClock is a wall clock that the test sets, and whether the kernel believes in it.
type lyingClock struct {
	at      atomic.Int64 // seconds since 1970, at the moment of set
	set     atomic.Int64 // when that was, on the machine's clock
	trusted atomic.Bool
}

func (c *lyingClock) show(t time.Time, trusted bool) {
	c.at.Store(t.Unix())
	c.set.Store(time.Now().UnixNano())
	c.trusted.Store(trusted)
}

func (c *lyingClock) wall() wallTime {
	return wallTime{
		now:     func() time.Time { return time.Unix(c.at.Load(), 0).Add(time.Since(time.Unix(0, c.set.Load()))) },
		trusted: c.trusted.Load,
	}
}

// TestClocksThatLieToADaemon leads a running daemon through what clocks do to devices: 1970 at
// boot, time that jumps in a call, a false answer from the future, a clock that is put
// back, restarts in between. A caller with a token gets through each time, a recorded
// token never does.
func TestClocksThatLieToADaemon(t *testing.T) {
	truth := time.Now()
	if built := clock.Built(); built.After(truth) {
		truth = built.Add(time.Hour)
	}
	c := &lyingClock{}
	c.show(time.Unix(60, 0), false) // boot
	h := newHouse(t)
	maker := signalingtest.NewIssuer(t, theIssuer)
	file := filepath.Join(filepath.Dir(h.cfg.Control.Socket), "maker.json")
	maker.Publish(file)
	h.cfg.Signaling.Issuers = []config.Issuer{{Issuer: theIssuer, JWKS: file, Rights: []policy.Right{policy.RightCall}}}
	h.wall = c.wall()
	h.restart()
	joy := h.stranger()
	joy.contact = true
	var room string
	issued := func(at time.Time, changes ...signalingtest.Change) string {
		room = message.NewID()
		return maker.Token(joy.Phone, room, append(changes, with("iat", at.Unix()), with("exp", at.Add(2*time.Minute).Unix()))...)
	}
	invite := func(text string) string { return joy.Invite(room, with("token", text)) }
	// needs wants a token to need a nonce, and returns that.
	needs := func(when, text string) string {
		t.Helper()
		h.clock.Forward(2 * time.Second) // the budget is not what is tested
		joy.say(invite(text))
		b, ok := joy.expect("reject needNonce").Body.(message.Reject)
		if !ok || b.Nonce == "" {
			t.Fatalf("%s: %+v", when, b)
		}
		return b.Nonce
	}
	// rings wants a token to ring, and leaves it ringing when stay is true.
	rings := func(when, text string, stay bool) {
		t.Helper()
		h.clock.Forward(2 * time.Second)
		signed := invite(text)
		joy.say(signed)
		nonce := joy.expect("challenge").Body.(message.Challenge).Nonce
		joy.say(joy.Offer(room, nonce, signed, signalingtest.SDP{}.String()))
		joy.expect("ringing")
		if stay {
			return
		}
		joy.say(joy.Cancel(room))
		h.eventually(when+": the device is idle", func() bool { return h.status().State == "idle" })
	}
	shown := func() control.Clock {
		t.Helper()
		s, err := h.api.Clock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}

	if s := shown(); s.Trusted || s.Wall.Year() != 1970 {
		t.Errorf("at boot the clock is %+v", s)
	}
	nonce := needs("in 1970", issued(truth))
	rings("in 1970, with a nonce", issued(truth, with("nonce", nonce)), true)

	// NTP answers while it rings: the clock jumps half a century, and the call knows
	// nothing of it.
	c.show(truth, true)
	h.clock.Forward(2 * time.Second)
	if s := h.status(); s.State != "ringing" {
		t.Fatalf("the device is %s after the clock was set", s.State)
	}
	joy.say(joy.Cancel(room))
	h.eventually("the device is idle", func() bool { return h.status().State == "idle" })
	recorded := issued(truth)
	recordedRoom := room
	rings("with the right time", issued(truth), false)

	// Two days later the device starts again, and its clock is put back to where the
	// recorded token was good.
	c.show(truth.Add(48*time.Hour), true)
	rings("two days later", issued(truth.Add(48*time.Hour)), false)
	h.restart()
	joy.connect()
	c.show(truth.Add(time.Second), true)
	room = recordedRoom
	needs("put back", recorded)
	nonce = needs("put back, of the present", issued(truth.Add(48*time.Hour)))
	rings("put back, with a nonce", issued(truth.Add(48*time.Hour), with("nonce", nonce)), false)

	// One false answer from the future raises the floor; a person brings it down.
	c.show(truth.Add(50*365*24*time.Hour), true)
	h.status()
	h.clock.Forward(lookInterval)
	h.eventually("the daemon has seen the false time", func() bool { return h.d.floor.Read().Floor.After(truth.Add(49 * 365 * 24 * time.Hour)) })
	c.show(truth, true)
	needs("after a false time", issued(truth))
	h.restart()
	joy.connect()
	needs("after a false time and a restart", issued(truth))
	if _, err := h.api.ResetClock(t.Context()); err != nil {
		t.Fatal(err)
	}
	rings("after clock reset", issued(truth), false)
	h.restart()
	joy.connect()
	rings("after clock reset and a restart", issued(truth), false)
}
