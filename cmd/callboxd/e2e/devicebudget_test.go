//go:build device

package e2e

import (
	"fmt"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/signaling/cause"
)

// chargedAhead is how much of a talk is charged ahead, in seconds (daemon/allowance.go):
// the most that a crash costs a contact.
const chargedAhead = 10

// testBudget: what a contact has talked of its minutes a day is charged over crashes,
// and never given again.
func testBudget(t *testing.T, g *guest) {
	const allowance = 60
	p := startGoPhone(t, g, "Bert")
	ctl[any](g.device, "contacts", "set", "Bert", "--day", fmt.Sprintf("%ds", allowance))
	if c := ctl[control.Clock](g.device, "clock"); c.Trusted {
		t.Fatalf("clock = %+v; this machine is meant not to know the time", c)
	}
	wantAbout(t, "the first call may take", p.mayTalk("Bert"), allowance, 0)

	k := p.talk(0)
	g.at(k.begun+25, ":")
	p.hangUp(k)
	first := g.record(k.Room).TalkSeconds
	left := p.mayTalk("Bert")
	t.Logf("first call: limit %v, talked %.3f s, %.3f s are left", k.limit.Duration, first, left)
	if first < 25 || first > 30 {
		t.Fatalf("the first talk took %.3f s: the machine is too slow", first)
	}
	wantAbout(t, "left after the first call", left, allowance-first, 0.01)

	k = p.talk(0)
	wantAbout(t, "the limit of the second call", k.limit.Duration.Seconds(), left, 0.01)
	second := g.kill(k.begun+12) - k.begun
	want := cause.End{Cause: cause.Aborted, Detail: cause.Restarted}
	if ended := k.wait(t); ended.End != want {
		t.Errorf("the phone is told %+v, want %+v", ended, want)
	}
	r := g.record(k.Room)
	if r.Cause != string(want.Cause) || r.Detail != string(want.Detail) || r.TalkSeconds > second || r.TalkSeconds < second-chargedAhead {
		t.Errorf("record = %+v after a talk of %.3f s, want %+v", r, second, want)
	}
	if got := g.light(); got != "off" {
		t.Errorf("the light is %s after the restart", got)
	}
	left = p.mayTalk("Bert")
	t.Logf("killed after %.3f s of the second call: record %.3f s, %.3f s are left", second, r.TalkSeconds, left)
	if most := allowance - first - second; left > most || left < most-chargedAhead {
		t.Errorf("%.3f s are left, want %.3f s to %.3f s", left, most-chargedAhead, most)
	}

	p.waitConnected()
	k = p.talk(0)
	wantAbout(t, "the limit of the third call", k.limit.Duration.Seconds(), left, 0.002) // both are rounded
	p.wantLimitEnd(k, lateFirstEnd)
	p.wantSpent("Bert", "after the third call")
	g.kill(0)
	p.waitConnected()
	p.wantSpent("Bert", "after a kill")
	t.Cleanup(func() { g.setClock(0) })
	for _, day := range []time.Duration{1, -1, 2} {
		g.setClock(day * 24 * time.Hour)
		p.wantSpent("Bert", fmt.Sprintf("%d days off", day))
	}
	g.kill(0)
	p.waitConnected()
	p.wantSpent("Bert", "after a kill, 2 days off")
}

func (p *goPhone) explain(contact string) control.PolicyExplanation {
	p.t.Helper()
	return ctl[control.PolicyExplanation](p.g.device, "policy", "explain", "--contact", contact)
}

// mayTalk is what is left of the contact's day, in seconds; a call is allowed.
func (p *goPhone) mayTalk(contact string) float64 {
	p.t.Helper()
	e := p.explain(contact)
	if !e.Allowed || e.DayLeftSeconds == nil || e.ClockTrusted {
		p.t.Fatalf("explanation = %+v, want that a call is allowed and the day has a budget", e)
	}
	wantAbout(p.t, "a call may take what is left of the day", e.LimitSeconds, *e.DayLeftSeconds, 0.002)
	return *e.DayLeftSeconds
}

// wantSpent wants no call of the contact to be allowed any more.
func (p *goPhone) wantSpent(contact, when string) {
	p.t.Helper()
	e := p.explain(contact)
	if e.Allowed || e.Cause != string(cause.Forbidden) || e.DayLeftSeconds == nil || *e.DayLeftSeconds >= 1 || e.ClockTrusted {
		p.t.Errorf("%s: explanation = %+v, want that the day is spent", when, e)
	}
	p.wantRefused(cause.Forbidden)
}
