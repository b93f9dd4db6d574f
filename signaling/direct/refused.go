package direct

import (
	"maps"
	"sync"
)

// Reason says why a connection, or what came on it, was refused before anything
// of it reached the Handler. The list is closed: these words are the labels of a
// counter. Size and shape mean what they mean for messages.
type Reason string

// The reasons.
const (
	RefusedHost     Reason = "host"     // a Host header that is not ours: DNS rebinding
	RefusedOrigin   Reason = "origin"   // the page of a foreign origin
	RefusedProtocol Reason = "protocol" // no WebSocket with our subprotocol
	RefusedHello    Reason = "hello"    // an answer to our hello that proves nothing
	RefusedSize     Reason = "size"     // a frame over 64 KiB
	RefusedShape    Reason = "shape"    // a frame that is no UTF-8 text
)

// Reasons lists every reason once.
func Reasons() []Reason {
	return []Reason{RefusedHost, RefusedOrigin, RefusedProtocol, RefusedHello, RefusedSize, RefusedShape}
}

// refusals counts.
type refusals struct {
	mu     sync.Mutex
	counts map[string]uint64
}

func newRefusals() *refusals {
	r := &refusals{counts: map[string]uint64{}}
	for _, reason := range Reasons() {
		r.counts[string(reason)] = 0
	}
	return r
}

func (r *refusals) add(reason Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[string(reason)]++
}

// Refused returns how often each reason has occurred since New; a reason that has
// not is there with 0.
func (s *Server) Refused() map[string]uint64 {
	s.refused.mu.Lock()
	defer s.refused.mu.Unlock()
	return maps.Clone(s.refused.counts)
}
