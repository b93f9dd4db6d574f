package daemon

import (
	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// dialing is what the loop knows of the phones that an outgoing call rings.
type dialing struct {
	roomType signaling.RoomType
	query    string
	rings    []*ring
	joined   bool // one of them is the call's
}

// ring is one phone of an outgoing call.
type ring struct {
	room    signaling.RoomKey
	contact signaling.Contact
	limit   signaling.Limit
	camera  bool // it may see the device's camera
	offer   *signaling.Offer
	early   []signaling.Candidates // the phone's, before its turn
	own     signaling.RoomKey      // the room of its own call, when that has taken the ring's place
	reached bool
	over    *cause.End // it does not get the call
}

// names are those who are being rung.
func (d *dialing) names() (names []string) {
	for _, r := range d.rings {
		if r.over == nil {
			names = append(names, r.contact.Name)
		}
	}
	return names
}

// reached are those of names whose phone has shown that it got the ring.
func (d *dialing) reached() (names []string) {
	for _, r := range d.rings {
		if r.over == nil && (r.reached || r.offer != nil) {
			names = append(names, r.contact.Name)
		}
	}
	return names
}

func (d *dialing) find(room call.Room) *ring {
	for _, r := range d.rings {
		if key := signaling.RoomKey(room); r.room == key || (r.own.ID != "" && r.own == key) {
			return r
		}
	}
	return nil
}

// ringOf returns the ring of a phone that has not been given up.
func (d *dialing) ringOf(phone string) *ring {
	for _, r := range d.rings {
		if r.room.Phone == phone && r.over == nil {
			return r
		}
	}
	return nil
}

// ringIn returns the ring whose room that is; nil when the call rings nobody there.
func (c *current) ringIn(room signaling.RoomKey) *ring {
	if c == nil || c.dial == nil {
		return nil
	}
	return c.dial.find(call.Room(room))
}

// dial begins a call of the device's own.
func (l *loop) dial(d *dialing, inTurn bool, limit call.Limit) {
	rooms := make([]call.Room, len(d.rings))
	for i, r := range d.rings {
		rooms[i] = call.Room(r.room)
	}
	l.next = proposal{dial: d, camera: d.rings[0].camera}
	l.step(call.Dial{Rooms: rooms, InTurn: inTurn, Rules: l.rules(limit, false)})
}

// carryOutRing does what concerns one rung phone.
func (l *loop) carryOutRing(e call.Effect) {
	c := l.cur
	switch e := e.(type) {
	case call.SendRing:
		l.sendRing(e.Room)
	case call.Alert:
		r := c.dial.find(e.Room)
		r.reached = true
		l.waker.stop(r.room)
		l.events.PublishIn(control.EventRinging, control.Room{RoomID: r.room.ID, GroupID: c.group}, control.RingingData{
			Contact: r.contact.Name, Phone: r.room.Phone, RoomType: string(c.dial.roomType), IsCaller: true, Query: c.dial.query,
		})
	case call.RingTaken:
		r, offer := c.dial.find(e.Room), l.next.offer
		r.offer, r.camera = &offer, l.next.camera
		l.waker.stop(r.room)
		if e.By != e.Room { // it has called by itself, within what it was rung for
			r.own = signaling.RoomKey(e.By)
			r.camera = r.camera && c.dial.roomType == signaling.Video
			l.signaling.CancelRing(r.room, cause.AnsweredElsewhere)
		}
	case call.CancelRing:
		l.cancelRing(signaling.RoomKey(e.Room), e.Cause)
	case call.RingOver:
		end, r := e.End, c.dial.find(e.Room)
		r.over = &end
		l.waker.stop(r.room)
		l.noteRings()
		l.events.PublishIn(control.EventRingOver, control.Room{RoomID: r.room.ID, GroupID: c.group}, control.RingOverData{
			Contact: r.contact.Name, Phone: r.room.Phone, Cause: end.Cause, Origin: end.Origin, Detail: end.Detail,
		})
	case call.Join:
		l.join(c.dial.find(e.Room))
	default: // carryOut hands on only these
	}
}

func (l *loop) sendRing(room call.Room) {
	c := l.cur
	r := c.dial.find(room)
	err := l.signaling.Ring(signaling.RingRequest{
		Phone: r.room.Phone, RoomID: r.room.ID, RoomType: c.dial.roomType, TimeLimit: r.limit,
		Query: c.dial.query, Life: l.state.Rules.Ring,
	})
	if err != nil {
		c.log.Warn().Err(err).Str("phone", r.contact.Name).Msg("cannot ring a phone")
		gen := c.gen
		l.box.put(request(func() { l.step(call.PeerSilent{Gen: gen, Room: room}) }))
		return
	}
	l.waker.ring(r.room, l.state.Rules.Ring)
}

// cancelRing stops the ringing of a phone. One whose own call has taken the ring's
// place waits for an answer to that.
func (l *loop) cancelRing(room signaling.RoomKey, c cause.Cause) {
	if r := l.cur.ringIn(room); r != nil && r.own == room {
		l.signaling.Reject(room, c)
		l.signaling.End(room)
		return
	}
	l.waker.stop(room)
	l.signaling.CancelRing(room, c)
}

// join makes a rung phone the one that the call is with.
func (l *loop) join(r *ring) {
	c := l.cur
	l.waker.stop(r.room)
	c.dial.joined = true
	c.offer = *r.offer
	c.leg = &leg{n: noLeg}
	for _, early := range r.early {
		l.remoteCandidates(early)
	}
	c.cameraAllowed = r.camera
	c.camera = c.offer.RoomType == signaling.Video && r.camera
	c.log = l.callLog(c)
	c.record.RoomID, c.record.Peer, c.record.Contact, c.record.RoomType = c.offer.Room.ID, c.offer.Room.Phone, c.offer.Contact.Name, c.offer.RoomType
	if limit := l.state.Rules.Limit; limit.Set {
		c.record.LimitSeconds = limit.Duration.Seconds()
	}
	l.noteRings()
}

// noteRings writes into the record how each phone's ringing went.
func (l *loop) noteRings() {
	c := l.cur
	c.record.Rings = c.record.Rings[:0:0]
	for _, r := range c.dial.rings {
		one := store.Ring{RoomID: r.room.ID, Peer: r.room.Phone, Contact: r.contact.Name, Reached: r.reached || r.offer != nil}
		if r.over != nil {
			one.Cause, one.Origin, one.Detail = r.over.Cause, r.over.Origin, r.over.Detail
		}
		c.record.Rings = append(c.record.Rings, one)
	}
}
