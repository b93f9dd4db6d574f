package phonepeer

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
)

const ringLife = 30 * time.Second

// dial lets the device ring the phone.
func (b *bubble) dial(change ...func(*signaling.RingRequest)) signaling.RoomKey {
	b.t.Helper()
	r := signaling.RingRequest{Phone: b.o.Key.JKT(), RoomID: message.NewID(), RoomType: signaling.Voice, Life: ringLife}
	for _, c := range change {
		c(&r)
	}
	if err := b.device.Ring(r); err != nil {
		b.t.Fatal(err)
	}
	return signaling.RoomKey{ID: r.RoomID, Phone: r.Phone}
}

// rung lets the device ring the phone until it alerts.
func (b *bubble) rung(change ...func(*signaling.RingRequest)) (*Incoming, signaling.RoomKey) {
	b.t.Helper()
	room := b.dial(change...)
	in, err := b.Incoming(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	emitted[signaling.RingReached](b)
	return in, room
}

// alerts reports whether the phone rings for a call that nobody has taken.
func (b *bubble) alerts() bool {
	synctest.Wait()
	return len(b.incoming) > 0
}

func TestRungAndAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		in, room := b.rung(func(r *signaling.RingRequest) {
			r.TimeLimit, r.Query = signaling.Limit{Set: true, Duration: time.Minute}, "door=1"
		})
		if in.Room != room.ID || in.RoomType != message.Voice || in.Query != "door=1" || in.TimeLimit.Duration != time.Minute {
			t.Errorf("incoming %+v", in)
		}
		time.Sleep(20 * time.Second)
		in.Answer()
		o := emitted[signaling.Offer](b)
		if !o.Ring || o.Room != room || o.TimeLimit.Duration != time.Minute {
			t.Errorf("offer %+v", o)
		}
		limit := signaling.Limit{Set: true, Duration: 30 * time.Second}
		b.device.Accept(room, doorSDP(), limit)
		b.device.Start(room, limit)
		b.want(in.Call, Accepted{limit}, Started{limit})
		time.Sleep(ringLife)
		b.device.Bye(room, manual)
		b.wantEnd(in.Call, manual, true)
		if n := b.said(message.TypeInvite); n != 1 {
			t.Errorf("%d invites", n)
		}
	})
}

func TestRungEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		run      func(b *bubble, in *Incoming, room signaling.RoomKey)
		want     cause.End
		byDevice bool
		declined cause.Cause // that the device is told; "": nothing
	}{
		"declined": {run: func(_ *bubble, in *Incoming, _ signaling.RoomKey) { in.Decline("") },
			want: cause.End{Cause: cause.Rejected}, declined: cause.Rejected},
		"declined, do not disturb": {run: func(_ *bubble, in *Incoming, _ signaling.RoomKey) { in.Decline(cause.DND) },
			want: cause.End{Cause: cause.DND}, declined: cause.DND},
		"hung up": {run: func(_ *bubble, in *Incoming, _ signaling.RoomKey) { in.HangUp(cause.Manual) },
			want: cause.End{Cause: cause.Rejected}, declined: cause.Rejected},
		"hung up after it was answered": {run: func(_ *bubble, in *Incoming, _ signaling.RoomKey) {
			in.Answer()
			synctest.Wait()
			in.Decline("") // means nothing any more
			synctest.Wait()
			in.HangUp(cause.Manual)
		}, want: cause.End{Cause: cause.Rejected}, declined: cause.Rejected},
		"answered elsewhere": {run: func(b *bubble, _ *Incoming, room signaling.RoomKey) {
			b.device.CancelRing(room, cause.AnsweredElsewhere)
		}, want: cause.End{Cause: cause.AnsweredElsewhere}, byDevice: true},
		"answered, and elsewhere sooner": {run: func(b *bubble, in *Incoming, room signaling.RoomKey) {
			in.Answer()
			synctest.Wait()
			b.device.CancelRing(room, cause.AnsweredElsewhere)
		}, want: cause.End{Cause: cause.AnsweredElsewhere}, byDevice: true},
		"nobody answers": {run: func(_ *bubble, _ *Incoming, _ signaling.RoomKey) { time.Sleep(ringLife) },
			want: cause.End{Cause: cause.Timeout}, byDevice: true, declined: cause.Timeout},
		"nobody answers and the device is gone": {run: func(b *bubble, in *Incoming, _ signaling.RoomKey) {
			b.cut(true)
			time.Sleep(ringLife + slack - 1)
			synctest.Wait()
			if _, over := in.Ended(); over {
				b.t.Error("the phone gave up too early")
			}
			time.Sleep(1 + leaveTime)
		}, want: cause.End{Cause: cause.Timeout}},
		"a bad answer": {run: func(b *bubble, in *Incoming, room signaling.RoomKey) {
			in.Answer()
			synctest.Wait()
			b.device.Accept(room, "v=0", signaling.Limit{})
			time.Sleep(leaveTime)
		}, want: cause.End{Cause: cause.BadRequest}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				in, room := b.rung()
				tt.run(b, in, room)
				b.wantEnd(in.Call, tt.want, tt.byDevice)
				if tt.declined != "" {
					if got := emitted[signaling.RingDeclined](b); got.Cause != tt.declined {
						t.Errorf("the device has got %+v", got)
					}
				}
			})
		})
	}
}

// TestRungInATalk: the phone is busy, and rings nobody.
func TestRungInATalk(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		c, _, _ := b.talks(CallOptions{})
		b.through(func(text string) []string { return []string{text, text} })
		b.dial()
		if got := emitted[signaling.RingDeclined](b); got.Cause != cause.Busy {
			t.Errorf("the device has got %+v", got)
		}
		time.Sleep(leaveTime)
		if _, over := c.Ended(); over || b.alerts() {
			t.Errorf("over %v, alerts %v", over, b.alerts())
		}
	})
}

// TestOldRingRingsNobody: a recording of a ring is answered and comes to nothing.
func TestOldRingRingsNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		jkt := b.o.Key.JKT()
		jwk := b.key.Public().JWK()
		old := sign(t, b.key, message.Envelope{
			From: key.DeviceAddress(testSN), To: key.PhoneAddress(jkt), TKT: jkt, RoomID: message.NewID(), JWK: &jwk,
		}, message.Ring{RoomType: message.Video})
		b.linkText(b.key.Public(), old)
		time.Sleep(time.Minute)
		if b.alerts() || b.said(message.TypeInvite) != 1 || b.said(message.TypeReject) != 0 {
			t.Errorf("alerts %v, %d invites", b.alerts(), b.said(message.TypeInvite))
		}
	})
}

// TestGlare: a ring that meets the phone's own call is answered in silence; which of
// the two goes on is the device's to say.
func TestGlare(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		c, room, _ := b.calls(CallOptions{})
		in, rung := b.rung()
		b.device.CancelRing(rung, cause.Cancelled)
		b.wantEnd(in.Call, cause.End{Cause: cause.Cancelled}, true)
		b.device.Accept(room, doorSDP(), signaling.Limit{})
		b.device.Start(room, signaling.Limit{})
		b.want(c, Accepted{}, Started{})
	})
}

func TestDataOfTheDevice(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		c, room, l := b.calls(CallOptions{})
		b.device.Ringing(room, doorSDP(), time.Minute)
		b.want(c, Ringing{Timeout: time.Minute, Preconnect: true})
		if _, err := b.device.SendData(room, message.NewID(), []byte(`[1]`)); err != nil {
			t.Fatal(err)
		}
		if got := await[Data](t, c); string(got.Payload) != `[1]` {
			t.Errorf("data %s", got.Payload)
		}
		if got := emitted[signaling.DataAnswered](b); got.Error != "" {
			t.Errorf("answered %+v", got)
		}
		b.through(func(text string) []string { // held back by a broker
			time.AfterFunc(6*time.Second, func() { b.linkText(b.key.Public(), text) })
			return nil
		})
		if _, err := b.device.SendData(room, message.NewID(), []byte(`[2]`)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second)
		if got := emitted[signaling.DataAnswered](b); got.Error != signaling.ErrorBadRequest {
			t.Errorf("answered %+v", got)
		}
		b.through(nil)
		b.device.Accept(room, doorSDP(), signaling.Limit{})
		b.device.Start(room, signaling.Limit{})
		b.want(c, Accepted{}, Started{})
		id := message.NewID()
		frame, err := b.device.SendData(room, id, []byte(`[3]`))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			l.o.emit(legFrame(frame))
		}
		if got := await[Data](t, c); string(got.Payload) != `[3]` {
			t.Errorf("data %s", got.Payload)
		}
		synctest.Wait()
		l.mu.Lock()
		answers := 0
		for _, f := range l.frames {
			if strings.Contains(f, `"dataAck"`) && strings.Contains(f, id) {
				answers++
			}
		}
		l.mu.Unlock()
		if answers != 1 {
			t.Errorf("%d answers to data that came twice", answers)
		}
	})
}

func TestIncomingOfAClosedPhone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		in, _ := b.rung()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		b.wantEnd(in.Call, cause.End{Cause: cause.Rejected}, false)
		if got := emitted[signaling.RingDeclined](b); got.Cause != cause.Rejected {
			t.Errorf("the device has got %+v", got)
		}
		if _, err := b.Incoming(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("Incoming: %v, want ErrClosed", err)
		}
	})
}
