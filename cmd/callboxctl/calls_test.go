package main

import (
	"strings"
	"testing"

	"callbox/daemon/control"
	"callbox/signaling/cause"
)

// TestRefusalsInTheTable: how often is told, where it was more than once.
func TestRefusalsInTheTable(t *testing.T) {
	for times, want := range map[int]string{0: "dnd\n", 1: "dnd\n", 12: "dnd, 12 times\n"} {
		var out strings.Builder
		printCalls(&out, []control.Record{{Contact: "Anna", Cause: cause.DND, Times: times}})
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("%d times:\n%s\nwant the end %q", times, out.String(), want)
		}
	}
}
