package phonepeer

import (
	"context"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// await is Await with the test's patience.
func await[E Event](t *testing.T, c *Call) E {
	t.Helper()
	ctx, cancel := patience(t)
	defer cancel()
	ev, err := Await[E](ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// wantEnd waits for the end and compares it.
func wantEnd(t *testing.T, c *Call, want cause.End, byDevice bool) Ended {
	t.Helper()
	ctx, cancel := patience(t)
	defer cancel()
	ended, err := c.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if ended.End != want || ended.ByDevice != byDevice {
		t.Errorf("ended %+v, want %+v, by the device %v", ended, want, byDevice)
	}
	return ended
}

// talks calls the door and brings the call to a talk.
func talks(t *testing.T, d *door, p *Phone, o CallOptions) (*Call, *doorLeg) {
	t.Helper()
	c, err := p.Call(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	l := d.ring()
	await[Ringing](t, c)
	l.accept(signaling.Limit{})
	await[Started](t, c)
	return c, l
}

func TestVideoCall(t *testing.T) {
	d := openDoor(t)
	p := d.connected()
	c, l := talks(t, d, p, CallOptions{RoomType: message.Video})
	eventually(t, "media flows both ways", func() bool {
		s := c.Stats()
		return s.Audio.Packets > 10 && s.Video.Pictures > 3 && s.Video.FirstPicture > 0 &&
			l.counts.audio.received().Packets > 10 && l.counts.video.received().Pictures > 1
	})
	l.bye(cause.End{Cause: cause.Hangup, Origin: cause.Manual})
	ended := wantEnd(t, c, cause.End{Cause: cause.Hangup, Origin: cause.Manual}, true)
	if ended.Talk <= 0 || ended.Talk > time.Minute {
		t.Errorf("talk %v", ended.Talk)
	}
	times, s := c.Times(), c.Stats()
	t.Logf("%+v %+v", times, s)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 15 s: %s", what)
		}
	}
}

func patience(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 15*time.Second)
}
