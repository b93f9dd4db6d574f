package signaling

import (
	"crypto/sha256"
	"slices"
	"time"

	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/pairing"
)

// PairingTerms are what the next phone is paired with.
type PairingTerms struct {
	Rights []Right
	Name   string        // of the contact; "" takes the phone's own
	Life   time.Duration // of the window; 0 is pairing.DefaultLife
	// Force gives auto and unlock over a self-made certificate, too: whoever sits
	// between phone and device could have paired in the phone's place.
	Force bool
}

// pairedAnswer is what a pair message got, for its duplicates.
type pairedAnswer struct {
	hash  [sha256.Size]byte
	text  string
	until time.Duration
}

// OpenPairing opens a window through which one phone is paired, or renews it with
// a new secret. A phone on a self-made certificate gets neither auto nor unlock,
// unless the terms force it.
func (d *Device) OpenPairing(t PairingTerms) pairing.Window {
	if t.Life <= 0 {
		t.Life = pairing.DefaultLife
	}
	t.Rights = slices.Clone(t.Rights)
	d.mu.Lock()
	defer d.unlock()
	d.pairing = t
	return d.desk.Open(d.o.Clock.Now(), t.Life)
}

// ClosePairing closes the window, if one is open.
func (d *Device) ClosePairing() {
	d.mu.Lock()
	defer d.unlock()
	d.desk.Close()
}

// pairingPossible reports whether a pair message could be right now.
func (d *Device) pairingPossible() bool {
	d.mu.Lock()
	defer d.unlock()
	return d.desk.Known(d.o.Clock.Now())
}

// rightPairing reports whether m proves the open window's secret: such a message
// is never refused for rate. It costs an HMAC and no signature check.
func (d *Device) rightPairing(m *message.Message) bool {
	b, ok := m.Body.(message.Pair)
	if !ok {
		return false
	}
	d.mu.Lock()
	defer d.unlock()
	return d.desk.Holds(d.o.Clock.Now(), m.KID(), b.Name, b.MAC)
}

// pair takes a pair message: the MAC stands in for the contact check.
func (d *Device) pair(p Peer, m *message.Message) {
	if m.JWK == nil {
		d.drop(p, RefusedSender)
		return
	}
	k, err := key.ParsePublic(*m.JWK)
	if err != nil || !m.Verify(k) {
		d.drop(p, RefusedSignature)
		return
	}
	d.mu.Lock()
	defer d.unlock()
	if d.closed || d.pairedBefore(p, m) {
		return
	}
	b, ok := m.Body.(message.Pair)
	if !ok || m.V != message.Version {
		d.refuse(p, RefusedValue)
		d.reply(p, m, message.Reject{Cause: cause.BadRequest})
		return
	}
	verdict, secret, first := d.desk.Judge(d.o.Clock.Now(), k.JKT(), b.Name, b.MAC)
	switch verdict {
	case pairing.Right:
		d.addContact(p, m, b, secret)
	case pairing.Again: // its answer was lost; a contact that is gone since stays so
		if c, ok := d.o.Contacts.Contact(k.JKT()); ok && !c.Revoked {
			d.welcome(p, m, c, secret)
			return
		}
		d.refuse(p, RefusedPairing)
		d.reply(p, m, message.Reject{Cause: cause.Forbidden})
	case pairing.Second:
		d.refuse(p, RefusedSecondPhone)
		d.suspended[first] = true
		d.revoke(first)
		d.emit(PairingAlarm{First: first, Second: k.JKT()})
		d.reply(p, m, message.Reject{Cause: cause.Forbidden})
	case pairing.Suspended:
		d.refuse(p, RefusedSecondPhone)
		d.reply(p, m, message.Reject{Cause: cause.Forbidden})
	case pairing.Wrong:
		d.refuse(p, RefusedPairing)
		d.reply(p, m, message.Reject{Cause: cause.Forbidden})
	}
}

// pairedBefore answers the duplicate of a pair message that was right with the
// same bytes.
func (d *Device) pairedBefore(p Peer, m *message.Message) bool {
	now := d.o.Clock.Now()
	for id, a := range d.paired {
		if now >= a.until {
			delete(d.paired, id)
		}
	}
	a, ok := d.paired[m.ID]
	switch {
	case !ok, d.suspended[m.KID()]:
		return false
	case a.hash != m.Hash():
		d.refuse(p, RefusedID)
	default:
		d.hand([]Peer{p}, m.From, a.text, func() {})
	}
	return true
}

// addContact stores the contact, closes the window and answers.
func (d *Device) addContact(p Peer, m *message.Message, b message.Pair, secret []byte) {
	c := Contact{
		JKT: m.KID(), Name: b.Name, JWK: *m.JWK, Rights: slices.Clone(d.pairing.Rights),
		Added: time.Now(), SelfSigned: !p.Secure,
	}
	if d.pairing.Name != "" {
		c.Name = d.pairing.Name
	}
	if !p.Secure && !d.pairing.Force {
		c.Rights = slices.DeleteFunc(c.Rights, func(r Right) bool { return r == RightAuto || r == RightUnlock })
	}
	// Durable before it is answered, and with the mutex held: a window pairs one
	// phone, and this happens once in a contact's life.
	stored, fresh, err := d.o.Contacts.Pair(c)
	if err != nil {
		d.o.Log.Error().Err(err).Msg("cannot store the contact")
		return // the phone sends again
	}
	d.desk.Use(c.JKT)
	delete(d.suspended, c.JKT)
	d.emit(Paired{Contact: stored, Fresh: fresh})
	d.welcome(p, m, stored, secret)
}

// welcome answers a pair message that was right.
func (d *Device) welcome(p Peer, m *message.Message, c Contact, secret []byte) {
	e := d.envelope(RoomKey{ID: m.RoomID, Phone: c.JKT}, m.ID)
	jwk := d.o.Key.Public().JWK()
	e.JWK = &jwk
	rights := c.Rights
	if rights == nil {
		rights = []Right{}
	}
	text, _ := d.sign(e, message.Paired{
		Name: d.o.Name, Rights: rights, MAC: pairing.DeviceMAC(secret, c.JKT, d.dkt, d.o.Name),
	})
	if text == "" {
		return
	}
	d.paired[m.ID] = pairedAnswer{hash: m.Hash(), text: text, until: d.o.Clock.Now() + roomMemory}
	d.hand([]Peer{p}, m.From, text, func() {})
}
