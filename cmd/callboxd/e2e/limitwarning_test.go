//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestLimitWarning: 10 s before the limit the SDK warns, once, and the page says so;
// for 30 s before, the limit is too short.
func TestLimitWarning(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, call: "  max_duration: 13s"})
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(d, "Anna")
	p.watchToasts()
	room := p.call(d, "call-voice")
	deadline := d.status().Call.Deadline
	warning := p.waitEventOf("limitWarning", room, 6*time.Second)
	if left := warning.Data["secondsLeft"]; left != 10.0 {
		t.Errorf("limitWarning says %v s, want 10", left)
	}
	wantAt(t, "the SDK warns", warning.At, deadline-10, time.Second) // whole seconds, to people
	eventually(t, 5*time.Second, "the page says how much is left", func() bool {
		for _, toast := range eval[[]struct {
			Text string `json:"text"`
		}](p, `window.said`) {
			if toast.Text == strings.ReplaceAll(pageWords(t, "limitWarning"), "{seconds}", "10") {
				return true
			}
		}
		return false
	})
	p.waitEventOf("finishVoip", room, 15*time.Second)
	warnings := 0
	for _, e := range p.events() {
		if e.EventName == "limitWarning" {
			warnings++
		}
	}
	if warnings != 1 {
		t.Errorf("it warned %d times", warnings)
	}
}
