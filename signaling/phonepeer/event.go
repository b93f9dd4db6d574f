package phonepeer

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// Event is what a caller of this package learns of one call, in order.
//
//sumtype:decl
type Event interface{ callEvent() }

// The events. Ended comes once for each call and is its last.
type (
	// Ringing says that a person is being called.
	Ringing struct {
		Timeout    time.Duration // that it may ring
		Preconnect bool          // the answer has come: ICE and DTLS go on while it rings
	}
	// Accepted says that the device has answered, with the effective limit.
	Accepted struct{ Limit message.Limit }
	// Connected says that ICE and DTLS are done.
	Connected struct{}
	// Started says that talk and limit begin.
	Started struct{ Limit message.Limit }
	// Lost says that media is lost; the phone tries to bring it back.
	Lost struct{}
	// Back says that media flows again.
	Back struct{}
	// Info is what the device says of itself in a talk.
	Info struct {
		Mic, Camera, Speaker bool
		Quality              int // 0 (lost) to 4 (best)
	}
	// Data is the maker's own message. The device was told that it came.
	Data struct{ Payload []byte } // any JSON
	// Ended says why the call is over.
	Ended struct {
		End      cause.End
		ByDevice bool          // the device's word ended it
		Talk     time.Duration // from Started to here; 0 without Started
	}
)

func (Ringing) callEvent()   {}
func (Accepted) callEvent()  {}
func (Connected) callEvent() {}
func (Started) callEvent()   {}
func (Lost) callEvent()      {}
func (Back) callEvent()      {}
func (Info) callEvent()      {}
func (Data) callEvent()      {}
func (Ended) callEvent()     {}

// events are those that nobody has taken yet. It never blocks who adds one.
type events struct {
	mu    sync.Mutex
	list  []Event
	over  bool
	ended Ended
	more  chan struct{} // closed and replaced with each event
	done  chan struct{} // closed with Ended
}

func newEvents() *events {
	return &events{more: make(chan struct{}), done: make(chan struct{})}
}

// add queues ev; after Ended nothing. Info and Data give way when nobody reads.
func (q *events) add(ev Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over {
		return
	}
	switch ev := ev.(type) {
	case Ended:
		q.over, q.ended = true, ev
		close(q.done)
	case Info, Data:
		if len(q.list) >= maxEvents {
			return
		}
	default:
	}
	q.list = append(q.list, ev)
	close(q.more)
	q.more = make(chan struct{})
}

// next takes the oldest event. Errors: io.EOF after Ended, ctx's.
func (q *events) next(ctx context.Context) (Event, error) {
	for {
		q.mu.Lock()
		if len(q.list) > 0 {
			ev := q.list[0]
			q.list = q.list[1:]
			q.mu.Unlock()
			return ev, nil
		}
		over, more := q.over, q.more
		q.mu.Unlock()
		if over {
			return nil, io.EOF
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, fmt.Errorf("cannot wait for the call's next event: %w", context.Cause(ctx))
		}
	}
}
