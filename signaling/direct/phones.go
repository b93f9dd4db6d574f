package direct

import (
	"slices"
	"sync"

	"github.com/coder/websocket"
)

// phones are the open connections and whose they are.
type phones struct {
	handler Handler

	// turn keeps Up and Gone in the order of what they tell. It is held while
	// they run, mu is not: they may send.
	turn sync.Mutex

	mu     sync.Mutex
	closed bool
	all    map[*conn]struct{}
	proven map[string][]*conn // by address, the newest last
}

// open takes note of a connection; false when no more are wanted.
func (p *phones) open(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	if p.all == nil {
		p.all, p.proven = map[*conn]struct{}{}, map[string][]*conn{}
	}
	p.all[c] = struct{}{}
	return true
}

// prove says that c belongs to address.
func (p *phones) prove(c *conn, address string) {
	p.turn.Lock()
	defer p.turn.Unlock()
	c.address = address
	p.mu.Lock()
	p.proven[address] = append(p.proven[address], c)
	p.mu.Unlock()
	p.handler.Up(address)
}

// end forgets c. Nothing is received from it any more.
func (p *phones) end(c *conn) {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	delete(p.all, c)
	gone := false
	if c.address != "" {
		left := slices.DeleteFunc(p.proven[c.address], func(o *conn) bool { return o == c })
		p.proven[c.address] = left
		if gone = len(left) == 0; gone {
			delete(p.proven, c.address)
		}
	}
	p.mu.Unlock()
	if gone {
		p.handler.Gone(c.address)
	}
}

// send gives msg to the newest open connection of address.
func (p *phones) send(address, msg string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range slices.Backward(p.proven[address]) {
		if c.enqueue(msg) {
			return true
		}
	}
	return false
}

func (p *phones) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.proven)
}

// shut ends all connections and lets no new one in.
func (p *phones) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for c := range p.all {
		c.shut(websocket.StatusGoingAway, "this device is shutting down")
	}
}
