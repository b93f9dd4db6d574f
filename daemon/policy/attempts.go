package policy

import "slices"

const hourSeconds = 60 * 60

// Attempts are the attempts of the last hour to call, allowed or not. It is a value:
// each method returns the next one, which the store keeps. The zero value has none.
//
// The hour is running time of the device, so that no clock that jumps makes it pass.
// After a restart of the machine all that the new run has lasted counts; time between
// the last look and the restart does not.
type Attempts struct {
	// Ages are the running time in seconds since each attempt, at the last look.
	Ages []float64 `json:"ages,omitzero"`
	// Run and SeenSeconds are the run and the boot-time clock of the last look.
	Run         string  `json:"run,omitzero"`
	SeenSeconds float64 `json:"seenSeconds,omitzero"`
}

// At is what is left of them at now.
func (a Attempts) At(now Clock) Attempts {
	seen := now.Boot.Seconds()
	passed := seen
	if now.Run == a.Run {
		passed = max(0, seen-a.SeenSeconds)
		seen = max(seen, a.SeenSeconds)
	}
	ages := make([]float64, 0, len(a.Ages)+1)
	for _, age := range a.Ages {
		if age += passed; age < hourSeconds {
			ages = append(ages, age)
		}
	}
	return Attempts{Ages: slices.Clip(ages), Run: now.Run, SeenSeconds: seen}
}

// Try adds one attempt at now, and reports whether it is one of at most allowed in an
// hour. One that is too many is not kept: who waits an hour gets through.
func (a Attempts) Try(now Clock, allowed int) (Attempts, bool) {
	a = a.At(now)
	if len(a.Ages) >= allowed {
		return a, false
	}
	a.Ages = append(a.Ages, 0)
	return a, true
}
