package phonepeer

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"callbox/signaling/cause"
	"callbox/signaling/message"
)

const goldenFile = "../testdata/states.json"

// goldenStates is what both phones, this one and the SDK's, make of what happens to a
// call, and how its end is told.
type goldenStates struct {
	// Phases leads from the role (caller, callee), the event and the phase to the next
	// phase. A phase that an event does not name is left as it is.
	Phases map[string]map[string]map[string]string `json:"phases"`
	// Ends has each end, at each side and by each side, 4 s after the talk began.
	Ends []goldenEnd `json:"ends"`
}

type goldenEnd struct {
	End      cause.End `json:"end"`
	IsCaller bool      `json:"isCaller"`
	ByDevice bool      `json:"byDevice"`
	Event    string    `json:"event"`
	Data     endData   `json:"data"`
}

// endData is what docs/from-wechat.md says of the data of the event that ends a call,
// written down a second time: the SDK's tests want the same of the SDK.
type endData struct {
	Cause    cause.Cause  `json:"cause"`
	Detail   cause.Detail `json:"detail,omitzero"`
	KeepTime int          `json:"keepTime,omitzero"`
	Status   string       `json:"status,omitzero"`
	Origin   cause.Origin `json:"origin,omitzero"`
	ErrMsg   string       `json:"errMsg,omitzero"`
	Message  string       `json:"message,omitzero"`
	Error    *endError    `json:"error,omitzero"`
}

type endError struct {
	ErrMsg string `json:"errMsg"`
}

func newEndData(end cause.End, isCaller, byDevice bool, keepTime int) endData {
	d := endData{Cause: end.Cause, Detail: end.Detail}
	role := "Caller"
	if byDevice == isCaller {
		role = "Listener"
	}
	switch end.Cause {
	case cause.Hangup:
		d.KeepTime, d.Status, d.Origin = keepTime, "endBy"+role, end.Origin
		if d.Origin == "" {
			d.Origin = cause.Other
		}
	case cause.Aborted:
		d.KeepTime, d.Status, d.Error = keepTime, "abortBy"+role, &endError{ErrMsg: string(end.Detail)}
		if end.Detail == "" {
			d.Error.ErrMsg = "unknown"
		}
	case cause.Cancelled, cause.AnsweredElsewhere, cause.Rejected, cause.DND, cause.Forbidden, cause.Unsupported, cause.BadRequest, cause.NeedNonce:
		switch {
		case byDevice:
			d.Status = string(cause.Other)
		case end.Origin != "":
			d.Status = string(end.Origin)
		default:
			d.Status = string(cause.Manual)
		}
	case cause.Timeout:
		d.Status = string(cause.Other)
	case cause.JoinFailed:
		d.ErrMsg, d.Message = "joinFailed", "media never connected"
	case cause.Busy:
	}
	return d
}

// goldenEvents are what may happen to a call, by the name that the golden file has.
func goldenEvents() map[string]event {
	return map[string]event{
		"challenge":            evChallenge{epoch: 3},
		"pickUp":               evPickUp{},
		"decline":              evDecline{why: cause.Busy},
		"offerReady":           evOffer{sdp: "v=0"},
		"ringing":              evRinging{timeout: 30 * time.Second},
		"accept":               evAccept{sdp: "v=0"},
		"start":                evStart{},
		"reject":               evReject{why: cause.BadRequest},
		"cancel":               evCancel{why: cause.AnsweredElsewhere},
		"bye":                  evBye{end: cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}},
		"hangUp":               evHangUp{origin: cause.Manual},
		"breach":               evBreach{},
		"mediaFailed":          evMediaFails{},
		"lost":                 evLost{},
		"flowing":              evFlowing{},
		"up":                   evLinkUp{},
		"needRestart":          evNeedRestart{generation: 9},
		"restarted":            evRestarted{generation: 1, sdp: "v=0"},
		"a larger epoch":       evEpoch{epoch: 4},
		"the same epoch":       evEpoch{epoch: 3},
		"an invite unanswered": evUnanswered{kind: message.TypeInvite},
		"an offer unanswered":  evUnanswered{kind: message.TypeOffer},
		"leaveAcked":           evLeaveAcked{},
		"timer answer":         evTimer{timerAnswer},
		"timer ring":           evTimer{timerRing},
		"timer connect":        evTimer{timerConnect},
		"timer reconnect":      evTimer{timerReconnect},
		"timer restart":        evTimer{timerRestart},
		"timer leave":          evTimer{timerLeave},
	}
}

// goldenPaths lead to each phase, by the names of the events.
func goldenPaths(callee bool) map[phase][]string {
	answer := []string{"challenge", "offerReady"}
	if callee {
		answer = []string{"challenge", "pickUp", "offerReady"}
	}
	then := func(more ...string) []string { return append(slices.Clone(answer), more...) }
	paths := map[phase][]string{
		inviting:     {},
		offering:     then(),
		ringing:      then("ringing"),
		connecting:   then("accept"),
		talking:      then("accept", "start"),
		reconnecting: then("accept", "start", "lost"),
		leaving:      then("accept", "start", "hangUp"),
		ended:        then("accept", "start", "hangUp", "timer leave"),
	}
	if callee {
		paths[alerting] = []string{"challenge"}
	}
	return paths
}

// phaseName is the SDK's word for a phase.
func phaseName(p phase) string {
	if p == alerting {
		return "incoming"
	}
	return p.String()
}

func newGoldenStates(t *testing.T) goldenStates {
	t.Helper()
	g := goldenStates{Phases: map[string]map[string]map[string]string{}}
	events := goldenEvents()
	for role, callee := range map[string]bool{"caller": false, "callee": true} {
		g.Phases[role] = map[string]map[string]string{}
		for name := range events {
			g.Phases[role][name] = map[string]string{}
		}
		for p, path := range goldenPaths(callee) {
			s, _ := begin(callee, message.Limit{}, false)
			for _, name := range path {
				s, _ = step(s, events[name], time.Second)
			}
			if s.phase != p {
				t.Fatalf("%v leads to %v as %s, not to %v", path, s.phase, role, p)
			}
			for name, ev := range events {
				if early(s, ev) {
					continue
				}
				if next, _ := step(s, ev, 5*time.Second); next.phase != p {
					g.Phases[role][name][phaseName(p)] = phaseName(next.phase)
				}
			}
		}
	}
	for _, e := range cause.Registry() {
		ends := []cause.End{{Cause: e.Cause}}
		switch e.Cause {
		case cause.Hangup, cause.Cancelled, cause.Rejected:
			for _, origin := range []cause.Origin{cause.Manual, cause.UnloadCallPage, cause.ForceFromApp, cause.Other, cause.TimeLimit} {
				ends = append(ends, cause.End{Cause: e.Cause, Origin: origin})
			}
		case cause.Aborted:
			for _, detail := range []cause.Detail{cause.MediaLost, cause.DeviceLost, cause.Restarted, cause.Revoked, cause.Shutdown, cause.Unreachable, cause.UnknownRoom} {
				ends = append(ends, cause.End{Cause: e.Cause, Detail: detail})
			}
		default:
		}
		for _, end := range ends {
			for i := range 4 {
				isCaller, byDevice := i&1 == 0, i&2 == 0
				g.Ends = append(g.Ends, goldenEnd{
					End: end, IsCaller: isCaller, ByDevice: byDevice,
					Event: end.Cause.Event(isCaller), Data: newEndData(end, isCaller, byDevice, 4),
				})
			}
		}
	}
	return g
}

// TestGoldenStates holds this phone to the golden file, which holds the SDK's.
func TestGoldenStates(t *testing.T) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	if err := e.Encode(newGoldenStates(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(goldenFile, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s says something else of a call than this phone does; when that is meant: go test ./signaling/phonepeer -update", goldenFile)
	}
}
