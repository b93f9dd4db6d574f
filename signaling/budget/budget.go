// Package budget limits how many messages are looked at, before any cryptography.
//
// A budget belongs to a transport peer (a proven key, a remote address, a broker
// topic), never to what a message claims. Peers that have proved nothing share
// one rate fairly, so that none of them can starve the others; proven ones do not
// touch it, nor do those whose transport says that they are a contact.
package budget

import (
	"sync"
	"time"

	"callbox/hal/clock"
)

// Class says how much a peer may send.
type Class int

// The classes.
const (
	Unproven Class = iota // nobody knows who it is
	Claimed               // its transport says that it is a contact, and nothing proves it
	Proven                // it holds the key of a contact
	InRoom                // it is in a room with a verified offer
)

// Rates in messages a second, and bursts.
const (
	peerRate, peerBurst     = 5, 10
	roomRate, roomBurst     = 50, 100
	sharedRate, sharedBurst = 20, 20

	// FrameRate is that of a room's data channel; a burst is one second of it.
	FrameRate = 20
)

// memory is how long a budget outlives its peer's last message: as long as it
// takes to fill up, so that reconnecting gains nothing.
const memory = 10 * time.Second

// maxPeers bounds the memory under a flood of addresses. Only the unproven are kept
// out by it: of the others there are as many as contacts and rooms.
const maxPeers = 4096

// Bucket is a token bucket. The zero value is empty.
type Bucket struct {
	tokens float64
	at     time.Duration
}

// Full returns a bucket with burst tokens at now.
func Full(burst float64, now time.Duration) Bucket { return Bucket{tokens: burst, at: now} }

// Take takes one token out of a bucket that fills with rate a second up to burst.
func (b *Bucket) Take(rate, burst float64, now time.Duration) bool {
	b.fill(rate, burst, now)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func (b *Bucket) fill(rate, burst float64, now time.Duration) {
	b.tokens = min(burst, b.tokens+rate*(now-b.at).Seconds())
	b.at = now
}

type peer struct {
	key   string
	class Class
}

// Budgets is what all transport peers may send. Its methods may be called from
// several goroutines.
type Budgets struct {
	clock clock.Clock

	mu       sync.Mutex
	peers    map[peer]*Bucket
	unproven int // of peers
	shared   Bucket
	swept    time.Duration
}

// New returns budgets in which nothing has been spent.
func New(c clock.Clock) *Budgets {
	now := c.Now()
	return &Budgets{clock: c, peers: map[peer]*Bucket{}, shared: Full(sharedBurst, now), swept: now}
}

// Take reports whether one more message of the peer may be looked at.
func (b *Budgets) Take(key string, class Class) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	b.sweep(now)
	p := peer{key, class}
	bucket := b.peers[p]
	if bucket == nil {
		if len(b.peers) >= maxPeers && class == Unproven {
			return false
		}
		if class == Unproven {
			b.unproven++
		}
		_, burst := b.limits(class)
		bucket = new(Bucket)
		*bucket = Full(burst, now)
		b.peers[p] = bucket
	}
	rate, burst := b.limits(class)
	if !bucket.Take(rate, burst, now) {
		return false
	}
	// Who is within its own share only meets this when more peers than the shared
	// rate spend their first message in the same second.
	return class != Unproven || b.shared.Take(sharedRate, sharedBurst, now)
}

// limits is the share of one peer: of the unproven, at most an equal part.
func (b *Budgets) limits(c Class) (rate, burst float64) {
	switch c {
	case InRoom:
		return roomRate, roomBurst
	case Claimed, Proven:
		return peerRate, peerBurst
	default:
		share := sharedRate / float64(max(1, b.unproven))
		return min(peerRate, share), max(1, min(peerBurst, share))
	}
}

// sweep forgets peers that have been silent for memory.
func (b *Budgets) sweep(now time.Duration) {
	if now-b.swept < memory/2 {
		return
	}
	b.swept = now
	for p, bucket := range b.peers {
		if now-bucket.at > memory {
			delete(b.peers, p)
			if p.class == Unproven {
				b.unproven--
			}
		}
	}
}
