package control

import (
	"encoding/json"
	"sync"
	"time"
)

const (
	// keptEvents is how many past events a client can resume from.
	keptEvents = 1000
	// subscriberQueue is how far a client may fall behind before it is dropped: a
	// stalled reader must not hold memory for ever.
	subscriberQueue = 256
)

// Events numbers what is published, keeps the newest 1000 and hands them to
// subscribers, each once and in order. It never blocks the publisher.
type Events struct {
	now func() time.Time

	mu          sync.Mutex
	seq         uint64
	ring        []Event
	subscribers map[*Subscription]struct{}
	closed      bool
}

// NewEvents returns a stream with no past. now is the wall clock, for people.
func NewEvents(now func() time.Time) *Events {
	return &Events{now: now, subscribers: map[*Subscription]struct{}{}}
}

// Subscription is one client's view of the stream.
type Subscription struct {
	events *Events
	// C delivers the events; it is closed when the client fell too far behind or
	// the daemon stops.
	C chan Event
	// Past are the events after the number that was resumed from.
	Past []Event
	// Missed is true when events after that number are no longer kept.
	Missed bool
}

// Publish adds an event. data must be encodable as JSON.
func (e *Events) Publish(name, roomID string, data any) {
	raw, err := json.Marshal(data)
	if err != nil {
		raw = nil // data comes from this program; an event without it still counts
	}
	if data == nil {
		raw = nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	ev := Event{Seq: e.seq, Time: e.now(), Name: name, RoomID: roomID, GroupID: roomID, Data: raw}
	e.ring = append(e.ring, ev)
	if len(e.ring) > keptEvents {
		e.ring = append(e.ring[:0:0], e.ring[len(e.ring)-keptEvents:]...)
	}
	for s := range e.subscribers {
		select {
		case s.C <- ev:
		default:
			e.drop(s)
		}
	}
}

// Subscribe starts a view. after is the number of the last event that the client
// has seen; 0 starts with what comes next.
func (e *Events) Subscribe(after uint64) *Subscription {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &Subscription{events: e, C: make(chan Event, subscriberQueue)}
	if after > 0 {
		// A number from before a restart may be larger than ours: all is new then.
		s.Missed = after > e.seq || (len(e.ring) > 0 && after+1 < e.ring[0].Seq)
		for _, ev := range e.ring {
			if ev.Seq > after || after > e.seq {
				s.Past = append(s.Past, ev)
			}
		}
	}
	if e.closed {
		close(s.C)
		return s
	}
	e.subscribers[s] = struct{}{}
	return s
}

// Close ends the view.
func (s *Subscription) Close() {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	s.events.drop(s)
}

// drop is called with the lock held.
func (e *Events) drop(s *Subscription) {
	if _, ok := e.subscribers[s]; ok {
		delete(e.subscribers, s)
		close(s.C)
	}
}

// Subscribers is how many clients listen.
func (e *Events) Subscribers() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.subscribers)
}

// Seq is the number of the newest event.
func (e *Events) Seq() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seq
}

// Close ends all views.
func (e *Events) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for s := range e.subscribers {
		e.drop(s)
	}
}
