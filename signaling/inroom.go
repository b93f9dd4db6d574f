package signaling

import (
	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// inRoom takes a verified message, by c, of a room that is known. The mutex is held.
func (d *Device) inRoom(p Peer, r *room, m *message.Message, c caller) {
	if r.phase == rung || !d.reaches(r.peer) { // else what is seen for the first time does so: note
		d.reach(r, p)
	}
	if m.Ref != "" { // an ack, or an answer that stands for one
		d.delivered(r, m.Ref)
		d.ringHeard(r, m.Ref)
		d.dataAcked(r, m)
	}
	switch {
	case m.Type == message.TypeAck:
	case d.duplicate(p, r, m):
	case r.revoked:
		d.refuse(p, RefusedRevoked)
	case m.Type == message.TypePing:
		d.ping(p, m, c)
	case r.phase == rung:
		d.inRungRoom(p, r, m, c)
	case m.Type == message.TypeOffer:
		d.secondOffer(p, r, m)
	case r.phase == over:
		d.inEndedRoom(p, r, m)
	default:
		d.inLiveRoom(p, r, m)
	}
}

// secondOffer acknowledges an offer for a room that has had one, that was
// cancelled before, or that is not rung any more.
func (d *Device) secondOffer(p Peer, r *room, m *message.Message) {
	switch {
	case r.offer != nil:
		d.refuse(p, RefusedOffer)
	case r.ring != nil:
		d.refuse(p, RefusedLate)
	}
	d.ack(r, d.note(p, r, m), m.ID, message.Ack{})
}

func (d *Device) inEndedRoom(p Peer, r *room, m *message.Message) {
	switch m.Type {
	case message.TypeCancel, message.TypeBye: // ends that cross
		d.ack(r, d.note(p, r, m), m.ID, message.Ack{})
	case message.TypeRestart:
		d.refuse(p, RefusedRoom)
		d.reply(p, m, message.Bye{Cause: cause.Aborted, Detail: cause.UnknownRoom})
	case message.TypeInvite:
		if m.Ref != "" {
			d.noSuchRing(p, m)
			return
		}
		d.refuse(p, RefusedRoom)
	default:
		d.refuse(p, RefusedRoom)
	}
}

func (d *Device) inLiveRoom(p Peer, r *room, m *message.Message) {
	switch m.Type {
	case message.TypeCancel:
		d.phoneCancels(p, r, m)
		return
	case message.TypeBye:
		d.phoneLeaves(p, r, m)
		return
	case message.TypeReject:
		d.phoneRejects(p, r, m)
		return
	case message.TypeInvite: // a late copy: its offer has come
		d.reply(p, m, message.Ack{})
		return
	default:
	}
	if m.Type == message.TypeRestart && !d.mayRestart(p, r, m) {
		return
	}
	rec := d.note(p, r, m)
	if rec == nil {
		d.refuse(p, RefusedFull)
		return
	}
	if m.Invalid != nil {
		d.refuse(p, RefusedValue)
		d.ack(r, rec, m.ID, message.Ack{Error: ErrorBadRequest})
		return
	}
	switch b := m.Body.(type) {
	case message.Candidates:
		d.phoneCandidates(p, r, b)
		d.ack(r, rec, m.ID, message.Ack{})
	case message.Restart:
		d.phoneRestarts(p, r, m, rec, b)
	case message.Data:
		d.phoneData(p, r, m, rec, b)
	case nil: // a type of a later version
		d.ack(r, rec, m.ID, message.Ack{})
	default: // a type that only devices send
		d.refuse(p, RefusedState)
		d.ack(r, rec, m.ID, message.Ack{})
	}
}

// phoneCancels ends a room; a value that is not understood does not hinder it. The
// daemon is told before the phone, here and below: a phone that has its ack closes
// the connection, which must not be taken for the reason of the end.
func (d *Device) phoneCancels(p Peer, r *room, m *message.Message) {
	why := cause.Cancelled
	if b, ok := m.Body.(message.Cancel); ok && b.Cause.Valid() {
		why = b.Cause
	}
	rec := d.note(p, r, m)
	d.giveUp(r, why)
	d.ack(r, rec, m.ID, message.Ack{})
}

// giveUp is a cancel: after accept it counts as a hang-up. In a room that the
// device rings it is a no.
func (d *Device) giveUp(r *room, why cause.Cause) {
	if r.phase >= accepted {
		d.leave(r, cause.End{Cause: cause.Hangup, Origin: cause.Manual})
		return
	}
	d.withdraw(r)
	if r.ring != nil {
		d.declined(r, why)
		return
	}
	d.end(r)
	if r.spending {
		return
	}
	d.emit(Cancel{Room: r.key, Cause: why})
}

// phoneRejects is a cancel by another word, before the device has accepted; a
// value that is not understood does not hinder it either.
func (d *Device) phoneRejects(p Peer, r *room, m *message.Message) {
	rec := d.note(p, r, m)
	if r.phase < accepted {
		b, _ := m.Body.(message.Reject)
		if !b.Cause.Valid() {
			b.Cause = cause.Cancelled
		}
		d.giveUp(r, b.Cause)
	} else {
		d.refuse(p, RefusedState)
	}
	d.ack(r, rec, m.ID, message.Ack{})
}

func (d *Device) phoneLeaves(p Peer, r *room, m *message.Message) {
	rec := d.note(p, r, m)
	b, _ := m.Body.(message.Bye)
	d.leave(r, endOf(b.Cause, b.Origin, b.Detail))
	d.ack(r, rec, m.ID, message.Ack{})
}

// leave ends a room because the phone has left. It happens once, whichever copy
// of the bye came first.
func (d *Device) leave(r *room, end cause.End) {
	if r.phase == over {
		return
	}
	d.withdraw(r)
	d.end(r)
	if r.spending && r.ring == nil {
		return
	}
	d.emit(Bye{Room: r.key, End: end})
}

// endOf keeps what the registry knows: a word of a later version still ends the
// call.
func endOf(c cause.Cause, o cause.Origin, t cause.Detail) cause.End {
	end := cause.End{Cause: c}
	if !c.Valid() {
		end.Cause = cause.Aborted
	}
	if end.Cause == cause.Hangup && o.Valid() {
		end.Origin = o
	}
	if end.Cause == cause.Aborted && t.Valid() {
		end.Detail = t
	}
	return end
}
