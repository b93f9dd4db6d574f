package media

import "sync"

// emitter hands events to the session's owner, in order, from one goroutine.
// Whoever reports an event never waits for the owner, except for data of the
// phone, which is slowed down by that.
type emitter struct {
	emit func(Event)

	mu     sync.Mutex
	room   *sync.Cond // less data is queued, or it is over
	queue  []Event
	data   int // of them, Data
	closed bool
	wake   chan struct{}
	done   chan struct{}
}

func newEmitter(emit func(Event)) *emitter {
	e := &emitter{emit: emit, wake: make(chan struct{}, 1), done: make(chan struct{})}
	e.room = sync.NewCond(&e.mu)
	go e.run()
	return e
}

func (e *emitter) push(ev Event) {
	e.mu.Lock()
	if !e.closed {
		e.queue = append(e.queue, ev)
	}
	e.mu.Unlock()
	e.poke()
}

// pushData waits while too much of the phone's data is queued.
func (e *emitter) pushData(d Data) {
	e.mu.Lock()
	for e.data >= maxQueuedData && !e.closed {
		e.room.Wait()
	}
	if !e.closed {
		e.queue = append(e.queue, d)
		e.data++
	}
	e.mu.Unlock()
	e.poke()
}

func (e *emitter) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *emitter) run() {
	defer close(e.done)
	for range e.wake {
		for {
			e.mu.Lock()
			if e.closed {
				e.mu.Unlock()
				return
			}
			if len(e.queue) == 0 {
				e.mu.Unlock()
				break
			}
			ev := e.queue[0]
			e.queue[0] = nil
			e.queue = e.queue[1:]
			if _, ok := ev.(Data); ok {
				e.data--
				e.room.Broadcast()
			}
			e.mu.Unlock()
			e.emit(ev)
		}
	}
}

// drop ends the queue: nothing new is handed on and nobody waits any more.
func (e *emitter) drop() {
	e.mu.Lock()
	e.closed = true
	e.queue = nil
	e.room.Broadcast()
	e.mu.Unlock()
	e.poke()
}

// wait returns when the running event is done; drop comes before.
func (e *emitter) wait() { <-e.done }
