package main

import (
	"context"
	"testing"
	"time"

	"callbox/daemon/control"
)

// TestAReplacedWindow: who shows a code learns that another one counts.
func TestAReplacedWindow(t *testing.T) {
	_, socket := startDoor(t)
	a := &app{socket: socket}
	open := talking().Pairing
	if !a.replacedBy(t.Context(), control.PairWindow{Expires: open.Expires.Add(-time.Minute)}) {
		t.Error("another window is open, and that is not noticed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), windowEvery+windowEvery/2)
	defer cancel()
	if a.replacedBy(ctx, *open) {
		t.Error("the window that is open was taken for another")
	}
}
