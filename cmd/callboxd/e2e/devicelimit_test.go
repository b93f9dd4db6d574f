//go:build device

package e2e

import (
	"fmt"
	"testing"
	"time"
)

// lateEnd is how late the end at a limit may be, in seconds, beside the noise of the
// machine. Measured where the emulator had two processors almost for itself: less than
// 0.1 s in the machine and outside.
const lateEnd = 0.5

// tooNoisy is a noise in seconds that leaves nothing to measure. Where four other
// programs wanted the two processors, too, it was 0.2 to 0.8 s.
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
	if got := g.light(); got != "on" {
		t.Errorf("the light is %s in the talk", got)
	}
	const day = 24 * time.Hour
	g.setClock(day)
	g.at(k.begun+10, ":")
	g.wantClock(day)
	g.setClock(-day)
	p.wantLimitEnd(k)
	g.wantClock(-day)
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
