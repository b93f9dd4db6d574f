package phonepeer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"

	"callbox/hal/clock"
	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
)

// DefaultName is what a phone calls itself when it is not told.
const DefaultName = "callbox phone peer"

// Options is what a Phone is made of. The zero value is a phone with a new key that
// knows no device.
type Options struct {
	// Key is the phone's identity; nil: a new one.
	Key *key.Private
	// Name is what it asks to be called in pairing; "": DefaultName.
	Name string
	// Device is one that knows the phone's key already; nil: none, Pair comes first.
	Device *Device
	// InsecureTLS takes the certificate that a device has made for itself. Who the
	// device is does not hang on it: its hello proves its key.
	InsecureTLS bool
	// Loopback is for a device on this very machine: candidates on 127.0.0.1 are
	// gathered, and no others; the device's loopback candidates are taken.
	Loopback bool
	// RelayOnly lets the phone speak through the TURN servers that the device hands it
	// only, so that the device does not learn its addresses.
	RelayOnly bool
	// VideoCodecs are those that the phone offers for pictures, both ways: CodecH264,
	// CodecVP8. None: both, and the device chooses.
	VideoCodecs []string
	// Clock is for all times of calls; nil: clock.Boot().
	Clock clock.Clock
	// Log gets one line for each change of a call's state.
	Log zerolog.Logger
}

// Phone is a person's phone. Its methods may be called from any goroutine, and
// several calls may run at a time.
type Phone struct {
	o        Options
	log      zerolog.Logger
	loop     *loop
	makeLeg  func(legOptions) leg
	incoming chan *Incoming
	legs     sync.WaitGroup

	mu      sync.Mutex
	device  *Device // nil: not paired
	link    *link   // nil before Connect
	closed  bool
	ended   chan struct{} // closed when Close is done
	dropped map[string]uint64

	// The loop's own.
	up      bool
	carrier carrier
	to      address
	rooms   map[string]*session
}

// New returns a phone; it opens nothing. Close ends it.
func New(o Options) (*Phone, error) {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if !message.ValidName(o.Name) {
		return nil, badArgument("Name", fmt.Sprintf("it needs 1 to %d characters, no control characters", message.MaxName))
	}
	if o.Key == nil {
		k, err := key.New()
		if err != nil {
			return nil, err
		}
		o.Key = k
	}
	if o.Clock == nil {
		o.Clock = clock.Boot()
	}
	if o.Device != nil {
		if err := o.Device.check(); err != nil {
			return nil, err
		}
	}
	if err := checkCodecs(o.VideoCodecs); err != nil {
		return nil, err
	}
	certificate, err := newCertificate()
	if err != nil {
		return nil, err
	}
	p := newPhone(o)
	p.makeLeg = func(lo legOptions) leg {
		lo.certificate = certificate
		return newPeerLeg(lo)
	}
	return p, nil
}

// newPhone is New without WebRTC; o is complete.
func newPhone(o Options) *Phone {
	p := &Phone{
		o: o, log: o.Log, loop: newLoop(o.Clock), incoming: make(chan *Incoming, maxIncoming), device: o.Device,
		ended: make(chan struct{}), dropped: map[string]uint64{}, rooms: map[string]*session{},
	}
	go p.loop.run() // ended by Close
	return p
}

// newCertificate makes the DTLS certificate of all calls of a phone: making one for
// each costs more than the rest of a handshake.
func newCertificate() (webrtc.Certificate, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("cannot make a DTLS key: %w", err)
	}
	c, err := webrtc.GenerateCertificate(k)
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("cannot make a DTLS certificate: %w", err)
	}
	return *c, nil
}

func badArgument(option, why string) error {
	return fmt.Errorf("cannot use %s: %s: %w", option, why, ErrArgument)
}

// Key is the phone's identity.
func (p *Phone) Key() *key.Private { return p.o.Key }

// Name is what it asks to be called.
func (p *Phone) Name() string { return p.o.Name }

// Device is the one that it knows; false: none.
func (p *Phone) Device() (Device, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.device == nil {
		return Device{}, false
	}
	return *p.device, true
}

// Connect opens the connection to the device: each endpoint is tried once. From then
// on it is kept open, and opened again when it ends, until Close. Errors:
// ErrNotPaired, ErrUnreachable, ErrKeyChanged, ErrUnsupported, ErrClosed.
func (p *Phone) Connect(ctx context.Context) error {
	device, ok := p.Device()
	if !ok {
		return fmt.Errorf("cannot connect: %w; pair it first", ErrNotPaired)
	}
	to := address{device.SN, device.DKT}
	urls := socketURLs(device.Endpoints)
	d := newDialer(p.o.Key, to, p.o.InsecureTLS)
	l := newLink(d, urls, p, p.log)
	p.mu.Lock()
	switch {
	case p.closed:
		p.mu.Unlock()
		return fmt.Errorf("cannot connect: %w", ErrClosed)
	case p.link != nil:
		p.mu.Unlock()
		return errors.New("cannot connect: the phone is connected or was told to be")
	}
	p.link = l
	ctx, cancel := l.bound(ctx)
	p.mu.Unlock()
	defer cancel()
	w, err := d.dial(ctx, urls)
	if err != nil {
		d.http.CloseIdleConnections()
		p.mu.Lock()
		p.link = nil
		p.mu.Unlock()
		return err
	}
	return p.linked(l, to, w) //nolint:contextcheck // the link outlives Connect
}

// linked goes on when the first connection is open.
func (p *Phone) linked(l *link, to address, w *wire) error {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.loop.post(func() { p.carrier, p.to = l, to })
		l.start(w)
	}
	p.mu.Unlock()
	if closed {
		w.cut()
		w.write()
		l.dialer.http.CloseIdleConnections()
		return fmt.Errorf("cannot connect: %w", ErrClosed)
	}
	return nil
}

// Incoming waits for the next call of the device that this phone is to ring for.
func (p *Phone) Incoming(ctx context.Context) (*Incoming, error) {
	select {
	case in := <-p.incoming:
		return in, nil
	case <-p.ended:
		return nil, fmt.Errorf("cannot wait for a call: %w", ErrClosed)
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot wait for a call: %w", context.Cause(ctx))
	}
}

// Dropped counts the messages that were dropped without a word, by reason:
// malformed, recipient, sender, signature, room.
func (p *Phone) Dropped() map[string]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := make(map[string]uint64, len(p.dropped))
	for reason, n := range p.dropped {
		counts[reason] = n
	}
	return counts
}

// Close hangs up, as a page does that is closed (origin unloadCallPage), and waits
// until no goroutine, socket or timer of the phone is left. It may be called more
// than once.
func (p *Phone) Close() error {
	return p.shut(false, cause.End{Cause: cause.Hangup, Origin: cause.UnloadCallPage})
}

// Kill ends the phone as a dead battery does: nothing is said to the device. Its
// calls end aborted, with detail shutdown.
func (p *Phone) Kill() error { return p.shut(true, aborted(cause.Shutdown)) }

func (p *Phone) shut(quiet bool, end cause.End) error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	l := p.link
	p.mu.Unlock()
	if !first {
		<-p.ended
		return nil
	}
	_ = p.loop.do(func() { // it is not closed yet
		for _, s := range p.rooms {
			s.shut(quiet, end)
		}
	})
	if l != nil {
		l.close(quiet)
	}
	p.legs.Wait()
	if l != nil {
		l.wait()
	}
	p.loop.close()
	p.loop.wait()
	close(p.ended)
	return nil
}

// linkUp is called by the link.
func (p *Phone) linkUp(epoch uint64) {
	p.loop.post(func() {
		p.up = true
		for _, s := range p.rooms {
			s.linkUp(epoch)
		}
	})
}

// linkDown is called by the link.
func (p *Phone) linkDown() {
	p.loop.post(func() {
		p.up = false
		for _, s := range p.rooms {
			s.mail.linkDown()
		}
	})
}

// linkStops is called by the link: what waits for it waits for its own timers.
func (p *Phone) linkStops(err error) { p.log.Warn().Err(err).Msg("the phone stops connecting") }

// linkText is called by the link. What the phone verifies of every message
// (docs/protocol.md, "A call") comes here, up to what its room has to judge.
func (p *Phone) linkText(device *key.Public, text string) {
	m, reason := verify(device, p.o.Key.JKT(), text)
	if reason != "" {
		p.drop(reason)
		return
	}
	p.loop.post(func() { p.receive(m) })
}

func (p *Phone) drop(reason string) {
	p.mu.Lock()
	p.dropped[reason]++
	p.mu.Unlock()
	p.log.Debug().Str("reason", reason).Msg("dropped")
}

// receive takes a verified message, on the loop.
func (p *Phone) receive(m *message.Message) {
	if m.From != key.DeviceAddress(p.to.sn) {
		p.drop("sender")
		return
	}
	s := p.rooms[m.RoomID]
	switch {
	case s != nil:
		s.receive(m)
	case m.Type == message.TypeRing:
		p.rung(m)
	default:
		p.drop("room")
	}
}

// forget ends the memory of a room after a while.
func (p *Phone) forget(s *session) {
	p.loop.after(roomMemory, func() {
		s.mail.close()
		delete(p.rooms, s.room)
	})
}

// since is the time on the phone's clock from begun on.
func (p *Phone) since(begun time.Duration) time.Duration { return p.o.Clock.Now() - begun }
