package daemon

import (
	"testing"

	"callbox/daemon/call"
	"callbox/signaling"
)

// TestStatusLine: first what happens, then what the device is made of.
func TestStatusLine(t *testing.T) {
	anna := &current{offer: signaling.Offer{Contact: signaling.Contact{Name: "Anna"}}}
	made := "direct up; no camera"
	for name, tt := range map[string]struct {
		phase call.Phase
		made  string
		want  string
	}{
		"nobody":               {call.Idle, made, "idle; " + made},
		"somebody":             {call.Talking, made, "talking with Anna; " + made},
		"a call that is over":  {call.Ended, made, "idle; " + made},
		"nothing is known yet": {call.Ringing, "", "ringing with Anna"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &loop{cur: anna, made: func() string { return tt.made }}
			l.state.Phase = tt.phase
			if got := l.statusLine(); got != tt.want {
				t.Errorf("it says %q, want %q", got, tt.want)
			}
		})
	}
}
