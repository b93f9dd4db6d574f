//go:build device

package e2e

import (
	"errors"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/phonepeer"
)

// goPhone is a phone outside the machine, in Go: a browser would leave the emulated
// processor too little of this machine.
type goPhone struct {
	*phonepeer.Phone
	t *testing.T
	g *guest
}

// startGoPhone pairs a phone and connects it; it is closed with the test.
func startGoPhone(t *testing.T, g *guest, name string) *goPhone {
	t.Helper()
	phone, err := phonepeer.New(phonepeer.Options{
		Name: name, InsecureTLS: true, VideoCodecs: []string{phonepeer.CodecVP8}, // person decodes it
		Log: zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.InfoLevel),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = phone.Close() })
	window := ctl[struct {
		URL string `json:"url"`
	}](g.device, "pair", "--name", name)
	ctx, cancel := inPatience(t)
	defer cancel()
	if _, err := phone.Pair(ctx, g.reachable(window.URL)); err != nil {
		t.Fatal(err)
	}
	if err := phone.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	return &goPhone{phone, t, g}
}

// waitConnected waits until the device can reach the phone: after a kill the phone
// connects by itself.
func (p *goPhone) waitConnected() {
	p.t.Helper()
	eventually(p.t, patience, "the phone is connected", func() bool {
		s := ctl[struct {
			Transports []struct {
				Phones int `json:"phones"`
			} `json:"transports"`
		}](p.g.device, "status")
		return len(s.Transports) == 1 && s.Transports[0].Phones == 1
	})
}

// talking is a call whose talk has begun.
type talking struct {
	*phonepeer.Call
	limit message.Limit
	// begun and deadline are on the machine's boot clock, in seconds.
	begun, deadline float64
}

// ring calls the device with picture and sound, until it rings.
func (p *goPhone) ring(limit time.Duration) *phonepeer.Call {
	p.t.Helper()
	return p.ringWith(phonepeer.CallOptions{RoomType: message.Video, TimeLimit: limit})
}

// ringWith calls the device so, until it rings.
func (p *goPhone) ringWith(o phonepeer.CallOptions) *phonepeer.Call {
	p.t.Helper()
	ctx, cancel := inPatience(p.t)
	defer cancel()
	c, err := p.Call(ctx, o)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := phonepeer.Await[phonepeer.Ringing](ctx, c); err != nil {
		p.t.Fatal(err)
	}
	return c
}

// answer lets a person at the device answer.
func (g *guest) answer(c *phonepeer.Call) {
	g.t.Helper()
	ctl[any](g.device, "answer", "--", c.Room) // one room in 64 begins with a dash
}

// talk calls, is answered, and waits until media has come.
func (p *goPhone) talk(limit time.Duration) *talking {
	p.t.Helper()
	c := p.ring(limit)
	p.g.answer(c)
	return p.started(c)
}

// started waits for the talk, and for sound and a picture of it.
func (p *goPhone) started(c *phonepeer.Call) *talking {
	p.t.Helper()
	ctx, cancel := inPatience(p.t)
	defer cancel()
	started, err := phonepeer.Await[phonepeer.Started](ctx, c)
	if err != nil {
		p.t.Fatal(err)
	}
	k := &talking{Call: c, limit: started.Limit}
	if k.limit.Set {
		k.deadline = p.g.status().Call.Deadline
		k.begun = k.deadline - k.limit.Duration.Seconds()
		if k.deadline == 0 {
			p.t.Fatal("the talk has no deadline")
		}
	}
	eventually(p.t, patience, "sound and picture arrive", func() bool {
		s := c.Stats()
		return s.Audio.Packets > 0 && s.Video.Pictures > 0
	})
	return k
}

// wait waits for the end.
func (k *talking) wait(t *testing.T) phonepeer.Ended {
	t.Helper()
	ctx, cancel := inPatience(t)
	defer cancel()
	ended, err := k.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return ended
}

// wantRefused calls, and wants the device to say no.
func (p *goPhone) wantRefused(want cause.Cause) {
	p.t.Helper()
	ctx, cancel := inPatience(p.t)
	defer cancel()
	c, err := p.Call(ctx, phonepeer.CallOptions{RoomType: message.Video})
	var over *phonepeer.EndError
	switch {
	case errors.As(err, &over):
	case err != nil:
		p.t.Fatal(err)
	default:
		ended, err := c.Wait(ctx)
		if err != nil {
			p.t.Fatal(err)
		}
		over = &phonepeer.EndError{Ended: ended}
	}
	if over.Ended.End.Cause != want || !over.Ended.ByDevice {
		p.t.Errorf("the device says %+v, want %s", over.Ended, want)
	}
}

// hangUp ends the talk on the phone and waits until the device is idle.
func (p *goPhone) hangUp(k *talking) {
	p.t.Helper()
	k.HangUp(cause.Manual)
	k.wait(p.t)
	p.g.waitState("idle", patience)
}

// byLimit is the end of a call whose limit is reached.
var byLimit = cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}

// wantLimitEnd waits for the end, and wants it to have been at the deadline, by all
// clocks but that on the wall, and at most so late in seconds beside the noise.
func (p *goPhone) wantLimitEnd(k *talking, late float64) {
	p.t.Helper()
	ended := k.wait(p.t)
	if ended.End != byLimit || !ended.ByDevice {
		p.t.Errorf("the phone is told %+v, want %+v of the device", ended, byLimit)
	}
	limit, times := k.limit.Duration.Seconds(), k.Times()
	seen := p.g.event("hangUpVoip", k.Room)
	end := p.g.happened(seen) - k.deadline
	late += p.g.noise(k, k.deadline)
	outside := (times.Ended - times.Started).Seconds()
	media := max(k.Stats().Audio.Last, k.Stats().Video.Last) - times.Started
	r := p.g.record(k.Room)
	p.t.Logf("limit %.3f s: the phone counts %.3f s, its last media came at %.3f s; after the deadline the device ends it by %.3f s, a shell sees it by %.3f s; record %.3f s",
		limit, outside, media.Seconds(), end, seen.boot-k.deadline, r.TalkSeconds)
	wantAbout(p.t, "the talk on the phone", outside, limit, late)
	if end < -0.03 || end > late { // /proc/uptime goes in steps of 10 ms
		p.t.Errorf("the device ends the call %+.3f s after the deadline, want at most %.2f s", end, late)
	}
	wantAbout(p.t, "the talk in the record", r.TalkSeconds, limit, 0.1)
	if r.Cause != string(byLimit.Cause) || r.Origin != string(byLimit.Origin) {
		p.t.Errorf("record = %+v, want %+v", r, byLimit)
	}
	if media.Seconds() > limit+lateEnd {
		p.t.Errorf("media came %.3f s after the talk began", media.Seconds())
	}
	p.g.waitState("idle", patience)
}
