package mqtt

import (
	"math/rand/v2"
	"sync"
	"time"
)

// backoff says how long to wait before the next connection: full jitter, up to as long
// as the broker has been away, at least up to a second and at most up to a minute. So
// one that comes back finds its devices spread over as much time as it was gone. It
// begins anew only after a connection that has lived for a while: two devices with one
// name would throw each other out for ever.
type backoff struct {
	steady time.Duration

	mu    sync.Mutex
	away  time.Time // since when; zero: nothing was tried
	since time.Time // of the connection; zero: there is none
}

// pause is called before each round of attempts, the first at once.
func (b *backoff) pause() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away.IsZero() {
		b.away = time.Now()
		return 0
	}
	return rand.N(min(longestPause, max(firstPause, time.Since(b.away))))
}

func (b *backoff) up() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.since = time.Now()
}

func (b *backoff) down() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if lived := time.Since(b.since); lived < b.steady {
		b.away = b.away.Add(lived) // in that time it was there
	} else {
		b.away = time.Now()
	}
}
