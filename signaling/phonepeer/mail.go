package phonepeer

import (
	"crypto/sha256"
	"slices"
	"time"

	"callbox/signaling/key"
	"callbox/signaling/message"
)

// carrier is the part of a link that rooms use.
type carrier interface {
	// send hands a message over; false when the link is down.
	send(text string) bool
	// suspect says that the connection looks dead: nothing is answered.
	suspect()
}

// address is whom a phone's messages go to.
type address struct{ sn, dkt string }

// mail is one room's post: signing, delivery, acknowledgements and duplicates. It
// belongs to the loop.
type mail struct {
	loop    *loop
	key     *key.Private
	to      address
	room    string
	carrier carrier
	up      bool
	closed  bool

	out   []*letter
	seen  map[string]*arrival
	order []string // of seen, the oldest first
}

// letter is a signed message that goes again, as the same bytes, until it is
// acknowledged or answered.
type letter struct {
	id, text string
	copies   int
	left     time.Duration // of its life, when it was last sent
	since    time.Duration // when
	timer    *timer
	expired  func() // may be nil
}

// arrival is a message of the device and what it got back.
type arrival struct {
	signed bool // false: a first copy on the data channel
	hash   [sha256.Size]byte
	answer string // "" until there is one
}

func newMail(l *loop, k *key.Private, to address, room string, c carrier, up bool) *mail {
	return &mail{loop: l, key: k, to: to, room: room, carrier: c, up: up, seen: map[string]*arrival{}}
}

// draft says how a message is sent.
type draft struct {
	id      string // "": a new one
	ref     string // of the message that it answers
	withKey bool   // before the device has verified an offer
	life    time.Duration
	expired func()
}

// sign writes a message. Errors: message.ErrTooLarge.
func (m *mail) sign(d draft, b message.Body) (id, text string, err error) {
	e := message.Envelope{
		ID: d.id, From: key.PhoneAddress(m.key.JKT()), To: key.DeviceAddress(m.to.sn), TKT: m.to.dkt, RoomID: m.room, Ref: d.ref,
	}
	if d.withKey {
		jwk := m.key.Public().JWK()
		e.JWK = &jwk
	}
	text, id, err = message.Sign(m.key, e, b)
	return id, text, err
}

// post signs a message and sends it until it is answered.
func (m *mail) post(d draft, b message.Body) (id, text string, err error) {
	if id, text, err = m.sign(d, b); err != nil || m.closed {
		return id, text, err
	}
	l := &letter{id: id, text: text, left: d.life, expired: d.expired}
	m.out = append(m.out, l)
	if m.up {
		m.copy(l)
	}
	return id, text, nil
}

// pause is the time after the n-th sending: 0.5, 1, 2, 4, 4 … s.
func pause(n int) time.Duration { return 500 * time.Millisecond << min(n, 3) }

// copy sends l now and sets the time of the next try.
func (m *mail) copy(l *letter) {
	if l.copies == suspectCopies {
		m.carrier.suspect()
	}
	l.since = m.loop.clock.Now()
	m.carrier.send(l.text) // when it is not taken, the link is down or about to be told so
	wait := min(pause(l.copies), l.left)
	l.copies++
	l.timer = m.loop.after(wait, func() {
		l.left -= m.loop.clock.Now() - l.since
		if l.left > 0 {
			m.copy(l)
			return
		}
		m.drop(l.id)
		if l.expired != nil {
			l.expired()
		}
	})
}

// drop stops sending a message.
func (m *mail) drop(id string) { m.dropAll(func(l *letter) bool { return l.id == id }) }

// keep stops sending all messages but one; "" is none.
func (m *mail) keep(id string) { m.dropAll(func(l *letter) bool { return l.id != id }) }

func (m *mail) dropAll(which func(*letter) bool) {
	m.out = slices.DeleteFunc(m.out, func(l *letter) bool {
		gone := which(l)
		if gone {
			l.timer.cancel()
		}
		return gone
	})
}

// linkUp says that the link is there again: what waits goes at once.
func (m *mail) linkUp() {
	if m.up {
		return
	}
	m.up = true
	for _, l := range m.out {
		l.copies = 0
		m.copy(l)
	}
}

// linkDown stops the clock of what waits.
func (m *mail) linkDown() {
	if !m.up {
		return
	}
	m.up = false
	for _, l := range m.out {
		l.timer.cancel()
		l.left -= m.loop.clock.Now() - l.since
	}
}

// arrive books a verified message in. False: it is not new; a duplicate got its old
// answer again, another message under the same id nothing.
func (m *mail) arrive(msg *message.Message) bool {
	a := m.seen[msg.ID]
	if a == nil {
		m.remember(msg.ID, &arrival{signed: true, hash: msg.Hash()})
		if msg.Ref != "" {
			m.drop(msg.Ref)
		}
		return true
	}
	if a.signed && a.hash != msg.Hash() {
		return false
	}
	a.signed, a.hash = true, msg.Hash()
	if msg.Ref != "" {
		m.drop(msg.Ref)
	}
	switch {
	case a.answer != "":
		m.carrier.send(a.answer)
	case msg.Type == message.TypeAck || msg.Type == message.TypeChallenge || msg.Type == message.TypeData:
		// No answer, or one that is still to come.
	default: // its first copy came on the data channel
		m.ack(msg.ID, message.Ack{})
	}
	return false
}

// arriveOnChannel books the first copy of a signed message in, or data.
func (m *mail) arriveOnChannel(id string) bool {
	if m.seen[id] != nil {
		return false
	}
	m.remember(id, &arrival{})
	return true
}

func (m *mail) remember(id string, a *arrival) {
	if len(m.order) >= maxSeen {
		delete(m.seen, m.order[0])
		m.order = m.order[1:]
	}
	m.seen[id] = a
	m.order = append(m.order, id)
}

// ack acknowledges a message; its duplicates get the same bytes.
func (m *mail) ack(ref string, a message.Ack) {
	_, text, err := m.sign(draft{ref: ref}, a)
	if err != nil {
		return // an ack is small, and a key that has signed before signs again
	}
	m.answered(ref, text)
	m.carrier.send(text)
}

// answered keeps the bytes that answered a message, for its duplicates.
func (m *mail) answered(id, text string) {
	if a := m.seen[id]; a != nil {
		a.answer = text
	}
}

// close stops all sending but that of answers to duplicates.
func (m *mail) close() {
	m.closed = true
	for _, l := range m.out {
		l.timer.cancel()
	}
	m.out = nil
}
