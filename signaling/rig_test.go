package signaling_test

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"callbox/hal/clock"
	"callbox/signaling"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	sn         = "door-1"
	deviceName = "Front door"
	answerSDP  = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=answer\r\nt=0 0\r\n"
	hostLine   = "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host"
)

// book is a contact book in memory.
type book struct {
	mu       sync.Mutex
	contacts map[string]signaling.Contact
}

func (b *book) Contact(jkt string) (signaling.Contact, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.contacts[jkt]
	return c, ok
}

func (b *book) Pair(c signaling.Contact) (signaling.Contact, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, known := b.contacts[c.JKT]
	b.contacts[c.JKT] = c
	return c, !known, nil
}

func (b *book) put(p *signalingtest.Phone, rights ...signaling.Right) {
	_, _, _ = b.Pair(signaling.Contact{JKT: p.JKT(), Name: "Anna", JWK: p.Key.Public().JWK(), Rights: rights})
}

func (b *book) revoke(p *signalingtest.Phone) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.contacts[p.JKT()]
	c.Revoked = true
	b.contacts[p.JKT()] = c
}

// wire is a transport that keeps what is sent.
type wire struct {
	mu   sync.Mutex
	down bool
	sent []sending
}

type sending struct {
	to, text string
	at       time.Time
}

func (w *wire) Send(to, text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return false
	}
	w.sent = append(w.sent, sending{to, text, time.Now()})
	return true
}

// set says whether anything is connected.
func (w *wire) set(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

// take returns what was sent since the last take.
func (w *wire) take() []sending {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.sent
	w.sent = nil
	return list
}

// rig is a device with one contact, in a bubble of testing/synctest.
type rig struct {
	*signaling.Device
	t      *testing.T
	key    *key.Private
	book   *book
	wire   *wire
	phone  *signalingtest.Phone
	tokens signaling.Tokens // nil: none are accepted

	emit     func(signaling.Event) // beside recording; may be nil
	pushBook signaling.PushBook    // of the next start

	mu     sync.Mutex
	events []signaling.Event
}

// inBubble runs test with a fresh rig; no goroutine may be left after it.
func inBubble(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Close()
		test(t, r)
	})
}

func newRig(t *testing.T) *rig {
	t.Helper()
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, key: k, book: &book{contacts: map[string]signaling.Contact{}}, wire: &wire{}}
	r.phone = signalingtest.NewPhone(t, sn, k.JKT())
	r.book.put(r.phone, signaling.RightCall)
	r.Device = r.start(1)
	return r
}

// start makes a device of the rig's key; a second one is the first after a restart.
func (r *rig) start(epoch uint64) *signaling.Device {
	r.t.Helper()
	d, err := signaling.NewDevice(signaling.Options{
		Key: r.key, SN: sn, Name: deviceName, Epoch: epoch, Contacts: r.book, Tokens: r.tokens, Push: r.pushBook,
		Clock: clock.Go(), Log: zerolog.Nop(),
		Emit: func(e signaling.Event) {
			r.mu.Lock()
			r.events = append(r.events, e)
			r.mu.Unlock()
			if r.emit != nil {
				r.emit(e)
			}
		},
		ICEServers: func(signaling.RoomKey) []signaling.ICEServer {
			return []signaling.ICEServer{{URLs: []string{"stun:stun.example"}}, {URLs: []string{"turn:turn.example"}, Username: "u", Credential: "c"}}
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

func (r *rig) peer(p *signalingtest.Phone) signaling.Peer {
	return signaling.Peer{Transport: r.wire, Budget: p.Address(), Address: p.Address(), Proven: true, Secure: true}
}

// from delivers texts of a phone.
func (r *rig) from(p *signalingtest.Phone, texts ...string) {
	for _, text := range texts {
		r.Receive(r.peer(p), text)
	}
}

func (r *rig) deliver(texts ...string) { r.from(r.phone, texts...) }

// emitted returns the events since it was last asked.
func (r *rig) emitted() []signaling.Event {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.events
	r.events = nil
	return list
}

// said returns what the device has sent to p since it was last asked, verified.
func (r *rig) said(p *signalingtest.Phone) []*message.Message {
	r.t.Helper()
	synctest.Wait()
	var list []*message.Message
	for _, s := range r.wire.take() {
		m, err := p.Read(s.text)
		if err != nil || s.to != p.Address() {
			r.t.Fatalf("the device sent to %s: %v", s.to, err)
		}
		list = append(list, m)
	}
	return list
}

// types are those of messages, in order.
func types(list []*message.Message) []message.Type {
	all := make([]message.Type, 0, len(list))
	for _, m := range list {
		all = append(all, m.Type)
	}
	return all
}

// expect wants exactly these types from the device and returns the messages.
func (r *rig) expect(want ...message.Type) []*message.Message {
	r.t.Helper()
	got := r.said(r.phone)
	if !slices.Equal(types(got), want) {
		r.t.Fatalf("the device said %v, want %v", types(got), want)
	}
	return got
}

// expectEvent wants exactly one event, of type E.
func expectEvent[E signaling.Event](r *rig) E {
	r.t.Helper()
	list := r.emitted()
	var want E
	if len(list) == 1 {
		if e, ok := list[0].(E); ok {
			return e
		}
	}
	r.t.Fatalf("events %#v, want one %T", list, want)
	return want
}

func (r *rig) expectNoEvent() {
	r.t.Helper()
	if list := r.emitted(); len(list) > 0 {
		r.t.Fatalf("events %#v, want none", list)
	}
}

// expectRefused wants the counters to differ from before by these alone.
func (r *rig) expectRefused(before map[string]uint64, want map[signaling.Reason]uint64) {
	r.t.Helper()
	after := r.Refused()
	diff := map[signaling.Reason]uint64{}
	for reason, n := range after {
		if n != before[reason] {
			diff[signaling.Reason(reason)] = n - before[reason]
		}
	}
	if !maps.Equal(diff, want) {
		r.t.Errorf("refused %v, want %v", diff, want)
	}
}

const roomID = "cm9vbS1mb3ItYS10ZXN0LTAx"

func (r *rig) room() signaling.RoomKey { return signaling.RoomKey{ID: roomID, Phone: r.phone.JKT()} }

// challenged sends an invite and returns it with the challenge's nonce.
func (r *rig) challenged(changes ...signalingtest.Change) (invite, nonce string) {
	r.t.Helper()
	invite = r.phone.Invite(roomID, changes...)
	r.deliver(invite)
	return invite, r.expect(message.TypeChallenge)[0].Body.(message.Challenge).Nonce
}

// offered brings a room to where the daemon has the offer, and returns its text.
func (r *rig) offered(changes ...signalingtest.Change) (offer string) {
	r.t.Helper()
	invite, nonce := r.challenged(changes...)
	offer = r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String())
	r.deliver(offer)
	expectEvent[signaling.Offer](r)
	return offer
}

// rings brings it to where the phone has acknowledged ringing with an answer.
func (r *rig) rings() (ringing message.Ringing) {
	r.t.Helper()
	r.offered()
	r.Ringing(r.room(), answerSDP, time.Minute)
	return r.acked(message.TypeRinging).Body.(message.Ringing)
}

// acked wants one message and acknowledges it.
func (r *rig) acked(want message.Type) *message.Message {
	r.t.Helper()
	m := r.expect(want)[0]
	r.deliver(r.phone.Ack(roomID, m.ID))
	return m
}

// talks brings it to a talk.
func (r *rig) talks() {
	r.t.Helper()
	r.rings()
	r.Accept(r.room(), answerSDP, signaling.Limit{})
	r.acked(message.TypeAccept)
	r.Start(r.room(), signaling.Limit{})
	r.acked(message.TypeStart)
}
