package media

import (
	"math"
	"time"
)

// lossFollower makes the sound's error correction follow the loss that is measured.
type lossFollower struct {
	set  func(percent int) error
	at   time.Duration
	told int
}

const (
	fecPeriod = time.Second
	fecLeast  = 2  // percent: the next loss is not announced
	fecMost   = 30 // percent: more would leave too little for the sound itself
	fecStep   = 2  // percent that matter
)

// follow is called with the loss of late, 0 to 1, as often as one likes.
func (f *lossFollower) follow(now time.Duration, loss float64) {
	if f.told != 0 && now-f.at < fecPeriod {
		return
	}
	f.at = now
	percent := max(fecLeast, min(fecMost, int(math.Round(loss*100))))
	if d := percent - f.told; d >= fecStep || -d >= fecStep {
		if f.set(percent) == nil { // it only fails when it is closed
			f.told = percent
		}
	}
}
