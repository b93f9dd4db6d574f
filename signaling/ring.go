package signaling

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"callbox/signaling/cause"
	"callbox/signaling/message"
)

var (
	// ErrUnknownPhone means that no contact has the key.
	ErrUnknownPhone = errors.New("no contact has this key")
	// ErrRevoked means that the contact is revoked, or suspended by a pairing alarm.
	ErrRevoked = errors.New("the contact is revoked")
	// ErrRoomTaken means that the room's id has been used.
	ErrRoomTaken = errors.New("the room exists already")
	// ErrFull means that more is under way than the device keeps account of.
	ErrFull = errors.New("too much is under way")
	// ErrClosed means that the Device was closed.
	ErrClosed = errors.New("signaling is closed")
)

// RingRequest is a call from the device to one phone.
type RingRequest struct {
	Phone     string // jkt of the phone's key
	RoomID    string // a fresh one of message.NewID for each phone
	RoomType  RoomType
	TimeLimit Limit         // rounded up to whole milliseconds
	Query     string        // at most message.MaxQuery bytes
	Life      time.Duration // how long the phone may be rung; over 0
}

// ringState is the device's call to a phone.
type ringState struct {
	wish     message.Ring
	id, text string
	life     *timer
	ends     time.Duration // when, on clock.Boot
	tried    bool          // it was handed to a transport
	heard    bool          // the phone has acknowledged or answered it
	reached  bool          // the phone was challenged
}

// Ring rings a phone over every transport that reaches it. The same bytes go
// again and again until the phone answers or Life, on clock.Boot, ends; a phone
// that cannot be reached now is rung when it connects. Whether the contact may be
// called is policy's to say, not asked here.
//
// Events of its room: RingReached, when the phone alerts; then Offer with Ring set
// or RingDeclined, with Timeout when the phone was heard of and Life has ended; or
// Unanswered when nothing was heard of it. After CancelRing none comes.
//
// Errors: ErrUnknownPhone, ErrRevoked, ErrRoomTaken, ErrFull, ErrClosed,
// message.ErrBadRequest, message.ErrTooLarge.
func (d *Device) Ring(r RingRequest) error {
	fail := func(err error) error { return fmt.Errorf("cannot ring phone %q: %w", r.Phone, err) }
	wish, err := r.wish()
	if err != nil {
		return fail(err)
	}
	d.mu.Lock()
	defer d.unlock()
	c, ok := d.o.Contacts.Contact(r.Phone)
	switch {
	case d.closed:
		return fail(ErrClosed)
	case !ok:
		return fail(ErrUnknownPhone)
	case c.Revoked || d.suspended[r.Phone]:
		return fail(ErrRevoked)
	case d.roomTaken(r.RoomID):
		return fail(ErrRoomTaken)
	case len(d.rooms) >= maxRooms:
		return fail(ErrFull)
	}
	k := RoomKey{ID: r.RoomID, Phone: r.Phone}
	e := d.envelope(k, "")
	jwk := d.o.Key.Public().JWK()
	e.JWK = &jwk
	text, id, err := message.Sign(d.o.Key, e, wish)
	if err != nil {
		return fail(err)
	}
	room := d.newRoom(k)
	room.ring = &ringState{wish: wish, id: id, text: text, ends: d.o.Clock.Now() + r.Life}
	room.ring.life = d.after(r.Life, func() { d.ringLapsed(room) })
	d.deliverRing(room)
	return nil
}

// wish is what the phone is told, checked.
func (r RingRequest) wish() (message.Ring, error) {
	b := message.Ring{RoomType: r.RoomType, TimeLimit: r.TimeLimit, Query: r.Query}
	if !message.ValidRoom(r.RoomID) || !utf8.ValidString(r.Query) {
		return b, fmt.Errorf("room %q, query %q: %w", r.RoomID, r.Query, message.ErrBadRequest)
	}
	if _, err := message.LimitOf(r.Life.Seconds()); err != nil { // it is a limit on the wire, too
		return b, err
	}
	if b.TimeLimit.Set {
		var err error
		if b.TimeLimit, err = message.LimitOf(b.TimeLimit.Duration.Seconds()); err != nil {
			return b, err
		}
	}
	return b, message.Check(b)
}

// roomTaken reports whether a phone has a room with this id.
func (d *Device) roomTaken(id string) bool {
	for k := range d.rooms {
		if k.ID == id {
			return true
		}
	}
	return false
}

// deliverRing sends the ring until the phone answers it; its life ends it, too.
func (d *Device) deliverRing(r *room) {
	d.deliver(r, &outgoing{id: r.ring.id, text: r.ring.text, kind: message.TypeRing, left: forever})
}

// ringAgain rings a phone that has connected in another way: at once, and also
// when it had acknowledged, because a page that was opened anew knows nothing.
func (d *Device) ringAgain(r *room) {
	if r.phase != rung || r.revoked {
		return
	}
	for _, o := range r.out {
		if o.id == r.ring.id {
			d.attempt(r, o)
			return
		}
	}
	d.deliverRing(r)
}

// CancelRing stops the ringing of a room of Ring, also when the phone's offer has
// come, before Accept. The phone is told c until it acknowledges. It does nothing
// in other rooms and in one that is over.
func (d *Device) CancelRing(k RoomKey, c cause.Cause) {
	d.mu.Lock()
	defer d.unlock()
	r := d.inPhase(k, rung, ringing)
	if r == nil || r.ring == nil {
		return
	}
	d.withdraw(r)
	if r.ring.tried {
		d.send(r, "", message.Cancel{Cause: c})
	}
	d.end(r)
}

// ringLapsed ends a ring whose life is over.
func (d *Device) ringLapsed(r *room) {
	d.withdraw(r)
	if !r.ring.heard {
		d.end(r)
		d.emit(Unanswered{Room: r.key, Type: string(message.TypeRing)})
		return
	}
	d.send(r, "", message.Cancel{Cause: cause.Timeout})
	d.declined(r, cause.Timeout)
}

// declined ends a ring that the phone has answered with a no.
func (d *Device) declined(r *room, why cause.Cause) {
	d.end(r)
	d.emit(RingDeclined{Room: r.key, Cause: declineCause(why)})
}

// stopRing ends the sending of a ring and its life.
func (d *Device) stopRing(r *room) {
	if r.ring != nil {
		r.ring.life.cancel()
		d.delivered(r, r.ring.id)
	}
}

// withdrawRing rings a phone that may not be called any more no further.
func (d *Device) withdrawRing(r *room) {
	if r.phase == rung {
		d.delivered(r, r.ring.id)
	}
}
