//go:build device

package e2e

import (
	"strings"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/signaling/cause"
)

// testLight: the light is on while there is media, and without it there is none.
func testLight(t *testing.T, g *guest) {
	p := startGoPhone(t, g, "Lena")
	wantLight := func(want, when string) {
		t.Helper()
		if got := g.light(); got != want {
			t.Errorf("%s the light is %s, want %s", when, got, want)
		}
	}
	wantLight("off", "before the call")
	c := p.ring(0)
	wantLight("off", "while it rings")
	g.answer(c)
	k := p.started(c)
	wantLight("on", "in the talk")
	p.hangUp(k)
	eventually(t, patience, "the light goes out", func() bool { return g.light() == "off" })

	// Where its directory was there is a file: even root cannot write below that.
	const dir = "$(dirname " + guestLight + ")"
	g.sh("rm -r " + dir + " && touch " + dir)
	c = p.ring(0)
	if _, err := g.tryCtl("answer", "--", c.Room); err == nil || !strings.Contains(err.Error(), "without the privacy light") {
		t.Errorf("whoever answers by callboxctl is told %v", err)
	}
	g.press("KEY_ENTER") // a button cannot say so: the call ends
	ctx, cancel := inPatience(t)
	defer cancel()
	began := time.Now()
	ended, err := c.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("without a light the phone is told %+v after %v", ended, time.Since(began).Round(10*time.Millisecond))
	if ended.End != (cause.End{Cause: cause.JoinFailed}) || !ended.ByDevice {
		t.Errorf("the phone is told %+v, want joinFailed of the device", ended)
	}
	if s := c.Stats(); s.Audio.Packets+s.Video.Packets > 0 || c.Times().Started != 0 {
		t.Errorf("without a light media came: %+v, %+v", s, c.Times())
	}
	if r := g.record(c.Room); r.Cause != string(cause.JoinFailed) || r.TalkSeconds != 0 {
		t.Errorf("record = %+v, want joinFailed", r)
	}
	g.waitState("idle", patience)
	for _, ev := range g.events() {
		if ev.RoomID == c.Room && ev.Name == control.EventStartVoip {
			t.Errorf("the talk began: %+v", ev)
		}
	}

	g.sh("rm " + dir + " && mkdir " + dir)
	p.hangUp(p.talk(0))
	eventually(t, patience, "the light goes out again", func() bool { return g.light() == "off" })
}
