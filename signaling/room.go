package signaling

import (
	"crypto/sha256"

	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/token"
)

// maxSeen is how many messages of a phone a room remembers.
const maxSeen = 512

// phase is how far a room has come. It only grows.
type phase int

const (
	rung     phase = iota // the device rings the phone, whose offer has not come
	offered               // the daemon has the offer
	ringing               // the phone was told so
	accepted              // the phone was told so
	started               // the talk has begun
	over                  // nothing but duplicates and acks count
)

// room is one call, or the memory of one. It belongs to a phone's key: messages
// of others cannot reach it. The device's mutex guards it.
type room struct {
	key   RoomKey
	peer  Peer // that the phone's last message came from
	phase phase
	ring  *ringState // nil in a room that the phone made
	// revoked: its phone lost its rights during the call.
	revoked bool
	pass    *token.Pass // that its offer came with; nil: none
	holder  *caller     // who made it by a token alone; nil: a contact
	// spending: it is being written down that pass is used. The daemon does not know
	// the room before that.
	spending bool

	offer     *received // the valid one; nil in a room that was cancelled before
	offerID   string
	roomType  RoomType
	answerSDP string // that Ringing carried
	ice       iceState

	seen   map[string]*received // by id
	out    []*outgoing
	forget *timer

	data   dataState
	frames frameState
}

// received is one message of the phone and what it got back.
type received struct {
	hash   [sha256.Size]byte
	answer string // "" until there is one
	ack    *timer
}

// openRoom makes the room of a verified message; nil when there are too many.
func (d *Device) openRoom(p Peer, m *message.Message) *room {
	if len(d.rooms) >= maxRooms {
		return nil
	}
	r := d.newRoom(RoomKey{ID: m.RoomID, Phone: m.KID()})
	r.peer, r.phase = p, offered
	return r
}

func (d *Device) newRoom(k RoomKey) *room {
	r := &room{key: k, seen: map[string]*received{}, data: dataState{sent: map[string]*timer{}}}
	r.frames.open(d.o.Clock.Now())
	d.rooms[k] = r
	return r
}

// note remembers a message that is seen for the first time; nil when no more are. The
// way that it came is the room's from then on: anybody who has carried a message can
// bring it again, whenever it suits them, so nothing that is not remembered takes a call
// away from a transport that reaches its phone.
func (d *Device) note(p Peer, r *room, m *message.Message) *received {
	if len(r.seen) >= maxSeen {
		return nil
	}
	rec := &received{hash: m.Hash()}
	r.seen[m.ID] = rec
	d.reach(r, p)
	return rec
}

// duplicate deals with a message whose id was seen before: the same bytes get
// the same answer, the way that they came, other bytes nothing.
func (d *Device) duplicate(p Peer, r *room, m *message.Message) bool {
	rec := r.seen[m.ID]
	if rec == nil {
		return false
	}
	if rec.hash != m.Hash() {
		d.refuse(p, RefusedID)
		return true
	}
	if rec.answer != "" {
		d.hand([]Peer{p}, key.PhoneAddress(r.key.Phone), rec.answer, func() {})
	}
	return true
}

// end makes a room a memory, which goes after roomMemory.
func (d *Device) end(r *room) {
	if r.phase == over {
		return
	}
	r.phase = over
	r.ice.held = nil
	d.stopRing(r)
	d.dataLost(r)
	r.forget = d.after(roomMemory, func() {
		r.stopTimers()
		delete(d.rooms, r.key)
		d.noteIdle()
	})
}

// End says that the room is over for the daemon. What was sent is still
// delivered, but for a ring, and duplicates are still answered. No event comes any
// more but the DataAnswered of what SendData has under way.
func (d *Device) End(k RoomKey) {
	d.mu.Lock()
	defer d.unlock()
	if r := d.rooms[k]; r != nil {
		d.end(r)
	}
}

// Revoke ends what a phone may still say in its rooms. The contact book must
// refuse the key already; the daemon sends the bye.
func (d *Device) Revoke(jkt string) {
	d.mu.Lock()
	defer d.unlock()
	d.revoke(jkt)
}

func (d *Device) revoke(jkt string) {
	for k, r := range d.rooms {
		if k.Phone == jkt {
			r.revoked = true
			d.withdrawRing(r)
		}
	}
}

func (r *room) stopTimers() {
	for _, o := range r.out {
		o.timer.cancel()
	}
	for _, rec := range r.seen {
		rec.ack.cancel()
	}
	for _, t := range r.data.sent {
		t.cancel()
	}
	if r.ring != nil {
		r.ring.life.cancel()
	}
	r.forget.cancel()
	r.out = nil
}
