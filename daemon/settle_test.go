package daemon

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestSettle: memory is given back some time after the start, after each talk has begun
// and after each call, and never while a phone rings.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		trims := 0
		wait := func(d time.Duration, want int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if trims != want {
				t.Errorf("memory was given back %d times, want %d", trims, want)
			}
		}
		s.inLoop(func() {
			s.loop.trim = func() error { trims++; return errors.New("only logged") }
			s.loop.settle() // as the loop does when it starts
		})
		wait(settling-time.Millisecond, 0)
		wait(time.Millisecond, 1)
		s.talk()
		wait(settlingTalk-time.Millisecond, 1)
		wait(time.Millisecond, 2)
		wait(time.Minute, 2)
		if err := s.backend.HangUp(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		wait(settling-time.Second, 2)
		s.receive(theOffer("next"))
		wait(2*settling, 2)
		if err := s.backend.Reject(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		wait(settling, 3)
		wait(time.Hour, 3)
	})
}
