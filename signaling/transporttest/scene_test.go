package transporttest

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"callbox/hal/clock"
	"callbox/signaling"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
	"callbox/signaling/token"
	"callbox/signaling/token/gate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answerSDP is what the device answers with; the phone of these tests takes it as it
// is.
const answerSDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=answer\r\nt=0 0\r\n"

const makerName = "https://maker.example"

const hostLine = "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host"

// aheadClock is the machine's clock, and can be put forward: then only what asks for
// the time notices.
type aheadClock struct {
	clock.Clock
	ahead atomic.Int64
}

func (c *aheadClock) Now() time.Duration { return c.Clock.Now() + time.Duration(c.ahead.Load()) }

func (c *aheadClock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// contacts is a contact book in memory.
type contacts struct {
	mu  sync.Mutex
	all map[string]signaling.Contact
}

func (c *contacts) Contact(jkt string) (signaling.Contact, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.all[jkt]
	return found, ok
}

func (c *contacts) Pair(n signaling.Contact) (signaling.Contact, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, known := c.all[n.JKT]
	c.all[n.JKT] = n
	return n, !known, nil
}

// ledger is what a device keeps of call tokens: it outlives a restart.
type ledger struct {
	mu    sync.Mutex
	spent map[string]bool
	floor time.Time
}

func (l *ledger) Denied(_, _, _, _ string) bool { return false }

func (l *ledger) Spend(issuer, _, id string, _ time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spent[issuer+" "+id] {
		return token.ErrSpent
	}
	l.spent[issuer+" "+id] = true
	return nil
}

func (l *ledger) Floor() time.Time            { return l.floor }
func (l *ledger) SaveFloor(t time.Time) error { l.floor = t; return nil }

// scene is a device behind a transport.
type scene struct {
	*signaling.Device
	t        testing.TB
	key      *key.Private
	sn       string
	clock    *aheadClock
	contacts *contacts
	maker    *signalingtest.Issuer // whose tokens the device accepts
	keys     string                // the maker's file
	ledger   *ledger
	net      *hostile
	carrier  carrier
	anna     *handset
	// offered is called with each offer, in Emit.
	offered func(o signaling.Offer)

	mu     sync.Mutex
	events []signaling.Event
}

var scenes atomic.Uint64

// newScene puts a device behind a transport, and Anna's phone, a contact, on the
// other side.
func newScene(t testing.TB, open opener, w weather) *scene {
	t.Helper()
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	n := scenes.Add(1)
	s := &scene{
		t: t, key: k, sn: fmt.Sprintf("door-%d", n), clock: &aheadClock{Clock: clock.Go()},
		contacts: &contacts{all: map[string]signaling.Contact{}}, net: newHostile(w, n),
		maker: signalingtest.NewIssuer(t, makerName), keys: filepath.Join(t.TempDir(), "maker.json"), ledger: &ledger{spent: map[string]bool{}},
	}
	s.maker.Publish(s.keys)
	s.boot()
	t.Cleanup(func() { s.Close() })
	t.Cleanup(s.net.close)
	s.carrier = open(t, s, s.net)
	s.anna = s.phone("Anna", signaling.RightCall, signaling.RightBeCalled)
	return s
}

// boot starts the device, or another one with its key.
func (s *scene) boot() {
	s.t.Helper()
	if s.Device != nil {
		s.Close()
	}
	began := s.clock.Now() // what puts the clock forward puts the wall clock forward, too
	start := time.Now()
	floor := clock.NewFloor(clock.FloorOptions{
		Wall: func() time.Time { return start.Add(s.clock.Now() - began) }, Trusted: func() bool { return true }, Store: s.ledger,
	})
	g, err := gate.New(gate.Options{
		SN: s.sn, DKT: s.key.JKT(), Issuers: []gate.Issuer{{Name: makerName, File: s.keys, Rights: []signaling.Right{signaling.RightCall}}},
		Book: s.ledger, Boot: s.clock, Wall: floor, Log: zerolog.Nop(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	d, err := signaling.NewDevice(signaling.Options{
		Key: s.key, SN: s.sn, Name: "Front door", Epoch: 1, Contacts: s.contacts, Tokens: g, Clock: s.clock, Log: zerolog.Nop(), Emit: s.emit,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Device = d
	s.net.reboot(d)
}

func (s *scene) emit(e signaling.Event) {
	s.mu.Lock()
	s.events = append(s.events, e)
	offered := s.offered
	s.mu.Unlock()
	if o, ok := e.(signaling.Offer); ok && offered != nil {
		offered(o)
	}
}

// count is how many events of type E there were.
func count[E signaling.Event](s *scene) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if _, ok := e.(E); ok {
			n++
		}
	}
	return n
}

// event waits for the first event of type E.
func event[E signaling.Event](s *scene) (found E) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("there was an event %T", found), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, e := range s.events {
			if one, ok := e.(E); ok {
				found = one
				return true
			}
		}
		return false
	})
	return found
}

// phone is a new phone; with a right it is a contact.
func (s *scene) phone(name string, rights ...signaling.Right) *handset {
	s.t.Helper()
	p := signalingtest.NewPhone(s.t, s.sn, s.key.JKT())
	p.Learn(s.key.Public())
	if len(rights) > 0 {
		_, _, _ = s.contacts.Pair(signaling.Contact{JKT: p.JKT(), Name: name, JWK: p.Key.Public().JWK(), Rights: rights})
	}
	h := &handset{Phone: p, s: s, known: map[string]string{}, posts: map[string]chan struct{}{}, stop: make(chan struct{})}
	h.connect()
	s.t.Cleanup(h.hangUp)
	return h
}

// handset is a phone that keeps the protocol's rules of delivery: it acknowledges,
// and sends again.
type handset struct {
	*signalingtest.Phone
	s    *scene
	line line
	stop chan struct{}
	once sync.Once
	work sync.WaitGroup

	mu    sync.Mutex
	heard []*message.Message
	known map[string]string        // what a message got back, by its id
	posts map[string]chan struct{} // closed when it is answered, by the id of ours
	wrong int                      // what no phone takes
	over  bool                     // it hangs up: nothing more is begun
}

// begin runs work that hangUp waits for.
func (h *handset) begin(work func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.over {
		h.work.Go(work)
	}
}

func (h *handset) connect() {
	h.s.t.Helper()
	h.line = h.s.carrier.line(h.s.t, h.Phone, h.hear)
}

// reconnect opens a new line.
func (h *handset) reconnect() {
	h.s.t.Helper()
	h.line.close()
	h.connect()
}

func (h *handset) hangUp() {
	h.once.Do(func() {
		h.mu.Lock()
		h.over = true
		h.mu.Unlock()
		close(h.stop)
		h.work.Wait()
		h.line.close()
	})
}

func (h *handset) hear(text string) {
	m, err := h.Read(text)
	h.mu.Lock()
	if err != nil {
		h.wrong++
		h.mu.Unlock()
		return
	}
	if post := h.posts[m.Ref]; post != nil {
		close(post)
		delete(h.posts, m.Ref)
	}
	answer, again := h.known[m.ID]
	if !again {
		h.heard = append(h.heard, m)
		switch m.Type {
		case message.TypeAck, message.TypeChallenge, message.TypePong, message.TypePaired, message.TypeRing:
		default:
			answer = h.Ack(m.RoomID, m.ID)
		}
		h.known[m.ID] = answer
	}
	h.mu.Unlock()
	if answer != "" {
		h.begin(func() { h.line.say(answer) })
	}
}

// post sends a message until it is answered.
func (h *handset) post(text string) {
	h.s.t.Helper()
	m, err := message.Parse(text)
	if err != nil {
		h.s.t.Fatal(err)
	}
	answered := make(chan struct{})
	h.mu.Lock()
	h.posts[m.ID] = answered
	h.mu.Unlock()
	h.line.say(text)
	h.begin(func() {
		for pause := 500 * time.Millisecond; ; pause = min(2*pause, 4*time.Second) {
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
				h.line.say(text)
			case <-answered:
				timer.Stop()
				return
			case <-h.stop:
				timer.Stop()
				return
			}
		}
	})
}

// expect waits for the first message of a type, in a room.
func (h *handset) expect(room string, want message.Type) (found *message.Message) {
	h.s.t.Helper()
	eventually(h.s.t, "the device said "+string(want), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, m := range h.heard {
			if m.Type == want && (room == "" || m.RoomID == room) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// said is how many different messages of a type the device has sent.
func (h *handset) said(kind message.Type) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.heard {
		if m.Type == kind {
			n++
		}
	}
	return n
}

// challenged invites and returns the invite with the nonce of its challenge.
func (h *handset) challenged(room string, changes ...signalingtest.Change) (invite, nonce string) {
	h.s.t.Helper()
	invite = h.Invite(room, changes...)
	h.post(invite)
	return invite, h.expect(room, message.TypeChallenge).Body.(message.Challenge).Nonce
}

// calls goes on until the device has the offer.
func (h *handset) calls(room string) {
	h.s.t.Helper()
	invite, nonce := h.challenged(room)
	h.post(h.Offer(room, nonce, invite, signalingtest.SDP{}.String()))
	event[signaling.Offer](h.s)
}

// dropped is how many texts came that no phone takes.
func (h *handset) dropped() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wrong
}

func (h *handset) room(id string) signaling.RoomKey {
	return signaling.RoomKey{ID: id, Phone: h.JKT()}
}

// forget lets what the device says in a room again count as new.
func (h *handset) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = nil
}
