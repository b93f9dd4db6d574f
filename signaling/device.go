package signaling

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal/clock"
	"callbox/signaling/budget"
	"callbox/signaling/challenge"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/pairing"
)

// Times of delivery; every file takes them from here.
const (
	messageLife = 30 * time.Second       // of a message that is not acknowledged
	ackDelay    = 100 * time.Millisecond // an answer within it saves the ack; the protocol allows 200 ms
	parkedPause = 4 * time.Second        // between looks whether the phone is reachable again
	roomMemory  = 120 * time.Second      // that an ended room answers duplicates
	restartRest = 2 * time.Second        // between two ICE restarts
	dataSkew    = 5 * time.Second        // that data before the talk may be late
	frameAnswer = 10 * time.Second       // for a dataAck of the phone, which allows as much for ours
)

// maxRooms bounds the memory for rooms, most of them ended and remembered.
const maxRooms = 1024

// Transport carries messages to addresses. Its methods must not block, and its
// values must be comparable with ==.
type Transport interface {
	// Send hands msg to the address over this transport; false when it is not
	// connected there.
	Send(to string, msg string) bool
}

// Peer says where bytes came from; answers go the same way.
type Peer struct {
	Transport Transport
	Budget    string // whose budget is spent: the proven key's address, else the remote address or the topic
	Remote    string // who pays instead while the proven key is no contact's; "": Budget
	Address   string // of the sender, as the transport reports it; must equal the signed one
	Proven    bool   // the peer has proved to the transport that it holds Address's key
	Secure    bool   // false when the phone reached us over a self-made certificate
	room      string // of the verified message that came, for the log
}

// payer names whose budget a message comes out of. Anybody can make keys and prove
// them, so one that is no contact's counts for nothing: its remote address pays.
func (p Peer) payer(c budget.Class) string {
	if c == budget.Unproven && p.Remote != "" {
		return p.Remote
	}
	return p.Budget
}

// Options is what a Device is made of. All of it but ICEServers, Push and Tokens is
// needed.
type Options struct {
	Key      *key.Private
	SN       string
	Name     string // of the device, as phones show it
	Epoch    uint64 // larger after each start
	Contacts ContactBook
	Clock    clock.Clock
	Log      zerolog.Logger
	// Emit takes the events, those of one room in order, one call at a time. It
	// must not block. It may call the Device.
	Emit func(Event)
	// ICEServers returns what a phone is handed for its room, with its challenge and
	// when it is asked to restart ICE. Credentials leave only over a connection whose
	// key is proven. It must not block. nil: none.
	ICEServers func(RoomKey) []ICEServer
	// Push keeps how phones are woken that no transport reaches. nil: they are not.
	Push PushBook
	// Tokens verifies call tokens. nil: none is accepted.
	Tokens Tokens
	// AllowLoopback lets candidates on 127.0.0.1 through: tests and demonstrations
	// on one machine.
	AllowLoopback bool
}

// Device is the device's end of the protocol. Its methods may be called from
// several goroutines; those that name a room do nothing when it is not known or
// not in the right state, because messages cross.
type Device struct {
	o       Options
	address string
	dkt     string
	nonces  *challenge.Maker
	budgets *budget.Budgets
	timers  sync.WaitGroup

	mu        sync.Mutex // held while the fields below change
	closed    bool
	rooms     map[RoomKey]*room
	desk      *pairing.Desk
	pairing   PairingTerms
	paired    map[string]pairedAnswer // by the id of the pair message
	suspended map[string]bool         // jkt: by a pairing alarm
	holders   map[string]holder       // jkt: who has lately shown a good token
	refused   map[Reason]uint64
	up        map[string][]Peer // by address: over which transports it is reached now
	wide      []Transport       // that may reach any address now
	queue     []func()          // sends and events, carried out in order without mu
	draining  bool
	idle      []chan struct{} // closed when nothing waits for an ack
}

// NewDevice returns a Device. Close ends it.
func NewDevice(o Options) (*Device, error) {
	if o.Key == nil || o.Contacts == nil || o.Clock == nil || o.Emit == nil {
		return nil, errors.New("cannot make a signaling device: Key, Contacts, Clock and Emit are needed")
	}
	if err := key.CheckSN(o.SN); err != nil {
		return nil, err
	}
	if !message.ValidName(o.Name) {
		return nil, fmt.Errorf("cannot use device name %q: it needs 1 to %d characters, no control characters", o.Name, message.MaxName)
	}
	return &Device{
		o: o, address: key.DeviceAddress(o.SN), dkt: o.Key.JKT(),
		nonces: challenge.New(), budgets: budget.New(o.Clock), desk: pairing.NewDesk(o.SN, o.Key.JKT()),
		rooms: map[RoomKey]*room{}, paired: map[string]pairedAnswer{}, suspended: map[string]bool{},
		holders: map[string]holder{}, refused: map[Reason]uint64{}, up: map[string][]Peer{},
	}, nil
}

// Close stops all resending and waits for running timers. Nothing is sent and no
// event comes after it. It must not be called from Emit.
func (d *Device) Close() {
	d.mu.Lock()
	d.closed = true
	for _, r := range d.rooms {
		r.stopTimers()
	}
	d.queue = nil
	d.noteIdle()
	d.unlock()
	d.timers.Wait()
}

// Drain waits until every message was acknowledged or has expired, or ctx ends.
func (d *Device) Drain(ctx context.Context) error {
	d.mu.Lock()
	done := make(chan struct{})
	d.idle = append(d.idle, done)
	d.noteIdle()
	d.unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for acknowledgements: %w", context.Cause(ctx))
	}
}

// noteIdle wakes Drain when nothing is under way. The mutex is held.
func (d *Device) noteIdle() {
	for _, r := range d.rooms {
		if len(r.out) > 0 && !d.closed {
			return
		}
	}
	for _, c := range d.idle {
		close(c)
	}
	d.idle = nil
}

// unlock gives the mutex back and carries out what was queued, in order. While
// one goroutine does so, others only add to the queue: so a transport or Emit may
// call the Device, and nothing is sent or emitted with the mutex held.
func (d *Device) unlock() {
	if d.draining {
		d.mu.Unlock()
		return
	}
	d.draining = true
	for len(d.queue) > 0 {
		do := d.queue[0]
		d.queue = d.queue[1:]
		d.mu.Unlock()
		do()
		d.mu.Lock()
	}
	d.draining = false
	d.mu.Unlock()
}

// emit queues an event. The mutex is held.
func (d *Device) emit(e Event) {
	if !d.closed {
		d.queue = append(d.queue, func() { d.o.Emit(e) })
	}
}

// timer is one pending call; its methods need the mutex.
type timer struct {
	device *Device
	stop   func() bool
	ended  bool
}

// after calls f with the mutex held, unless the timer or the device is stopped
// before. The mutex is held.
func (d *Device) after(delay time.Duration, f func()) *timer {
	t := &timer{device: d, ended: d.closed}
	if d.closed {
		return t
	}
	d.timers.Add(1)
	t.stop = d.o.Clock.AfterFunc(delay, func() {
		defer d.timers.Done()
		d.mu.Lock()
		if !t.ended && !d.closed {
			t.ended = true
			f()
		}
		d.unlock()
	})
	return t
}

// cancel stops the timer; a nil one too.
func (t *timer) cancel() {
	if t == nil || t.ended {
		return
	}
	t.ended = true
	if t.stop() {
		t.device.timers.Done()
	}
}
