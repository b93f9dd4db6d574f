package phonepeer

import (
	"math/rand/v2"
	"testing"
	"time"

	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// TestStepHoldsItsRules runs random events through calls: there is one end and nothing
// after it, and no effect needs a connection that does not exist.
func TestStepHoldsItsRules(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	ended, talked := 0, 0
	for range 20_000 {
		asked := message.Limit{Set: random.IntN(4) == 0, Duration: time.Minute}
		s, effects := begin(random.IntN(2) == 0, asked, random.IntN(20) == 0)
		w := watch{t: t, connected: false}
		w.look(s, effects)
		now := time.Duration(0)
		for range 40 {
			now += time.Duration(random.IntN(3000)) * time.Millisecond
			ev := randomEvent(random)
			if early(s, ev) {
				continue
			}
			before := s
			s, effects = step(s, ev, now)
			if s.phase < before.phase && (before.phase != reconnecting || s.phase != talking) {
				t.Fatalf("%T goes back from %v to %v", ev, before.phase, s.phase)
			}
			w.look(s, effects)
		}
		if s.phase == phaseEnded {
			ended++
		}
		if s.started {
			talked++
		}
	}
	if ended < 10_000 || talked < 200 {
		t.Errorf("only %d calls ended and %d talked: the events are too wild", ended, talked)
	}
}

const phaseEnded = ended // a test counts in a variable of this name

// watch looks at the effects of one call.
type watch struct {
	t               *testing.T
	connected, over bool
	open            bool
}

func (w *watch) look(s state, effects []effect) {
	w.t.Helper()
	if w.over && len(effects) > 0 {
		w.t.Fatalf("effects after the end: %#v", effects)
	}
	for _, e := range effects {
		switch e := e.(type) {
		case doMakeOffer:
			w.connected = true
		case doAnswer, doRestart, doSendOffer:
			if !w.connected {
				w.t.Fatalf("%T without a connection", e)
			}
		case doOpenMedia:
			if !w.connected || !s.accepted {
				w.t.Fatal("media flows before accept")
			}
			w.open = true
		case doSilence:
			w.open = false
		case doEnd:
			if w.open {
				w.t.Fatal("media goes on after the end")
			}
			if s.phase != phaseEnded || !s.end.Cause.Valid() {
				w.t.Fatalf("an end in %v, %+v", s.phase, s.end)
			}
			w.over = true
		default:
		}
	}
	if (s.phase == phaseEnded) != w.over {
		w.t.Fatalf("phase %v, over %v", s.phase, w.over)
	}
}

func randomEvent(r *rand.Rand) event {
	limit := message.Limit{Set: r.IntN(4) > 0, Duration: time.Duration(1+r.IntN(70)) * time.Second}
	all := []event{
		evChallenge{epoch: 1}, evPickUp{}, evOffer{"offer"}, evRinging{sdp: "answer", timeout: time.Minute}, evRinging{timeout: time.Minute},
		evAccept{sdp: "answer", limit: limit}, evStart{limit}, evLost{}, evFlowing{}, evRestart{}, evLinkUp{}, evNeedRestart{generation: r.IntN(4)},
		evRestarted{generation: 1 + r.IntN(3), sdp: "answer"}, evEpoch{1}, evLeaveAcked{}, evTimer{timerName(r.IntN(int(timerCount)))},
	}
	if r.IntN(6) > 0 {
		return all[r.IntN(len(all))]
	}
	rare := []event{
		evDecline{cause.Rejected}, evMediaFails{}, evReject{cause.Busy}, evCancel{cause.Cancelled}, evBye{cause.End{Cause: cause.Hangup}},
		evEpoch{2}, evUnanswered{message.TypeInvite}, evUnanswered{message.TypeOffer}, evBreach{}, evHangUp{cause.Manual},
		evUnload{cause.End{Cause: cause.Hangup, Origin: cause.UnloadCallPage}}, evUnload{aborted(cause.Shutdown)},
	}
	return rare[r.IntN(len(rare))]
}
