// Package budget limits how much is read before any cryptography is done
// (docs/protocol.md, "Limits before any cryptography").
//
// Budgets are token buckets on the boot clock. They count per transport peer, a
// connection's proven key or address or a broker's topic, never by what a message
// claims. Peers that have proved nothing share a further budget fairly, so that
// one flooder cannot use up what the others need.
package budget

import (
	"sync"
	"time"

	"callbox/hal/clock"
)

// The budgets of docs/protocol.md.
const (
	peerRate, peerBurst         = 5.0, 10.0   // messages of one peer
	unprovenRate, unprovenBurst = 20.0, 20.0  // of all unproven peers together
	roomRate, roomBurst         = 50.0, 100.0 // inside a room with a verified offer
	frameRate, frameBurst       = 20.0, 40.0  // on a data channel
)

const (
	// idleLife is for how long a bucket outlives its peer's last message: longer
	// than any bucket needs to fill up, so that forgetting gives nothing away, and
	// so that a budget outlives a connection by the 10 s of the protocol.
	idleLife = 15 * time.Second
	// maxPeers bounds memory. When more peers than that speak within idleLife, new
	// ones are refused: the device is under attack, and those that are known
	// already, contacts among them, go on.
	maxPeers = 4096
	// shareWindow is the time over which the peers that speak share the unproven
	// budget.
	shareWindow = time.Second
)

// Budget keeps all buckets of a device. It may be used by several goroutines.
type Budget struct {
	clock clock.Clock

	mu       sync.Mutex
	buckets  map[string]*bucket
	unproven bucket
	window   time.Duration // when the present second of sharing began
	speaking int           // unproven peers that spoke in it
	spoke    int           // and in the one before
	swept    time.Duration
}

// bucket is a token bucket; its zero value is full at the first use.
type bucket struct {
	tokens float64
	last   time.Duration
	used   bool
	window time.Duration // the second of sharing in which the peer last spoke
	taken  float64       // of the unproven budget in it
}

// New returns full budgets.
func New(c clock.Clock) *Budget {
	return &Budget{clock: c, buckets: map[string]*bucket{}}
}

// Message takes one message of a transport peer and reports whether it may be
// read. proven means that the peer's key is a contact's.
func (b *Budget) Message(peer string, proven bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	k := b.bucket("p\x00"+peer, now)
	if k == nil {
		return false
	}
	k.fill(now, peerRate, peerBurst)
	if k.tokens < 1 {
		return false
	}
	if !proven && !b.share(k, now) {
		return false
	}
	k.tokens--
	return true
}

// share takes one from the budget of all unproven peers, if the peer has not had
// its share of it: an equal part of a second's budget among those that speak.
func (b *Budget) share(k *bucket, now time.Duration) bool {
	b.unproven.fill(now, unprovenRate, unprovenBurst)
	if now-b.window >= shareWindow {
		b.spoke = b.speaking
		if now-b.window >= 2*shareWindow {
			b.spoke = 0
		}
		b.window, b.speaking = now, 0
	}
	if k.window != b.window || k.taken < 0 {
		k.window, k.taken = b.window, 0
		b.speaking++
	}
	// Everybody may speak once: with more peers than tokens the bucket decides.
	part := max(1, unprovenRate/float64(max(1, b.speaking, b.spoke)))
	if k.taken >= part || b.unproven.tokens < 1 {
		return false
	}
	b.unproven.tokens--
	k.taken++
	return true
}

// Room takes one message inside a room with a verified offer.
func (b *Budget) Room(room string) bool { return b.take("r\x00"+room, roomRate, roomBurst) }

// Frame takes one text frame of a room's data channel.
func (b *Budget) Frame(room string) bool { return b.take("f\x00"+room, frameRate, frameBurst) }

func (b *Budget) take(name string, rate, burst float64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	k := b.bucket(name, now)
	if k == nil {
		return false
	}
	k.fill(now, rate, burst)
	if k.tokens < 1 {
		return false
	}
	k.tokens--
	return true
}

// bucket finds or makes a bucket; nil when there are too many.
func (b *Budget) bucket(name string, now time.Duration) *bucket {
	if k := b.buckets[name]; k != nil {
		return k
	}
	if since := now - b.swept; since >= idleLife || len(b.buckets) >= maxPeers && since >= shareWindow {
		b.swept = now
		for name, k := range b.buckets {
			if now-k.last >= idleLife {
				delete(b.buckets, name)
			}
		}
	}
	if len(b.buckets) >= maxPeers {
		return nil
	}
	k := &bucket{taken: -1} // has not spoken yet
	b.buckets[name] = k
	return k
}

func (k *bucket) fill(now time.Duration, rate, burst float64) {
	if !k.used {
		k.used, k.tokens = true, burst
	} else {
		k.tokens = min(burst, k.tokens+(now-k.last).Seconds()*rate)
	}
	k.last = now
}
