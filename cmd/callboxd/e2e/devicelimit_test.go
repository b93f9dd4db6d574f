//go:build device

package e2e

import (
	"fmt"
	"testing"
	"time"
)

// How late the end at a limit may be, in seconds, beside the noise of the machine: of
// a daemon that has ended a call before, and the first end of one. Measured where the
// emulator had two processors almost for itself: 0.02 s and 0.1 s, in the machine and
// outside; where ten programs wanted the two: 0.3 s and 1.2 s.
const (
	lateEnd      = 0.5
	lateFirstEnd = 1.5
)

// tooNoisy is a noise in seconds that leaves nothing to measure. Where ten programs
// wanted the two processors it was 0.2 to 1.2 s.
const tooNoisy = 4

// testRules: callboxd in the machine, called by a phone outside it, with what a
// machine can do to it.
func testRules(t *testing.T, m *machine, forward string) {
	g := startGuest(t, m, forward)
	// What the emulator runs for the first time it has to translate: the first start of
	// a talk and the first end have been seen to take ten times as long as the next.
	p := startGoPhone(t, g, "Ruth")
	rehearsal := talking{Call: p.ring(5 * time.Second)}
	g.answer(rehearsal.Call)
	rehearsal.wait(t)
	g.waitState("idle", patience)
	_ = p.Close()
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *guest)
	}{{"wall clock", testWallClock}, {"stopped", testStopped}, {"budget", testBudget}, {"keys", testKeys}, {"light", testLight}} {
		t.Run(sub.name, func(t *testing.T) { sub.run(t, g.of(t)) })
	}
}

// testWallClock: the limit does not care what day it is.
func testWallClock(t *testing.T, g *guest) {
	p := startGoPhone(t, g, "Wanda")
	t.Cleanup(func() { g.setClock(0) })
	k := p.talk(20 * time.Second)
	const day = 24 * time.Hour
	// One line, because the way into the machine may take seconds.
	back := g.at(k.begun+4, fmt.Sprintf("%s; sleep 5; %s", moveClock(day), moveClock(-2*day)))
	if back > k.deadline-1 {
		t.Fatalf("the machine is too slow: it has set the clock back %.3f s before the deadline", k.deadline-back)
	}
	p.wantLimitEnd(k, lateEnd)
	g.wantClock(-day) // so it was a day ahead before, and nothing has set it right
}

// testStopped: a daemon that is stopped over its limit ends the call once it goes on,
// sends nothing more, and counts nothing more.
func testStopped(t *testing.T, g *guest) {
	const limit, stopAt, over = 15, 12, 10
	p := startGoPhone(t, g, "Stefan")
	k := p.talk(limit * time.Second)
	pid := g.pid()
	stopped := g.at(k.begun+stopAt, fmt.Sprintf("kill -STOP %d", pid))
	if stopped > k.deadline-1 {
		t.Fatalf("the machine is too slow: it has stopped the daemon %.3f s before the deadline", k.deadline-stopped)
	}
	time.Sleep(500 * time.Millisecond) // what was in flight
	before := k.Stats()
	going := g.at(k.deadline+over, fmt.Sprintf("kill -CONT %d", pid))
	if _, over := k.Ended(); over {
		t.Error("the phone has not waited for the device")
	}
	ended := k.wait(t)
	end, late := g.happened(g.event("hangUpVoip", k.Room)), lateEnd+g.noise(k, stopped-1)
	g.waitState("idle", patience)
	after, r := k.Stats(), g.record(k.Room)
	t.Logf("stopped %.2f s before the deadline, goes on %.2f s after it; hangUpVoip %.2f s later, the phone ended %.3f s after its start with %+v; record %.3f s; packets %d and %d, after it %d and %d",
		k.deadline-stopped, going-k.deadline, end-going, (k.Times().Ended - k.Times().Started).Seconds(), ended, r.TalkSeconds,
		before.Audio.Packets, before.Video.Packets, after.Audio.Packets, after.Video.Packets)
	if end-going > late {
		t.Errorf("the call ends %.3f s after the daemon goes on", end-going)
	}
	if ended.End != byLimit || !ended.ByDevice {
		t.Errorf("the phone is told %+v, want %+v of the device", ended, byLimit)
	}
	if after.Audio.Packets != before.Audio.Packets || after.Video.Packets != before.Video.Packets {
		t.Errorf("media came after the deadline: %+v, before it %+v", after, before)
	}
	if r.TalkSeconds != limit || r.Origin != string(byLimit.Origin) {
		t.Errorf("record = %+v, want %d s", r, limit)
	}
	p.waitConnected()
}
