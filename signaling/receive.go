package signaling

import (
	"errors"
	"time"

	"callbox/signaling/budget"
	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/token"
)

// Receive takes one message from a transport. The checks come in the order of
// docs/protocol.md, "A call", and stop at the first that fails: what is cheap and
// needs no key first. Strangers get silence.
func (d *Device) Receive(p Peer, text string) {
	if len(text) > message.MaxMessage {
		d.drop(p, RefusedSize)
		return
	}
	class := d.class(p)
	within := d.budgets.Take(p.payer(class), class)
	if !within && !d.pairingPossible() {
		d.drop(p, RefusedRate)
		return
	}
	m, err := message.Parse(text)
	switch {
	case !within && (err != nil || !d.rightPairing(m)):
		d.drop(p, RefusedRate)
	case errors.Is(err, message.ErrTooLarge):
		d.drop(p, RefusedSize)
	case err != nil:
		d.drop(p, RefusedShape)
	case m.To != d.address || m.TKT != d.dkt:
		d.drop(p, RefusedRecipient)
	case m.From != p.Address || m.From != key.PhoneAddress(m.KID()) || !ownKey(m):
		d.drop(p, RefusedSender)
	case m.Type == message.TypePair:
		d.pair(p, m)
	default:
		d.receiveFromCaller(p, m)
	}
}

// ownKey reports whether the key that a message carries, if any, is the one that
// it says it is signed by.
func ownKey(m *message.Message) bool {
	if m.JWK == nil {
		return true
	}
	k, err := key.ParsePublic(*m.JWK)
	return err == nil && k.JKT() == m.KID()
}

func (d *Device) drop(p Peer, r Reason) {
	d.mu.Lock()
	defer d.unlock()
	d.refuse(p, r)
}

// class says which budget a peer has. It follows from what the transport knows
// and from rooms that were verified, never from what the message says.
func (d *Device) class(p Peer) budget.Class {
	jkt, ok := key.PhoneOf(p.Address)
	contact, known := Contact{}, false
	if ok {
		contact, known = d.o.Contacts.Contact(jkt)
	}
	d.mu.Lock()
	defer d.unlock()
	for _, r := range d.rooms {
		if r.phase != rung && r.phase != over && r.peer.Budget == p.Budget && !r.revoked {
			return budget.InRoom
		}
	}
	if d.suspended[jkt] || contact.Revoked {
		return budget.Unproven
	}
	known = known || d.holds(jkt)
	switch {
	case known && p.Proven:
		return budget.Proven
	case known:
		// A broker that keeps the rights of docs/mqtt.md, or a maker's program, knows
		// who speaks. Were it not believed, a crowd of strangers would keep contacts
		// out; where it lies, only those suffer in whose name it does.
		return budget.Claimed
	}
	return budget.Unproven
}

// caller is who has sent a message, and what allows it.
type caller struct {
	contact Contact // of one by token alone: what the token says
	key     *key.Public
	pass    *token.Pass // of its token; nil: none came with this message
	byToken bool        // it is no contact
	refused error       // why the token of a contact does not count
}

// receiveFromCaller goes on with a message whose form and addresses are right.
func (d *Device) receiveFromCaller(p Peer, m *message.Message) {
	contact, ok := d.o.Contacts.Contact(m.KID())
	// An ack of a revoked contact still ends the resending of its bye.
	if (contact.Revoked || d.isSuspended(m.KID())) && m.Type != message.TypeAck {
		d.drop(p, RefusedRevoked)
		return
	}
	c := caller{contact: contact}
	if ok {
		c.key, _ = key.ParsePublic(contact.JWK)
	} else {
		why := Reason("")
		if c, why = d.byToken(m); why != "" {
			d.drop(p, why)
			return
		}
	}
	if c.key == nil || !m.Verify(c.key) {
		d.drop(p, RefusedSignature)
		return
	}
	if ok {
		c.pass, c.refused = d.contactsToken(m)
	}
	d.mu.Lock()
	defer d.unlock()
	if d.closed {
		return
	}
	d.dispatch(p, m, c)
}

func (d *Device) isSuspended(jkt string) bool {
	d.mu.Lock()
	defer d.unlock()
	return d.suspended[jkt]
}

// dispatch takes a verified message of a contact, or of one with a token. The mutex is
// held.
func (d *Device) dispatch(p Peer, m *message.Message, c caller) {
	p.room = m.RoomID
	r := d.rooms[RoomKey{ID: m.RoomID, Phone: m.KID()}]
	asks := m.Type == message.TypeInvite || m.Type == message.TypeOffer
	if m.V != message.Version {
		d.refuse(p, RefusedVersion)
		if asks {
			d.reply(p, m, message.Reject{Cause: cause.Unsupported, Versions: []int{message.Version}})
			if r != nil && r.phase == rung {
				d.declined(r, cause.Unsupported)
			}
		}
		return
	}
	if r != nil {
		d.inRoom(p, r, m, c)
		return
	}
	if asks && m.Invalid != nil {
		d.refuse(p, RefusedValue)
		d.reply(p, m, message.Reject{Cause: cause.BadRequest})
		return
	}
	if reject, bad := d.tokenTrouble(p, c); asks && bad {
		d.reply(p, m, reject)
		return
	}
	switch m.Type {
	case message.TypeAck: // of something that is forgotten
	case message.TypeInvite:
		d.invite(p, m)
	case message.TypeOffer:
		d.offer(p, m, c)
	case message.TypePing:
		d.ping(p, m, c)
	case message.TypePush:
		d.push(p, m)
	case message.TypeCancel:
		d.cancelEarly(p, m)
	case message.TypeBye:
		d.reply(p, m, message.Ack{})
		d.refuse(p, RefusedRoom)
	case message.TypeRestart:
		d.refuse(p, RefusedRoom)
		d.reply(p, m, message.Bye{Cause: cause.Aborted, Detail: cause.UnknownRoom})
	default:
		d.refuse(p, RefusedRoom)
	}
}

// invite challenges the caller. Nothing is kept: each copy gets a challenge.
func (d *Device) invite(p Peer, m *message.Message) {
	if m.Ref != "" {
		d.noSuchRing(p, m)
		return
	}
	d.challenge(p, m, 0)
}

// challenge asks the sender of the invite m to prove that it is here now;
// ringTimeout is 0 but in a room that the device rings.
func (d *Device) challenge(p Peer, m *message.Message, ringTimeout time.Duration) {
	d.reply(p, m, message.Challenge{
		Nonce: d.nonces.Nonce(subject(m, m), d.o.Clock.Now()), Epoch: d.o.Epoch, ICEServers: d.iceServers(p, RoomKey{ID: m.RoomID, Phone: m.KID()}),
		RingTimeout: ringTimeout.Seconds(),
	})
}

// ping answers with the rights that count now, so that a phone shows its person only
// what the device would let them do.
func (d *Device) ping(p Peer, m *message.Message, c caller) {
	b, ok := m.Body.(message.Ping)
	if !ok {
		d.refuse(p, RefusedValue)
		return
	}
	rights := c.contact.Rights
	if rights == nil {
		rights = []Right{}
	}
	d.reply(p, m, message.Pong{Nonce: b.Nonce, Rights: rights})
}

// cancelEarly remembers that a room was given up before its offer came, so that
// an offer which the cancel has overtaken rings nobody.
func (d *Device) cancelEarly(p Peer, m *message.Message) {
	d.refuse(p, RefusedRoom)
	d.reply(p, m, message.Ack{})
	if r := d.openRoom(p, m); r != nil {
		d.end(r)
	}
}
