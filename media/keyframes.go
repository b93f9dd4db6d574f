package media

import (
	"sync"
	"time"
)

// keyBudget bounds what a phone that keeps asking for keyframes can cost: a few at
// once, then one at a time. A request that is too early is not lost, it waits.
type keyBudget struct {
	mu      sync.Mutex
	begun   bool
	tokens  float64
	at      time.Duration
	waiting bool
}

const (
	keyBurst  = 4                       // at once, keyframeInterval apart
	keyPeriod = 1500 * time.Millisecond // then
)

// ask notes a request.
func (k *keyBudget) ask() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting = true
}

// take says whether a keyframe that was asked for is due at now.
func (k *keyBudget) take(now time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.begun {
		k.begun, k.tokens, k.at = true, keyBurst, now
	}
	k.tokens = min(keyBurst, k.tokens+(now-k.at).Seconds()/keyPeriod.Seconds())
	k.at = now
	if !k.waiting || k.tokens < 1 {
		return false
	}
	k.tokens--
	k.waiting = false
	return true
}
