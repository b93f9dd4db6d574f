//go:build e2e

package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// logLine is one line of the daemon's log.
type logLine struct {
	Message string `json:"message"`
	RoomID  string `json:"room_id"`
	From    string `json:"from"`
	To      string `json:"to"`
	Request string `json:"request"`
	Kind    string `json:"kind"`
	text    string
}

// lines returns the daemon's log, which must be JSON line by line.
func (d *device) lines(t *testing.T) []logLine {
	t.Helper()
	var all []logLine
	for text := range strings.Lines(d.log.String()) {
		l := logLine{text: strings.TrimSpace(text)}
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("a line of the log is no JSON: %v\n%s", err, text)
		}
		all = append(all, l)
	}
	return all
}

// ofNoCall are lines that may come during a call and have nothing to do with it:
// who asked the local API for what, and the connections that carry all of a phone.
func (l logLine) ofNoCall() bool {
	return l.Message == "control" || l.Message == "direct connected" || l.Message == "direct disconnected"
}

// TestLog: who looks for a call by its room finds every line of it, and one for
// each change of its state, of a call that was answered, muted, asked for what its
// phone has no right to, met by a second caller, and hung up.
func TestLog(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440})
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(d, "Anna")
	second := startPhone(t, phoneOptions{tone: 700})
	second.pair(d, "Bert")

	room := p.call(d, "call-video")
	ctl[any](d, "mute", "on")
	ctl[any](d, "camera", "off")
	ctl[any](d, "camera", "on")
	if code := p.try(`window.callbox.sendData({ payload: 1, right: "unlock" })`); code == "ok" {
		t.Error("a phone without the right has opened the door")
	}
	second.click("call-voice")
	busy := second.waitEvent("busy", 15*time.Second).RoomID
	time.Sleep(2 * time.Second) // pictures, reports, info: what a talk has to tell
	p.click("hang-up")
	d.waitState("idle", 10*time.Second)
	want := []string{"idle>ringing", "ringing>connecting", "connecting>talking", "talking>ended", "ended>idle"}
	eventually(t, 5*time.Second, "the call is put away", func() bool {
		return slices.ContainsFunc(d.lines(t), func(l logLine) bool { return l.RoomID == room && l.To == "idle" })
	})

	var states []string
	running, lines, refused := false, 0, 0
	for _, l := range d.lines(t) {
		if l.Message == "call state" && l.RoomID == room {
			states = append(states, l.From+">"+l.To)
			running = l.To != "idle"
		}
		if !running || l.ofNoCall() {
			continue
		}
		lines++
		if l.Message == "refused" && l.RoomID == room {
			refused++
		}
		if l.RoomID != room && l.RoomID != busy {
			t.Errorf("a line of the call has room_id %q: %s", l.RoomID, l.text)
		}
	}
	if !slices.Equal(states, want) {
		t.Errorf("the log has the changes %v of the call, want each once: %v", states, want)
	}
	if lines < 10 {
		t.Errorf("the log has only %d lines of the call", lines)
	}
	if refused != 1 {
		t.Errorf("the log has %d refused messages of the call, want one", refused)
	}
	if n := strings.Count(d.log.String(), `"`+busy+`"`); n == 0 {
		t.Error("the log has nothing of the call that was refused as busy")
	}

	chosen := map[string]int{}
	for _, l := range d.lines(t) {
		if strings.HasPrefix(l.Message, "device") && l.Kind != "" && l.RoomID == "" {
			chosen[l.Kind]++
		}
	}
	for _, kind := range []string{"camera", "microphone", "speaker", "display"} {
		if chosen[kind] != 1 {
			t.Errorf("the log tells %d times which %s was chosen, want once: %v", chosen[kind], kind, chosen)
		}
	}
}
