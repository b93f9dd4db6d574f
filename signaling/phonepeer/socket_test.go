package phonepeer

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/pairing"
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

func TestPairAndCall(t *testing.T) {
	d := openDoor(t)
	p := newTestPhone(t, Options{Name: "Anna"})
	if err := p.Connect(t.Context()); !errors.Is(err, ErrNotPaired) {
		t.Errorf("Connect of a new phone: %v, want ErrNotPaired", err)
	}
	link := d.link(signaling.RightCall)
	device, err := p.Pair(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	if device.DKT != d.key.JKT() || device.Name != testName || !slices.Equal(device.Rights, []message.Right{"call"}) {
		t.Errorf("paired with %+v", device)
	}
	if paired := waitFor[signaling.Paired](d); paired.Contact.Name != "Anna" || paired.Contact.JKT != p.Key().JKT() {
		t.Errorf("the device has paired %+v", paired)
	}
	if err := p.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, l := talks(t, d, p, CallOptions{})
	l.bye(cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit})
	wantEnd(t, c, cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}, true)
	if n := p.Dropped(); len(n) > 0 {
		t.Errorf("dropped %v", n)
	}

	second := newTestPhone(t, Options{})
	if _, err := second.Pair(t.Context(), link); !errors.Is(err, ErrPairingRefused) {
		t.Errorf("Pair with a used link: %v, want ErrPairingRefused", err)
	}
	if _, err := second.Pair(t.Context(), "https://example.org/#nothing"); !errors.Is(err, pairing.ErrLink) {
		t.Errorf("Pair with no link: %v, want ErrLink", err)
	}
}

// TestOwnSound: a phone sends the packets that it is given and shows those that come.
func TestOwnSound(t *testing.T) {
	d := openDoor(t)
	p := d.connected()
	var asked, sound, pictures atomic.Uint64
	c, l := talks(t, d, p, CallOptions{
		RoomType: message.Video,
		Sound: func() []byte {
			if asked.Add(1)%2 == 0 {
				return nil
			}
			return make([]byte, 99)
		},
		OnPacket: func(p Packet) {
			switch {
			case len(p.Payload) == 0 || p.Header.SSRC == 0:
				t.Errorf("heard %v of %d bytes", p.Header, len(p.Payload))
			case p.Video:
				pictures.Add(1)
			default:
				sound.Add(1)
			}
		},
	})
	eventually(t, "media flows both ways", func() bool {
		return sound.Load() > 10 && pictures.Load() > 1 && l.counts.audio.received().Packets > 10
	})
	if got := l.counts.audio.received(); got.Bytes != 99*got.Packets {
		t.Errorf("%d bytes of sound in %d packets", got.Bytes, got.Packets)
	}
	c.HangUp(cause.Manual)
	wantEnd(t, c, cause.End{Cause: cause.Hangup, Origin: cause.Manual}, false)
	waitFor[signaling.Bye](d)
	p.legs.Wait() // no packet is between the count and OnPacket
	if sent := c.Stats().SoundSent; sent > asked.Load()/2+1 {
		t.Errorf("%d packets sent of %d askings", sent, asked.Load())
	}
	if s := c.Stats(); s.Audio.Packets != sound.Load() || s.Video.Packets != pictures.Load() {
		t.Errorf("heard %d and %d of %+v", sound.Load(), pictures.Load(), s)
	}
}

func TestVideoCall(t *testing.T) {
	d := openDoor(t)
	p := d.connected()
	c, l := talks(t, d, p, CallOptions{RoomType: message.Video, Tone: true})
	eventually(t, "media flows both ways", func() bool {
		s := c.Stats()
		return s.Audio.Packets > 10 && s.Video.Pictures > 3 && s.Video.FirstPicture > 0 &&
			l.counts.audio.received().Packets > 10 && l.counts.video.received().Pictures > 1
	})
	if got := l.counts.audio.received(); got.Bytes < 20*got.Packets {
		t.Errorf("%d bytes of tone in %d packets", got.Bytes, got.Packets)
	}
	c.HangUp(cause.ForceFromApp)
	ended := wantEnd(t, c, cause.End{Cause: cause.Hangup, Origin: cause.ForceFromApp}, false)
	if bye := waitFor[signaling.Bye](d); bye.End != ended.End {
		t.Errorf("the device has got %+v", bye.End)
	}
	if ended.Talk <= 0 || ended.Talk > time.Minute {
		t.Errorf("talk of %v", ended.Talk)
	}
	times := c.Times()
	order := []time.Duration{times.Challenged, times.Offered, times.Ringing, times.Accepted, times.Started, times.Ended}
	if order[0] == 0 || !slices.IsSorted(order) || times.Connected == 0 {
		t.Errorf("times %+v", times)
	}
	if s := c.Stats(); s.Audio.Lost+s.Video.Lost > 0 || s.SoundSent == 0 || s.PicturesSent == 0 || s.Audio.LongestGap == 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestVoiceCallHasNoPicture(t *testing.T) {
	d := openDoor(t)
	c, l := talks(t, d, d.connected(), CallOptions{})
	eventually(t, "sound flows both ways", func() bool { return c.Stats().Audio.Packets > 10 && l.counts.audio.received().Packets > 10 })
	if s := c.Stats(); s.Video.Packets+s.PicturesSent > 0 {
		t.Errorf("stats %+v", s)
	}
	c.SetMic(false)
	c.SetCamera(true)
	eventually(t, "the device hears of it", func() bool {
		return waitFor[signaling.PhoneInfo](d) == signaling.PhoneInfo{Room: l.room, Speaker: true, Quality: 4}
	})
}

func TestInfoSaysWhatIsSent(t *testing.T) {
	d := openDoor(t)
	off := false
	c, l := talks(t, d, d.connected(), CallOptions{RoomType: message.Video, EnableCallerCamera: &off})
	want := signaling.PhoneInfo{Room: l.room, Mic: true, Speaker: true, Quality: 4}
	if got := waitFor[signaling.PhoneInfo](d); got != want {
		t.Errorf("info %+v, want %+v", got, want)
	}
	c.SetCamera(true)
	want.Camera = true
	if got := waitFor[signaling.PhoneInfo](d); got != want {
		t.Errorf("info %+v, want %+v", got, want)
	}
	eventually(t, "the picture comes", func() bool { return l.counts.video.received().Pictures > 0 })
	frame, err := signaling.InfoFrame(true, false, true, 3, "")
	if err != nil {
		t.Fatal(err)
	}
	l.send(frame)
	if got := await[Info](t, c); got != (Info{Mic: true, Speaker: true, Quality: 3}) {
		t.Errorf("the device's info: %+v", got)
	}
}

func TestData(t *testing.T) {
	d := openDoor(t)
	p := d.connected()
	c, err := p.Call(t.Context(), CallOptions{Query: "door=1", Payload: []byte(`{"a":1}`), TimeLimit: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SendData(t.Context(), []byte(`1`), ""); !errors.Is(err, ErrState) {
		t.Errorf("data before ringing: %v, want ErrState", err)
	}
	l := d.ring()
	await[Ringing](t, c)
	for n := range 3 { // each answer brings the next nonce
		if err := c.SendData(t.Context(), []byte(`{"n":1}`), signaling.RightUnlock); err != nil {
			t.Fatalf("data %d while it rings: %v", n, err)
		}
		if got := waitFor[signaling.PhoneData](d); got.Right != signaling.RightUnlock || string(got.Payload) != `{"n":1}` {
			t.Errorf("the device has got %+v", got)
		}
	}
	if err := c.SendData(t.Context(), []byte(`1`), "fly"); !errors.Is(err, ErrData) {
		t.Errorf("data with a right that nobody has: %v, want ErrData", err)
	}
	l.accept(signaling.Limit{Set: true, Duration: time.Minute})
	if s := await[Started](t, c); !s.Limit.Set || s.Limit.Duration != time.Minute {
		t.Errorf("started with %+v", s)
	}
	if err := c.SendData(t.Context(), []byte(`"talk"`), ""); err != nil {
		t.Fatalf("data in a talk: %v", err)
	}
	if got := waitFor[signaling.PhoneData](d); string(got.Payload) != `"talk"` {
		t.Errorf("the device has got %+v", got)
	}
	if err := c.SendData(t.Context(), []byte(`{`), ""); !errors.Is(err, ErrArgument) {
		t.Errorf("data that is no JSON: %v, want ErrArgument", err)
	}
	l.send([]byte(`{"t":"data","id":"x1","payload":[2]}`))
	if got := await[Data](t, c); string(got.Payload) != `[2]` {
		t.Errorf("the phone has got %s", got.Payload)
	}
}

func TestRungOverASocket(t *testing.T) {
	d := openDoor(t)
	p := d.connected()
	ring := func() *Incoming {
		t.Helper()
		if err := d.Ring(signaling.RingRequest{Phone: p.Key().JKT(), RoomID: message.NewID(), RoomType: signaling.Video, Life: time.Minute}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := patience(t)
		defer cancel()
		in, err := p.Incoming(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	in := ring()
	in.Decline("")
	wantEnd(t, in.Call, cause.End{Cause: cause.Rejected}, false)
	if got := waitFor[signaling.RingDeclined](d); got.Cause != cause.Rejected {
		t.Errorf("the device has got %+v", got)
	}

	in = ring()
	in.Answer()
	l := d.leg(waitFor[signaling.Offer](d).Room)
	l.accept(signaling.Limit{})
	await[Started](t, in.Call)
	eventually(t, "media flows both ways", func() bool {
		return in.Stats().Video.Pictures > 1 && in.Stats().Audio.Packets > 5 && l.counts.video.received().Pictures > 1
	})
	in.HangUp(cause.Manual)
	wantEnd(t, in.Call, manual, false)
	if bye := waitFor[signaling.Bye](d); bye.End != manual {
		t.Errorf("the device has got %+v", bye.End)
	}
}

func TestMediaLostAndBack(t *testing.T) {
	d := openDoor(t)
	c, l := talks(t, d, d.connected(), CallOptions{RoomType: message.Video})
	eventually(t, "media flows", func() bool { return c.Stats().Audio.Packets > 5 })
	c.DropMedia()
	await[Lost](t, c)
	if r := waitFor[signaling.Restart](d); r.Generation != 1 {
		t.Errorf("restart %+v", r)
	}
	before := c.Stats().Audio.Packets
	c.RestoreMedia()
	await[Back](t, c)
	eventually(t, "media flows again", func() bool { return c.Stats().Audio.Packets > before })
	l.bye(cause.End{Cause: cause.Hangup, Origin: cause.Manual})
	wantEnd(t, c, cause.End{Cause: cause.Hangup, Origin: cause.Manual}, true)
}

func TestRestart(t *testing.T) {
	d := openDoor(t)
	c, l := talks(t, d, d.connected(), CallOptions{})
	pair := func() string {
		s, err := l.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
		if err != nil || s == nil {
			return ""
		}
		return s.Remote.String()
	}
	eventually(t, "a way is chosen", func() bool { return pair() != "" })
	before := pair()
	c.Restart()
	if r := waitFor[signaling.Restart](d); r.Generation != 1 {
		t.Errorf("restart %+v", r)
	}
	eventually(t, "another way is chosen", func() bool { return pair() != "" && pair() != before })
	received := c.Stats().Audio.Packets
	eventually(t, "media flows over it", func() bool { return c.Stats().Audio.Packets > received+5 })
}

func TestRefusedOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"name":      {Name: "a\nb"},
		"sn":        {Device: &Device{SN: "a b", DKT: newKey(t).JKT(), Endpoints: []string{"ws://127.0.0.1:1"}}},
		"dkt":       {Device: &Device{SN: testSN, DKT: "x", Endpoints: []string{"ws://127.0.0.1:1"}}},
		"endpoints": {Device: &Device{SN: testSN, DKT: newKey(t).JKT(), Endpoints: []string{"ftp://127.0.0.1"}}},
	} {
		if _, err := New(o); !errors.Is(err, ErrArgument) {
			t.Errorf("New, %s: %v, want ErrArgument", name, err)
		}
	}
	d := openDoor(t)
	p := d.connected()
	for name, o := range map[string]CallOptions{
		"room type": {RoomType: "picture"},
		"limit":     {TimeLimit: -time.Second},
		"query":     {Query: strings.Repeat("x", message.MaxQuery+1)},
		"payload":   {Payload: []byte("{")},
	} {
		if _, err := p.Call(t.Context(), o); !errors.Is(err, ErrArgument) {
			t.Errorf("Call, %s: %v, want ErrArgument", name, err)
		}
	}
}

// TestManyCalls: a call costs little, and nothing of it is left.
func TestManyCalls(t *testing.T) {
	d := openDoor(t)
	var phones []*Phone // each has a budget of its own at the device: 5 messages a second
	for range 5 {
		phones = append(phones, d.connected())
	}
	goroutines, files := 0, 0
	for n := range 20 {
		p := phones[n%len(phones)]
		c, l := talks(t, d, p, CallOptions{RoomType: message.Video})
		l.bye(cause.End{Cause: cause.Hangup, Origin: cause.Manual})
		wantEnd(t, c, cause.End{Cause: cause.Hangup, Origin: cause.Manual}, true)
		d.drop(l.room)
		p.legs.Wait()
		if n == 4 {
			goroutines, files = settled(), openFiles(t)
		}
	}
	g, f := 0, 0
	t.Cleanup(func() {
		t.Logf("%d goroutines and %d files after 5 calls, %d and %d after 20", goroutines, files, g, f)
	})
	eventually(t, "20 calls leave no more than 5", func() bool { // what ends may take its time
		g, f = runtime.NumGoroutine(), openFiles(t)
		return g <= goroutines+2 && f <= files+1
	})
}

// settled is the number of goroutines when those that are ending have ended.
func settled() int {
	n := runtime.NumGoroutine()
	for range 50 {
		time.Sleep(10 * time.Millisecond)
		n = min(n, runtime.NumGoroutine())
	}
	return n
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list open files")
	}
	return len(list)
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
