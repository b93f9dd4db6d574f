package phonepeer

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal/clock"
	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// bubble is a phone and a device in one bubble of testing/synctest, with a wire in
// between that may lose, repeat and change what it carries, and without media.
type bubble struct {
	*Phone
	t      *testing.T
	device *signaling.Device
	key    *key.Private // the device's
	legs   chan *fakeLeg

	mu      sync.Mutex
	events  []signaling.Event
	down    bool                       // both ways are cut, and nobody knows
	forward func(text string) []string // what becomes of a message of the device; nil: itself
	types   []message.Type             // of what the phone has said
}

// inBubble runs test; no goroutine may be left after it.
func inBubble(t *testing.T, test func(t *testing.T, b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{t: t, key: newKey(t), legs: make(chan *fakeLeg, 100)}
		b.Phone = newPhone(Options{Key: newKey(t), Name: "Anna", Clock: clock.Go(), Log: zerolog.Nop(), Loopback: true})
		b.makeLeg = func(o legOptions) leg {
			l := &fakeLeg{o: o}
			b.legs <- l
			return l
		}
		book := &testBook{contacts: map[string]signaling.Contact{}}
		_, _, _ = book.Pair(signaling.Contact{JKT: b.o.Key.JKT(), Name: "Anna", JWK: b.o.Key.Public().JWK(),
			Rights: []signaling.Right{signaling.RightCall}})
		var err error
		b.device, err = signaling.NewDevice(signaling.Options{
			Key: b.key, SN: testSN, Name: testName, Epoch: 1, Contacts: book, Clock: clock.Go(), Log: zerolog.Nop(), AllowLoopback: true,
			Emit: func(e signaling.Event) {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.events = append(b.events, e)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.loop.do(func() { b.carrier, b.to, b.up = b, address{testSN, b.key.JKT()}, true }); err != nil {
			t.Fatal(err)
		}
		b.device.Up(b.peer())
		defer b.device.Close()
		defer func() {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}()
		test(t, b)
	})
}

func (b *bubble) peer() signaling.Peer {
	a := key.PhoneAddress(b.o.Key.JKT())
	return signaling.Peer{Transport: b, Budget: a, Address: a, Proven: true, Secure: true}
}

// Send carries a message of the device.
func (b *bubble) Send(_, text string) bool {
	b.mu.Lock()
	down, forward := b.down, b.forward
	b.mu.Unlock()
	texts := []string{text}
	if forward != nil {
		texts = forward(text)
	}
	for _, text := range texts {
		if !down {
			b.linkText(b.key.Public(), text)
		}
	}
	return true
}

// send carries a message of the phone.
func (b *bubble) send(text string) bool {
	m, err := message.Parse(text)
	if err != nil {
		b.t.Errorf("the phone sends %v", err)
		return true
	}
	b.mu.Lock()
	down := b.down
	b.types = append(b.types, m.Type)
	b.mu.Unlock()
	if !down {
		b.device.Receive(b.peer(), text)
	}
	return true
}

func (b *bubble) suspect() {}

// cut loses everything from now on, or no more.
func (b *bubble) cut(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

// through changes what the device says: each text becomes those that f returns.
func (b *bubble) through(f func(text string) []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forward = f
}

// said counts the messages of a type that the phone has sent.
func (b *bubble) said(kind message.Type) int {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, t := range b.types {
		if t == kind {
			n++
		}
	}
	return n
}

// emitted takes the device's events until one of type E.
func emitted[E signaling.Event](b *bubble) E {
	b.t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, ev := range b.events {
		if e, ok := ev.(E); ok {
			b.events = b.events[i+1:]
			return e
		}
	}
	var want E
	b.t.Fatalf("the device has %#v, want %T", b.events, want)
	return want
}

// calls begins a call, up to the device's offer.
func (b *bubble) calls(o CallOptions) (*Call, signaling.RoomKey, *fakeLeg) {
	b.t.Helper()
	c, err := b.Call(b.t.Context(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	return c, emitted[signaling.Offer](b).Room, <-b.legs
}

// talks begins a call and brings it to a talk.
func (b *bubble) talks(o CallOptions) (*Call, signaling.RoomKey, *fakeLeg) {
	b.t.Helper()
	c, room, l := b.calls(o)
	b.device.Accept(room, doorSDP(), signaling.Limit{})
	b.device.Start(room, signaling.Limit{})
	b.want(c, Accepted{}, Started{})
	return c, room, l
}

// want takes exactly these events.
func (b *bubble) want(c *Call, want ...Event) {
	b.t.Helper()
	synctest.Wait()
	for _, w := range want {
		ev, err := c.Next(b.t.Context())
		if err != nil {
			b.t.Fatalf("no event, want %+v: %v", w, err)
		}
		if ev != w {
			b.t.Fatalf("event %#v, want %#v", ev, w)
		}
	}
}

// wantEnd takes the last event and sees that it is the only one.
func (b *bubble) wantEnd(c *Call, end cause.End, byDevice bool) {
	b.t.Helper()
	synctest.Wait()
	ended, over := c.Ended()
	if !over || ended.End != end || ended.ByDevice != byDevice {
		b.t.Fatalf("ended %v %+v, want %+v, by the device %v", over, ended, end, byDevice)
	}
	n := 0
	for {
		ev, err := c.Next(b.t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if _, ok := ev.(Ended); ok {
			n++
		}
	}
	if n != 1 {
		b.t.Errorf("%d last events", n)
	}
}

// doorSDP is an answer of the device.
func doorSDP() string {
	return strings.ReplaceAll(signalingtest.SDP{Voice: true, Ufrag: "door"}.String(), "actpass", "active")
}

// fakeLeg is a leg without a network.
type fakeLeg struct {
	o legOptions

	mu         sync.Mutex
	answers    []string
	candidates []message.Candidate
	opened     bool
	closed     bool
	frames     []string
}

func (l *fakeLeg) offer() {
	l.o.emit(legOffer{0, signalingtest.SDP{Voice: true, Ufrag: "phon"}.String()})
}

func (l *fakeLeg) restart(n int, _ []message.ICEServer) {
	l.o.emit(legOffer{n, signalingtest.SDP{Voice: true, Ufrag: "phon" + string(rune('a'+n))}.String()})
}

func (l *fakeLeg) answer(sdp, _ string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, sdp)
}

func (l *fakeLeg) addCandidate(c message.Candidate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.candidates = append(l.candidates, c)
}

func (l *fakeLeg) open()          { l.set(&l.opened, true) }
func (l *fakeLeg) silence()       { l.set(&l.opened, false) }
func (l *fakeLeg) close()         { l.set(&l.closed, true) }
func (l *fakeLeg) setCamera(bool) {}
func (l *fakeLeg) setMic(bool)    {}
func (l *fakeLeg) drop(bool)      {}
func (l *fakeLeg) stats() Media   { return Media{} }

func (l *fakeLeg) mediaSince(time.Time) (n int) { return n }

func (l *fakeLeg) set(b *bool, to bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*b = to
}

func (l *fakeLeg) is(b *bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *b
}

func (l *fakeLeg) send(frame []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames = append(l.frames, string(frame))
	return true
}
