package signaling_test

import (
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// at delivers texts of a phone that has proven its key from a remote address.
func (r *rig) at(p *signalingtest.Phone, remote string, texts ...string) {
	for _, text := range texts {
		peer := r.peer(p)
		peer.Remote = remote
		r.Receive(peer, text)
	}
}

// TestNewKeysOfOneAddressShareABudget: keys cost nothing, so as many as one makes
// come out of the one budget of the place where they come from: 10 at once, 5 a
// second after that.
func TestNewKeysOfOneAddressShareABudget(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		one, other := signalingtest.NewPhone(t, sn, r.key.JKT()), signalingtest.NewPhone(t, sn, r.key.JKT())
		round := func(want uint64) {
			t.Helper()
			before := r.Refused()
			for range 20 {
				r.at(one, "192.0.2.9", one.Invite(roomID))
				r.at(other, "192.0.2.9", other.Invite(roomID))
			}
			r.expectRefused(before, map[signaling.Reason]uint64{signaling.RefusedStranger: want, signaling.RefusedRate: 40 - want})
		}
		round(10)
		time.Sleep(time.Second)
		round(5)

		// Somebody else's address has its own, and so has a contact at the same one.
		before := r.Refused()
		r.at(one, "192.0.2.10", one.Invite(roomID))
		r.expectRefused(before, map[signaling.Reason]uint64{signaling.RefusedStranger: 1})
		r.phone.Learn(r.key.Public())
		for range 10 {
			r.at(r.phone, "192.0.2.9", r.phone.Invite(roomID))
		}
		if n := len(r.said(r.phone)); n != 10 {
			t.Errorf("a contact at that address got %d challenges for 10 invites", n)
		}
	})
}

// TestAContactsBudgetIsItsKeys: from several addresses it is still one.
func TestAContactsBudgetIsItsKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.phone.Learn(r.key.Public())
		for range 10 {
			r.at(r.phone, "192.0.2.9", r.phone.Invite(roomID))
			r.at(r.phone, "192.0.2.10", r.phone.Invite(roomID))
		}
		if n := len(r.said(r.phone)); n != 10 {
			t.Errorf("%d challenges for 20 invites at once, want those of the burst: 10", n)
		}
	})
}

// TestARoomsBudgetIsItsKeys: who shares the address of a phone in a call does not
// share its larger budget.
func TestARoomsBudgetIsItsKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		stranger := signalingtest.NewPhone(t, sn, r.key.JKT())
		before := r.Refused()
		for range 60 {
			r.at(r.phone, "192.0.2.9", r.phone.Candidates(roomID, []string{""}))
			r.at(stranger, "192.0.2.9", stranger.Invite(roomID))
		}
		r.expectRefused(before, map[signaling.Reason]uint64{signaling.RefusedStranger: 10, signaling.RefusedRate: 50})
		if list := types(r.said(r.phone)); len(list) != 60 || list[0] != message.TypeAck {
			t.Errorf("%d of 60 messages in the room were acknowledged", len(list))
		}
	})
}
