package call

import (
	"testing"

	"callbox/signaling/cause"
)

// FuzzStep plays random events of present and past calls. Its oracle is the list
// of invariants in (*judge).step.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 10, 2, 11, 18, 22})           // a call that ends at its limit
	f.Add([]byte{0, 10, 2, 11, 12, 13, 1, 6, 22}) // lost, back, busy, bye
	f.Add([]byte{0, 3, 1, 22, 2})                 // declined, and another at once
	f.Add([]byte{1, 2, 10, 21, 22, 0})            // shutdown while connecting
	f.Fuzz(func(t *testing.T, input []byte) {
		j := judge{t: t, state: New()}
		for i, b := range input {
			j.step(j.event(b, i))
		}
		j.step(Shutdown{})
		if j.state.Phase.Active() {
			t.Fatalf("a call outlived the shutdown: %+v", j.state)
		}
	})
}

// judge holds what the invariants need to know of the past.
type judge struct {
	t        *testing.T
	state    State
	began    uint64 // calls begun
	ended    uint64 // calls finished
	accepted bool   // in this call
	started  bool
	shut     bool
	opened   bool
	timers   map[Timer]bool
}

// event turns a byte into an event: the low 5 bits choose it, the next its
// generation (this call, the one before) and its room.
func (j *judge) event(b byte, i int) Event {
	gen := j.state.Generation
	if b&0x20 != 0 && gen > 0 {
		gen--
	}
	r := Rules{Ring: 1, Connect: 1, Reconnect: 1, Preconnect: b&0x40 != 0, Auto: b&0x80 != 0, Limit: Limit{Set: i%2 == 0, Duration: 1}}
	events := []Event{
		Offered{Room{"a", "anna"}, r}, Offered{Room{string(rune('b' + i%20)), "bert"}, r},
		Answered{gen}, Declined{gen}, LocalHangUp{gen, cause.Manual}, PeerCancelled{gen, cause.Cancelled},
		PeerBye{gen, cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}}, PeerSilent{gen},
		PeerCancelled{gen, cause.Timeout}, PeerBye{gen, cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}},
		MediaAnswered{gen}, MediaStarted{gen}, MediaLost{gen}, MediaBack{gen}, MediaFailed{gen, cause.JoinFailed},
		TimerFired{gen, RingTimer}, TimerFired{gen, ConnectTimer}, TimerFired{gen, ReconnectTimer},
		TimerFired{gen, LimitTimer}, MediaDeadline{gen}, Revoked{"anna"}, Shutdown{}, Closed{gen},
	}
	return events[int(b&0x1f)%len(events)]
}

func (j *judge) step(ev Event) {
	t, before := j.t, j.state
	next, effects := Step(before, ev)
	j.state = next

	if gen, ok := generation(ev); ok && gen != before.Generation && (next != before || len(effects) > 0) {
		t.Fatalf("%T of an older call changed something", ev)
	}
	if next.Generation != before.Generation && before.Phase.Active() {
		t.Fatalf("%T began a second call beside the first", ev)
	}
	if o, ok := ev.(Offered); ok && before.Phase.Active() {
		if next != before {
			t.Fatalf("%+v disturbed a running call", o)
		}
		for _, e := range effects {
			if r, ok := e.(Refuse); !ok || r.Room == before.Room || r.Cause != cause.Busy {
				t.Fatalf("an offer in a running call led to %T", e)
			}
		}
	}
	limitHit := ev == Event(TimerFired{before.Generation, LimitTimer}) || ev == Event(MediaDeadline{before.Generation})
	if limitHit && before.Rules.Limit.Set && (before.Phase == Talking || before.Phase == Reconnecting) &&
		(next.Phase != Ended || next.End != (cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit})) {
		t.Fatalf("the limit did not end the call: %+v", next)
	}
	for _, e := range effects {
		j.effect(e)
	}
	if j.began-j.ended > 1 || j.ended > j.began || (j.began-j.ended == 1) != next.Phase.Active() {
		t.Fatalf("%d calls begun, %d ended, phase %s", j.began, j.ended, next.Phase)
	}
	if next.Phase == Talking && !j.started {
		t.Fatal("talking without start")
	}
	if !next.Phase.Active() && len(j.timers) > 0 {
		t.Fatalf("timers %v run without a call", j.timers)
	}
}

// effect checks that effects come in an order that makes sense on the wire.
func (j *judge) effect(e Effect) {
	t := j.t
	over := j.began == j.ended
	switch e := e.(type) {
	case BeginRecord:
		j.began++
		j.accepted, j.started, j.shut, j.opened, j.timers = false, false, false, false, map[Timer]bool{}
	case OpenMedia:
		if j.opened || over {
			t.Fatal("media opened twice, or for no call")
		}
		j.opened = true
	case SendAccept:
		if j.accepted || !j.opened || over {
			t.Fatal("accept sent twice, without media, or for no call")
		}
		j.accepted = true
	case SendStart:
		if j.started || !j.accepted || over {
			t.Fatal("start sent twice, before accept, or for no call")
		}
		j.started = true
	case StartTimer:
		if j.timers[e.Timer] || over {
			t.Fatalf("timer %s started twice, or for no call", e.Timer)
		}
		if e.Timer == LimitTimer && j.started {
			t.Fatal("the limit was started again")
		}
		j.timers[e.Timer] = true
	case StopTimer:
		if !j.timers[e.Timer] {
			t.Fatalf("timer %s stopped, but it does not run", e.Timer)
		}
		delete(j.timers, e.Timer)
	case ShutMedia:
		j.shut = true
	case SendReject:
		if j.accepted || over {
			t.Fatal("reject after accept, or for no call")
		}
	case SendBye:
		if !j.accepted || !j.shut || over {
			t.Fatal("bye before accept, before media was shut, or for no call")
		}
	case Finish:
		if over || !e.End.Cause.Valid() {
			t.Fatalf("a call ended twice, or with the cause %q", e.End.Cause)
		}
		if j.opened && !j.shut {
			t.Fatal("a call ended with its media open")
		}
		j.ended++
	case CloseMedia:
		if !over {
			t.Fatal("media put away before the end")
		}
	case Refuse, Ring, SendRinging, AcceptMedia, Talk, SendNeedRestart, Reconnect:
		if over {
			t.Fatalf("%T for no call", e)
		}
	}
}
