package daemon

import (
	"testing"
	"time"

	"callbox/signaling"
)

// TestKeysOfOneAddressShareABudget: a stranger who makes a key for each connection
// is looked at no more often than one with one key.
func TestKeysOfOneAddressShareABudget(t *testing.T) {
	const keys, each = 8, 20
	h := newHouse(t)
	strangers := make([]*handset, keys)
	for i := range strangers {
		strangers[i] = h.stranger()
	}
	began := time.Now()
	for range each {
		for _, p := range strangers {
			p.write(p.Invite(theRoom))
		}
	}
	h.eventually("all of it was counted", func() bool { return h.refused().sum() >= keys*each })
	got, took := h.refused(), time.Since(began)
	looked := got[string(signaling.RefusedStranger)]
	// Pairing Anna's phone, a stranger then, may have cost one.
	if most := 10 + uint64(5*took.Seconds()) + 1; looked > most || looked < 9 {
		t.Errorf("%d messages of strangers at one address were looked at in %v, want 9 to %d; refused %v", looked, took, most, got)
	}
	h.anna.rings()
	h.check(attack{refused: got, rings: 1, state: "ringing"})
}
