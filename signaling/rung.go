package signaling

import (
	"slices"

	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// inRungRoom takes a message of the phone that the device rings, before its valid
// offer: all but an answer to the ring, a no and what inRoom has dealt with is
// refused.
func (d *Device) inRungRoom(p Peer, r *room, m *message.Message, c caller) {
	switch m.Type {
	case message.TypeInvite:
		d.ringInvite(p, r, m, c)
	case message.TypeOffer:
		d.ringOffer(p, r, m, c)
	case message.TypeReject:
		d.phoneRejects(p, r, m)
	case message.TypeCancel:
		d.phoneCancels(p, r, m)
	case message.TypeBye:
		d.refuse(p, RefusedState)
		d.ack(r, d.note(p, r, m), m.ID, message.Ack{})
	default:
		d.refuse(p, RefusedState)
	}
}

// noSuchRing answers an invite to a ring that does not live: an old one played
// again rings nobody.
func (d *Device) noSuchRing(p Peer, m *message.Message) {
	d.refuse(p, RefusedRing)
	d.reply(p, m, message.Bye{Cause: cause.Aborted, Detail: cause.UnknownRoom})
}

// ringInvite challenges the phone that the device rings: each copy of its answer.
func (d *Device) ringInvite(p Peer, r *room, m *message.Message, c caller) {
	b, ok := m.Body.(message.Invite)
	switch {
	case ok && m.Ref != r.ring.id:
		d.noSuchRing(p, m)
		return
	case !ok, !r.ring.answeredBy(m, b):
		d.refuse(p, RefusedValue)
		d.reply(p, m, message.Reject{Cause: cause.BadRequest})
		d.declined(r, cause.BadRequest)
		return
	}
	if reject, bad := d.tokenTrouble(p, c); bad {
		d.reply(p, m, reject)
		d.declined(r, reject.Cause)
		return
	}
	d.challenge(p, m, max(0, r.ring.ends-d.o.Clock.Now()))
	if !r.ring.reached {
		r.ring.reached = true
		d.emit(RingReached{Room: r.key})
	}
}

// answeredBy reports whether an invite answers this ring and asks for no more.
func (s *ringState) answeredBy(invite *message.Message, b message.Invite) bool {
	return invite.Ref == s.id && (b.RoomType == s.wish.RoomType || b.RoomType == Voice)
}

// ringOffer takes the offer of the phone that the device rings. Its room is
// younger than this boot, so nothing in it can be a recording: what is wrong ends
// the ringing.
func (d *Device) ringOffer(p Peer, r *room, m *message.Message, c caller) {
	b, ok := m.Body.(message.Offer)
	var invite *message.Message
	why := RefusedValue
	if ok {
		var err error
		// The ringing ends by its own timer: until then its nonces are good.
		invite, err = d.challenged(m, b, forever)
		ok, why = err == nil, RefusedNonce
	}
	d.stopRing(r)
	r.phase = offered
	if !ok {
		r.offerID, r.offer = m.ID, d.note(p, r, m)
		d.rejectOffer(p, r, why, cause.BadRequest)
		return
	}
	d.takeOffer(p, r, m, b, invite, c)
}

// ringHeard notes that the phone has named the ring in an ack or an answer.
func (d *Device) ringHeard(r *room, ref string) {
	if r.ring != nil && ref == r.ring.id {
		r.ring.heard = true
	}
}

// declineCause is what counts of the word with which a rung phone says no: other
// causes belong to a call that was answered, or to the caller.
func declineCause(c cause.Cause) cause.Cause {
	if slices.Contains([]cause.Cause{
		cause.DND, cause.Forbidden, cause.Unsupported, cause.BadRequest, cause.NeedNonce, cause.Busy, cause.Timeout, cause.Aborted,
	}, c) {
		return c
	}
	return cause.Rejected
}
