package main

import (
	"testing"

	"callbox/daemon/control"
)

// TestWhoIsRung: a phone that was not reached does not ring.
func TestWhoIsRung(t *testing.T) {
	for want, c := range map[string]*control.Call{
		"video, calling Anna (not reached yet) since 18:30:05":                     {Dialing: []string{"Anna"}},
		"video, ringing Anna since 18:30:05":                                       {Dialing: []string{"Anna"}, Reached: []string{"Anna"}},
		"video, ringing Bert, calling Anna, Cleo (not reached yet) since 18:30:05": {Dialing: []string{"Anna", "Bert", "Cleo"}, Reached: []string{"Bert"}},
	} {
		c.State, c.RoomType, c.Since = "dialing", "video", since
		if got := callText(c); got != want {
			t.Errorf("callText = %q, want %q", got, want)
		}
	}
}
