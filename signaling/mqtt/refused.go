package mqtt

import (
	"maps"
	"sync"
)

// Reason says why something that the broker sent was refused before anything of it
// reached the Handler. The list is closed: these words are the labels of a counter.
// Size and shape mean what they mean for messages.
type Reason string

// The reasons.
const (
	RefusedTopic    Reason = "topic"    // not of the device's inbox, or not from a phone
	RefusedRetained Reason = "retained" // stored by the broker: a message is for now
	RefusedSize     Reason = "size"     // a packet over 64 KiB
	RefusedShape    Reason = "shape"    // no UTF-8 text
	RefusedPacket   Reason = "packet"   // a packet that is malformed or was not asked for
)

// Reasons lists every reason once.
func Reasons() []Reason {
	return []Reason{RefusedTopic, RefusedRetained, RefusedSize, RefusedShape, RefusedPacket}
}

// refusals counts by reason.
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

func (r *refusals) all() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.counts)
}
