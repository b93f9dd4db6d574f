// Package gate is the second lock of the time limit: it stands below SRTP, on
// every socket of a call, and lets media pass only while the call may send.
//
// A gate on the tracks is not enough: retransmissions and RTCP pass it by
// (measured with pion: three packets after the deadline). This one looks at what
// is written to the sockets. Media is everything that is neither STUN nor DTLS
// (RFC 7983), also inside of a TURN relay's framing, so that after the end a
// "bye" on the data channel still gets out.
//
// Durations are on the clock of the gate (clock.Boot).
package gate

import (
	"sync"
	"sync/atomic"
	"time"

	"callbox/hal/clock"
)

// guard is how long before the deadline media stops. A writer may be preempted
// between the look at the clock and the system call; the guard is for that.
const guard = 5 * time.Millisecond

// Gate decides for all sockets of one call. It begins closed for media, is
// opened once, and once shut stays shut. All methods may be called from any
// goroutine.
type Gate struct {
	clock clock.Clock

	// mu is held for reading during a write of media, so that Shut, which takes
	// it for writing, returns only when no such write is under way.
	mu       sync.RWMutex
	open     bool
	shut     bool
	limited  bool
	deadline time.Duration

	// closing tells streams to end before Shut waits for their writers.
	closing atomic.Bool

	streamsMu sync.Mutex
	streams   map[*streamConn]struct{}

	passed, stopped atomic.Uint64
}

// New returns a gate that is closed for media.
func New(c clock.Clock) *Gate {
	return &Gate{clock: c, streams: map[*streamConn]struct{}{}}
}

// Open lets media pass: for ever, or until the deadline when limited is true. It
// does nothing when the gate is open or shut already: a deadline never moves.
func (g *Gate) Open(limited bool, deadline time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open || g.shut {
		return
	}
	g.open, g.limited, g.deadline = true, limited, deadline
}

// Shut stops media for good: when it has returned, no media packet is handed to
// the operating system any more, and no write of one is under way. Streams
// (relays over TCP) that have carried media are reset, because what the kernel
// has queued on them could leave later. It may be called often.
func (g *Gate) Shut() {
	g.closing.Store(true)
	g.streamsMu.Lock()
	for c := range g.streams {
		c.reset() // first of all: a writer that is stuck in it holds mu
	}
	g.streamsMu.Unlock()
	g.mu.Lock()
	g.shut = true
	g.mu.Unlock()
}

// Passed is how many media packets have passed.
func (g *Gate) Passed() uint64 { return g.passed.Load() }

// Stopped is how many media packets the gate has dropped.
func (g *Gate) Stopped() uint64 { return g.stopped.Load() }

// write lets w run, which writes one media packet of n bytes, if the gate is
// open. Else the packet is dropped as a network would: no error, so that the
// stack above does not take the path for broken.
func (g *Gate) write(n int, w func() (int, error)) (int, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if !g.open || g.over() {
		g.stopped.Add(1)
		return n, nil
	}
	g.passed.Add(1)
	return w()
}

// writeOpaque lets w run unless the call's media has ended. It is for sockets whose
// content cannot be seen (TURN over TLS or DTLS): before the start they must
// carry connectivity checks, after the end nothing tells a check from media.
func (g *Gate) writeOpaque(n int, w func() (int, error)) (int, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.over() {
		g.stopped.Add(1)
		return n, nil
	}
	return w()
}

// over reports whether media has ended; mu is held.
func (g *Gate) over() bool {
	return g.shut || g.closing.Load() || g.limited && g.clock.Now() >= g.deadline-guard
}
