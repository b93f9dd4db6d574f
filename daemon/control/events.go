package control

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// keptEvents is how many past events a client can resume from.
	keptEvents = 1000
	// subscriberQueue is how far a client may fall behind before it is dropped: a
	// stalled reader must not hold memory for ever.
	subscriberQueue = 256
	// epochLength makes it unlikely (32^-8) that two runs of a daemon look alike.
	epochLength = 8
)

// Event is something that happened, as GET /v1/events streams it. EventTypes lists
// the names and what Data holds. Seq counts the events of one run of the daemon
// from 1; Epoch is the name of that run.
type Event struct {
	Epoch   string          `json:"epoch"`
	Seq     uint64          `json:"seq"`
	Time    time.Time       `json:"time"`
	Name    string          `json:"eventName"`
	RoomID  string          `json:"roomId,omitzero"`
	GroupID string          `json:"groupId,omitzero"`
	Data    json.RawMessage `json:"data,omitzero"`
}

// Position is a place in a stream: behind the event Seq of the run Epoch. The zero
// value is now.
type Position struct {
	Epoch string // "": of whichever run this is
	Seq   uint64
}

// ID is the position as the field id of a server-sent event: EPOCH-SEQ, or the bare
// number where the run is not known.
func (p Position) ID() string {
	number := strconv.FormatUint(p.Seq, 10)
	if p.Epoch == "" {
		return number
	}
	return p.Epoch + "-" + number
}

// Position is where a client stands that has seen this event.
func (e Event) Position() Position { return Position{e.Epoch, e.Seq} }

// ParsePosition reads an id, or a bare number; "" is now.
func ParsePosition(text string) (Position, error) {
	if text == "" {
		return Position{}, nil
	}
	epoch, number, ok := strings.Cut(text, "-")
	if !ok {
		epoch, number = "", text
	}
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil || (ok && len(epoch) != epochLength) {
		return Position{}, fmt.Errorf("cannot resume after %q: it must be the id of an event, or its number", text)
	}
	return Position{epoch, seq}, nil
}

// Room names the room and the group that an event belongs to. The zero value is
// none; GroupID "" is the same as RoomID.
type Room struct{ RoomID, GroupID string }

// Events numbers what is published, keeps the newest 1000 and hands them to
// subscribers, each once and in order. It never blocks the publisher.
type Events struct {
	now   func() time.Time
	epoch string

	mu          sync.Mutex
	seq         uint64
	ring        []Event // the newest; event n is at place(n)
	subscribers map[*Subscription]struct{}
	handlers    int
	closed      bool
}

// NewEvents returns a stream with no past. now is the wall clock, for people.
func NewEvents(now func() time.Time) *Events {
	return &Events{now: now, epoch: rand.Text()[:epochLength], subscribers: map[*Subscription]struct{}{}}
}

// Subscription is one client's view of the stream.
type Subscription struct {
	events  *Events
	handles bool
	// C delivers the events; it is closed when the client fell too far behind or
	// the daemon stops.
	C chan Event
	// Past are the events behind the position that was resumed from.
	Past []Event
	// Missed is true when events behind that position are no longer kept;
	// Restarted when they were those of an earlier run.
	Missed, Restarted bool
	// Start is where Past begins.
	Start Position
}

// Publish adds an event of a room; roomID "" is none. data must be encodable as
// JSON: a payload of EventTypes, or nil.
func (e *Events) Publish(name, roomID string, data any) {
	e.PublishIn(name, Room{RoomID: roomID}, data)
}

// PublishIn adds an event of a room in a group of rooms.
func (e *Events) PublishIn(name string, room Room, data any) {
	raw, err := json.Marshal(data)
	if err != nil || data == nil {
		raw = nil // data comes from this program; an event without it still counts
	}
	if room.GroupID == "" {
		room.GroupID = room.RoomID
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	ev := Event{Epoch: e.epoch, Seq: e.seq, Time: e.now(), Name: name, RoomID: room.RoomID, GroupID: room.GroupID, Data: raw}
	if len(e.ring) < keptEvents {
		e.ring = append(e.ring, ev)
	} else {
		e.ring[place(ev.Seq)] = ev
	}
	for s := range e.subscribers {
		select {
		case s.C <- ev:
		default:
			e.drop(s)
		}
	}
}

// Subscribe starts a view behind from. handles tells that this client promises to
// answer data and unlock events.
func (e *Events) Subscribe(from Position, handles bool) *Subscription {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &Subscription{events: e, handles: handles, C: make(chan Event, subscriberQueue), Start: Position{e.epoch, e.seq}}
	if from != (Position{}) {
		e.resume(s, from)
	}
	if e.closed {
		close(s.C)
		return s
	}
	e.subscribers[s] = struct{}{}
	if handles {
		e.handlers++
	}
	return s
}

// resume fills s with what came after from. It is called with the lock held.
func (e *Events) resume(s *Subscription, from Position) {
	// A bare number from before a restart may be larger than ours: all is new then.
	s.Restarted = (from.Epoch != "" && from.Epoch != e.epoch) || from.Seq > e.seq
	if s.Restarted {
		from.Seq = 0
	}
	oldest := e.seq - uint64(len(e.ring)) // what came before the ring
	s.Missed = s.Restarted || from.Seq < oldest
	s.Start.Seq = max(from.Seq, oldest)
	s.Past = e.after(s.Start.Seq)
}

// place is where the event n is kept.
func place(n uint64) int { return int((n - 1) % keptEvents) }

// after returns the kept events behind n, which is not before the oldest. It is called
// with the lock held.
func (e *Events) after(n uint64) []Event {
	list := make([]Event, 0, e.seq-n)
	for n++; n <= e.seq; n++ {
		list = append(list, e.ring[place(n)])
	}
	return list
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
		if s.handles {
			e.handlers--
		}
		close(s.C)
	}
}

// Subscribers is how many clients listen.
func (e *Events) Subscribers() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.subscribers)
}

// Handlers is how many clients have promised to answer data and unlock events.
// With none, such a message is noHandler at once.
func (e *Events) Handlers() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.handlers
}

// Seq is the number of the newest event.
func (e *Events) Seq() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seq
}

// Recent returns the newest n events, the oldest first.
func (e *Events) Recent(n int) []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.after(e.seq - uint64(min(n, len(e.ring))))
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
