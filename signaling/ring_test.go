package signaling_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/signaling"
	"callbox/signaling/base64url"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

const ringLife = time.Minute

// request rings the rig's phone for a video call in the rig's room.
func (r *rig) request() signaling.RingRequest {
	return signaling.RingRequest{Phone: r.phone.JKT(), RoomID: roomID, RoomType: signaling.Video, Life: ringLife}
}

// dial connects the phone, rings it and returns the ring.
func (r *rig) dial(change ...func(*signaling.RingRequest)) *message.Message {
	r.t.Helper()
	r.Up(r.peer(r.phone))
	q := r.request()
	for _, c := range change {
		c(&q)
	}
	if err := r.Ring(q); err != nil {
		r.t.Fatal(err)
	}
	return r.expect(message.TypeRing)[0]
}

// alerts lets the phone answer the ring by itself, and returns its invite with
// the nonce that it was challenged with.
func (r *rig) alerts(ring *message.Message, changes ...signalingtest.Change) (invite, nonce string) {
	r.t.Helper()
	invite = r.phone.Answer(ring, changes...)
	r.deliver(invite)
	nonce = r.expect(message.TypeChallenge)[0].Body.(message.Challenge).Nonce
	expectEvent[signaling.RingReached](r)
	return invite, nonce
}

// answers lets its person answer.
func (r *rig) answers(ring *message.Message) signaling.Offer {
	r.t.Helper()
	invite, nonce := r.alerts(ring)
	r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
	return expectEvent[signaling.Offer](r)
}

func TestOutgoingCallFromRingToBye(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		time.Sleep(10 * time.Second) // the device has been up for a while
		r.Up(r.peer(r.phone))
		q := r.request()
		q.TimeLimit, q.Query = limit(90*time.Second), "door=1"
		if err := r.Ring(q); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ring, b, err := r.phone.ReadRing(r.wire.take()[0].text)
		if err != nil || b.RoomType != signaling.Video || b.TimeLimit != limit(90*time.Second) || b.Query != "door=1" || ring.RoomID != roomID {
			t.Fatalf("ring = %+v, %v", b, err)
		}
		time.Sleep(400 * time.Millisecond)
		invite := r.phone.Answer(ring, signalingtest.With(members{"payload": 1}))
		r.deliver(invite)
		c := r.expect(message.TypeChallenge)[0]
		challenge := c.Body.(message.Challenge)
		if c.Ref == "" || c.JWK == nil || challenge.Epoch != 1 || len(challenge.ICEServers) != 2 || challenge.RingTimeout != 59.6 {
			t.Errorf("challenge = %+v, %+v", c.Envelope, challenge)
		}
		if e := expectEvent[signaling.RingReached](r); e.Room != r.room() {
			t.Errorf("event %+v", e)
		}
		time.Sleep(20 * time.Second)
		r.expect() // the invite has stood for an ack
		r.deliver(r.phone.Offer(roomID, challenge.Nonce, invite, signalingtest.SDP{}.String()))
		o := expectEvent[signaling.Offer](r)
		if !o.Ring || o.Room != r.room() || o.Contact.Name != "Anna" || o.RoomType != signaling.Video ||
			o.TimeLimit != limit(90*time.Second) || string(o.Payload) != "1" || o.SDP == "" {
			t.Errorf("offer = %+v", o)
		}
		if frame := r.Accept(o.Room, answerSDP, o.TimeLimit); frame != nil {
			t.Error("accept has a copy for a data channel that cannot be open")
		}
		accept := r.acked(message.TypeAccept)
		if b := accept.Body.(message.Accept); b.SDP != answerSDP || b.TimeLimit != o.TimeLimit || accept.JWK != nil {
			t.Errorf("accept = %+v, %+v", accept.Envelope, b)
		}
		r.Start(o.Room, o.TimeLimit)
		r.acked(message.TypeStart)
		time.Sleep(2 * ringLife) // the ring's life does not touch the talk
		r.expect()
		r.CancelRing(o.Room, cause.Cancelled) // nor does a late cancel
		r.Bye(o.Room, cause.End{Cause: cause.Hangup, Origin: cause.Manual})
		r.acked(message.TypeBye)
		time.Sleep(time.Minute)
		r.expect()
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{})
	})
}

// TestARingIsTheGoldenOne compares the members of a ring with those that the
// phone's tests read.
func TestARingIsTheGoldenOne(t *testing.T) {
	p, err := os.ReadFile("testdata/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Messages []struct {
			Name    string
			Payload map[string]any
		}
	}
	if err := json.Unmarshal(p, &golden); err != nil {
		t.Fatal(err)
	}
	inBubble(t, func(t *testing.T, r *rig) {
		ring := r.dial(func(q *signaling.RingRequest) { q.TimeLimit, q.Query = limit(1500*time.Millisecond), "door=1" })
		payload, err := base64url.Decode(strings.Split(ring.Text, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(payload, &got); err != nil {
			t.Fatal(err)
		}
		for _, g := range golden.Messages {
			if g.Name != "ring" {
				continue
			}
			if want := slices.Sorted(maps.Keys(g.Payload)); !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
				t.Errorf("members %v, want %v", slices.Sorted(maps.Keys(got)), want)
			}
			for _, name := range []string{"v", "t", "roomType", "timeLimit", "query"} {
				if got[name] != g.Payload[name] {
					t.Errorf("%s = %v, want %v", name, got[name], g.Payload[name])
				}
			}
			return
		}
		t.Error("there is no golden ring")
	})
}

func TestARingIsDeliveredUntilAnAck(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		ring := r.dial()
		at, texts := r.sendings(10 * time.Second)
		if want := seconds(.5, 1.5, 3.5, 7.5); !slices.Equal(at, want) {
			t.Errorf("sent again after %v, want %v", at, want)
		}
		if slices.ContainsFunc(texts, func(s string) bool { return s != ring.Text }) {
			t.Error("it was not the same bytes")
		}
		r.deliver(r.phone.Ack(roomID, ring.ID))
		at, _ = r.sendings(45 * time.Second)
		if len(at) != 0 {
			t.Errorf("sent again after the ack: %v", at)
		}
		r.expectNoEvent()
		invite, nonce := r.alerts(ring) // it has taken its time
		r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		expectEvent[signaling.Offer](r)
	})
}

func TestEachCopyOfTheAnswerGetsAChallenge(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		ring := r.dial()
		invite := r.phone.Answer(ring)
		r.deliver(invite, invite, r.phone.Answer(ring))
		nonces := map[string]bool{}
		for _, m := range r.expect(message.TypeChallenge, message.TypeChallenge, message.TypeChallenge) {
			nonces[m.Body.(message.Challenge).Nonce] = true
		}
		if len(nonces) != 2 {
			t.Errorf("%d nonces, want one for each invite at this moment", len(nonces))
		}
		expectEvent[signaling.RingReached](r)
	})
}

func TestTheNonceIsGoodAsLongAsItRings(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		invite, nonce := r.alerts(r.dial())
		time.Sleep(ringLife - time.Millisecond)
		r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		if o := expectEvent[signaling.Offer](r); !o.Ring {
			t.Errorf("offer = %+v", o)
		}
		time.Sleep(ringLife) // the daemon may let it wait
		r.expect(message.TypeAck)
		r.expectNoEvent()
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		r.acked(message.TypeAccept)
	})
}

func TestTheSmallerLimitHolds(t *testing.T) {
	none := signaling.Limit{}
	for name, tt := range map[string]struct {
		ring   signaling.Limit
		invite any
		want   signaling.Limit
	}{
		"none":              {none, nil, none},
		"the ring's":        {limit(time.Minute), nil, limit(time.Minute)},
		"the phone's":       {none, 30, limit(30 * time.Second)},
		"the phone's lower": {limit(time.Minute), 30, limit(30 * time.Second)},
		"the ring's lower":  {limit(time.Minute), 90, limit(time.Minute)},
		"rounded up":        {limit(time.Microsecond), nil, limit(time.Millisecond)},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				var changes []signalingtest.Change
				if tt.invite != nil {
					changes = append(changes, signalingtest.With(members{"timeLimit": tt.invite}))
				}
				invite, nonce := r.alerts(r.dial(func(q *signaling.RingRequest) { q.TimeLimit = tt.ring }), changes...)
				r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
				if o := expectEvent[signaling.Offer](r); o.TimeLimit != tt.want {
					t.Errorf("limit = %v, want %v", o.TimeLimit, tt.want)
				}
			})
		})
	}
}

func TestAVideoRingMayBeAnsweredAsVoice(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		invite, nonce := r.alerts(r.dial(), signalingtest.With(members{"roomType": "voice"}))
		r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{Voice: true}.String()))
		if o := expectEvent[signaling.Offer](r); o.RoomType != signaling.Voice || !o.Ring {
			t.Errorf("offer = %+v", o)
		}
	})
}

func TestRingErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		bring  func(*rig)
		change func(*rig, *signaling.RingRequest)
		want   error
	}{
		"unknown contact": {nil, func(_ *rig, q *signaling.RingRequest) { q.Phone = "nobody" }, signaling.ErrUnknownPhone},
		"revoked contact": {func(r *rig) { r.book.revoke(r.phone) }, nil, signaling.ErrRevoked},
		"suspended contact": {func(r *rig) {
			secret := r.OpenPairing(signaling.PairingTerms{}).Secret
			r.deliver(r.phone.Pair(roomID+"p", secret, "Anna"))
			eve := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.from(eve, eve.Pair(roomID+"q", secret, "Eve"))
		}, nil, signaling.ErrRevoked},
		"ringing room":      {func(r *rig) { r.dial() }, nil, signaling.ErrRoomTaken},
		"room of a call":    {func(r *rig) { r.talks() }, nil, signaling.ErrRoomTaken},
		"room that ended":   {func(r *rig) { r.dial(); r.CancelRing(r.room(), cause.Cancelled) }, nil, signaling.ErrRoomTaken},
		"another's room":    {otherIsRung, nil, signaling.ErrRoomTaken},
		"no room":           {nil, func(_ *rig, q *signaling.RingRequest) { q.RoomID = "" }, message.ErrBadRequest},
		"bad room":          {nil, func(_ *rig, q *signaling.RingRequest) { q.RoomID = "a/b" }, message.ErrBadRequest},
		"no room type":      {nil, func(_ *rig, q *signaling.RingRequest) { q.RoomType = "" }, message.ErrBadRequest},
		"no life":           {nil, func(_ *rig, q *signaling.RingRequest) { q.Life = 0 }, message.ErrBadRequest},
		"negative life":     {nil, func(_ *rig, q *signaling.RingRequest) { q.Life = -1 }, message.ErrBadRequest},
		"life without end":  {nil, func(_ *rig, q *signaling.RingRequest) { q.Life = math.MaxInt64 }, message.ErrBadRequest},
		"limit of 0":        {nil, func(_ *rig, q *signaling.RingRequest) { q.TimeLimit = limit(0) }, message.ErrBadRequest},
		"limit over 2^31 s": {nil, func(_ *rig, q *signaling.RingRequest) { q.TimeLimit = limit(1<<31*time.Second + 1e9) }, message.ErrBadRequest},
		"query over 1 KiB":  {nil, func(_ *rig, q *signaling.RingRequest) { q.Query = strings.Repeat("x", message.MaxQuery+1) }, message.ErrTooLarge},
		"query not UTF-8":   {nil, func(_ *rig, q *signaling.RingRequest) { q.Query = "\xff" }, message.ErrBadRequest},
		"too many rooms": {func(r *rig) {
			for range 1024 {
				q := r.request()
				q.RoomID = message.NewID()
				if err := r.Ring(q); err != nil {
					r.t.Fatal(err)
				}
			}
		}, nil, signaling.ErrFull},
		"closed": {func(r *rig) { r.Close() }, nil, signaling.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				if tt.bring != nil {
					tt.bring(r)
				}
				synctest.Wait()
				r.wire.take()
				q := r.request()
				if tt.change != nil {
					tt.change(r, &q)
				}
				if err := r.Ring(q); !errors.Is(err, tt.want) {
					t.Errorf("Ring = %v, want %v", err, tt.want)
				}
				r.expect()
			})
		})
	}
}

// otherIsRung rings another phone in the rig's room.
func otherIsRung(r *rig) {
	other := signalingtest.NewPhone(r.t, sn, r.key.JKT())
	r.book.put(other)
	q := r.request()
	q.Phone = other.JKT()
	if err := r.Ring(q); err != nil {
		r.t.Fatal(err)
	}
}
