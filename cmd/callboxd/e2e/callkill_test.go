//go:build e2e

package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/signaling/cause"
	"callbox/signaling/phonepeer"
)

// checkpoint is how often the daemon writes down how long was talked (daemon).
const checkpoint = 10 * time.Second

// callKills are the moments at which a daemon is killed in a call, twenty in all.
var callKills = []struct {
	name  string
	times int
	begin func(h *household) *liveCall
}{
	{"the instant of ringing", 5, (*household).untilRinging},
	{"ringing", 2, (*household).untilRingingOn},
	{"the instant of dialing", 4, (*household).untilDialing},
	{"connecting", 3, (*household).untilAnswered},
	{"talking", 4, func(h *household) *liveCall { return h.untilTalking(time.Second) }},
	{"talking for long", 2, func(h *household) *liveCall { return h.untilTalking(checkpoint) }},
}

// killInCalls kills a daemon that has a call and starts it again, time after time.
// Each call keeps its one record, closed as aborted; its phone learns that the device
// was restarted, and the next call works.
func killInCalls(t *testing.T, seed uint64) {
	o := householdOptions()
	o.media = "  preconnect: off" // a phone that is answered has yet to connect
	h := openHousehold(t, seed, o, "Anna", "Ben", "Carl", "Dora")
	var deck []int
	for i, k := range callKills {
		for range k.times {
			deck = append(deck, i)
		}
	}
	h.random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	for n, i := range deck {
		h.video = h.random.IntN(4) == 0
		h.kill(callKills[i].begin(h))
		h.answered(endsByDevice)
		if t.Failed() {
			t.Fatalf("kill %d was the first that went wrong: %s", n+1, callKills[i].name)
		}
	}
	h.checkTalks()
	t.Logf("%d kills", len(deck))
}

// liveCall is one whose end the daemon will not see.
type liveCall struct {
	call    *phonepeer.Call
	account account
}

// untilRinging is a call of which somebody has heard this very moment.
func (h *household) untilRinging() *liveCall {
	h.t.Helper()
	p := h.anyPhone()
	c := h.rings(p, 0)
	return &liveCall{call: c, account: incoming(c, p, cause.End{}, false)}
}

// untilRingingOn has rung for a while.
func (h *household) untilRingingOn() *liveCall {
	h.t.Helper()
	c := h.untilRinging()
	h.rest()
	return c
}

func (h *household) untilDialing() *liveCall {
	h.t.Helper()
	p, in := h.dialsOne(0)
	return &liveCall{call: in.Call, account: outgoing(in, p, cause.End{}, false)}
}

// untilAnswered is a call whose phone connects, or has just done so.
func (h *household) untilAnswered() *liveCall {
	h.t.Helper()
	c := h.untilRingingOn()
	h.must(h.api.Answer(h.ctx, c.call.Room))
	time.Sleep(time.Duration(h.random.Int64N(int64(50 * time.Millisecond))))
	return c
}

// untilTalking is a talk of at least that long.
func (h *household) untilTalking(long time.Duration) *liveCall {
	h.t.Helper()
	c := h.untilAnswered()
	h.talks(c.call, c.call.Room)
	time.Sleep(long)
	h.rest()
	return c
}

// kill kills the daemon in a call, starts it anew and looks at what is left of it.
func (h *household) kill(c *liveCall) {
	h.t.Helper()
	h.must(h.cmd.Process.Kill())
	killed := time.Now()
	<-h.exited
	<-h.stream.done // all that it has said is here
	for _, ev := range h.stream.of(c.account.group) {
		if ev.Name == control.EventStartVoip {
			c.account.talked, c.account.talk = true, killed.Sub(ev.Time)
		}
	}
	h.start(filepath.Join(h.dir, "callbox.yaml"))
	c.account.end, c.account.killed = cause.End{Cause: cause.Aborted, Detail: cause.Restarted}, true
	h.findRecords(c.account)
	h.phoneEnds(c.call, c.account.end, true)
	eventually(h.t, soon, "the device reaches the phones", func() bool { return h.connected() == len(h.phones) })
	h.watchEvents()
}
