package signaling

import (
	"errors"
	"time"

	"callbox/signaling/budget"
	"callbox/signaling/cause"
	"callbox/signaling/challenge"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/sdp"
)

// subject is who may use a nonce for what: the sender of m, in its room, for
// that invite.
func subject(m, invite *message.Message) challenge.Subject {
	return challenge.Subject{JKT: m.KID(), Room: m.RoomID, Invite: invite.InputHash()}
}

// offer takes the first offer of a room: the proof that the caller is here now.
// Only what passes is told to the daemon. m is verified and by c.
func (d *Device) offer(p Peer, m *message.Message, c caller) {
	b, ok := m.Body.(message.Offer)
	if !ok {
		return
	}
	invite, err := d.challenged(m, b, challenge.Life)
	switch {
	case errors.Is(err, challenge.ErrLate):
		d.refuse(p, RefusedLate)
		d.reply(p, m, message.Reject{Cause: cause.Timeout})
		return
	case err != nil:
		d.refuse(p, RefusedNonce)
		// It may be a recording from before the last start. The answer costs a
		// signature, so it comes out of the budget of those who have proved nothing.
		if d.budgets.Take(p.payer(budget.Unproven), budget.Unproven) {
			d.reply(p, m, message.Reject{Cause: cause.BadRequest})
		}
		return
	}
	r := d.openRoom(p, m)
	if r == nil {
		d.refuse(p, RefusedFull)
		return
	}
	d.takeOffer(p, r, m, b, invite, c)
}

// challenged reads the invite inside the offer m and checks that its sender was
// challenged for it, at most life ago.
func (d *Device) challenged(m *message.Message, b message.Offer, life time.Duration) (invite *message.Message, err error) {
	// An invite that cannot be read was never challenged.
	if invite, err = message.Parse(b.Invite); err != nil {
		return nil, err
	}
	return invite, d.nonces.Check(b.Nonce, subject(m, invite), d.o.Clock.Now(), life)
}

// takeOffer goes on with the offer b, in the message m, whose nonce is right. From
// here on that is spent: the room remembers.
func (d *Device) takeOffer(p Peer, r *room, m *message.Message, b message.Offer, invite *message.Message, c caller) {
	r.offerID, r.offer = m.ID, d.note(p, r, m)
	wish, ok := d.inviteOf(m, invite, c.key)
	if ok && r.ring != nil {
		ok = r.ring.answeredBy(invite, wish)
		wish.TimeLimit = shorter(wish.TimeLimit, r.ring.wish.TimeLimit)
	}
	if !ok {
		d.rejectOffer(p, r, RefusedInvite, cause.BadRequest)
		return
	}
	checked, err := sdp.Check(b.SDP, wish.RoomType, d.o.AllowLoopback)
	if err != nil {
		d.o.Log.Info().Err(err).Str("room_id", m.RoomID).Msg("offer refused")
		d.rejectOffer(p, r, RefusedSDP, cause.BadRequest)
		return
	}
	r.roomType = wish.RoomType
	r.ice = iceState{current: checked, count: checked.Candidates, past: map[string]bool{}}
	d.ackLater(r, r.offer, m.ID)
	d.spend(p, r, c, Offer{
		Ring: r.ring != nil, Room: r.key, Contact: c.contact, Token: c.pass, ByToken: c.byToken, RoomType: wish.RoomType, TimeLimit: wish.TimeLimit,
		EnableCallerCamera: orTrue(wish.EnableCallerCamera), EnableListenerCamera: orTrue(wish.EnableListenerCamera),
		Query: wish.Query, Payload: wish.Payload, SDP: checked.SDP,
	})
}

// inviteOf checks the invite inside the offer m as if it had come alone.
func (d *Device) inviteOf(m, invite *message.Message, k *key.Public) (message.Invite, bool) {
	b, ok := invite.Body.(message.Invite)
	same := invite.V == m.V && invite.From == m.From && invite.To == m.To && invite.TKT == m.TKT && invite.RoomID == m.RoomID
	return b, ok && same && ownKey(invite) && invite.Verify(k)
}

// rejectOffer ends a room whose caller has proved itself and broken the rules.
func (d *Device) rejectOffer(p Peer, r *room, why Reason, c cause.Cause) {
	d.refuse(p, why)
	d.answer(r, r.offer, r.offerID, message.Reject{Cause: c})
	d.end(r)
	if r.ring != nil {
		d.emit(RingDeclined{Room: r.key, Cause: c})
	}
}

// shorter returns the smaller limit; none is the largest.
func shorter(a, b Limit) Limit {
	if !a.Set || b.Set && b.Duration < a.Duration {
		return b
	}
	return a
}

func orTrue(b *bool) bool { return b == nil || *b }
