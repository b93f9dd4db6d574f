package phonepeer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/signaling"
	"callbox/signaling/base64url"
	"callbox/signaling/cause"
	"callbox/signaling/jws"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

var errPatience = errors.New("the test's patience is over")

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(t.Context(), d, errPatience)
}

// TestEveryMessageTwice: duplicates have no second effect.
func TestEveryMessageTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.through(func(text string) []string { return []string{text, text} })
		c, room, l := b.calls(CallOptions{})
		b.device.Ringing(room, doorSDP(), time.Minute)
		b.want(c, Ringing{Timeout: time.Minute, Preconnect: true})
		b.device.Accept(room, doorSDP(), signaling.Limit{})
		b.device.Start(room, signaling.Limit{})
		b.want(c, Accepted{}, Started{})
		synctest.Wait()
		l.mu.Lock()
		if len(l.answers) != 1 {
			t.Errorf("%d answers were taken", len(l.answers))
		}
		l.mu.Unlock()
		b.device.Bye(room, manual)
		b.wantEnd(c, manual, true)
		if b.said(message.TypeInvite) != 1 || b.said(message.TypeAck) != 8 { // ringing, accept, start and bye, each twice
			t.Errorf("%d invites, %d acks", b.said(message.TypeInvite), b.said(message.TypeAck))
		}
	})
}

// TestDuplicateGetsTheSameBytes and another message under the same id nothing.
func TestDuplicateGetsTheSameBytes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		c, _, _ := b.talks(CallOptions{})
		var acks []string
		spy := &spyCarrier{carrier: b, sent: &acks}
		if err := b.loop.do(func() { c.session.mail.carrier = spy }); err != nil {
			t.Fatal(err)
		}
		id := message.NewID()
		first := b.sign(c.Room, id, message.NeedRestart{Generation: 5})
		for _, text := range []string{first, first, b.sign(c.Room, id, message.NeedRestart{Generation: 6})} {
			b.linkText(b.key.Public(), text)
		}
		synctest.Wait()
		acks = slices.DeleteFunc(acks, func(text string) bool {
			m, err := message.Parse(text)
			return err != nil || m.Type != message.TypeAck
		})
		if len(acks) != 2 || acks[0] != acks[1] {
			t.Errorf("%d acks, want twice the same", len(acks))
		}
	})
}

// spyCarrier notes what is sent; it belongs to the loop.
type spyCarrier struct {
	carrier
	sent *[]string
}

func (s *spyCarrier) send(text string) bool {
	*s.sent = append(*s.sent, text)
	return s.carrier.send(text)
}

// sign writes a message of the device.
func (b *bubble) sign(room, id string, body message.Body) string {
	b.t.Helper()
	jkt := b.o.Key.JKT()
	text, _, err := message.Sign(b.key, message.Envelope{ID: id, From: key.DeviceAddress(testSN), To: key.PhoneAddress(jkt), TKT: jkt, RoomID: room}, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// TestWhatIsNotTheDevicesIsDropped: a bye that would end the call, signed wrongly in
// one way each.
func TestWhatIsNotTheDevicesIsDropped(t *testing.T) {
	body := message.Bye{Cause: cause.Hangup}
	for reason, forge := range map[string]func(b *bubble, e message.Envelope, other *key.Private) string{
		"signature": func(b *bubble, e message.Envelope, other *key.Private) string {
			return sign(b.t, other, e, body) // kid is the other key's
		},
		"sender": func(b *bubble, e message.Envelope, other *key.Private) string {
			e.From = key.DeviceAddress("door-2")
			return sign(b.t, b.key, e, body)
		},
		"recipient": func(b *bubble, e message.Envelope, other *key.Private) string {
			e.TKT = other.JKT()
			return sign(b.t, b.key, e, body)
		},
		"malformed": func(b *bubble, e message.Envelope, other *key.Private) string { return sign(b.t, b.key, e, body) + "=" },
		"room": func(b *bubble, e message.Envelope, other *key.Private) string {
			e.RoomID = message.NewID()
			return sign(b.t, b.key, e, body)
		},
	} {
		t.Run(reason, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				c, _, _ := b.talks(CallOptions{})
				jkt := b.o.Key.JKT()
				text := forge(b, message.Envelope{From: key.DeviceAddress(testSN), To: key.PhoneAddress(jkt), TKT: jkt, RoomID: c.Room}, newKey(t))
				acks := b.said(message.TypeAck)
				b.linkText(b.key.Public(), text)
				synctest.Wait()
				if _, over := c.Ended(); over {
					t.Error("a forged bye ended the call")
				}
				if b.said(message.TypeAck) != acks || b.Dropped()[reason] != 1 {
					t.Errorf("dropped %v, want %s once and no ack", b.Dropped(), reason)
				}
			})
		})
	}
	t.Run("right kid, wrong signature", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bubble) {
			c, _, _ := b.talks(CallOptions{})
			right := b.sign(c.Room, "", body)
			head, _, _ := strings.Cut(right, ".")
			other, err := jws.Parse(b.sign(c.Room, "", body), message.Typ)
			if err != nil {
				t.Fatal(err)
			}
			signature := right[strings.LastIndex(right, "."):]
			b.linkText(b.key.Public(), head+"."+base64url.Encode(other.Payload)+signature)
			synctest.Wait()
			if _, over := c.Ended(); over || b.Dropped()["signature"] != 1 {
				t.Errorf("over %v, dropped %v", over, b.Dropped())
			}
		})
	})
}

func sign(t *testing.T, k *key.Private, e message.Envelope, body message.Body) string {
	t.Helper()
	text, _, err := message.Sign(k, e, body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestBreaches: a verified message that breaks the rules ends the attempt.
func TestBreaches(t *testing.T) {
	for name, body := range map[string]message.Body{
		"ringing of another offer":    message.Ringing{RingTimeout: 60, Nonce: "bm9uY2U"},
		"accept of another offer":     message.Accept{SDP: doorSDP()},
		"challenge of another invite": message.Challenge{Nonce: "bm9uY2U", Epoch: 1},
		"reject of nothing":           message.Reject{Cause: cause.Busy},
		"a value out of range":        message.Ringing{RingTimeout: -1, Nonce: "bm9uY2U"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				c, _, _ := b.calls(CallOptions{})
				b.linkText(b.key.Public(), b.sign(c.Room, "", body))
				time.Sleep(leaveTime)
				b.wantEnd(c, cause.End{Cause: cause.BadRequest}, false)
				if got := emitted[signaling.Cancel](b); got.Cause != cause.BadRequest {
					t.Errorf("the device has got %+v", got)
				}
			})
		})
	}
}

// TestOrder: what comes too early is kept, and a type of a later version is only
// acknowledged.
func TestOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		var kept []string
		b.through(func(text string) []string {
			if m, err := message.Parse(text); err == nil && m.Type == message.TypeAccept {
				kept = append(kept, text)
				return nil
			}
			return []string{text}
		})
		c, room, l := b.calls(CallOptions{})
		b.device.Accept(room, doorSDP(), signaling.Limit{})
		b.device.Candidates(room, [][]byte{[]byte(`{"candidate":"candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host","sdpMid":"0"}`)}, true)
		b.device.Start(room, signaling.Limit{})
		synctest.Wait()
		b.through(nil)
		b.linkText(b.key.Public(), kept[0])
		b.want(c, Accepted{}, Started{})
		l.mu.Lock()
		if len(l.candidates) != 2 || l.candidates[1].Candidate != "" {
			t.Errorf("candidates %+v", l.candidates)
		}
		l.mu.Unlock()
		acks := b.said(message.TypeAck)
		d := signalingtest.NewPhone(t, testSN, b.key.JKT()) // signs what this version cannot
		d.Key = b.key
		b.linkText(b.key.Public(), d.Message("later", c.Room, signalingtest.Members{
			"from": key.DeviceAddress(testSN), "to": key.PhoneAddress(b.o.Key.JKT()), "tkt": b.o.Key.JKT(),
		}))
		if n := b.said(message.TypeAck); n != acks+1 {
			t.Errorf("%d acks of a type of a later version", n-acks)
		}
		if _, over := c.Ended(); over {
			t.Error("it ended the call")
		}
	})
}

// TestCandidatesWaitForTheOffer: before the device has verified it, it takes none; and
// no more than 40 are sent.
func TestCandidatesWaitForTheOffer(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		c, err := b.Call(t.Context(), CallOptions{})
		if err != nil {
			t.Fatal(err)
		}
		l := <-b.legs
		for range 50 {
			l.o.emit(legCandidate{Candidate: "candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host"})
		}
		synctest.Wait()
		if n := b.said(message.TypeCandidates); n != 0 {
			t.Errorf("%d messages of candidates before the offer was verified", n)
		}
		room := emitted[signaling.Offer](b).Room
		b.device.Ringing(room, doorSDP(), time.Minute)
		time.Sleep(candidateBatch)
		if got := emitted[signaling.Candidates](b); len(got.Candidates) != message.MaxCandidates {
			t.Errorf("%d candidates", len(got.Candidates))
		}
		c.Cancel()
	})
}

// TestRestarts: one at a time, and not sooner than 2 s after the last.
func TestRestarts(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		c, room, l := b.talks(CallOptions{})
		l.o.emit(legLost{})
		b.want(c, Lost{})
		if r := emitted[signaling.Restart](b); r.Generation != 1 {
			t.Errorf("restart %+v", r)
		}
		c.Restart() // the first is not answered
		b.device.Restarted(room, 1, strings.ReplaceAll(doorSDP(), "door", "doo2"))
		synctest.Wait()
		l.mu.Lock()
		if len(l.answers) != 2 {
			t.Errorf("%d answers", len(l.answers))
		}
		l.mu.Unlock()
		l.o.emit(legFlowing{})
		b.want(c, Back{})
		b.device.NeedRestart(room, 1) // is done
		b.device.NeedRestart(room, 2)
		synctest.Wait()
		time.Sleep(2*time.Second - 1)
		if n := b.said(message.TypeRestart); n != 1 {
			t.Errorf("%d restarts within 2 s", n)
		}
		time.Sleep(time.Nanosecond)
		if r := emitted[signaling.Restart](b); r.Generation != 2 {
			t.Errorf("restart %+v", r)
		}
		b.device.Restarted(room, 2, strings.ReplaceAll(doorSDP(), signalingtest.DefaultFingerprint, signalingtest.OtherFingerprint))
		time.Sleep(leaveTime)
		b.wantEnd(c, cause.End{Cause: cause.BadRequest}, false) // the fingerprint must not change
	})
}

// TestChannelCopies: the first copies on the data channel count, and the signed ones
// that follow are duplicates.
func TestChannelCopies(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		c, room, l := b.calls(CallOptions{})
		b.device.Ringing(room, doorSDP(), time.Minute)
		b.want(c, Ringing{Timeout: time.Minute, Preconnect: true})
		b.cut(true)
		for _, frame := range [][]byte{
			b.device.Accept(room, doorSDP(), signaling.Limit{}), b.device.Start(room, signaling.Limit{}), []byte("nonsense"), b.device.Bye(room, manual),
		} {
			l.o.emit(legFrame(frame))
		}
		b.want(c, Accepted{}, Started{})
		b.cut(false)
		time.Sleep(time.Minute)
		b.wantEnd(c, manual, true)
	})
}

// TestRoomIsForgotten: two minutes after its end a room answers no more.
func TestRoomIsForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		c, room, _ := b.talks(CallOptions{})
		b.device.Bye(room, manual)
		b.wantEnd(c, manual, true)
		late := b.sign(c.Room, "", message.Start{})
		time.Sleep(roomMemory - 1)
		acks := b.said(message.TypeAck)
		b.linkText(b.key.Public(), late)
		if n := b.said(message.TypeAck); n != acks+1 {
			t.Errorf("%d acks of a late message", n-acks)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		b.linkText(b.key.Public(), late)
		if n := b.said(message.TypeAck); n != acks+1 || b.Dropped()["room"] != 1 {
			t.Errorf("dropped %v, %d acks", b.Dropped(), n-acks)
		}
	})
}

// TestLinkDown: the time without a link does not count, and what waits goes at once
// when it is back.
func TestLinkDown(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		c, _, _ := b.talks(CallOptions{})
		b.cut(true)
		b.linkDown()
		c.HangUp(cause.Manual)
		time.Sleep(5 * time.Minute / 3)
		b.wantEnd(c, manual, false)
		before := b.said(message.TypeBye)
		b.cut(false)
		b.linkUp(1)
		if got := emitted[signaling.Bye](b); got.End != manual {
			t.Errorf("the device has got %+v", got)
		}
		if n := b.said(message.TypeBye); n != before+1 || before != 0 {
			t.Errorf("%d byes before and %d after", before, n)
		}
	})
}
