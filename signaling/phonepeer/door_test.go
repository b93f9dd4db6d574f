package phonepeer

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"callbox/hal/clock"
	"callbox/signaling"
	"callbox/signaling/direct"
	"callbox/signaling/hello"
	"callbox/signaling/key"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testSN   = "door-1"
	testName = "Front door"
)

// testBook is a contact book in memory.
type testBook struct {
	mu       sync.Mutex
	contacts map[string]signaling.Contact
}

func (b *testBook) Contact(jkt string) (signaling.Contact, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.contacts[jkt]
	return c, ok
}

func (b *testBook) Pair(c signaling.Contact) (signaling.Contact, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, known := b.contacts[c.JKT]
	b.contacts[c.JKT] = c
	return c, !known, nil
}

// door is a device on a socket: signaling, direct and a small pion answerer.
type door struct {
	*signaling.Device
	t      *testing.T
	key    *key.Private
	book   *testBook
	server *direct.Server
	codec  string // the only one of its pictures, before the first call; "": VP8, of all

	events chan signaling.Event // what the tests look at
	queue  chan signaling.Event
	done   sync.WaitGroup
	gone   atomic.Int32 // how often a phone's last connection has ended

	mu   sync.Mutex
	legs map[signaling.RoomKey]*doorLeg
}

type doorGreeting struct{ *hello.Greeting }

func (g doorGreeting) Verify(answer string) (string, error) {
	jkt, err := g.Greeting.Verify(answer)
	return key.PhoneAddress(jkt), err
}

func openDoor(t *testing.T) *door { return openDoorAt(t, newKey(t), "127.0.0.1:0", 1) }

func newKey(t *testing.T) *key.Private {
	t.Helper()
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func openDoorAt(t *testing.T, k *key.Private, listen string, epoch uint64) *door {
	t.Helper()
	d := &door{t: t, key: k, book: &testBook{contacts: map[string]signaling.Contact{}}, legs: map[signaling.RoomKey]*doorLeg{},
		events: make(chan signaling.Event, 1000), queue: make(chan signaling.Event, 1000)}
	var err error
	d.Device, err = signaling.NewDevice(signaling.Options{
		Key: d.key, SN: testSN, Name: testName, Epoch: epoch, Contacts: d.book, Clock: clock.Boot(), Log: zerolog.Nop(),
		AllowLoopback: true, Emit: func(e signaling.Event) { d.queue <- e },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.server, err = direct.New(direct.Options{Enabled: true, Listen: listen}, direct.Config{
		SN: testSN, CertDir: t.TempDir(), Handler: d, Log: zerolog.Nop(),
		Greet: func() (direct.Greeting, error) {
			g, err := hello.Greet(d.key, testSN, epoch)
			return doorGreeting{g}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.server.Start(); err != nil {
		t.Fatal(err)
	}
	d.done.Go(d.run)
	t.Cleanup(d.close)
	return d
}

func (d *door) close() {
	d.mu.Lock()
	closed := d.server == nil
	server := d.server
	d.mu.Unlock()
	if closed {
		return
	}
	if err := server.Close(context.Background()); err != nil {
		d.t.Error(err)
	}
	d.Close()
	close(d.queue)
	d.done.Wait()
	d.mu.Lock()
	d.server = nil
	legs := d.legs
	d.legs = nil
	d.mu.Unlock()
	for _, l := range legs {
		l.close()
	}
}

func (d *door) peer(address, budget string, secure bool) signaling.Peer {
	return signaling.Peer{Transport: d.server, Budget: budget, Address: address, Proven: true, Secure: secure}
}

func (d *door) Up(address string) { d.Device.Up(d.peer(address, address, false)) }
func (d *door) Gone(address string) {
	d.Device.Gone(d.peer(address, address, false))
	d.gone.Add(1)
}
func (d *door) Receive(address, budget string, secure bool, msg string) {
	d.Device.Receive(d.peer(address, budget, secure), msg)
}

// run does what each event asks of the media, and passes it on.
func (d *door) run() {
	for ev := range d.queue {
		switch ev := ev.(type) {
		case signaling.Offer:
			d.answer(ev)
		case signaling.Candidates:
			if l := d.leg(ev.Room); l != nil {
				for _, text := range ev.Candidates {
					var c webrtc.ICECandidateInit
					if err := json.Unmarshal(text, &c); err != nil {
						d.t.Error(err)
					}
					if err := l.pc.AddICECandidate(c); err != nil {
						d.t.Logf("candidate: %v", err)
					}
				}
			}
		case signaling.Restart:
			if l := d.leg(ev.Room); l != nil {
				d.Restarted(ev.Room, ev.Generation, l.describe(ev.SDP))
			}
		case signaling.PhoneData:
			if frame := d.AnswerData(ev.Room, ev.ID, ""); frame != nil {
				d.leg(ev.Room).send(frame)
			}
		case signaling.Bye:
			d.drop(ev.Room)
		case signaling.Cancel:
			d.drop(ev.Room)
		default:
		}
		d.events <- ev
	}
}

func (d *door) leg(k signaling.RoomKey) *doorLeg {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.legs[k]
}

func (d *door) drop(k signaling.RoomKey) {
	d.mu.Lock()
	l := d.legs[k]
	delete(d.legs, k)
	d.mu.Unlock()
	if l != nil {
		l.close()
	}
}

// waitFor takes the door's events until one of type E comes.
func waitFor[E signaling.Event](d *door) E {
	d.t.Helper()
	late := time.After(15 * time.Second)
	for {
		select {
		case ev := <-d.events:
			if e, ok := ev.(E); ok {
				return e
			}
		case <-late:
			var want E
			d.t.Fatalf("the door has seen no %T", want)
		}
	}
}

// newTestPhone returns a phone on this machine, closed at the end of the test.
func newTestPhone(t *testing.T, o Options) *Phone {
	t.Helper()
	o.Loopback = true
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// link opens the door's pairing window.
func (d *door) link(rights ...signaling.Right) string {
	d.t.Helper()
	w := d.OpenPairing(signaling.PairingTerms{Rights: rights})
	fragment, err := w.Link(d.server.Endpoints()).Fragment()
	if err != nil {
		d.t.Fatal(err)
	}
	return d.server.URLs()[0] + fragment
}

// connected returns a phone that is paired and connected.
func (d *door) connected() *Phone {
	d.t.Helper()
	return d.connectedWith(Options{})
}

// connectedWith is connected for a phone that is not as usual.
func (d *door) connectedWith(o Options) *Phone {
	d.t.Helper()
	o.Device = &Device{SN: testSN, DKT: d.key.JKT(), Endpoints: d.server.Endpoints()}
	p := newTestPhone(d.t, o)
	_, _, _ = d.book.Pair(signaling.Contact{JKT: p.Key().JKT(), Name: "Anna", JWK: p.Key().Public().JWK(),
		Rights: []signaling.Right{signaling.RightCall, signaling.RightUnlock}})
	if err := p.Connect(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return p
}
