package call

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"callbox/signaling/cause"
)

var (
	room  = Room{ID: "room-1", Phone: "anna"}
	other = Room{ID: "room-2", Phone: "bert"}
	rules = Rules{
		Limit: Limit{Set: true, Duration: time.Minute}, Ring: 60 * time.Second,
		Connect: 20 * time.Second, Reconnect: 30 * time.Second, Preconnect: true,
		Warnings: [MaxWarnings]time.Duration{30 * time.Second, 10 * time.Second},
	}
)

// script runs events of generation 1 from the beginning.
func script(r Rules, events ...Event) State {
	s, _ := Step(New(), Offered{Room: room, Rules: r})
	for _, ev := range events {
		s, _ = Step(s, ev)
	}
	return s
}

func without(f func(*Rules)) Rules {
	r := rules
	f(&r)
	return r
}

// every is one of each event for the call of generation 1, its first leg and its
// room, by name.
var every = map[string]Event{
	"offered again":        Offered{Room: room, Rules: rules},
	"offered by another":   Offered{Room: other, Rules: rules},
	"an old ring's offer":  Offered{Room: other, Rules: rules, Ring: true},
	"dial":                 Dial{Rooms: []Room{other}, Rules: rules},
	"ring reached":         RingReached{1, room},
	"ring declined":        RingDeclined{1, room, cause.Rejected},
	"answered":             Answered{1},
	"announced":            Announced{1, true},
	"not announced":        Announced{1, false},
	"declined":             Declined{1},
	"local hang-up":        LocalHangUp{1, cause.Manual},
	"cancelled":            PeerCancelled{1, room, cause.Cancelled},
	"gave up waiting":      PeerCancelled{1, room, cause.Timeout},
	"found a breach":       PeerCancelled{1, room, cause.BadRequest},
	"cancelled by another": PeerCancelled{1, other, cause.Cancelled},
	"bye":                  PeerBye{1, room, cause.End{Cause: cause.Hangup, Origin: cause.Manual}},
	"bye, not joined":      PeerBye{1, room, cause.End{Cause: cause.JoinFailed}},
	"bye of another":       PeerBye{1, other, cause.End{Cause: cause.Hangup, Origin: cause.Manual}},
	"silent":               PeerSilent{1, room},
	"another silent":       PeerSilent{1, other},
	"media answered":       MediaAnswered{1, 1},
	"media started":        MediaStarted{1, 1},
	"media lost":           MediaLost{1, 1},
	"media back":           MediaBack{1, 1},
	"media failed":         MediaFailed{1, 1, cause.JoinFailed},
	"bad SDP":              MediaFailed{1, 1, cause.BadRequest},
	"media deadline":       MediaDeadline{1, 1},
	"ring timer":           TimerFired{Gen: 1, Timer: RingTimer},
	"connect timer":        TimerFired{Gen: 1, Timer: ConnectTimer},
	"reconnect timer":      TimerFired{Gen: 1, Timer: ReconnectTimer},
	"limit timer":          TimerFired{Gen: 1, Timer: LimitTimer},
	"warning timer":        TimerFired{Gen: 1, Timer: WarningTimer},
	"tick timer":           TimerFired{Gen: 1, Timer: TickTimer},
	"revoked":              Revoked{"anna"},
	"another revoked":      Revoked{"bert"},
	"shutdown":             Shutdown{},
	"closed":               Closed{1},
}

const (
	begins  = "ringing: BeginRecord, StartTimer{ring 1m0s}, Ring, OpenMedia"
	dials   = "dialing: BeginRecord, SendRing{room-2}, StartTimer{ring 1m0s}"
	busy    = "Refuse{{room-2 bert} busy}"
	tooLate = "CancelRing{room-2 answeredElsewhere}"
)

// cells lists for each state what every event leads to; an event that is not
// listed must change nothing and have no effect.
var cells = map[string]struct {
	state State
	want  map[string]string
}{
	"idle": {New(), map[string]string{
		"offered again":       begins,
		"offered by another":  begins,
		"dial":                dials,
		"an old ring's offer": "idle: " + tooLate,
	}},
	"ringing without preconnect": {script(without(func(r *Rules) { r.Preconnect = false })), map[string]string{
		"offered by another":  "ringing: " + busy,
		"an old ring's offer": "ringing: " + tooLate,
		"answered":            "connecting: StopTimer{ring}, StartTimer{connect 20s}, OpenMedia",
		"declined":            "ended: StopTimers, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"local hang-up":       "ended: StopTimers, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"cancelled":           "ended: StopTimers, Finish{cancelled by phone}, CloseMedia",
		"gave up waiting":     "ended: StopTimers, Finish{timeout by phone}, CloseMedia",
		"found a breach":      "ended: StopTimers, Finish{badRequest by phone}, CloseMedia",
		"bye":                 "ended: StopTimers, Finish{cancelled by phone}, CloseMedia",
		"bye, not joined":     "ended: StopTimers, Finish{cancelled by phone}, CloseMedia",
		"silent":              "ended: StopTimers, SendReject{aborted}, Finish{aborted unreachable by device}, CloseMedia",
		"ring timer":          "ended: StopTimers, SendReject{timeout}, Finish{timeout by device}, CloseMedia",
		"revoked":             "ended: StopTimers, SendReject{aborted}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":            "ended: StopTimers, SendReject{aborted}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"ringing, media opening": {script(rules), map[string]string{
		"offered by another":  "ringing: " + busy,
		"an old ring's offer": "ringing: " + tooLate,
		"answered":            "connecting: StopTimer{ring}, StartTimer{connect 20s}",
		"declined":            "ended: StopTimers, ShutMedia, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"local hang-up":       "ended: StopTimers, ShutMedia, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"cancelled":           "ended: StopTimers, ShutMedia, Finish{cancelled by phone}, CloseMedia",
		"gave up waiting":     "ended: StopTimers, ShutMedia, Finish{timeout by phone}, CloseMedia",
		"found a breach":      "ended: StopTimers, ShutMedia, Finish{badRequest by phone}, CloseMedia",
		"bye":                 "ended: StopTimers, ShutMedia, Finish{cancelled by phone}, CloseMedia",
		"bye, not joined":     "ended: StopTimers, ShutMedia, Finish{cancelled by phone}, CloseMedia",
		"silent":              "ended: StopTimers, ShutMedia, SendReject{aborted}, Finish{aborted unreachable by device}, CloseMedia",
		"media answered":      "ringing: SendRinging{with SDP}",
		"media failed":        "ended: StopTimers, ShutMedia, SendReject{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"bad SDP":             "ended: StopTimers, ShutMedia, SendReject{badRequest}, Finish{badRequest by device}, CloseMedia",
		"ring timer":          "ended: StopTimers, ShutMedia, SendReject{timeout}, Finish{timeout by device}, CloseMedia",
		"revoked":             "ended: StopTimers, ShutMedia, SendReject{aborted}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":            "ended: StopTimers, ShutMedia, SendReject{aborted}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"ringing, media ready": {script(rules, MediaAnswered{1, 1}), map[string]string{
		"offered by another":  "ringing: " + busy,
		"an old ring's offer": "ringing: " + tooLate,
		"answered":            "connecting: StopTimer{ring}, StartTimer{connect 20s}, SendAccept{1m0s}, AcceptMedia{1m0s}",
		"declined":            "ended: StopTimers, ShutMedia, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"local hang-up":       "ended: StopTimers, ShutMedia, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"cancelled":           "ended: StopTimers, ShutMedia, Finish{cancelled by phone}, CloseMedia",
		"gave up waiting":     "ended: StopTimers, ShutMedia, Finish{timeout by phone}, CloseMedia",
		"found a breach":      "ended: StopTimers, ShutMedia, Finish{badRequest by phone}, CloseMedia",
		"bye":                 "ended: StopTimers, ShutMedia, Finish{cancelled by phone}, CloseMedia",
		"bye, not joined":     "ended: StopTimers, ShutMedia, Finish{cancelled by phone}, CloseMedia",
		"silent":              "ended: StopTimers, ShutMedia, SendReject{aborted}, Finish{aborted unreachable by device}, CloseMedia",
		"media failed":        "ended: StopTimers, ShutMedia, SendReject{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"bad SDP":             "ended: StopTimers, ShutMedia, SendReject{badRequest}, Finish{badRequest by device}, CloseMedia",
		"ring timer":          "ended: StopTimers, ShutMedia, SendReject{timeout}, Finish{timeout by device}, CloseMedia",
		"revoked":             "ended: StopTimers, ShutMedia, SendReject{aborted}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":            "ended: StopTimers, ShutMedia, SendReject{aborted}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"connecting, media opening": {script(rules, Answered{1}), map[string]string{
		"offered by another":  "connecting: " + busy,
		"an old ring's offer": "connecting: " + tooLate,
		"local hang-up":       "ended: StopTimers, ShutMedia, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"cancelled":           "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"gave up waiting":     "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"found a breach":      "ended: StopTimers, ShutMedia, Finish{badRequest by phone}, CloseMedia",
		"bye":                 "ended: StopTimers, ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"bye, not joined":     "ended: StopTimers, ShutMedia, Finish{joinFailed by phone}, CloseMedia",
		"silent":              "ended: StopTimers, ShutMedia, SendReject{aborted}, Finish{aborted unreachable by device}, CloseMedia",
		"media answered":      "connecting: SendAccept{1m0s}, AcceptMedia{1m0s}",
		"media failed":        "ended: StopTimers, ShutMedia, SendReject{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"bad SDP":             "ended: StopTimers, ShutMedia, SendReject{badRequest}, Finish{badRequest by device}, CloseMedia",
		"connect timer":       "ended: StopTimers, ShutMedia, SendReject{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"revoked":             "ended: StopTimers, ShutMedia, SendReject{aborted}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":            "ended: StopTimers, ShutMedia, SendReject{aborted}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"connecting, accepted": {script(rules, MediaAnswered{1, 1}, Answered{1}), map[string]string{
		"offered by another":  "connecting: " + busy,
		"an old ring's offer": "connecting: " + tooLate,
		"local hang-up":       "ended: StopTimers, ShutMedia, SendBye{hangup manual}, Finish{hangup manual by device}, CloseMedia",
		"cancelled":           "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"gave up waiting":     "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"found a breach":      "ended: StopTimers, ShutMedia, Finish{badRequest by phone}, CloseMedia",
		"bye":                 "ended: StopTimers, ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"bye, not joined":     "ended: StopTimers, ShutMedia, Finish{joinFailed by phone}, CloseMedia",
		"silent":              "ended: StopTimers, ShutMedia, SendBye{aborted unreachable}, Finish{aborted unreachable by device}, CloseMedia",
		"media started":       "talking: StopTimer{connect}, StartTimer{limit 1m0s}, SendStart{1m0s}, Talk, StartTimer{tick 1s}, StartTimer{warning 30s}",
		"media failed":        "ended: StopTimers, ShutMedia, SendBye{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"bad SDP":             "ended: StopTimers, ShutMedia, SendBye{badRequest}, Finish{badRequest by device}, CloseMedia",
		"connect timer":       "ended: StopTimers, ShutMedia, SendBye{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"revoked":             "ended: StopTimers, ShutMedia, SendBye{aborted revoked}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":            "ended: StopTimers, ShutMedia, SendBye{aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"talking": {script(rules, MediaAnswered{1, 1}, Answered{1}, MediaStarted{1, 1}), map[string]string{
		"offered by another":  "talking: " + busy,
		"an old ring's offer": "talking: " + tooLate,
		"local hang-up":       "ended: StopTimers, ShutMedia, SendBye{hangup manual}, Finish{hangup manual by device}, CloseMedia",
		"cancelled":           "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"gave up waiting":     "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"found a breach":      "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"bye":                 "ended: StopTimers, ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"bye, not joined":     "ended: StopTimers, ShutMedia, Finish{joinFailed by phone}, CloseMedia",
		"media lost":          "reconnecting: StartTimer{reconnect 30s}, SendNeedRestart, Reconnect{lost}",
		"tick timer":          "talking: Tick, StartTimer{tick 1s}",
		"warning timer":       "talking: Warn{30s}, StartTimer{warning 50s}",
		"media failed":        "ended: StopTimers, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"bad SDP":             "ended: StopTimers, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"media deadline":      "ended: StopTimers, ShutMedia, SendBye{hangup timeLimit}, Finish{hangup timeLimit by device}, CloseMedia",
		"limit timer":         "ended: StopTimers, ShutMedia, SendBye{hangup timeLimit}, Finish{hangup timeLimit by device}, CloseMedia",
		"revoked":             "ended: StopTimers, ShutMedia, SendBye{aborted revoked}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":            "ended: StopTimers, ShutMedia, SendBye{aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"talking without a limit": {script(without(func(r *Rules) { r.Limit = Limit{} }), MediaAnswered{1, 1}, Answered{1}, MediaStarted{1, 1}), map[string]string{
		"offered by another":  "talking: " + busy,
		"an old ring's offer": "talking: " + tooLate,
		"local hang-up":       "ended: StopTimers, ShutMedia, SendBye{hangup manual}, Finish{hangup manual by device}, CloseMedia",
		"cancelled":           "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"gave up waiting":     "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"found a breach":      "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"bye":                 "ended: StopTimers, ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"bye, not joined":     "ended: StopTimers, ShutMedia, Finish{joinFailed by phone}, CloseMedia",
		"media lost":          "reconnecting: StartTimer{reconnect 30s}, SendNeedRestart, Reconnect{lost}",
		"tick timer":          "talking: Tick, StartTimer{tick 1s}",
		"media failed":        "ended: StopTimers, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"bad SDP":             "ended: StopTimers, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"revoked":             "ended: StopTimers, ShutMedia, SendBye{aborted revoked}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":            "ended: StopTimers, ShutMedia, SendBye{aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"reconnecting": {script(rules, MediaAnswered{1, 1}, Answered{1}, MediaStarted{1, 1}, MediaLost{1, 1}), map[string]string{
		"offered by another":  "reconnecting: " + busy,
		"an old ring's offer": "reconnecting: " + tooLate,
		"local hang-up":       "ended: StopTimers, ShutMedia, SendBye{hangup manual}, Finish{hangup manual by device}, CloseMedia",
		"cancelled":           "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"gave up waiting":     "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"found a breach":      "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"bye":                 "ended: StopTimers, ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"bye, not joined":     "ended: StopTimers, ShutMedia, Finish{joinFailed by phone}, CloseMedia",
		"media back":          "talking: StopTimer{reconnect}, Reconnect{back}",
		"tick timer":          "reconnecting: Tick, StartTimer{tick 1s}",
		"warning timer":       "reconnecting: Warn{30s}, StartTimer{warning 50s}",
		"media failed":        "ended: StopTimers, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"bad SDP":             "ended: StopTimers, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"media deadline":      "ended: StopTimers, ShutMedia, SendBye{hangup timeLimit}, Finish{hangup timeLimit by device}, CloseMedia",
		"reconnect timer":     "ended: StopTimers, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"limit timer":         "ended: StopTimers, ShutMedia, SendBye{hangup timeLimit}, Finish{hangup timeLimit by device}, CloseMedia",
		"revoked":             "ended: StopTimers, ShutMedia, SendBye{aborted revoked}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":            "ended: StopTimers, ShutMedia, SendBye{aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"ended": {script(rules, Declined{1}), map[string]string{
		"offered by another":  begins,
		"dial":                dials,
		"an old ring's offer": "ended: " + tooLate,
		"closed":              "idle: ",
	}},
	"idle after a call": {script(rules, Declined{1}, Closed{1}), map[string]string{
		"offered by another":  begins,
		"dial":                dials,
		"an old ring's offer": "idle: " + tooLate,
	}},
}

func TestEveryStateAndEvent(t *testing.T) {
	for stateName, cell := range cells {
		for name := range cell.want {
			if every[name] == nil {
				t.Fatalf("%s: no event is called %q", stateName, name)
			}
		}
		for eventName, ev := range every {
			t.Run(stateName+"/"+eventName, func(t *testing.T) {
				next, effects := Step(cell.state, due(cell.state, ev))
				want, changes := cell.want[eventName]
				if !changes {
					if next != cell.state || len(effects) > 0 {
						t.Errorf("got %s and %+v, want no change", describe(next.Phase, effects), next)
					}
					return
				}
				if got := describe(next.Phase, effects); got != want {
					t.Errorf("\n got %s\nwant %s", got, want)
				}
			})
		}
	}
}

// TestOldGeneration: what belongs to an earlier call never touches a later one.
func TestOldGeneration(t *testing.T) {
	for stateName, cell := range cells {
		s := cell.state
		s.Generation++ // the events in the table are now one call behind
		for eventName, ev := range every {
			if !bound(ev) {
				continue
			}
			if next, effects := Step(s, ev); next != s || len(effects) > 0 {
				t.Errorf("%s/%s: an old event led to %s", stateName, eventName, describe(next.Phase, effects))
			}
		}
	}
}

// due makes a timer's event that of the one that runs in s.
func due(s State, ev Event) Event {
	if fired, ok := ev.(TimerFired); ok {
		fired.N = s.Timers.number(fired.Timer)
		return fired
	}
	return ev
}

// TestStoppedTimer: one that was stopped, or started anew, when it had fired already
// changes nothing.
func TestStoppedTimer(t *testing.T) {
	states := map[string]State{}
	for name, cell := range cells {
		states[name] = cell.state
	}
	maps.Copy(states, dialStates)
	for stateName, s := range states {
		for _, timer := range []Timer{RingTimer, ConnectTimer, ReconnectTimer, LimitTimer, WarningTimer, TickTimer} {
			for n := range s.Timers.Last + 2 {
				if n == s.Timers.number(timer) && n != 0 {
					continue
				}
				if next, effects := Step(s, TimerFired{s.Generation, timer, n}); next != s || len(effects) > 0 {
					t.Errorf("%s: the stopped %s timer led to %s", stateName, timer, describe(next.Phase, effects))
				}
			}
		}
	}
}

// bound reports whether ev belongs to one call.
func bound(ev Event) bool {
	s := State{Generation: 1 << 60}
	return !s.fits(ev)
}

// TestOldLeg: what belongs to a session that was given up never touches the next.
func TestOldLeg(t *testing.T) {
	for stateName, cell := range cells {
		s := cell.state
		if s.Leg == 0 {
			continue // it has no session yet
		}
		s.Leg++
		for eventName, ev := range every {
			if !strings.HasPrefix(eventName, "media ") && eventName != "bad SDP" {
				continue
			}
			if next, effects := Step(s, ev); next != s || len(effects) > 0 {
				t.Errorf("%s/%s: an old session led to %s", stateName, eventName, describe(next.Phase, effects))
			}
		}
	}
}

// TestWarnings: those that the limit leaves no room for are not given.
func TestWarnings(t *testing.T) {
	for name, tt := range map[string]struct {
		limit Limit
		want  []time.Duration // from the beginning of the talk
	}{
		"a minute":          {Limit{true, time.Minute}, []time.Duration{30 * time.Second, 50 * time.Second}},
		"thirty seconds":    {Limit{true, 30 * time.Second}, []time.Duration{20 * time.Second}},
		"twelve":            {Limit{true, 12 * time.Second}, []time.Duration{2 * time.Second}},
		"shorter than both": {Limit{true, 10 * time.Second}, nil},
		"without any limit": {Limit{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := script(without(func(r *Rules) { r.Limit = tt.limit }), MediaAnswered{1, 1}, Answered{1})
			s, effects := Step(s, MediaStarted{1, 1})
			var got []time.Duration
			for range MaxWarnings + 1 {
				for _, e := range effects {
					if e, ok := e.(StartTimer); ok && e.Timer == WarningTimer {
						got = append(got, e.After)
					}
				}
				s, effects = Step(s, due(s, TimerFired{Gen: 1, Timer: WarningTimer}))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("warnings at %v, want %v", got, tt.want)
			}
		})
	}
}

// TestAutoAnswer: the announcement comes first, and nobody is answered unheard.
func TestAutoAnswer(t *testing.T) {
	auto := without(func(r *Rules) { r.Auto = true })
	s, effects := Step(New(), Offered{Room: room, Rules: auto})
	if got, want := describe(s.Phase, effects), "ringing: BeginRecord, StartTimer{ring 1m0s}, Ring, Announce, OpenMedia"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for name, tt := range map[string]struct {
		ev   Event
		want string
	}{
		"heard":                {Announced{1, true}, "connecting: StopTimer{ring}, StartTimer{connect 20s}"},
		"not heard":            {Announced{1, false}, "ringing: "},
		"a person was quicker": {Answered{1}, "connecting: StopTimer{ring}, StopAnnouncing, StartTimer{connect 20s}"},
		"declined meanwhile":   {Declined{1}, "ended: StopTimers, StopAnnouncing, ShutMedia, SendReject{rejected}, Finish{rejected by device}, CloseMedia"},
		"the caller gave up":   {PeerCancelled{1, room, cause.Cancelled}, "ended: StopTimers, StopAnnouncing, ShutMedia, Finish{cancelled by phone}, CloseMedia"},
	} {
		t.Run(name, func(t *testing.T) {
			next, effects := Step(s, tt.ev)
			if got := describe(next.Phase, effects); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
			if again, effects := Step(next, Announced{1, true}); again != next || len(effects) > 0 {
				t.Errorf("the end of the announcement led to %s afterwards", describe(again.Phase, effects))
			}
		})
	}
}

func TestWhatAPhoneMaySayOfTheEnd(t *testing.T) {
	for name, tt := range map[string]struct{ said, want cause.End }{
		"its person hung up":     {cause.End{Cause: cause.Hangup, Origin: cause.Manual}, cause.End{Cause: cause.Hangup, Origin: cause.Manual}},
		"its page was closed":    {cause.End{Cause: cause.Hangup, Origin: cause.UnloadCallPage}, cause.End{Cause: cause.Hangup, Origin: cause.UnloadCallPage}},
		"the limit is ours":      {cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}, cause.End{Cause: cause.Hangup, Origin: cause.Other}},
		"an origin made up":      {cause.End{Cause: cause.Hangup, Origin: "x"}, cause.End{Cause: cause.Hangup, Origin: cause.Other}},
		"media never came":       {cause.End{Cause: cause.JoinFailed, Detail: "x"}, cause.End{Cause: cause.JoinFailed}},
		"it lost the media":      {cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}, cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}},
		"a detail made up":       {cause.End{Cause: cause.Aborted, Detail: "x"}, cause.End{Cause: cause.Aborted}},
		"a cause for other ends": {cause.End{Cause: cause.Busy}, cause.End{Cause: cause.Hangup, Origin: cause.Other}},
		"a cause made up":        {cause.End{Cause: "x"}, cause.End{Cause: cause.Hangup, Origin: cause.Other}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := Step(script(rules, MediaAnswered{1, 1}, Answered{1}, MediaStarted{1, 1}), PeerBye{1, room, tt.said})
			if s.End != tt.want {
				t.Errorf("end = %+v, want %+v", s.End, tt.want)
			}
		})
	}
}

func TestSmallest(t *testing.T) {
	minute, hour := Limit{true, time.Minute}, Limit{true, time.Hour}
	for _, tt := range []struct {
		limits []Limit
		want   Limit
	}{
		{nil, Limit{}},
		{[]Limit{{}, {}}, Limit{}},
		{[]Limit{{}, hour}, hour},
		{[]Limit{hour, minute, {}}, minute},
	} {
		if got := Smallest(tt.limits...); got != tt.want {
			t.Errorf("Smallest(%v) = %v, want %v", tt.limits, got, tt.want)
		}
	}
}
