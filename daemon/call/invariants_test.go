package call

import (
	"slices"
	"testing"
	"time"

	"callbox/signaling/cause"
)

// judge steps a machine and holds every invariant of calls against what it does.
type judge struct {
	t        *testing.T
	state    State
	visited  map[Phase]bool
	began    uint64         // calls begun
	ended    uint64         // calls finished
	timers   map[Timer]int  // those that run, with their numbers
	fired    Timer          // by this event; stopping it does no harm
	rung     map[Room]bool  // that hear of their end yet
	wish     Limit          // of the event that is being judged
	asked    Limit          // of the call itself
	limits   map[Room]Limit // of the phones that have answered it
	leg      leg
	legs     int  // sessions opened in this call
	talked   bool // in this call
	warnings []time.Duration
}

// leg is what is known of the media session that is open.
type leg struct{ opened, accepted, started, shut bool }

func newJudge(t *testing.T) *judge {
	return &judge{t: t, state: New(), visited: map[Phase]bool{}}
}

// phones are few, so that random events meet.
var phones = []string{"anna", "bert", "cleo", "dora"}

// event turns two bytes into an event: the first chooses it, the second its
// generation, leg, room and rules.
func (j *judge) event(choice, b byte, i int) Event {
	gen, legOf := j.state.Generation, j.state.Leg
	if b&0x10 != 0 && b&0x20 != 0 { // an older call's
		gen--
	} else if b&0x10 != 0 { // an older session's
		legOf--
	}
	r := Rules{Ring: 1, Connect: 1, Reconnect: 1, Preconnect: b&0x40 != 0, Auto: b&0x80 != 0}
	if b&0x04 != 0 {
		r.Limit = Limit{true, time.Minute}
		r.Warnings = [MaxWarnings]time.Duration{30 * time.Second, 10 * time.Second}
	}
	phone := phones[b&3]
	own := Room{ID: phone + string(rune('a'+i%5)), Phone: phone} // sometimes the same again
	ring := func(k int) Room { return Room{ID: "ring", Phone: phones[(int(b)+k)%len(phones)]} }
	rung := j.state.Rings.List[int(b)%3].Room
	if b&0x08 != 0 {
		rung = ring(0)
	}
	peer := j.state.Room
	if b&0x08 != 0 {
		peer = rung
	}
	events := []Event{
		Offered{Room: own, Rules: r}, Offered{Room: rung, Rules: r, Ring: true}, Offered{Room: own, Rules: r, Ring: true},
		Dial{Rooms: []Room{ring(0)}, Rules: r}, Dial{Rooms: []Room{ring(0), ring(1), ring(2)}, Rules: r, InTurn: b&0x20 != 0},
		Dial{Rules: r},
		RingReached{gen, rung}, RingDeclined{gen, rung, cause.Rejected}, RingDeclined{gen, rung, cause.Busy},
		Answered{gen}, Announced{gen, b&0x20 != 0}, Declined{gen}, LocalHangUp{gen, cause.Manual},
		PeerCancelled{gen, peer, cause.Cancelled}, PeerCancelled{gen, peer, cause.JoinFailed},
		PeerBye{gen, peer, cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}},
		PeerBye{gen, peer, cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}}, PeerSilent{gen, peer},
		MediaAnswered{gen, legOf}, MediaAnswered{gen, legOf}, MediaStarted{gen, legOf}, MediaStarted{gen, legOf},
		MediaLost{gen, legOf}, MediaBack{gen, legOf}, MediaFailed{gen, legOf, cause.JoinFailed}, MediaDeadline{gen, legOf},
		j.timer(gen, RingTimer, b), j.timer(gen, ConnectTimer, b), j.timer(gen, ReconnectTimer, b),
		j.timer(gen, LimitTimer, b), j.timer(gen, WarningTimer, b), j.timer(gen, TickTimer, b),
		Revoked{phone}, Shutdown{}, Closed{gen},
	}
	ev := events[int(choice)%len(events)]
	j.fired = ""
	if timer, ok := ev.(TimerFired); ok && gen == j.state.Generation && timer.N != 0 && timer.N == j.timers[timer.Timer] {
		j.fired = timer.Timer
		delete(j.timers, timer.Timer)
	}
	return ev
}

// timer is a timer's event: mostly of the one that runs, sometimes of one that was
// stopped when it had fired already.
func (j *judge) timer(gen uint64, t Timer, b byte) TimerFired {
	n := j.timers[t]
	if b&0x08 != 0 {
		n = int(b>>5) + 1
	}
	return TimerFired{gen, t, n}
}

func (j *judge) step(ev Event) {
	t, before := j.t, j.state
	next, effects := Step(before, ev)
	j.state = next
	j.visited[next.Phase] = true

	if !before.fits(ev) && (next != before || len(effects) > 0) {
		t.Fatalf("%T of an older call or session changed something", ev)
	}
	if next.Generation != before.Generation && before.Phase.Active() {
		t.Fatalf("%T began a second call beside the first", ev)
	}
	if o, ok := ev.(Offered); ok && before.Phase.Active() {
		j.disturbs(before, next, o, effects)
	}
	timer, _ := ev.(TimerFired)
	limitHit := (timer.Timer == LimitTimer && before.fits(ev)) || ev == Event(MediaDeadline{before.Generation, before.Leg})
	if limitHit && before.Rules.Limit.Set && before.inTalk() &&
		(next.Phase != Ended || next.End != (cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit})) {
		t.Fatalf("the limit did not end the call: %+v", next)
	}
	if before.inTalk() && before.Generation == next.Generation && next.Rules != before.Rules && next.Phase != Idle {
		t.Fatal("the rules of a talk changed")
	}
	switch e := ev.(type) {
	case Offered:
		j.wish = e.Rules.Limit
	case Dial:
		j.wish = e.Rules.Limit
	default:
	}
	for _, e := range effects {
		j.effect(e)
	}
	j.afterwards(ev, before)
}

// disturbs: an offer never touches a talk, and never a call that somebody else
// began; the device's own dialing it may answer.
func (j *judge) disturbs(before, next State, o Offered, effects []Effect) {
	t := j.t
	if before.Outgoing && (before.Phase == Dialing || before.Phase == Connecting) {
		known := slices.ContainsFunc(before.Rings.List[:], func(r OneRing) bool {
			return r.Room == o.Room || (!o.Ring && r.State != RingNone && r.Room.Phone == o.Room.Phone)
		})
		if !known && next != before {
			t.Fatalf("%+v of a phone that nobody rang changed the call", o)
		}
		return
	}
	if next != before {
		t.Fatalf("%+v disturbed a running call", o)
	}
	for _, e := range effects {
		switch e := e.(type) {
		case Refuse:
			if e.Room == before.Room || e.Cause != cause.Busy {
				t.Fatalf("an offer in a running call led to %+v", e)
			}
		case CancelRing:
			if !o.Ring || e.Room != o.Room {
				t.Fatalf("an offer in a running call led to %+v", e)
			}
		default:
			t.Fatalf("an offer in a running call led to %T", e)
		}
	}
}

// afterwards checks the state that a step has led to.
func (j *judge) afterwards(ev Event, before State) {
	t, s := j.t, j.state
	if j.began-j.ended > 1 || j.ended > j.began || (j.began-j.ended == 1) != s.Phase.Active() {
		t.Fatalf("%T: %d calls begun, %d ended, phase %s", ev, j.began, j.ended, s.Phase)
	}
	if s.inTalk() && !j.leg.started {
		t.Fatalf("%T: talking without start", ev)
	}
	if !s.Phase.Active() && (len(j.timers) > 0 || len(j.rung) > 0) {
		t.Fatalf("%T: without a call timers %v run and phones %v ring", ev, j.timers, j.rung)
	}
	if s.inTalk() && len(j.rung) > 1 {
		t.Fatalf("%T: in a talk %v think that they are in the call", ev, j.rung)
	}
	if s.Phase.Active() {
		j.checkTimers(ev)
	}
	if s.Phase == Dialing && !s.Rings.ringing() {
		t.Fatalf("%T: dialing, but no phone rings: %+v", ev, s.Rings)
	}
	if before.Phase == Ended && s.Phase == Idle && s.End != before.End {
		t.Fatal("the end was forgotten")
	}
}

// checkTimers: no phase without the timer that ends it, so that no call hangs.
func (j *judge) checkTimers(ev Event) {
	need := map[Phase]Timer{Ringing: RingTimer, Dialing: RingTimer, Connecting: ConnectTimer, Reconnecting: ReconnectTimer}
	if timer, ok := need[j.state.Phase]; ok && j.timers[timer] == 0 {
		j.t.Fatalf("%T: in %s nothing would ever end the call: timers %v", ev, j.state.Phase, j.timers)
	}
	if j.state.inTalk() && j.state.Rules.Limit.Set && j.timers[LimitTimer] == 0 {
		j.t.Fatalf("%T: a limited talk without its timer", ev)
	}
	if j.state.inTalk() && j.timers[TickTimer] == 0 {
		j.t.Fatalf("%T: a talk whose seconds nobody counts", ev)
	}
	rings := j.state.Phase == Ringing || (j.state.Outgoing && j.state.Rings.ringing())
	if (j.timers[RingTimer] != 0) != rings {
		j.t.Fatalf("%T: the ring timer runs: %v, rings: %+v", ev, j.timers[RingTimer], j.state.Rings)
	}
	for timer, n := range j.timers {
		if j.state.Timers.number(timer) != n {
			j.t.Fatalf("%T: timer %s runs as %d, the state says %d", ev, timer, n, j.state.Timers.number(timer))
		}
	}
}

// effect checks that effects come in an order that makes sense on the wire.
func (j *judge) effect(e Effect) {
	t := j.t
	over := j.began == j.ended
	switch e := e.(type) {
	case BeginRecord:
		j.began++
		j.leg, j.legs, j.talked, j.warnings = leg{}, 0, false, nil
		j.timers, j.rung, j.limits, j.asked = map[Timer]int{}, map[Room]bool{}, map[Room]Limit{}, j.wish
	case OpenMedia:
		if j.leg.opened || over {
			t.Fatal("media opened twice, or for no call")
		}
		j.leg = leg{opened: true}
		j.legs++
	case SendAccept:
		if j.leg.accepted || !j.leg.opened || j.leg.shut || over {
			t.Fatal("accept sent twice, without media, or for no call")
		}
		if want := Smallest(j.asked, j.limits[j.state.Room]); e.Limit != want {
			t.Fatalf("accepted with the limit %v, want %v", e.Limit, want)
		}
		j.leg.accepted = true
	case SendStart:
		if j.talked || !j.leg.accepted || over {
			t.Fatal("start sent twice, before accept, or for no call")
		}
		j.leg.started, j.talked = true, true
	case StartTimer:
		if over || e.After <= 0 || j.timers[e.Timer] != 0 || e.N == 0 {
			t.Fatalf("%+v for no call, for no time, or twice", e)
		}
		if e.Timer == LimitTimer && j.talked {
			t.Fatal("the limit was started again")
		}
		j.timers[e.Timer] = e.N
	case StopTimer:
		if j.timers[e.Timer] == 0 && e.Timer != j.fired {
			t.Fatalf("timer %s stopped, but it does not run", e.Timer)
		}
		delete(j.timers, e.Timer)
	case StopTimers:
		clear(j.timers)
	case ShutMedia:
		j.leg.shut = true
	case DropMedia:
		if j.leg.opened && !j.leg.shut {
			t.Fatal("a session was put away with its gate open")
		}
		j.leg = leg{}
	case SendReject:
		if j.leg.accepted || over || j.state.Outgoing {
			t.Fatal("reject after accept, of an outgoing call, or for no call")
		}
	case SendBye:
		if !j.leg.accepted || !j.leg.shut || over {
			t.Fatal("bye before accept, before media was shut, or for no call")
		}
	case SendRing:
		if over || j.rung[e.Room] {
			t.Fatalf("%+v twice, or for no call", e)
		}
		j.rung[e.Room] = true
	case RingTaken, CancelRing, RingOver, Join:
		j.ring(e, over)
	case Warn:
		if over || !j.talked || slices.Contains(j.warnings, e.Left) {
			t.Fatalf("warned twice of %v, or before the talk", e.Left)
		}
		j.warnings = append(j.warnings, e.Left)
	case Finish:
		if over || !e.End.Cause.Valid() {
			t.Fatalf("a call ended twice, or with the cause %q", e.End.Cause)
		}
		if j.leg.opened && !j.leg.shut {
			t.Fatal("a call ended with its media open")
		}
		j.ended++
		clear(j.rung)
	case CloseMedia:
		if !over {
			t.Fatal("media put away before the end")
		}
	case Refuse, Ring, Announce, StopAnnouncing, Alert, SendRinging, AcceptMedia, Talk, Tick, SendNeedRestart, Reconnect:
		if over {
			t.Fatalf("%T for no call", e)
		}
	}
}

// ring follows who still believes to be rung.
func (j *judge) ring(e Effect, over bool) {
	switch e := e.(type) {
	case RingTaken:
		if over {
			j.t.Fatalf("%+v for no call", e)
		}
		j.limits[e.By] = j.wish
		delete(j.rung, e.Room)
		j.rung[e.By] = true
	case CancelRing: // also to a phone that comes too late, in any state
		delete(j.rung, e.Room)
	case RingOver:
		if over {
			j.t.Fatalf("%+v for no call", e)
		}
		delete(j.rung, e.Room)
	case Join:
		if over {
			j.t.Fatalf("%+v for no call", e)
		}
		j.rung[e.Room] = true
	default: // effect hands on only these
	}
}
