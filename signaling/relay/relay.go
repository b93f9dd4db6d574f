// Package relay is the transport that is the maker's own channel: a cloud, a push
// service, Bluetooth. Message strings of phones are handed in, and those to phones
// come out as a stream, both on the local API (docs/relay.md). A maker needs no
// other transport then.
//
// Like every transport it never retries, orders or stores, and it is not trusted:
// who is on the other end of the channel, a message's signature says.
package relay

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"unicode/utf8"

	"callbox/signaling/key"
	"callbox/signaling/message"
)

// Options is the signaling.relay section of the configuration.
type Options struct {
	// Enabled says whether programs on the device may carry messages between phones
	// and the device: POST and GET /v1/relay on the local API.
	Enabled bool `mapstructure:"enabled"`
}

// queue is how far a program may fall behind before it is cut off: a stalled reader
// must not hold memory for ever.
const queue = 256

// Reason says why a message was refused before anything of it reached the Handler.
// The list is closed: these words are the labels of a counter, and mean what they
// mean for messages.
type Reason string

// The reasons.
const (
	RefusedSize   Reason = "size"
	RefusedShape  Reason = "shape"  // no UTF-8 text
	RefusedSender Reason = "sender" // not from a phone's address
)

// Reasons lists every reason once.
func Reasons() []Reason { return []Reason{RefusedSize, RefusedShape, RefusedSender} }

// Handler gets what phones send. Its methods may call Send, not Close.
type Handler interface {
	// Up says that a program carries messages now: any address may be sent to.
	Up()
	// Receive takes one message, not yet verified. from is the phone's address as the
	// program names it.
	Receive(from, msg string)
	// Gone says that no program does any more. It follows each Up.
	Gone()
}

// Message is one that is to be carried to a phone.
type Message struct {
	To   string `json:"to"`      // the phone's address, p.<thumbprint>
	Text string `json:"message"` // as it is to be handed to the phone
}

var (
	// ErrSender means that a message is not said to come from a phone.
	ErrSender = errors.New("not the address of a phone")
	// ErrMessage means that a text cannot be a message.
	ErrMessage = errors.New("not a message")
	// ErrClosed means that the relay was closed.
	ErrClosed = errors.New("the relay was closed")
)

// Relay carries messages between programs on the device and signaling. Its methods
// may be called from any goroutine.
type Relay struct {
	handler Handler

	// turn keeps Up and Gone in the order of what they tell. It is held while they
	// run, mu is not: they may send.
	turn sync.Mutex

	mu       sync.Mutex
	closed   bool
	carriers map[*Carrier]bool // false: it fell too far behind
	refused  map[string]uint64
}

// New returns a relay that nobody carries for yet.
func New(h Handler) *Relay {
	r := &Relay{handler: h, carriers: map[*Carrier]bool{}, refused: map[string]uint64{}}
	for _, reason := range Reasons() {
		r.refused[string(reason)] = 0
	}
	return r
}

// Carrier is one program that takes messages to phones.
type Carrier struct {
	// C are the messages; it is closed when the program fell too far behind or the
	// relay was closed.
	C     <-chan Message
	relay *Relay
	c     chan Message
}

// Carry begins to hand messages to a program. Each program gets all of them: which
// phones it reaches is its own to know. Errors: ErrClosed.
func (r *Relay) Carry() (*Carrier, error) {
	c := &Carrier{relay: r, c: make(chan Message, queue)}
	c.C = c.c
	r.turn.Lock()
	defer r.turn.Unlock()
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, fmt.Errorf("cannot carry messages: %w", ErrClosed)
	}
	r.carriers[c] = true
	first := len(r.carriers) == 1
	r.mu.Unlock()
	if first {
		r.handler.Up()
	}
	return c, nil
}

// Close ends it.
func (c *Carrier) Close() { c.relay.drop(c) }

// drop ends a carrier, once.
func (r *Relay) drop(c *Carrier) {
	r.turn.Lock()
	defer r.turn.Unlock()
	r.mu.Lock()
	takes, there := r.carriers[c]
	delete(r.carriers, c)
	last := there && len(r.carriers) == 0
	if takes {
		close(c.c)
	}
	r.mu.Unlock()
	if last {
		r.handler.Gone()
	}
}

// Send hands msg to every program. It is false when there is none; true promises
// nothing about delivery.
func (r *Relay) Send(to, msg string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := false
	for c, takes := range r.carriers {
		if !takes {
			continue
		}
		select {
		case c.c <- Message{To: to, Text: msg}:
			taken = true
		default:
			r.carriers[c] = false
			close(c.c)
		}
	}
	return taken
}

// Receive takes one message that a program says a phone has sent. Errors:
// ErrSender, ErrMessage, ErrClosed; whether it is a message of that phone is not
// known when it returns.
func (r *Relay) Receive(from, msg string) error {
	if _, ok := key.PhoneOf(from); !ok {
		r.refuse(RefusedSender)
		return fmt.Errorf("cannot take a message from %q: %w; write p. and the thumbprint of the phone's key", from, ErrSender)
	}
	if len(msg) > message.MaxMessage || msg == "" {
		r.refuse(RefusedSize)
		return fmt.Errorf("cannot take a message of %d bytes: %w; allowed: 1 to %d", len(msg), ErrMessage, message.MaxMessage)
	}
	if !utf8.ValidString(msg) {
		r.refuse(RefusedShape)
		return fmt.Errorf("cannot take a message that is no UTF-8: %w", ErrMessage)
	}
	r.mu.Lock()
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return fmt.Errorf("cannot take a message: %w", ErrClosed)
	}
	r.handler.Receive(from, msg)
	return nil
}

func (r *Relay) refuse(reason Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[string(reason)]++
}

// Refused returns how often each reason has occurred since New; a reason that has
// not is there with 0.
func (r *Relay) Refused() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.refused)
}

// Carriers is how many programs carry messages now.
func (r *Relay) Carriers() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.carriers)
}

// Close ends all carriers. Nothing is taken any more.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	var all []*Carrier
	for c := range r.carriers {
		all = append(all, c)
	}
	r.mu.Unlock()
	for _, c := range all {
		r.drop(c)
	}
}
