package call

import (
	"slices"
	"testing"

	"callbox/signaling/cause"
)

var (
	ringA  = Room{ID: "ring-a", Phone: "anna"}
	ringB  = Room{ID: "ring-b", Phone: "bert"}
	ringC  = Room{ID: "ring-c", Phone: "cleo"}
	annas  = Room{ID: "annas-own", Phone: "anna"}
	dialAB = Dial{Rooms: []Room{ringA, ringB}, Rules: rules}
	turnAB = Dial{Rooms: []Room{ringA, ringB}, Rules: rules, InTurn: true}
)

func from(events ...Event) State {
	s := New()
	for _, ev := range events {
		s, _ = Step(s, ev)
	}
	return s
}

func joins(r Room) Offered { return Offered{Room: r, Rules: rules, Ring: true} }

// dialing is every event of an outgoing call, beside those in every, which is
// made to fit its rooms.
var dialing = func() map[string]Event {
	events := map[string]Event{
		"a reached": RingReached{1, ringA}, "b reached": RingReached{1, ringB},
		"a declined": RingDeclined{1, ringA, cause.Rejected}, "b busy": RingDeclined{1, ringB, cause.Busy},
		"a joins": joins(ringA), "b joins": joins(ringB), "a stranger's ring": joins(ringC),
		"a calls": Offered{Room: annas, Rules: rules}, "cleo calls": Offered{Room: ringC, Rules: rules},
		"a cancelled": PeerCancelled{1, ringA, cause.Cancelled}, "b cancelled": PeerCancelled{1, ringB, cause.Cancelled},
		"a cannot join": PeerCancelled{1, ringA, cause.JoinFailed},
		"a bye":         PeerBye{1, ringA, cause.End{Cause: cause.Hangup, Origin: cause.Manual}},
		"a bye, broken": PeerBye{1, ringA, cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}},
		"a silent":      PeerSilent{1, ringA}, "b silent": PeerSilent{1, ringB},
		"a revoked": Revoked{"anna"}, "b revoked": Revoked{"bert"},
	}
	for _, name := range []string{
		"dial", "answered", "announced", "declined", "local hang-up", "media answered", "media started", "media lost", "media back", "media failed",
		"media deadline", "ring timer", "connect timer", "reconnect timer", "limit timer", "warning timer", "tick timer", "shutdown", "closed",
	} {
		events[name] = every[name]
	}
	return events
}()

// dialStates are the states of an outgoing call, by name.
var dialStates = map[string]State{
	"dialing one":                  from(Dial{Rooms: []Room{ringA}, Rules: rules}),
	"dialing two":                  from(dialAB, RingReached{1, ringA}),
	"dialing two in turn":          from(turnAB, RingReached{1, ringA}),
	"connecting with the only one": from(Dial{Rooms: []Room{ringA}, Rules: rules}, joins(ringA)),
	"connecting, another rings":    from(dialAB, joins(ringA), MediaAnswered{1, 1}),
	"connecting, another waits":    from(dialAB, joins(ringA), joins(ringB)),
	"connecting, another in turn":  from(turnAB, joins(ringA)),
	"dialing after a failure":      from(dialAB, joins(ringA), MediaFailed{1, 1, cause.JoinFailed}),
	"talking after dialing":        from(dialAB, joins(ringA), MediaAnswered{1, 1}, MediaStarted{1, 1}),
}

// dialCells lists for each of dialStates what every event leads to; what is not
// listed must change nothing and have no effect.
var dialCells = map[string]map[string]string{
	"connecting with the only one": {
		"a bye":             "ended: StopTimers, ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"a bye, broken":     "ended: StopTimers, ShutMedia, Finish{aborted mediaLost by phone}, CloseMedia",
		"a calls":           "connecting: Refuse{{annas-own anna} busy}",
		"a cancelled":       "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"a cannot join":     "ended: StopTimers, ShutMedia, Finish{joinFailed by phone}, CloseMedia",
		"a revoked":         "ended: StopTimers, ShutMedia, CancelRing{ring-a aborted}, Finish{aborted revoked by device}, CloseMedia",
		"a silent":          "ended: StopTimers, ShutMedia, CancelRing{ring-a aborted}, Finish{aborted unreachable by device}, CloseMedia",
		"a stranger's ring": "connecting: CancelRing{ring-c answeredElsewhere}",
		"b joins":           "connecting: CancelRing{ring-b answeredElsewhere}",
		"cleo calls":        "connecting: Refuse{{ring-c cleo} busy}",
		"connect timer":     "ended: StopTimers, ShutMedia, CancelRing{ring-a joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"local hang-up":     "ended: StopTimers, ShutMedia, CancelRing{ring-a cancelled}, Finish{cancelled by device}, CloseMedia",
		"media answered":    "connecting: SendAccept{1m0s}, AcceptMedia{1m0s}",
		"media failed":      "ended: StopTimers, ShutMedia, CancelRing{ring-a joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"shutdown":          "ended: StopTimers, ShutMedia, CancelRing{ring-a aborted}, Finish{aborted shutdown by device}, CloseMedia",
	},
	"connecting, another in turn": {
		"a bye":             "ended: StopTimers, ShutMedia, RingOver{ring-b answeredElsewhere}, Finish{hangup manual by phone}, CloseMedia",
		"a bye, broken":     "dialing: StopTimer{connect}, ShutMedia, RingOver{ring-a aborted mediaLost}, DropMedia, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"a calls":           "connecting: Refuse{{annas-own anna} busy}",
		"a cancelled":       "ended: StopTimers, ShutMedia, RingOver{ring-b answeredElsewhere}, Finish{hangup other by phone}, CloseMedia",
		"a cannot join":     "dialing: StopTimer{connect}, ShutMedia, RingOver{ring-a joinFailed}, DropMedia, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"a revoked":         "dialing: StopTimer{connect}, ShutMedia, CancelRing{ring-a aborted}, RingOver{ring-a aborted revoked}, DropMedia, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"a silent":          "dialing: StopTimer{connect}, ShutMedia, CancelRing{ring-a aborted}, RingOver{ring-a aborted unreachable}, DropMedia, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"a stranger's ring": "connecting: CancelRing{ring-c answeredElsewhere}",
		"b revoked":         "connecting: RingOver{ring-b aborted revoked}",
		"cleo calls":        "connecting: Refuse{{ring-c cleo} busy}",
		"connect timer":     "dialing: StopTimer{connect}, ShutMedia, CancelRing{ring-a joinFailed}, RingOver{ring-a joinFailed}, DropMedia, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"local hang-up":     "ended: StopTimers, ShutMedia, CancelRing{ring-a cancelled}, RingOver{ring-b cancelled}, Finish{cancelled by device}, CloseMedia",
		"media answered":    "connecting: SendAccept{1m0s}, AcceptMedia{1m0s}",
		"media failed":      "dialing: StopTimer{connect}, ShutMedia, CancelRing{ring-a joinFailed}, RingOver{ring-a joinFailed}, DropMedia, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"shutdown":          "ended: StopTimers, ShutMedia, CancelRing{ring-a aborted}, RingOver{ring-b aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	},
	"connecting, another rings": {
		"a bye":             "ended: StopTimers, ShutMedia, CancelRing{ring-b answeredElsewhere}, RingOver{ring-b answeredElsewhere}, Finish{hangup manual by phone}, CloseMedia",
		"a bye, broken":     "dialing: StopTimer{connect}, ShutMedia, RingOver{ring-a aborted mediaLost}, DropMedia",
		"a calls":           "connecting: Refuse{{annas-own anna} busy}",
		"a cancelled":       "ended: StopTimers, ShutMedia, CancelRing{ring-b answeredElsewhere}, RingOver{ring-b answeredElsewhere}, Finish{hangup other by phone}, CloseMedia",
		"a cannot join":     "dialing: StopTimer{connect}, ShutMedia, RingOver{ring-a joinFailed}, DropMedia",
		"a revoked":         "dialing: StopTimer{connect}, ShutMedia, SendBye{aborted revoked}, RingOver{ring-a aborted revoked}, DropMedia",
		"a silent":          "dialing: StopTimer{connect}, ShutMedia, SendBye{aborted unreachable}, RingOver{ring-a aborted unreachable}, DropMedia",
		"a stranger's ring": "connecting: CancelRing{ring-c answeredElsewhere}",
		"b busy":            "connecting: RingOver{ring-b busy}, StopTimer{ring}",
		"b cancelled":       "connecting: RingOver{ring-b rejected}, StopTimer{ring}",
		"b joins":           "connecting: ",
		"b reached":         "connecting: Alert{ring-b}",
		"b revoked":         "connecting: CancelRing{ring-b aborted}, RingOver{ring-b aborted revoked}, StopTimer{ring}",
		"b silent":          "connecting: CancelRing{ring-b aborted}, RingOver{ring-b aborted unreachable}, StopTimer{ring}",
		"cleo calls":        "connecting: Refuse{{ring-c cleo} busy}",
		"connect timer":     "dialing: StopTimer{connect}, ShutMedia, SendBye{joinFailed}, RingOver{ring-a joinFailed}, DropMedia",
		"local hang-up":     "ended: StopTimers, ShutMedia, SendBye{hangup manual}, CancelRing{ring-b answeredElsewhere}, RingOver{ring-b answeredElsewhere}, Finish{hangup manual by device}, CloseMedia",
		"media failed":      "dialing: StopTimer{connect}, ShutMedia, SendBye{joinFailed}, RingOver{ring-a joinFailed}, DropMedia",
		"media started":     "talking: StopTimer{connect}, StopTimer{ring}, CancelRing{ring-b answeredElsewhere}, RingOver{ring-b answeredElsewhere}, StartTimer{limit 1m0s}, SendStart{1m0s}, Talk, StartTimer{tick 1s}, StartTimer{warning 30s}",
		"ring timer":        "connecting: CancelRing{ring-b timeout}, RingOver{ring-b aborted unreachable}",
		"shutdown":          "ended: StopTimers, ShutMedia, SendBye{aborted shutdown}, CancelRing{ring-b aborted}, RingOver{ring-b aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	},
	"connecting, another waits": {
		"a bye":             "ended: StopTimers, ShutMedia, CancelRing{ring-b answeredElsewhere}, RingOver{ring-b answeredElsewhere}, Finish{hangup manual by phone}, CloseMedia",
		"a bye, broken":     "connecting: StopTimer{connect}, ShutMedia, RingOver{ring-a aborted mediaLost}, DropMedia, StopTimer{ring}, Join{ring-b}, StartTimer{connect 20s}, OpenMedia",
		"a calls":           "connecting: Refuse{{annas-own anna} busy}",
		"a cancelled":       "ended: StopTimers, ShutMedia, CancelRing{ring-b answeredElsewhere}, RingOver{ring-b answeredElsewhere}, Finish{hangup other by phone}, CloseMedia",
		"a cannot join":     "connecting: StopTimer{connect}, ShutMedia, RingOver{ring-a joinFailed}, DropMedia, StopTimer{ring}, Join{ring-b}, StartTimer{connect 20s}, OpenMedia",
		"a revoked":         "connecting: StopTimer{connect}, ShutMedia, CancelRing{ring-a aborted}, RingOver{ring-a aborted revoked}, DropMedia, StopTimer{ring}, Join{ring-b}, StartTimer{connect 20s}, OpenMedia",
		"a silent":          "connecting: StopTimer{connect}, ShutMedia, CancelRing{ring-a aborted}, RingOver{ring-a aborted unreachable}, DropMedia, StopTimer{ring}, Join{ring-b}, StartTimer{connect 20s}, OpenMedia",
		"a stranger's ring": "connecting: CancelRing{ring-c answeredElsewhere}",
		"b busy":            "connecting: RingOver{ring-b busy}, StopTimer{ring}",
		"b cancelled":       "connecting: RingOver{ring-b rejected}, StopTimer{ring}",
		"b revoked":         "connecting: CancelRing{ring-b aborted}, RingOver{ring-b aborted revoked}, StopTimer{ring}",
		"b silent":          "connecting: CancelRing{ring-b aborted}, RingOver{ring-b aborted unreachable}, StopTimer{ring}",
		"cleo calls":        "connecting: Refuse{{ring-c cleo} busy}",
		"connect timer":     "connecting: StopTimer{connect}, ShutMedia, CancelRing{ring-a joinFailed}, RingOver{ring-a joinFailed}, DropMedia, StopTimer{ring}, Join{ring-b}, StartTimer{connect 20s}, OpenMedia",
		"local hang-up":     "ended: StopTimers, ShutMedia, CancelRing{ring-a cancelled}, CancelRing{ring-b cancelled}, RingOver{ring-b cancelled}, Finish{cancelled by device}, CloseMedia",
		"media answered":    "connecting: SendAccept{1m0s}, AcceptMedia{1m0s}",
		"media failed":      "connecting: StopTimer{connect}, ShutMedia, CancelRing{ring-a joinFailed}, RingOver{ring-a joinFailed}, DropMedia, StopTimer{ring}, Join{ring-b}, StartTimer{connect 20s}, OpenMedia",
		"ring timer":        "connecting: ",
		"shutdown":          "ended: StopTimers, ShutMedia, CancelRing{ring-a aborted}, CancelRing{ring-b aborted}, RingOver{ring-b aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	},
	"dialing after a failure": {
		"a calls":           "dialing: Refuse{{annas-own anna} busy}",
		"a joins":           "dialing: CancelRing{ring-a joinFailed}",
		"a stranger's ring": "dialing: CancelRing{ring-c answeredElsewhere}",
		"b busy":            "ended: RingOver{ring-b busy}, StopTimers, Finish{busy by phone}, CloseMedia",
		"b cancelled":       "ended: RingOver{ring-b rejected}, StopTimers, Finish{rejected by phone}, CloseMedia",
		"b joins":           "connecting: StopTimer{ring}, Join{ring-b}, StartTimer{connect 20s}, OpenMedia",
		"b reached":         "dialing: Alert{ring-b}",
		"b revoked":         "ended: CancelRing{ring-b aborted}, RingOver{ring-b aborted revoked}, StopTimers, Finish{joinFailed by device}, CloseMedia",
		"b silent":          "ended: CancelRing{ring-b aborted}, RingOver{ring-b aborted unreachable}, StopTimers, Finish{joinFailed by device}, CloseMedia",
		"cleo calls":        "dialing: Refuse{{ring-c cleo} busy}",
		"local hang-up":     "ended: StopTimers, CancelRing{ring-b cancelled}, RingOver{ring-b cancelled}, Finish{cancelled by device}, CloseMedia",
		"ring timer":        "ended: CancelRing{ring-b timeout}, RingOver{ring-b aborted unreachable}, StopTimers, Finish{joinFailed by device}, CloseMedia",
		"shutdown":          "ended: StopTimers, CancelRing{ring-b aborted}, RingOver{ring-b aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	},
	"dialing one": {
		"a bye":             "ended: RingOver{ring-a rejected}, StopTimers, Finish{rejected by phone}, CloseMedia",
		"a bye, broken":     "ended: RingOver{ring-a rejected}, StopTimers, Finish{rejected by phone}, CloseMedia",
		"a calls":           "connecting: CancelRing{ring-a answeredElsewhere}, StopTimer{ring}, Join{annas-own}, StartTimer{connect 20s}, OpenMedia",
		"a cancelled":       "ended: RingOver{ring-a rejected}, StopTimers, Finish{rejected by phone}, CloseMedia",
		"a cannot join":     "ended: RingOver{ring-a rejected}, StopTimers, Finish{rejected by phone}, CloseMedia",
		"a declined":        "ended: RingOver{ring-a rejected}, StopTimers, Finish{rejected by phone}, CloseMedia",
		"a joins":           "connecting: StopTimer{ring}, Join{ring-a}, StartTimer{connect 20s}, OpenMedia",
		"a reached":         "dialing: Alert{ring-a}",
		"a revoked":         "ended: CancelRing{ring-a aborted}, RingOver{ring-a aborted revoked}, StopTimers, Finish{aborted revoked by device}, CloseMedia",
		"a silent":          "ended: CancelRing{ring-a aborted}, RingOver{ring-a aborted unreachable}, StopTimers, Finish{aborted unreachable by device}, CloseMedia",
		"a stranger's ring": "dialing: CancelRing{ring-c answeredElsewhere}",
		"b joins":           "dialing: CancelRing{ring-b answeredElsewhere}",
		"cleo calls":        "dialing: Refuse{{ring-c cleo} busy}",
		"local hang-up":     "ended: StopTimers, CancelRing{ring-a cancelled}, RingOver{ring-a cancelled}, Finish{cancelled by device}, CloseMedia",
		"ring timer":        "ended: CancelRing{ring-a timeout}, RingOver{ring-a aborted unreachable}, StopTimers, Finish{aborted unreachable by device}, CloseMedia",
		"shutdown":          "ended: StopTimers, CancelRing{ring-a aborted}, RingOver{ring-a aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	},
	"dialing two": {
		"a bye":             "dialing: RingOver{ring-a rejected}",
		"a bye, broken":     "dialing: RingOver{ring-a rejected}",
		"a calls":           "connecting: CancelRing{ring-a answeredElsewhere}, Join{annas-own}, StartTimer{connect 20s}, OpenMedia",
		"a cancelled":       "dialing: RingOver{ring-a rejected}",
		"a cannot join":     "dialing: RingOver{ring-a rejected}",
		"a declined":        "dialing: RingOver{ring-a rejected}",
		"a joins":           "connecting: Join{ring-a}, StartTimer{connect 20s}, OpenMedia",
		"a revoked":         "dialing: CancelRing{ring-a aborted}, RingOver{ring-a aborted revoked}",
		"a silent":          "dialing: CancelRing{ring-a aborted}, RingOver{ring-a aborted unreachable}",
		"a stranger's ring": "dialing: CancelRing{ring-c answeredElsewhere}",
		"b busy":            "dialing: RingOver{ring-b busy}",
		"b cancelled":       "dialing: RingOver{ring-b rejected}",
		"b joins":           "connecting: Join{ring-b}, StartTimer{connect 20s}, OpenMedia",
		"b reached":         "dialing: Alert{ring-b}",
		"b revoked":         "dialing: CancelRing{ring-b aborted}, RingOver{ring-b aborted revoked}",
		"b silent":          "dialing: CancelRing{ring-b aborted}, RingOver{ring-b aborted unreachable}",
		"cleo calls":        "dialing: Refuse{{ring-c cleo} busy}",
		"local hang-up":     "ended: StopTimers, CancelRing{ring-a cancelled}, RingOver{ring-a cancelled}, CancelRing{ring-b cancelled}, RingOver{ring-b cancelled}, Finish{cancelled by device}, CloseMedia",
		"ring timer":        "ended: CancelRing{ring-a timeout}, RingOver{ring-a timeout}, CancelRing{ring-b timeout}, RingOver{ring-b aborted unreachable}, StopTimers, Finish{timeout by device}, CloseMedia",
		"shutdown":          "ended: StopTimers, CancelRing{ring-a aborted}, RingOver{ring-a aborted shutdown}, CancelRing{ring-b aborted}, RingOver{ring-b aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	},
	"dialing two in turn": {
		"a bye":             "dialing: RingOver{ring-a rejected}, StopTimer{ring}, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"a bye, broken":     "dialing: RingOver{ring-a rejected}, StopTimer{ring}, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"a calls":           "connecting: CancelRing{ring-a answeredElsewhere}, StopTimer{ring}, Join{annas-own}, StartTimer{connect 20s}, OpenMedia",
		"a cancelled":       "dialing: RingOver{ring-a rejected}, StopTimer{ring}, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"a cannot join":     "dialing: RingOver{ring-a rejected}, StopTimer{ring}, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"a declined":        "dialing: RingOver{ring-a rejected}, StopTimer{ring}, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"a joins":           "connecting: StopTimer{ring}, Join{ring-a}, StartTimer{connect 20s}, OpenMedia",
		"a revoked":         "dialing: CancelRing{ring-a aborted}, RingOver{ring-a aborted revoked}, StopTimer{ring}, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"a silent":          "dialing: CancelRing{ring-a aborted}, RingOver{ring-a aborted unreachable}, StopTimer{ring}, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"a stranger's ring": "dialing: CancelRing{ring-c answeredElsewhere}",
		"b revoked":         "dialing: RingOver{ring-b aborted revoked}",
		"cleo calls":        "dialing: Refuse{{ring-c cleo} busy}",
		"local hang-up":     "ended: StopTimers, CancelRing{ring-a cancelled}, RingOver{ring-a cancelled}, RingOver{ring-b cancelled}, Finish{cancelled by device}, CloseMedia",
		"ring timer":        "dialing: CancelRing{ring-a timeout}, RingOver{ring-a timeout}, SendRing{ring-b}, StartTimer{ring 1m0s}",
		"shutdown":          "ended: StopTimers, CancelRing{ring-a aborted}, RingOver{ring-a aborted shutdown}, RingOver{ring-b aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	},
	"talking after dialing": {
		"a bye":             "ended: StopTimers, ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"a bye, broken":     "ended: StopTimers, ShutMedia, Finish{aborted mediaLost by phone}, CloseMedia",
		"a calls":           "talking: Refuse{{annas-own anna} busy}",
		"a cancelled":       "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"a cannot join":     "ended: StopTimers, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"a revoked":         "ended: StopTimers, ShutMedia, SendBye{aborted revoked}, Finish{aborted revoked by device}, CloseMedia",
		"a stranger's ring": "talking: CancelRing{ring-c answeredElsewhere}",
		"b joins":           "talking: CancelRing{ring-b answeredElsewhere}",
		"cleo calls":        "talking: Refuse{{ring-c cleo} busy}",
		"limit timer":       "ended: StopTimers, ShutMedia, SendBye{hangup timeLimit}, Finish{hangup timeLimit by device}, CloseMedia",
		"local hang-up":     "ended: StopTimers, ShutMedia, SendBye{hangup manual}, Finish{hangup manual by device}, CloseMedia",
		"media deadline":    "ended: StopTimers, ShutMedia, SendBye{hangup timeLimit}, Finish{hangup timeLimit by device}, CloseMedia",
		"media failed":      "ended: StopTimers, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"media lost":        "reconnecting: StartTimer{reconnect 30s}, SendNeedRestart, Reconnect{lost}",
		"shutdown":          "ended: StopTimers, ShutMedia, SendBye{aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
		"tick timer":        "talking: Tick, StartTimer{tick 1s}",
		"warning timer":     "talking: Warn{30s}, StartTimer{warning 50s}",
	},
}

func TestDialing(t *testing.T) {
	for stateName, state := range dialStates {
		want := dialCells[stateName]
		for name := range want {
			if dialing[name] == nil {
				t.Fatalf("%s: no event is called %q", stateName, name)
			}
		}
		for eventName, ev := range dialing {
			t.Run(stateName+"/"+eventName, func(t *testing.T) {
				next, effects := Step(state, ev)
				if want[eventName] == "" {
					if next != state || len(effects) > 0 {
						t.Errorf("got %s, want no change", describe(next.Phase, effects))
					}
					return
				}
				if got := describe(next.Phase, effects); got != want[eventName] {
					t.Errorf("\n got %s\nwant %s", got, want[eventName])
				}
			})
		}
	}
}

// TestVerdict: what a person decided counts before what nobody decided.
func TestVerdict(t *testing.T) {
	lost := func(ends ...cause.End) (r Rings) {
		for i, end := range ends {
			r.List[i] = OneRing{State: RingLost, End: end}
		}
		return r
	}
	unreachable := cause.End{Cause: cause.Aborted, Detail: cause.Unreachable}
	for name, tt := range map[string]struct {
		rings Rings
		want  cause.End
	}{
		"one declined, one not there": {lost(unreachable, cause.End{Cause: cause.Rejected}), cause.End{Cause: cause.Rejected}},
		"busy before timeout":         {lost(cause.End{Cause: cause.Timeout}, cause.End{Cause: cause.Busy}), cause.End{Cause: cause.Busy}},
		"nobody was there":            {lost(unreachable, unreachable), unreachable},
		"one was, and did not answer": {lost(unreachable, cause.End{Cause: cause.Timeout}), cause.End{Cause: cause.Timeout}},
	} {
		if got := tt.rings.verdict(); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// TestDialRefused: no phone, too many of them, or a call that runs.
func TestDialRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		s State
		n int
	}{
		"nobody":          {New(), 0},
		"too many":        {New(), MaxRings + 1},
		"a call runs":     {from(dialAB), 1},
		"a phone rings":   {script(rules), 1},
		"a talk is going": {dialStates["talking after dialing"], 1},
	} {
		if next, effects := Step(tt.s, Dial{Rooms: make([]Room, tt.n), Rules: rules}); next != tt.s || len(effects) > 0 {
			t.Errorf("%s: got %s", name, describe(next.Phase, effects))
		}
	}
	if s, effects := Step(New(), Dial{Rooms: make([]Room, MaxRings), Rules: rules}); s.Phase != Dialing || len(effects) != MaxRings+2 {
		t.Errorf("%d phones at once: %s", MaxRings, describe(s.Phase, effects))
	}
}

// TestDialAgain: nothing of an ended call is left in the next.
func TestDialAgain(t *testing.T) {
	s := from(dialAB, LocalHangUp{1, cause.Manual}, turnAB)
	if s.Phase != Dialing || s.Generation != 2 || s.Rings.List[1].State != RingWaiting || s.End != (cause.End{}) {
		t.Errorf("state = %+v", s)
	}
}

// TestRingTimesOut: it is the device's time, whether its own timer or that of the
// ring on the wire was first.
func TestRingTimesOut(t *testing.T) {
	for name, ev := range map[string]Event{
		"the call's timer":  TimerFired{1, RingTimer},
		"the timer of ring": RingDeclined{1, ringA, cause.Timeout},
	} {
		_, effects := Step(from(Dial{Rooms: []Room{ringA}, Rules: rules}, RingReached{1, ringA}), ev)
		want := Finish{End: cause.End{Cause: cause.Timeout}, By: ByDevice}
		if !slices.Contains(effects, Effect(want)) {
			t.Errorf("%s: %v, want %v among them", name, effects, want)
		}
	}
}
