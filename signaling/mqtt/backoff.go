package mqtt

import (
	"math/rand/v2"
	"sync"
	"time"
)

// backoff says how long to wait before the next connection: full jitter, from up
// to a second to up to a minute. It begins anew only after a connection that has
// lived for a while: two devices with one name would throw each other out for ever.
type backoff struct {
	steady time.Duration

	mu    sync.Mutex
	tries int
	since time.Time // of the connection; zero: there is none
}

// pause is called before each round of attempts, the first at once.
func (b *backoff) pause() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries++
	if b.tries == 1 {
		return 0
	}
	longest := min(longestPause, firstPause<<min(b.tries-2, 10))
	return rand.N(longest)
}

func (b *backoff) up() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.since = time.Now()
}

func (b *backoff) down() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.since) >= b.steady {
		b.tries = 1
	}
}
