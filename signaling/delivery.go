package signaling

import (
	"math"
	"slices"
	"time"

	"callbox/signaling/key"
	"callbox/signaling/message"
)

// outgoing is a message that goes again, as the same bytes, until the phone has
// acknowledged or answered it.
type outgoing struct {
	id, text string
	openID   string // of open, which goes over ways that are not proven
	open     string // "": text goes there too
	kind     message.Type
	attempt  int
	left     time.Duration // of its life, when it was last sent
	sent     time.Duration // when
	parked   bool          // the phone is known to be out of reach: no life is spent
	timer    *timer
}

// pause is the time after the n-th sending: 0.5, 1, 2, 4, 4 … s.
func pause(n int) time.Duration { return 500 * time.Millisecond << min(n, 3) }

// forever is the life of a message that something else ends.
const forever = time.Duration(math.MaxInt64)

// envelope is that of a message to the phone of a room.
func (d *Device) envelope(k RoomKey, ref string) message.Envelope {
	return message.Envelope{From: d.address, To: key.PhoneAddress(k.Phone), TKT: k.Phone, RoomID: k.ID, Ref: ref}
}

// roomEnvelope is that of a message in r. Up to the first answer in a room the
// phone needs our key, and before its offer it may not have seen one.
func (d *Device) roomEnvelope(r *room, ref string) message.Envelope {
	e := d.envelope(r.key, ref)
	if r.ring != nil && r.offer == nil {
		jwk := d.o.Key.Public().JWK()
		e.JWK = &jwk
	}
	return e
}

// sign writes a message; "" when it cannot be (too large), which is logged.
func (d *Device) sign(e message.Envelope, b message.Body) (text, id string) {
	text, id, err := message.Sign(d.o.Key, e, b)
	if err != nil {
		d.o.Log.Error().Err(err).Str("room_id", e.RoomID).Msg("cannot sign")
	}
	return text, id
}

// reply answers a message once, outside of any room's memory. It carries our key.
func (d *Device) reply(p Peer, m *message.Message, b message.Body) {
	e := d.envelope(RoomKey{ID: m.RoomID, Phone: m.KID()}, m.ID)
	jwk := d.o.Key.Public().JWK()
	e.JWK = &jwk
	if text, _ := d.sign(e, b); text != "" {
		d.hand([]Peer{p}, e.To, text, func() {})
	}
}

// hand queues one sending, over each of the ways. lost is called, with the mutex
// held, when none of them is connected to the address.
func (d *Device) hand(ways []Peer, to, text string, lost func()) {
	if d.closed {
		return
	}
	d.queue = append(d.queue, func() {
		sent := false
		for _, p := range ways {
			sent = p.Transport.Send(to, text) || sent
		}
		if !sent {
			d.mu.Lock()
			lost()
			d.unlock()
		}
	})
}

// transmit sends bytes of a room once, the way that the phone's last message came.
func (d *Device) transmit(r *room, text string) {
	d.hand([]Peer{r.peer}, key.PhoneAddress(r.key.Phone), text, func() {})
}

// send signs a message and delivers it. It returns its id and text.
func (d *Device) send(r *room, ref string, b message.Body) (id, text string) {
	text, id = d.sign(d.roomEnvelope(r, ref), b)
	if text != "" {
		d.deliver(r, &outgoing{id: id, text: text, kind: b.Type(), left: messageLife})
	}
	return id, text
}

// deliver sends o until it is answered or its life ends.
func (d *Device) deliver(r *room, o *outgoing) {
	r.out = append(r.out, o)
	d.attempt(r, o)
}

// answer is send for the answer to a message of the phone: duplicates get it.
func (d *Device) answer(r *room, rec *received, ref string, b message.Body) (id string) {
	rec.ack.cancel()
	id, rec.answer = d.send(r, ref, b)
	return id
}

// attempt sends o now and sets the time of the next try.
func (d *Device) attempt(r *room, o *outgoing) {
	o.sent, o.parked = d.o.Clock.Now(), false
	wait := min(pause(o.attempt), o.left)
	o.attempt++
	o.timer.cancel()
	o.timer = d.after(wait, func() {
		o.left -= d.o.Clock.Now() - o.sent
		if o.left > 0 {
			d.attempt(r, o)
			return
		}
		d.expire(r, o)
	})
	ways := d.ways(r)
	if len(ways) == 0 {
		d.park(r, o)
		return
	}
	if r.ring != nil {
		r.ring.tried = true
	}
	text := o.text
	if o.open != "" && slices.ContainsFunc(ways, func(p Peer) bool { return !p.Proven }) {
		text = o.open
	}
	d.hand(ways, key.PhoneAddress(r.key.Phone), text, func() { d.park(r, o) })
}

// park stops the clock of a message whose phone is out of reach, and looks again
// from time to time.
func (d *Device) park(r *room, o *outgoing) {
	if o.parked || !slices.Contains(r.out, o) || d.closed {
		return
	}
	o.parked = true
	o.left -= d.o.Clock.Now() - o.sent
	o.attempt = max(0, o.attempt-1)
	o.timer.cancel()
	o.timer = d.after(parkedPause, func() { d.attempt(r, o) })
}

func (d *Device) expire(r *room, o *outgoing) {
	d.delivered(r, o.id)
	if o.kind == message.TypeData {
		d.dataAnswered(r, o.id, ErrorTimeout)
		return
	}
	if r.phase != over {
		d.emit(Unanswered{Room: r.key, Type: string(o.kind)})
	}
}

// delivered stops resending the message that an ack or an answer names.
func (d *Device) delivered(r *room, id string) {
	r.out = slices.DeleteFunc(r.out, func(o *outgoing) bool {
		found := o.id == id || o.open != "" && o.openID == id
		if found {
			o.timer.cancel()
		}
		return found
	})
	d.noteIdle()
}

// withdraw stops resending all that a later message has made pointless.
func (d *Device) withdraw(r *room) {
	for _, o := range r.out {
		o.timer.cancel()
	}
	r.out = nil
	d.noteIdle()
}

// ack acknowledges a message of the phone; duplicates get the same ack.
func (d *Device) ack(r *room, rec *received, ref string, b message.Ack) {
	text, _ := d.sign(d.roomEnvelope(r, ref), b)
	if rec != nil {
		rec.ack.cancel()
		rec.answer = text
	}
	if text != "" {
		d.transmit(r, text)
	}
}

// ackLater acknowledges unless an answer goes out before.
func (d *Device) ackLater(r *room, rec *received, ref string) {
	rec.ack = d.after(ackDelay, func() { d.ack(r, rec, ref, message.Ack{}) })
}
