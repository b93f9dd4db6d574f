package daemon

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/daemon/store"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// TestAttemptsAnHour: whatever comes of them, and only those of contacts.
func TestAttemptsAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(set *settings) { set.rules = &policy.Rules{AttemptsAnHour: 3} })
		defer s.end()
		anna := theOffer("").Contact
		s.inLoop(func() { s.contacts = []signaling.Contact{anna}; s.loop.dnd.On = true })
		try := func(room, want string) {
			t.Helper()
			s.receive(theOffer(room))
			if got := s.took(); !strings.Contains(got, "reject "+room+" "+want+";") {
				t.Errorf("%s: %s, want %s", room, got, want)
			}
			time.Sleep(time.Minute)
		}
		for i := range 3 {
			try(fmt.Sprint("r", i), "dnd")
		}
		try("r3", "forbidden")
		if _, known := s.loop.tries[anna.JKT]; !known || len(s.loop.tries) != 1 {
			t.Errorf("tries = %v", s.loop.tries)
		}
		e, err := ask(t.Context(), s.loop, func() (control.PolicyExplanation, error) {
			return s.loop.explain(anna, control.PolicyQuery{}), nil
		})
		const rule = "configuration: policy.attempts_an_hour 3, of which contact Anna has used 3"
		if err != nil || e.Allowed || e.Rule != rule {
			t.Errorf("explained: %+v, %v", e, err)
		}
		if r := s.records[3]; r.Cause != cause.Forbidden {
			t.Errorf("record = %+v", r)
		}
		time.Sleep(time.Hour - 4*time.Minute) // the first is an hour old
		try("r4", "dnd")
		try("r5", "dnd") // and the second
	})
}

// TestAttemptsOfStrangersAreNotKept: they are nobody's that the device knows, and as
// many as keys can be made.
func TestAttemptsOfStrangersAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(set *settings) { set.rules = &policy.Rules{AttemptsAnHour: 1} })
		defer s.end()
		s.receive(theOffer("r"))
		if got := s.took(); strings.Contains(got, "set ") || len(s.loop.tries) != 0 {
			t.Errorf("%s; tries %v", got, s.loop.tries)
		}
	})
}

// TestAttemptsSurviveARestart, and what is older than an hour does not.
func TestAttemptsSurviveARestart(t *testing.T) {
	h := newHouse(t)
	h.cfg.Policy.AttemptsAnHour = 1
	h.restart()
	h.anna.connect()
	h.anna.rings()
	h.anna.say(h.anna.Cancel(theRoom))
	h.eventually("the device is idle", func() bool { return h.status().State == "idle" })
	anna := h.anna.JKT()
	h.restart()
	if e := h.explain("Anna", control.PolicyQuery{}); e.Allowed || e.Cause != string(cause.Forbidden) ||
		!strings.Contains(e.Rule, "policy.attempts_an_hour 1, of which contact Anna has used 1") {
		t.Errorf("after a restart: %+v", e)
	}
	h.clock.Forward(time.Hour)
	if e := h.explain("Anna", control.PolicyQuery{}); !e.Allowed {
		t.Errorf("an hour later: %+v", e)
	}
	h.restart()
	h.leave()
	h.stop()
	kept, err := store.Open(h.cfg.Device.StateDir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if names := kept.Settings(); slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, anna) }) {
		t.Errorf("the store still keeps %v", names)
	}
}
