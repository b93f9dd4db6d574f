package signaling_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// other makes another contact the rig's phone.
func (r *rig) other() *signalingtest.Phone {
	p := signalingtest.NewPhone(r.t, sn, r.key.JKT())
	r.book.put(p, signaling.RightCall, signaling.RightBeCalled)
	p.Learn(r.key.Public())
	r.phone = p
	return p
}

// ringAttack is something that must be refused in or about a rung room.
type ringAttack struct {
	do      func(*rig, *message.Message) // the ring
	want    map[signaling.Reason]uint64
	answers []message.Type
	events  []string // types of the events that the attack itself makes
}

func ringAttacks() map[string]ringAttack {
	bye, reject, ack := []message.Type{message.TypeBye}, []message.Type{message.TypeReject}, []message.Type{message.TypeAck}
	declined := []string{"signaling.RingDeclined"}
	with := func(name string, v any) signalingtest.Change { return signalingtest.With(members{name: v}) }
	one := func(reason signaling.Reason) map[signaling.Reason]uint64 {
		return map[signaling.Reason]uint64{reason: 1}
	}
	video := signalingtest.SDP{}.String()
	voiceRing := func(r *rig, change ...signalingtest.Change) *message.Message {
		const room = "dm9pY2Utcm9vbS0wMDAwMDAx"
		q := r.request()
		q.RoomID, q.RoomType = room, signaling.Voice
		if err := r.Ring(q); err != nil {
			r.t.Fatal(err)
		}
		return r.expect(message.TypeRing)[0]
	}
	return map[string]ringAttack{
		"the ring played again after CancelRing": {func(r *rig, ring *message.Message) {
			r.CancelRing(r.room(), cause.Cancelled)
			r.acked(message.TypeCancel)
			r.deliver(r.phone.Answer(ring))
		}, one(signaling.RefusedRing), bye, nil},
		"the ring played again after its life": {func(r *rig, ring *message.Message) {
			r.deliver(r.phone.Ack(roomID, ring.ID))
			time.Sleep(ringLife)
			r.acked(message.TypeCancel)
			r.deliver(r.phone.Answer(ring))
		}, one(signaling.RefusedRing), bye, declined},
		"the ring played again after a no": {func(r *rig, ring *message.Message) {
			r.deliver(r.phone.Reject(roomID, cause.Rejected))
			r.expect(message.TypeAck)
			r.deliver(r.phone.Answer(ring))
		}, one(signaling.RefusedRing), bye, declined},
		"the ring played again after the call": {func(r *rig, ring *message.Message) {
			r.answers(ring)
			r.Accept(r.room(), answerSDP, signaling.Limit{})
			r.acked(message.TypeAccept)
			r.Bye(r.room(), cause.End{Cause: cause.Hangup})
			r.acked(message.TypeBye)
			r.deliver(r.phone.Answer(ring))
		}, one(signaling.RefusedRing), bye, nil},
		"the ring played again when the room is forgotten": {func(r *rig, ring *message.Message) {
			r.CancelRing(r.room(), cause.Cancelled)
			r.acked(message.TypeCancel)
			time.Sleep(time.Hour)
			r.deliver(r.phone.Answer(ring))
		}, one(signaling.RefusedRing), bye, nil},
		"the ring played again after a restart": {func(r *rig, ring *message.Message) {
			r.restart()
			r.deliver(r.phone.Answer(ring))
		}, one(signaling.RefusedRing), bye, nil},
		"a rung call played again after a restart": {func(r *rig, ring *message.Message) {
			invite, nonce := r.alerts(ring)
			r.restart()
			r.deliver(r.phone.Offer(roomID, nonce, invite, video))
		}, one(signaling.RefusedNonce), reject, nil},
		"a no played again after a restart": {func(r *rig, _ *message.Message) {
			r.restart()
			r.deliver(r.phone.Reject(roomID, cause.Rejected))
		}, one(signaling.RefusedRoom), nil, nil},
		"an answer by another key": {func(r *rig, ring *message.Message) {
			r.deliver(r.other().Answer(ring))
		}, one(signaling.RefusedRing), bye, nil},
		"an answer signed by another key": {func(r *rig, ring *message.Message) {
			r.deliver(r.phone.Answer(ring, signalingtest.SignedBy(signalingtest.NewPhone(r.t, sn, "").Key)))
		}, one(signaling.RefusedSignature), nil, nil},
		"an answer by a stranger": {func(r *rig, ring *message.Message) {
			stranger := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.from(stranger, stranger.Answer(ring))
		}, one(signaling.RefusedStranger), nil, nil},
		"an answer by a revoked key": {func(r *rig, ring *message.Message) {
			r.book.revoke(r.phone)
			r.deliver(r.phone.Answer(ring))
		}, one(signaling.RefusedRevoked), nil, nil},
		"an answer in another room": {func(r *rig, ring *message.Message) {
			r.deliver(r.phone.Answer(ring, with("roomId", "YW5vdGhlci1yb29tLTAwMDAx")))
		}, one(signaling.RefusedRing), bye, nil},
		"an answer to another ring": {func(r *rig, ring *message.Message) {
			r.deliver(r.phone.Answer(ring, with("ref", message.NewID())))
		}, one(signaling.RefusedRing), bye, nil},
		"an answer to no ring in its room": {func(r *rig, ring *message.Message) {
			r.deliver(r.phone.Answer(ring, signalingtest.Without("ref")))
		}, one(signaling.RefusedRing), bye, nil},
		"an offer by another key with the nonce": {func(r *rig, ring *message.Message) {
			invite, nonce := r.alerts(ring)
			r.deliver(r.other().Offer(roomID, nonce, invite, video))
		}, one(signaling.RefusedNonce), reject, nil},
		"a no by another key": {func(r *rig, _ *message.Message) {
			r.deliver(r.other().Reject(roomID, cause.Rejected))
		}, one(signaling.RefusedRoom), nil, nil},
		"a no signed by another key": {func(r *rig, _ *message.Message) {
			r.deliver(r.phone.Reject(roomID, cause.Rejected, signalingtest.SignedBy(signalingtest.NewPhone(r.t, sn, "").Key)))
		}, one(signaling.RefusedSignature), nil, nil},
		"an ack by another key": {func(r *rig, ring *message.Message) {
			first := r.phone
			r.deliver(r.other().Ack(roomID, ring.ID))
			r.phone = first
			time.Sleep(500 * time.Millisecond)
		}, nil, []message.Type{message.TypeRing}, nil}, // it rings on
		"video in a voice ring": {func(r *rig, _ *message.Message) {
			r.deliver(r.phone.Answer(voiceRing(r), with("roomType", "video")))
		}, one(signaling.RefusedValue), reject, declined},
		"an SDP with video in a voice ring": {func(r *rig, _ *message.Message) {
			ring := voiceRing(r)
			invite, nonce := r.alerts(ring)
			r.deliver(r.phone.Offer(ring.RoomID, nonce, invite, video))
		}, one(signaling.RefusedSDP), reject, declined},
		"an SDP with video in a video ring answered as voice": {func(r *rig, ring *message.Message) {
			invite, nonce := r.alerts(ring, with("roomType", "voice"))
			r.deliver(r.phone.Offer(roomID, nonce, invite, video))
		}, one(signaling.RefusedSDP), reject, declined},
		"an answer with a bad limit": {func(r *rig, ring *message.Message) {
			r.deliver(r.phone.Answer(ring, with("timeLimit", 0)))
		}, one(signaling.RefusedValue), reject, declined},
		"an answer of another version": {func(r *rig, ring *message.Message) {
			r.deliver(r.phone.Answer(ring, with("v", 2)))
		}, one(signaling.RefusedVersion), reject, declined},
		"an offer without a challenge": {func(r *rig, ring *message.Message) {
			r.deliver(r.phone.Offer(roomID, message.NewID(), r.phone.Answer(ring), video))
		}, one(signaling.RefusedNonce), reject, declined},
		"an offer with another invite": {func(r *rig, ring *message.Message) {
			_, nonce := r.alerts(ring)
			r.deliver(r.phone.Offer(roomID, nonce, r.phone.Answer(ring), video))
		}, one(signaling.RefusedNonce), reject, declined},
		"an offer without an SDP": {func(r *rig, ring *message.Message) {
			invite, nonce := r.alerts(ring)
			r.deliver(r.phone.Offer(roomID, nonce, invite, "", signalingtest.Without("sdp")))
		}, one(signaling.RefusedValue), reject, declined},
		"two fingerprints": {func(r *rig, ring *message.Message) {
			invite, nonce := r.alerts(ring)
			r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{Fingerprints: []string{signalingtest.OtherFingerprint}}.String()))
		}, one(signaling.RefusedSDP), reject, declined},
		"a swapped SDP": {func(r *rig, ring *message.Message) {
			invite, nonce := r.alerts(ring)
			r.deliver(r.phone.Offer(roomID, nonce, invite, video, swapSDP))
		}, one(signaling.RefusedSignature), nil, nil},
		"a nonce used twice": {func(r *rig, ring *message.Message) {
			invite, nonce := r.alerts(ring)
			r.deliver(r.phone.Offer(roomID, nonce, invite, video))
			expectEvent[signaling.Offer](r)
			r.CancelRing(r.room(), cause.AnsweredElsewhere)
			r.acked(message.TypeCancel)
			time.Sleep(time.Second)
			r.expect(message.TypeAck)
			r.deliver(r.phone.Offer(roomID, nonce, invite, video))
		}, one(signaling.RefusedOffer), ack, nil},
		"an offer after CancelRing": {func(r *rig, ring *message.Message) {
			invite, nonce := r.alerts(ring)
			r.CancelRing(r.room(), cause.Cancelled)
			r.acked(message.TypeCancel)
			r.deliver(r.phone.Offer(roomID, nonce, invite, video))
		}, one(signaling.RefusedLate), ack, nil},
		"an offer after the ring's life": {func(r *rig, ring *message.Message) {
			invite, nonce := r.alerts(ring)
			time.Sleep(ringLife)
			r.acked(message.TypeCancel)
			r.deliver(r.phone.Offer(roomID, nonce, invite, video))
		}, one(signaling.RefusedLate), ack, declined},
		"candidates before the offer": {func(r *rig, ring *message.Message) {
			r.alerts(ring)
			r.deliver(r.phone.Candidates(roomID, []string{hostLine}))
		}, one(signaling.RefusedState), nil, nil},
		"a restart before the offer": {func(r *rig, ring *message.Message) {
			r.alerts(ring)
			r.deliver(r.phone.Restart(roomID, 1, video))
		}, one(signaling.RefusedState), nil, nil},
		"data before the offer": {func(r *rig, ring *message.Message) {
			_, nonce := r.alerts(ring)
			r.deliver(r.phone.Data(roomID, nonce, 0, "unlock"))
		}, one(signaling.RefusedState), nil, nil},
		"a bye before the offer": {func(r *rig, ring *message.Message) {
			r.alerts(ring)
			r.deliver(r.phone.Bye(roomID))
		}, one(signaling.RefusedState), ack, nil},
		"a ring by a phone": {func(r *rig, ring *message.Message) {
			r.alerts(ring)
			r.deliver(r.phone.Message(message.TypeRing, roomID, members{"roomType": "video"}))
		}, one(signaling.RefusedState), nil, nil},
	}
}

// restart starts the device again: the phone connects to it.
func (r *rig) restart() {
	r.Close()
	r.Device = r.start(2)
	r.Up(r.peer(r.phone))
}

// TestRefusedInARungRoom runs every attack on a phone that is being rung: its
// counter goes up by one, nobody else's does, and nobody is put through.
func TestRefusedInARungRoom(t *testing.T) {
	for name, tt := range ringAttacks() {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				ring := r.dial()
				r.deliver(r.phone.Ping(roomID)) // handled, and changes nothing
				r.expect(message.TypePong)
				device, before := r.Device, r.Refused()
				tt.do(r, ring)
				if got := types(r.said(r.phone)); !slices.Equal(got, tt.answers) {
					t.Errorf("answered with %v, want %v", got, tt.answers)
				}
				var events []string
				for _, e := range r.emitted() {
					events = append(events, fmt.Sprintf("%T", e))
				}
				if !slices.Equal(events, tt.events) {
					t.Errorf("events %v, want %v", events, tt.events)
				}
				if r.Device != device { // the one after a restart has counted nothing yet
					before = nil
				}
				r.expectRefused(before, tt.want)
			})
		})
	}
}

// TestARingOutlivesAttacks: what others and wrong messages do leaves the ringing
// as it was, and its phone can still answer.
func TestARingOutlivesAttacks(t *testing.T) {
	for _, name := range []string{
		"an answer by another key", "an answer signed by another key", "an answer by a stranger", "an answer in another room",
		"an answer to another ring", "an answer to no ring in its room", "a no by another key", "a no signed by another key",
		"an ack by another key",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				ring, phone := r.dial(), r.phone
				ringAttacks()[name].do(r, ring)
				r.said(r.phone)
				r.phone = phone
				if o := r.answers(ring); !o.Ring {
					t.Errorf("offer = %+v", o)
				}
			})
		})
	}
}

// TestTheSameRoomOfAnotherKeyIsAnotherRoom: a contact that has seen the ring may
// call in a room of that name; it is a call of its own, not the ring's answer.
func TestTheSameRoomOfAnotherKeyIsAnotherRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		ring, rung := r.dial(), r.phone
		r.other()
		invite, nonce := r.challenged()
		r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		if o := expectEvent[signaling.Offer](r); o.Ring || o.Room != r.room() {
			t.Errorf("offer = %+v", o)
		}
		r.Reject(r.room(), cause.Busy)
		r.acked(message.TypeReject)
		r.phone = rung
		if o := r.answers(ring); !o.Ring || o.Room != r.room() {
			t.Errorf("offer = %+v", o)
		}
	})
}

// TestAChallengeFromBeforeTheRing: its invite did not answer the ring, and asks
// for more than that gives.
func TestAChallengeFromBeforeTheRing(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		invite, nonce := r.challenged()
		r.dial(func(q *signaling.RingRequest) { q.RoomType = signaling.Voice })
		r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		r.expect(message.TypeReject)
		if e := expectEvent[signaling.RingDeclined](r); e.Cause != cause.BadRequest {
			t.Errorf("event %+v", e)
		}
		r.expectRefused(nil, map[signaling.Reason]uint64{signaling.RefusedInvite: 1})
	})
}

func TestARungPhoneHasNoLargerBudgetBeforeItsOffer(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		ring := r.dial()
		invite := r.phone.Answer(ring)
		for range 60 {
			r.deliver(invite)
		}
		if n := len(r.said(r.phone)); n != 10 {
			t.Errorf("%d of 60 answers at once were challenged, want the burst of 10", n)
		}
		expectEvent[signaling.RingReached](r)
	})
}
