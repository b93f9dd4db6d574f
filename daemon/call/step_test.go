package call

import (
	"fmt"
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

// every is one of each event for the call of generation 1, by name.
var every = map[string]Event{
	"offered again":      Offered{Room: room, Rules: rules},
	"offered by another": Offered{Room: other, Rules: rules},
	"answered":           Answered{1},
	"declined":           Declined{1},
	"local hang-up":      LocalHangUp{1, cause.Manual},
	"cancelled":          PeerCancelled{1, cause.Cancelled},
	"bye":                PeerBye{1, cause.End{Cause: cause.Hangup, Origin: cause.Manual}},
	"silent":             PeerSilent{1},
	"media answered":     MediaAnswered{1},
	"media started":      MediaStarted{1},
	"media lost":         MediaLost{1},
	"media back":         MediaBack{1},
	"media failed":       MediaFailed{1, cause.JoinFailed},
	"bad SDP":            MediaFailed{1, cause.BadRequest},
	"media deadline":     MediaDeadline{1},
	"ring timer":         TimerFired{1, RingTimer},
	"connect timer":      TimerFired{1, ConnectTimer},
	"reconnect timer":    TimerFired{1, ReconnectTimer},
	"limit timer":        TimerFired{1, LimitTimer},
	"revoked":            Revoked{"anna"},
	"another revoked":    Revoked{"bert"},
	"shutdown":           Shutdown{},
	"closed":             Closed{1},
}

const (
	begins = "ringing: BeginRecord, StartTimer{ring 1m0s}, Ring, OpenMedia"
	busy   = "Refuse{{room-2 bert} busy}"
)

// cells lists for each state what every event leads to; an event that is not
// listed must change nothing and have no effect.
var cells = map[string]struct {
	state State
	want  map[string]string
}{
	"idle": {New(), map[string]string{
		"offered again":      begins,
		"offered by another": begins,
	}},
	"ringing without preconnect": {script(without(func(r *Rules) { r.Preconnect = false })), map[string]string{
		"offered by another": "ringing: " + busy,
		"answered":           "connecting: StopTimer{ring}, StartTimer{connect 20s}, OpenMedia",
		"declined":           "ended: StopTimer{ring}, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"local hang-up":      "ended: StopTimer{ring}, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"cancelled":          "ended: StopTimer{ring}, Finish{cancelled by phone}, CloseMedia",
		"bye":                "ended: StopTimer{ring}, Finish{cancelled by phone}, CloseMedia",
		"silent":             "ended: StopTimer{ring}, SendReject{aborted}, Finish{aborted unreachable by device}, CloseMedia",
		"media failed":       "ended: StopTimer{ring}, SendReject{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"bad SDP":            "ended: StopTimer{ring}, SendReject{badRequest}, Finish{badRequest by device}, CloseMedia",
		"ring timer":         "ended: StopTimer{ring}, SendReject{timeout}, Finish{timeout by device}, CloseMedia",
		"revoked":            "ended: StopTimer{ring}, SendReject{aborted}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":           "ended: StopTimer{ring}, SendReject{aborted}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"ringing, media opening": {script(rules), map[string]string{
		"offered by another": "ringing: " + busy,
		"answered":           "connecting: StopTimer{ring}, StartTimer{connect 20s}",
		"declined":           "ended: StopTimer{ring}, ShutMedia, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"local hang-up":      "ended: StopTimer{ring}, ShutMedia, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"cancelled":          "ended: StopTimer{ring}, ShutMedia, Finish{cancelled by phone}, CloseMedia",
		"bye":                "ended: StopTimer{ring}, ShutMedia, Finish{cancelled by phone}, CloseMedia",
		"silent":             "ended: StopTimer{ring}, ShutMedia, SendReject{aborted}, Finish{aborted unreachable by device}, CloseMedia",
		"media answered":     "ringing: SendRinging{with SDP}",
		"media failed":       "ended: StopTimer{ring}, ShutMedia, SendReject{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"bad SDP":            "ended: StopTimer{ring}, ShutMedia, SendReject{badRequest}, Finish{badRequest by device}, CloseMedia",
		"ring timer":         "ended: StopTimer{ring}, ShutMedia, SendReject{timeout}, Finish{timeout by device}, CloseMedia",
		"revoked":            "ended: StopTimer{ring}, ShutMedia, SendReject{aborted}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":           "ended: StopTimer{ring}, ShutMedia, SendReject{aborted}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"ringing, media ready": {script(rules, MediaAnswered{1}), map[string]string{
		"offered by another": "ringing: " + busy,
		"answered":           "connecting: StopTimer{ring}, StartTimer{connect 20s}, SendAccept{1m0s}, AcceptMedia{1m0s}",
		"declined":           "ended: StopTimer{ring}, ShutMedia, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"local hang-up":      "ended: StopTimer{ring}, ShutMedia, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"cancelled":          "ended: StopTimer{ring}, ShutMedia, Finish{cancelled by phone}, CloseMedia",
		"bye":                "ended: StopTimer{ring}, ShutMedia, Finish{cancelled by phone}, CloseMedia",
		"silent":             "ended: StopTimer{ring}, ShutMedia, SendReject{aborted}, Finish{aborted unreachable by device}, CloseMedia",
		"media failed":       "ended: StopTimer{ring}, ShutMedia, SendReject{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"bad SDP":            "ended: StopTimer{ring}, ShutMedia, SendReject{badRequest}, Finish{badRequest by device}, CloseMedia",
		"ring timer":         "ended: StopTimer{ring}, ShutMedia, SendReject{timeout}, Finish{timeout by device}, CloseMedia",
		"revoked":            "ended: StopTimer{ring}, ShutMedia, SendReject{aborted}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":           "ended: StopTimer{ring}, ShutMedia, SendReject{aborted}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"connecting, media opening": {script(rules, Answered{1}), map[string]string{
		"offered by another": "connecting: " + busy,
		"local hang-up":      "ended: StopTimer{connect}, ShutMedia, SendReject{rejected}, Finish{rejected by device}, CloseMedia",
		"cancelled":          "ended: StopTimer{connect}, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"bye":                "ended: StopTimer{connect}, ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"silent":             "ended: StopTimer{connect}, ShutMedia, SendReject{aborted}, Finish{aborted unreachable by device}, CloseMedia",
		"media answered":     "connecting: SendAccept{1m0s}, AcceptMedia{1m0s}",
		"media failed":       "ended: StopTimer{connect}, ShutMedia, SendReject{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"bad SDP":            "ended: StopTimer{connect}, ShutMedia, SendReject{badRequest}, Finish{badRequest by device}, CloseMedia",
		"connect timer":      "ended: StopTimer{connect}, ShutMedia, SendReject{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"revoked":            "ended: StopTimer{connect}, ShutMedia, SendReject{aborted}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":           "ended: StopTimer{connect}, ShutMedia, SendReject{aborted}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"connecting, accepted": {script(rules, MediaAnswered{1}, Answered{1}), map[string]string{
		"offered by another": "connecting: " + busy,
		"local hang-up":      "ended: StopTimer{connect}, ShutMedia, SendBye{hangup manual}, Finish{hangup manual by device}, CloseMedia",
		"cancelled":          "ended: StopTimer{connect}, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"bye":                "ended: StopTimer{connect}, ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"silent":             "ended: StopTimer{connect}, ShutMedia, SendBye{aborted unreachable}, Finish{aborted unreachable by device}, CloseMedia",
		"media started":      "talking: StopTimer{connect}, StartTimer{limit 1m0s}, SendStart{1m0s}, Talk",
		"media failed":       "ended: StopTimer{connect}, ShutMedia, SendBye{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"bad SDP":            "ended: StopTimer{connect}, ShutMedia, SendBye{badRequest}, Finish{badRequest by device}, CloseMedia",
		"connect timer":      "ended: StopTimer{connect}, ShutMedia, SendBye{joinFailed}, Finish{joinFailed by device}, CloseMedia",
		"revoked":            "ended: StopTimer{connect}, ShutMedia, SendBye{aborted revoked}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":           "ended: StopTimer{connect}, ShutMedia, SendBye{aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"talking": {script(rules, MediaAnswered{1}, Answered{1}, MediaStarted{1}), map[string]string{
		"offered by another": "talking: " + busy,
		"local hang-up":      "ended: StopTimer{limit}, ShutMedia, SendBye{hangup manual}, Finish{hangup manual by device}, CloseMedia",
		"cancelled":          "ended: StopTimer{limit}, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"bye":                "ended: StopTimer{limit}, ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"media lost":         "reconnecting: StartTimer{reconnect 30s}, SendNeedRestart, Reconnect{lost}",
		"media failed":       "ended: StopTimer{limit}, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"bad SDP":            "ended: StopTimer{limit}, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"media deadline":     "ended: StopTimer{limit}, ShutMedia, SendBye{hangup timeLimit}, Finish{hangup timeLimit by device}, CloseMedia",
		"limit timer":        "ended: StopTimer{limit}, ShutMedia, SendBye{hangup timeLimit}, Finish{hangup timeLimit by device}, CloseMedia",
		"revoked":            "ended: StopTimer{limit}, ShutMedia, SendBye{aborted revoked}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":           "ended: StopTimer{limit}, ShutMedia, SendBye{aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"talking without a limit": {script(without(func(r *Rules) { r.Limit = Limit{} }), MediaAnswered{1}, Answered{1}, MediaStarted{1}), map[string]string{
		"offered by another": "talking: " + busy,
		"local hang-up":      "ended: ShutMedia, SendBye{hangup manual}, Finish{hangup manual by device}, CloseMedia",
		"cancelled":          "ended: ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"bye":                "ended: ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"media lost":         "reconnecting: StartTimer{reconnect 30s}, SendNeedRestart, Reconnect{lost}",
		"media failed":       "ended: ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"bad SDP":            "ended: ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"revoked":            "ended: ShutMedia, SendBye{aborted revoked}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":           "ended: ShutMedia, SendBye{aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"reconnecting": {script(rules, MediaAnswered{1}, Answered{1}, MediaStarted{1}, MediaLost{1}), map[string]string{
		"offered by another": "reconnecting: " + busy,
		"local hang-up":      "ended: StopTimer{reconnect}, StopTimer{limit}, ShutMedia, SendBye{hangup manual}, Finish{hangup manual by device}, CloseMedia",
		"cancelled":          "ended: StopTimer{reconnect}, StopTimer{limit}, ShutMedia, Finish{hangup other by phone}, CloseMedia",
		"bye":                "ended: StopTimer{reconnect}, StopTimer{limit}, ShutMedia, Finish{hangup manual by phone}, CloseMedia",
		"media back":         "talking: StopTimer{reconnect}, Reconnect{back}",
		"media failed":       "ended: StopTimer{reconnect}, StopTimer{limit}, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"bad SDP":            "ended: StopTimer{reconnect}, StopTimer{limit}, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"media deadline":     "ended: StopTimer{reconnect}, StopTimer{limit}, ShutMedia, SendBye{hangup timeLimit}, Finish{hangup timeLimit by device}, CloseMedia",
		"reconnect timer":    "ended: StopTimer{reconnect}, StopTimer{limit}, ShutMedia, SendBye{aborted mediaLost}, Finish{aborted mediaLost by device}, CloseMedia",
		"limit timer":        "ended: StopTimer{reconnect}, StopTimer{limit}, ShutMedia, SendBye{hangup timeLimit}, Finish{hangup timeLimit by device}, CloseMedia",
		"revoked":            "ended: StopTimer{reconnect}, StopTimer{limit}, ShutMedia, SendBye{aborted revoked}, Finish{aborted revoked by device}, CloseMedia",
		"shutdown":           "ended: StopTimer{reconnect}, StopTimer{limit}, ShutMedia, SendBye{aborted shutdown}, Finish{aborted shutdown by device}, CloseMedia",
	}},
	"ended": {script(rules, Declined{1}), map[string]string{
		"offered by another": begins,
		"closed":             "idle: ",
	}},
	"idle after a call": {script(rules, Declined{1}, Closed{1}), map[string]string{
		"offered by another": begins,
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
				next, effects := Step(cell.state, ev)
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
			if _, ok := generation(ev); !ok {
				continue
			}
			if next, effects := Step(s, ev); next != s || len(effects) > 0 {
				t.Errorf("%s/%s: an old event led to %s", stateName, eventName, describe(next.Phase, effects))
			}
		}
	}
}

func TestAutoAnswer(t *testing.T) {
	r := without(func(r *Rules) { r.Auto = true })
	s, effects := Step(New(), Offered{Room: room, Rules: r})
	if got, want := describe(s.Phase, effects), "connecting: BeginRecord, StartTimer{connect 20s}, OpenMedia"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
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
			s, _ := Step(script(rules, MediaAnswered{1}, Answered{1}, MediaStarted{1}), PeerBye{1, tt.said})
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

// describe writes a phase and effects the way the table does.
func describe(p Phase, effects []Effect) string {
	words := make([]string, len(effects))
	for i, e := range effects {
		words[i] = word(e)
	}
	return string(p) + ": " + strings.Join(words, ", ")
}

func word(e Effect) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", e), "call.")
	switch e := e.(type) {
	case StartTimer:
		return fmt.Sprintf("%s{%s %v}", name, e.Timer, e.After)
	case StopTimer:
		return fmt.Sprintf("%s{%s}", name, e.Timer)
	case SendRinging:
		if e.WithSDP {
			return name + "{with SDP}"
		}
	case SendAccept:
		return fmt.Sprintf("%s{%s}", name, limitWord(e.Limit))
	case AcceptMedia:
		return fmt.Sprintf("%s{%s}", name, limitWord(e.Limit))
	case SendStart:
		return fmt.Sprintf("%s{%s}", name, limitWord(e.Limit))
	case Reconnect:
		return name + map[bool]string{true: "{back}", false: "{lost}"}[e.Back]
	case SendReject:
		return fmt.Sprintf("%s{%s}", name, e.Cause)
	case SendBye:
		return fmt.Sprintf("%s{%s}", name, endWord(e.End))
	case Finish:
		return fmt.Sprintf("%s{%s by %s}", name, endWord(e.End), e.By)
	case Refuse:
		return fmt.Sprintf("%s{%v %s}", name, e.Room, e.Cause)
	case BeginRecord, Ring, OpenMedia, Talk, SendNeedRestart, ShutMedia, CloseMedia:
	}
	return name
}

func limitWord(l Limit) string {
	if !l.Set {
		return "none"
	}
	return l.Duration.String()
}

func endWord(e cause.End) string {
	return strings.Join(strings.Fields(fmt.Sprint(e.Cause, " ", e.Origin, " ", e.Detail)), " ")
}
