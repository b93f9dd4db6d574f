package phonepeer

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// manual is a hang-up by a person.
var manual = cause.End{Cause: cause.Hangup, Origin: cause.Manual}

// TestEnds brings calls to each end, from each side, and looks at both.
func TestEnds(t *testing.T) {
	none := signaling.Limit{}
	for name, tt := range map[string]struct {
		options  CallOptions
		run      func(b *bubble, c *Call, room signaling.RoomKey, l *fakeLeg)
		want     cause.End
		byDevice bool
		device   signaling.Event // that its end leads to there; Room is filled in; nil: none
	}{
		"hung up by the device": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Accept(room, doorSDP(), none)
			b.device.Start(room, none)
			b.device.Bye(room, manual)
		}, want: manual, byDevice: true},
		"time limit": {options: CallOptions{TimeLimit: time.Minute}, run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			limit := signaling.Limit{Set: true, Duration: time.Minute}
			b.device.Accept(room, doorSDP(), limit)
			b.device.Start(room, limit)
			time.Sleep(time.Minute)
			b.device.Bye(room, cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit})
		}, want: cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}, byDevice: true},
		"hung up by the phone": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Accept(room, doorSDP(), none)
			b.device.Start(room, none)
			synctest.Wait()
			c.HangUp(cause.Manual)
		}, want: manual, device: signaling.Bye{End: manual}},
		"hung up by the phone before start": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Accept(room, doorSDP(), none)
			synctest.Wait()
			c.HangUp(cause.ForceFromApp)
		}, want: cause.End{Cause: cause.Hangup, Origin: cause.ForceFromApp},
			device: signaling.Bye{End: cause.End{Cause: cause.Hangup, Origin: cause.ForceFromApp}}},
		"rejected": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Ringing(room, doorSDP(), time.Minute)
			b.device.Reject(room, cause.Rejected)
		}, want: cause.End{Cause: cause.Rejected}, byDevice: true},
		"busy":      {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) { b.device.Reject(room, cause.Busy) }, want: cause.End{Cause: cause.Busy}, byDevice: true},
		"dnd":       {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) { b.device.Reject(room, cause.DND) }, want: cause.End{Cause: cause.DND}, byDevice: true},
		"forbidden": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) { b.device.Reject(room, cause.Forbidden) }, want: cause.End{Cause: cause.Forbidden}, byDevice: true},
		"nobody answers": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Ringing(room, doorSDP(), time.Minute)
			time.Sleep(time.Minute)
			b.device.Reject(room, cause.Timeout)
		}, want: cause.End{Cause: cause.Timeout}, byDevice: true},
		"nobody answers and the device forgets": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Ringing(room, doorSDP(), time.Minute)
			time.Sleep(62*time.Second - 1)
			synctest.Wait()
			if _, over := c.Ended(); over {
				b.t.Error("the phone gave up too early")
			}
			time.Sleep(time.Nanosecond)
		}, want: cause.End{Cause: cause.Timeout}, device: signaling.Cancel{Cause: cause.Timeout}},
		"cancelled while it rings": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Ringing(room, doorSDP(), time.Minute)
			synctest.Wait()
			c.Cancel()
		}, want: cause.End{Cause: cause.Cancelled}, device: signaling.Cancel{Cause: cause.Cancelled}},
		"cancelled before it rings": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) { c.Cancel() },
			want: cause.End{Cause: cause.Cancelled}, device: signaling.Cancel{Cause: cause.Cancelled}},
		"cancel crosses accept": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			var accept string
			b.cut(true)
			b.through(func(text string) []string { accept = text; return nil })
			c.Cancel()
			b.device.Accept(room, doorSDP(), none)
			synctest.Wait()
			b.through(nil)
			b.linkText(b.key.Public(), accept)
			synctest.Wait()
			b.cut(false)
			time.Sleep(leaveTime)
		}, want: manual, device: signaling.Bye{End: manual}},
		"media never connects": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Accept(room, doorSDP(), none)
			time.Sleep(22 * time.Second)
		}, want: cause.End{Cause: cause.JoinFailed}, device: signaling.Bye{End: cause.End{Cause: cause.JoinFailed}}},
		"the phone's connection fails": {run: func(b *bubble, c *Call, room signaling.RoomKey, l *fakeLeg) {
			l.o.emit(legFailed{errors.New("no socket")})
		}, want: cause.End{Cause: cause.JoinFailed}, device: signaling.Cancel{Cause: cause.JoinFailed}},
		"media is lost": {run: func(b *bubble, c *Call, room signaling.RoomKey, l *fakeLeg) {
			b.device.Accept(room, doorSDP(), none)
			b.device.Start(room, none)
			synctest.Wait()
			l.o.emit(legLost{})
			time.Sleep(32 * time.Second)
		}, want: cause.End{Cause: cause.Aborted, Detail: cause.MediaLost},
			device: signaling.Bye{End: cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}}},
		"the device is gone after its challenge": {run: func(b *bubble, c *Call, room signaling.RoomKey, l *fakeLeg) {
			b.device.Ringing(room, doorSDP(), 5*time.Second)
			synctest.Wait()
			b.cut(true)
			time.Sleep(7*time.Second + leaveTime)
		}, want: cause.End{Cause: cause.Timeout}},
		"the device has restarted": {run: func(b *bubble, c *Call, room signaling.RoomKey, l *fakeLeg) {
			b.linkDown()
			b.linkUp(1)
			synctest.Wait()
			if _, over := c.Ended(); over {
				b.t.Error("the same epoch ended the call")
			}
			b.linkUp(2)
		}, want: cause.End{Cause: cause.Aborted, Detail: cause.Restarted}, byDevice: true},
		"a limit over the asked one": {options: CallOptions{TimeLimit: time.Minute}, run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Accept(room, doorSDP(), signaling.Limit{Set: true, Duration: time.Minute + 1e6})
		}, want: cause.End{Cause: cause.BadRequest}, device: signaling.Bye{End: manual}},
		"no limit where one was asked": {options: CallOptions{TimeLimit: time.Minute}, run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Accept(room, doorSDP(), none)
		}, want: cause.End{Cause: cause.BadRequest}, device: signaling.Bye{End: manual}},
		"two fingerprints": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			two := strings.ReplaceAll(signalingtest.SDP{Voice: true, Fingerprints: []string{signalingtest.OtherFingerprint}}.String(), "actpass", "active")
			b.device.Ringing(room, two, time.Minute)
		}, want: cause.End{Cause: cause.BadRequest}, device: signaling.Cancel{Cause: cause.BadRequest}},
		"an answer that could be an offer": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Ringing(room, signalingtest.SDP{Voice: true}.String(), time.Minute)
		}, want: cause.End{Cause: cause.BadRequest}, device: signaling.Cancel{Cause: cause.BadRequest}},
		"video in a voice room": {run: func(b *bubble, c *Call, room signaling.RoomKey, _ *fakeLeg) {
			b.device.Ringing(room, strings.ReplaceAll(signalingtest.SDP{}.String(), "actpass", "active"), time.Minute)
		}, want: cause.End{Cause: cause.BadRequest}, device: signaling.Cancel{Cause: cause.BadRequest}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				c, room, l := b.calls(tt.options)
				tt.run(b, c, room, l)
				b.wantEnd(c, tt.want, tt.byDevice)
				if l.is(&l.opened) || !l.is(&l.closed) {
					t.Error("the connection is not closed")
				}
				b.cut(false)
				switch want := tt.device.(type) {
				case signaling.Bye:
					if got := emitted[signaling.Bye](b); got.End != want.End {
						t.Errorf("the device has got %+v, want %+v", got, want)
					}
				case signaling.Cancel:
					if got := emitted[signaling.Cancel](b); got.Cause != want.Cause {
						t.Errorf("the device has got %+v, want %+v", got, want)
					}
				default:
				}
			})
		})
	}
}

// TestNobodyAnswers: the attempt ends when the invite has had its ten seconds.
func TestNobodyAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.cut(true)
		begun := time.Now()
		c, err := b.Call(t.Context(), CallOptions{})
		var end *EndError
		if c != nil || !errors.Is(err, ErrUnreachable) || !errors.As(err, &end) {
			t.Fatalf("Call = %v, %v, want ErrUnreachable", c, err)
		}
		if want := (cause.End{Cause: cause.Aborted, Detail: cause.Unreachable}); end.Ended.End != want || time.Since(begun) != 10*time.Second {
			t.Errorf("ended %+v after %v", end.Ended, time.Since(begun))
		}
		if n := b.said(message.TypeInvite); n != 5 { // at 0, 0.5, 1.5, 3.5, 7.5 s
			t.Errorf("%d invites", n)
		}
	})
}

// TestCallGivesUpWithItsContext: the room was never known to the device.
func TestCallGivesUpWithItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.cut(true)
		ctx, cancel := contextFor(t, time.Second)
		defer cancel()
		if _, err := b.Call(ctx, CallOptions{}); !errors.Is(err, errPatience) {
			t.Errorf("Call: %v", err)
		}
		before := b.said(message.TypeInvite)
		time.Sleep(time.Minute)
		if n := b.said(message.TypeInvite); n != before {
			t.Error("the invite goes on")
		}
	})
}

// TestOfferWithoutAnswer: the device has challenged and is gone.
func TestOfferWithoutAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.through(func(text string) []string {
			if m, err := message.Parse(text); err == nil && m.Type == message.TypeChallenge {
				return []string{text}
			}
			return nil
		})
		c, err := b.Call(t.Context(), CallOptions{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Second + leaveTime)
		b.wantEnd(c, cause.End{Cause: cause.Aborted, Detail: cause.Unreachable}, false)
		if b.said(message.TypeOffer) != 5 || b.said(message.TypeCancel) == 0 {
			t.Errorf("%d offers, %d cancels", b.said(message.TypeOffer), b.said(message.TypeCancel))
		}
	})
}

// TestOwnEndAndTheDevices: a phone that has sent its bye and then gets one takes the
// device's cause, when it comes at once.
func TestOwnEndAndTheDevices(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		c, room, _ := b.talks(CallOptions{})
		limit := cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}
		b.cut(true)
		c.HangUp(cause.Manual)
		synctest.Wait()
		var bye string
		b.through(func(text string) []string { bye = text; return nil })
		b.device.Bye(room, limit)
		time.Sleep(leaveTime - 1)
		b.linkText(b.key.Public(), bye)
		b.wantEnd(c, limit, true)
	})
}
