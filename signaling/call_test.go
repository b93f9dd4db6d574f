package signaling_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

func limit(d time.Duration) signaling.Limit { return signaling.Limit{Set: true, Duration: d} }

func TestCallFromInviteToBye(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		invite := r.phone.Invite(roomID, signalingtest.With(signalingtest.Members{
			"timeLimit": 0.0015, "enableCallerCamera": false, "query": "door=1", "payload": map[string]any{"a": 1},
		}))
		r.deliver(invite)
		c := r.expect(message.TypeChallenge)[0]
		challenge := c.Body.(message.Challenge)
		if c.Ref == "" || c.JWK == nil || challenge.Epoch != 1 || len(challenge.ICEServers) != 2 {
			t.Errorf("challenge = %+v, %+v", c.Envelope, challenge)
		}
		r.expectNoEvent()

		sdp := signalingtest.SDP{Candidates: []string{hostLine, "candidate:2 1 udp 1 127.0.0.1 50001 typ host"}}.String()
		offer := r.phone.Offer(roomID, challenge.Nonce, invite, sdp)
		r.deliver(offer)
		o := expectEvent[signaling.Offer](r)
		if o.Room != r.room() || o.Contact.Name != "Anna" || o.RoomType != signaling.Video || o.TimeLimit != limit(2*time.Millisecond) ||
			o.EnableCallerCamera || !o.EnableListenerCamera || o.Query != "door=1" || string(o.Payload) != `{"a":1}` {
			t.Errorf("offer = %+v", o)
		}
		if !strings.Contains(o.SDP, hostLine) || strings.Contains(o.SDP, "50001") {
			t.Errorf("the SDP was not cleaned:\n%s", o.SDP)
		}
		r.Ringing(r.room(), answerSDP, 60*time.Second)
		ringing := r.acked(message.TypeRinging)
		if b := ringing.Body.(message.Ringing); b.SDP != answerSDP || b.RingTimeout != 60 || b.Nonce == "" {
			t.Errorf("ringing = %+v", b)
		}
		frame := r.Accept(r.room(), "another answer", limit(1500*time.Millisecond))
		accept := r.acked(message.TypeAccept)
		if b := accept.Body.(message.Accept); b.SDP != answerSDP || b.TimeLimit != limit(1500*time.Millisecond) || accept.Ref != ringing.Ref {
			t.Errorf("accept = %+v, ref %q", b, accept.Ref)
		}
		expectFrame(t, frame, message.AcceptFrame{ID: accept.ID, TimeLimit: limit(1500 * time.Millisecond)})
		frame = r.Start(r.room(), limit(1500*time.Millisecond))
		expectFrame(t, frame, message.StartFrame{ID: r.acked(message.TypeStart).ID, TimeLimit: limit(1500 * time.Millisecond)})

		frame = r.Bye(r.room(), cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit})
		expectFrame(t, frame, message.ByeFrame{ID: r.acked(message.TypeBye).ID, Cause: cause.Hangup, Origin: cause.TimeLimit})
		if frame := r.Bye(r.room(), cause.End{Cause: cause.Aborted}); frame != nil {
			t.Error("a second bye was made")
		}
		time.Sleep(time.Minute)
		r.expect()
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{})
	})
}

func expectFrame(t *testing.T, text []byte, want message.Frame) {
	t.Helper()
	if got, err := message.ParseFrame(text); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("frame = %+v, %v; want %+v", got, err, want)
	}
}

func TestOfferIsAcknowledgedUnlessAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.offered()
		time.Sleep(200 * time.Millisecond)
		r.expect(message.TypeAck)
		if frame := r.Accept(r.room(), answerSDP, signaling.Limit{}); frame != nil {
			t.Error("accept has a copy for a data channel that cannot be open")
		}
		r.acked(message.TypeAccept)
		time.Sleep(time.Minute)
		r.expect()
	})
}

func TestCredentialsOnlyToProvenPeers(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		p := r.peer(r.phone)
		p.Proven = false
		r.Receive(p, r.phone.Invite(roomID))
		servers := r.expect(message.TypeChallenge)[0].Body.(message.Challenge).ICEServers
		if len(servers) != 1 || servers[0].Credential != "" {
			t.Errorf("an unproven peer was handed %+v", servers)
		}
	})
}

func TestBusyLeavesTheCallAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		second := signalingtest.NewPhone(t, sn, r.key.JKT())
		r.book.put(second, signaling.RightCall)
		const room = "c2Vjb25kLXJvb20tMDAwMDAx"
		invite := second.Invite(room)
		r.from(second, invite)
		nonce := r.said(second)[0].Body.(message.Challenge).Nonce
		r.from(second, second.Offer(room, nonce, invite, signalingtest.SDP{}.String()))
		o := expectEvent[signaling.Offer](r)
		r.Reject(o.Room, cause.Busy)
		got := r.said(second)
		if !slices.Equal(types(got), []message.Type{message.TypeReject}) || got[0].Body.(message.Reject).Cause != cause.Busy {
			t.Fatalf("the second phone got %v", types(got))
		}
		r.from(second, second.Ack(room, got[0].ID))
		if r.Start(o.Room, signaling.Limit{}) != nil || r.Accept(o.Room, answerSDP, signaling.Limit{}) != nil {
			t.Error("a rejected room went on")
		}
		r.deliver(r.phone.Bye(roomID))
		expectEvent[signaling.Bye](r)
	})
}

func TestEndsThatCross(t *testing.T) {
	hangup := cause.End{Cause: cause.Hangup, Origin: cause.Manual}
	for name, tt := range map[string]struct {
		bring func(*rig)
		do    func(*rig)
		want  signaling.Event
	}{
		"cancel while the daemon thinks": {func(r *rig) { r.offered() }, func(r *rig) { r.deliver(r.phone.Cancel(roomID)) }, signaling.Cancel{Cause: cause.Cancelled}},
		"cancel while it rings":          {func(r *rig) { r.rings() }, func(r *rig) { r.deliver(r.phone.Cancel(roomID)) }, signaling.Cancel{Cause: cause.Cancelled}},
		"cancel of a later version": {func(r *rig) { r.rings() }, func(r *rig) {
			r.deliver(r.phone.Cancel(roomID, signalingtest.With(signalingtest.Members{"cause": "boredom"})))
		}, signaling.Cancel{Cause: cause.Cancelled}},
		"reject while it rings": {func(r *rig) { r.rings() }, func(r *rig) {
			r.deliver(r.phone.Message(message.TypeReject, roomID, signalingtest.Members{"cause": "timeout"}))
		}, signaling.Cancel{Cause: cause.Timeout}},
		"cancel after accept": {func(r *rig) { r.rings(); r.Accept(r.room(), answerSDP, signaling.Limit{}) },
			func(r *rig) { r.deliver(r.phone.Cancel(roomID)) }, signaling.Bye{End: hangup}},
		"bye":                 {(*rig).talks, func(r *rig) { r.deliver(r.phone.Bye(roomID)) }, signaling.Bye{End: hangup}},
		"bye without a cause": {(*rig).talks, func(r *rig) { r.deliver(r.phone.Bye(roomID, signalingtest.Without("cause"))) }, signaling.Bye{End: cause.End{Cause: cause.Aborted}}},
		"bye of a later version": {(*rig).talks, func(r *rig) {
			r.deliver(r.phone.Bye(roomID, signalingtest.With(signalingtest.Members{"cause": "boredom"})))
		}, signaling.Bye{End: cause.End{Cause: cause.Aborted}}},
		"bye, then its copy": {(*rig).talks, func(r *rig) {
			r.deliver(r.phone.Bye(roomID))
			r.ReceiveFrame(r.room(), byeFrame(r.t))
		}, signaling.Bye{End: hangup}},
		"copy, then bye": {(*rig).talks, func(r *rig) {
			r.ReceiveFrame(r.room(), byeFrame(r.t))
			r.deliver(r.phone.Bye(roomID))
		}, signaling.Bye{End: hangup}},
		"bye and cancel": {(*rig).talks, func(r *rig) { r.deliver(r.phone.Bye(roomID), r.phone.Cancel(roomID), r.phone.Bye(roomID)) }, signaling.Bye{End: hangup}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				tt.bring(r)
				r.said(r.phone)
				tt.do(r)
				list := r.emitted()
				if len(list) != 1 {
					t.Fatalf("events %#v, want one", list)
				}
				switch want := tt.want.(type) {
				case signaling.Cancel:
					want.Room = r.room()
					if list[0] != want {
						t.Errorf("event %#v, want %#v", list[0], want)
					}
				case signaling.Bye:
					want.Room = r.room()
					if list[0] != want {
						t.Errorf("event %#v, want %#v", list[0], want)
					}
				}
				for _, m := range r.said(r.phone) {
					if m.Type != message.TypeAck {
						t.Errorf("the device said %s", m.Type)
					}
				}
				// The daemon has not heard of it yet.
				if r.Bye(r.room(), cause.End{Cause: cause.Hangup}) != nil {
					t.Error("a bye was answered by another")
				}
				r.Reject(r.room(), cause.Rejected)
				r.End(r.room())
				time.Sleep(40 * time.Second)
				for _, m := range r.said(r.phone) {
					if m.Type != message.TypeAck { // of the offer
						t.Errorf("the device said %s after the end", m.Type)
					}
				}
				r.expectNoEvent()
			})
		})
	}
}

func byeFrame(t *testing.T) []byte {
	t.Helper()
	p, err := message.EncodeFrame(message.ByeFrame{ID: message.NewID(), Cause: cause.Hangup, Origin: cause.Manual})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestByesOfBothSidesCross(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		r.Bye(r.room(), cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit})
		bye := r.expect(message.TypeBye)[0]
		r.deliver(r.phone.Bye(roomID))
		r.expect(message.TypeAck)
		r.expectNoEvent() // the device's cause is the record's
		r.deliver(r.phone.Ack(roomID, bye.ID))
		time.Sleep(time.Minute)
		r.expect()
	})
}

func TestLateOrForeignThingsInARoom(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		before := r.Refused()
		r.deliver(r.phone.Message("hologram", roomID, nil)) // of a later version
		r.expect(message.TypeAck)
		r.expectRefused(before, map[signaling.Reason]uint64{})
		r.deliver(r.phone.Message(message.TypeStart, roomID, nil)) // only devices say so
		r.expect(message.TypeAck)
		r.expectRefused(before, map[signaling.Reason]uint64{signaling.RefusedState: 1})
		r.deliver(r.phone.Invite(roomID)) // the page was opened again with the same room
		r.expect(message.TypeAck)
		r.expectNoEvent()
	})
}

func TestRoomsAreForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		bye := r.phone.Bye(roomID)
		r.deliver(bye)
		first := r.expect(message.TypeAck)[0].Text
		expectEvent[signaling.Bye](r)
		time.Sleep(119 * time.Second)
		r.deliver(bye)
		if again := r.expect(message.TypeAck)[0].Text; again != first {
			t.Error("a duplicate did not get the same bytes back")
		}
		time.Sleep(2 * time.Second)
		before := r.Refused()
		r.deliver(bye)
		r.expect(message.TypeAck)
		r.expectRefused(before, map[signaling.Reason]uint64{signaling.RefusedRoom: 1})
	})
}

func TestGroupIDIsAnAlias(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.deliver(r.phone.Invite(roomID, signalingtest.Without("roomId"), signalingtest.With(signalingtest.Members{"groupId": roomID})))
		if got := r.expect(message.TypeChallenge)[0].RoomID; got != roomID {
			t.Errorf("roomId = %q", got)
		}
	})
}
