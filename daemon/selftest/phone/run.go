package phone

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/daemon/selftest"
	"callbox/hal"
	"callbox/hal/clock"
	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/phonepeer"
)

// Times of a test.
const (
	// connectTime is for the connection to the listener, on this machine.
	connectTime = 10 * time.Second
	// talkSlack is what a call may take beside its talk: an announcement of 30 s, the
	// ringing, the connecting.
	talkSlack = 100 * time.Second
	// linger is for how long after the end packets are counted that come too late.
	linger = 500 * time.Millisecond
	// lastWord is for how long the event of the end is waited for.
	lastWord = 2 * time.Second
	// goodbye is what an interrupted call gets to hang up.
	goodbye = 2 * time.Second
)

// Options are what Run needs.
type Options struct {
	Socket string        // of the daemon's local API
	Talk   time.Duration // the limit of the call: 1 s to 10 min
	Voice  bool          // without picture
	Codec  string        // of pictures, that the phone takes and no other: h264, vp8; "": both
	// Tell is told, in a few words, how far the test is; nil: nobody. It must not block.
	Tell func(string)
	Log  zerolog.Logger
}

// Run makes the call and returns what it measured, also of a call that has not come
// about: Figures.End says why. When ctx ends the call is hung up. Errors: those of the
// local API (control.Error, client.ErrUnreachable), of phonepeer, ctx's.
func Run(ctx context.Context, o Options) (selftest.Figures, error) {
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	api := client.New(o.Socket)
	status, err := api.Status(ctx)
	if err != nil {
		return selftest.Figures{}, err
	}
	k, err := key.New()
	if err != nil {
		return selftest.Figures{}, err
	}
	t := &test{o: o, api: api, key: k, clock: clock.Boot()}
	t.figures = figuresOf(status, o)
	if volume, err := api.Volume(ctx); err == nil { // a device without a speaker has none
		t.figures.Volume = &volume.Percent
	}
	o.Tell("asking the daemon")
	// The test itself ends with its call; only then is the daemon's connection given up.
	admission, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	err = api.Selftest(admission, control.SelftestRequest{JWK: k.Public().JWK(), Seconds: o.Talk.Seconds()}, func(standing context.Context, terms control.SelftestTerms) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(standing, func() { cancel(context.Cause(standing)) })()
		return t.call(ctx, terms)
	})
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return t.figures, err
}

// figuresOf are those that are known before.
func figuresOf(s control.Status, o Options) selftest.Figures {
	f := selftest.Figures{
		Device:   selftest.Device{Name: s.Name, SN: s.SN, Thumbprint: s.Thumbprint, Version: s.Version},
		RoomType: string(message.Video), Asked: o.Talk.Seconds(), Codec: o.Codec, Hardware: []selftest.Part{},
	}
	if o.Voice {
		f.RoomType = string(message.Voice)
	}
	for _, d := range s.Devices {
		if slices.Contains(selftest.Kinds(), d.Kind) {
			f.Hardware = append(f.Hardware, selftest.Part{Kind: d.Kind, Name: d.Name, Wanted: d.Wanted, Virtual: d.Virtual, Reason: d.Reason})
		}
		switch d.Kind {
		case "camera":
			if f.Parts.Camera == "" {
				f.Parts.Camera = d.Name
			}
		case "microphone":
			f.Parts.Microphone = d.Name
		case "speaker":
			f.Parts.Speaker = d.Name
		}
	}
	return f
}

// test is one test under way.
type test struct {
	o       Options
	api     *client.Client
	key     *key.Private
	clock   clock.Clock
	figures selftest.Figures
}

// call is the phone's part.
func (t *test) call(ctx context.Context, terms control.SelftestTerms) error {
	ctx, cancel := context.WithTimeoutCause(ctx, t.o.Talk+talkSlack, errTooLong)
	defer cancel()
	sound, err := speech()
	if err != nil {
		return err
	}
	var offered []string
	if t.o.Codec != "" {
		offered = []string{t.o.Codec}
	}
	p, err := phonepeer.New(phonepeer.Options{
		VideoCodecs: offered,
		Key:         t.key, Name: terms.Contact, InsecureTLS: true, Loopback: terms.Loopback, Clock: t.clock, Log: t.o.Log,
		Device: &phonepeer.Device{SN: terms.SN, DKT: terms.Thumbprint, Endpoints: terms.Endpoints},
	})
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // never fails
	t.o.Tell("connecting to the device")
	connecting, stop := context.WithTimeout(ctx, connectTime)
	err = p.Connect(connecting)
	stop()
	if err != nil {
		return err
	}
	o := newObserver(t.api, t.clock)
	var work sync.WaitGroup
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	defer work.Wait()
	defer stopWatching()
	work.Go(func() { o.watch(watching) })
	return t.talk(ctx, p, o, terms, sound)
}

var errTooLong = errors.New("the test has taken too long")

// talk makes the call and measures it.
func (t *test) talk(ctx context.Context, p *phonepeer.Phone, o *observer, terms control.SelftestTerms, sound [][]byte) error {
	hears, sees := &ears{}, newEyes(t.figures.Parts.Camera == hal.NameVirtual)
	options := phonepeer.CallOptions{
		RoomType: message.RoomType(t.figures.RoomType), TimeLimit: t.o.Talk, Sound: phonepeer.Repeat(sound), Linger: linger,
		OnPacket: func(p phonepeer.Packet) {
			if p.Video {
				sees.take(p)
			} else {
				hears.take(p)
			}
		},
	}
	begun := t.clock.Now() // a call's first packet comes long after it has begun
	sees.begin(begun)
	t.o.Tell("calling")
	c, err := p.Call(ctx, options)
	if err != nil {
		_ = p.Close() // nothing is taken any more
		sees.close()
		return t.notCalled(err)
	}
	sees.begin(c.Begun())
	o.follow(c.Room)
	t.figures.RoomID = c.Room
	err = t.attend(ctx, c, o, terms)
	if err != nil {
		c.HangUp(cause.Manual)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
		_, _ = c.Wait(last) // the daemon ends it anyway when the connection is given up
		cancel()
	} else if ended, _ := c.Ended(); ended.End.Cause == cause.Hangup {
		select {
		case <-o.over:
		case <-time.After(lastWord):
		}
	}
	_ = p.Close() // no packet is counted any more
	sees.close()
	t.measure(c, o, hears, sees)
	return err
}

// notCalled takes an attempt that has ended as a result, and everything else as an error.
func (t *test) notCalled(err error) error {
	var end *phonepeer.EndError
	if !errors.As(err, &end) {
		return err
	}
	t.figures.End = endOf(end.Ended)
	return nil
}

// attend follows the call to its end.
func (t *test) attend(ctx context.Context, c *phonepeer.Call, o *observer, terms control.SelftestTerms) error {
	asking, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	for {
		ev, err := c.Next(ctx)
		if err != nil {
			return err
		}
		switch ev := ev.(type) {
		case phonepeer.Ringing:
			t.o.Tell("it rings")
			if !terms.Silent {
				continue
			}
			// Nobody near a device without a speaker can be told; who runs the test
			// answers, as a person at the device does.
			if err := t.api.Answer(ctx, c.Room); err != nil {
				return fmt.Errorf("cannot answer the test's call: %w", err)
			}
		case phonepeer.Accepted:
			t.o.Tell("answered")
			t.figures.Limit = ev.Limit.Seconds()
		case phonepeer.Started:
			t.o.Tell(fmt.Sprintf("talking for %v", t.o.Talk))
			t.figures.Limit = ev.Limit.Seconds()
			work.Go(func() { o.ask(asking, func() { c.Stats() }) }) // the newest way stays
		case phonepeer.Info:
			t.figures.Muted = t.figures.Muted || !ev.Mic
			t.figures.CamOff = t.figures.CamOff || !ev.Camera
			t.figures.SpkOff = t.figures.SpkOff || !ev.Speaker
		case phonepeer.Ended:
			return nil
		default:
		}
	}
}

// measure turns what was collected into figures.
func (t *test) measure(c *phonepeer.Call, o *observer, hears *ears, sees *eyes) {
	f := &t.figures
	ended, _ := c.Ended()
	f.End = endOf(ended)
	times, media := c.Times(), c.Stats()
	f.Times = selftest.Times{
		Ringing: milliseconds(times.Ringing), Accepted: milliseconds(times.Accepted), Connected: milliseconds(times.Connected),
		Started: milliseconds(times.Started), FirstSound: milliseconds(media.Audio.First), FirstPicture: milliseconds(media.Video.FirstPicture),
	}
	f.Down = selftest.Stream{Sound: trackOf(media.Audio, times.Ended), Picture: trackOf(media.Video, times.Ended), Width: sees.width, Height: sees.height}
	f.Down.Rate = rateOf(media.Video, times.Ended)
	f.Down.Sound.Gap = milliseconds(hears.gap(times.Ended))
	f.Up = o.up()
	f.Way = selftest.Way{Phone: media.Way.Local, Device: media.Way.Remote, RoundTrip: milliseconds(media.Way.RoundTrip)}
	if f.Way.RoundTrip == 0 {
		f.Way.RoundTrip = tenth(o.last.RTTMilliseconds)
	}
	f.Latency = sees.latency()
	if pcm, came, err := hears.listen(); err == nil && len(pcm) > 0 {
		level := selftest.Loudness(pcm)
		f.Level = &level
		const firstFrame = 20 * time.Millisecond // the phone sends that much after the answer
		whole := came <= media.Audio.First       // else what came before is not kept
		pcm, came = throughout(pcm, came, times.Started, times.Ended, whole)
		f.Echo = selftest.EchoOf(pcm, came-times.Accepted-firstFrame)
	}
	own := c.Begun() + times.Started + time.Duration(f.Limit*float64(time.Second))
	o.end(&f.End, own, c.Begun()+times.Ended, c.MediaSince)
}

// rateOf is how many pictures came a second from the first one to the end of the talk.
func rateOf(r phonepeer.Received, end time.Duration) float64 {
	span := max(r.Last, end) - r.First
	if span <= 0 || r.Pictures == 0 {
		return 0
	}
	return tenth(float64(r.Pictures) / span.Seconds())
}

// throughout is sound that came from came on with silence before and behind it, from the
// start of the talk to its end: what is not sent is silent, and the talk is as long. Where
// the sound is not whole nobody knows what was before it.
func throughout(pcm []int16, came, start, end time.Duration, whole bool) ([]int16, time.Duration) {
	samples := func(d time.Duration) int { return int(d * selftest.SampleRate / time.Second) }
	if late := came - start; whole && late > 0 && late < keptSound {
		pcm, came = append(make([]int16, samples(late)), pcm...), start
	}
	if missing := samples(end-came) - len(pcm); missing > 0 {
		pcm = append(pcm, make([]int16, min(missing, samples(keptSound)))...)
	}
	return pcm, came
}

func endOf(e phonepeer.Ended) selftest.End {
	return selftest.End{
		Cause: e.End.Cause, Origin: e.End.Origin, Detail: e.End.Detail, ByDevice: e.ByDevice,
		Talk: math.Round(e.Talk.Seconds()*1e3) / 1e3,
	}
}

// trackOf is what came of one kind, in a talk that ended at end.
func trackOf(r phonepeer.Received, end time.Duration) selftest.Track {
	t := selftest.Track{Codec: selftest.CodecName(r.Codec), Packets: r.Packets, Lost: r.Lost, Jitter: milliseconds(r.Jitter)}
	if r.Packets > 0 {
		t.Gap = milliseconds(max(r.LongestGap, end-r.Last))
	}
	if span := (r.Last - r.First).Seconds(); span > 0 {
		t.Bitrate = math.Round(float64(8*r.Bytes) / span)
	}
	return t
}

func milliseconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e5) / 1e2 }
func tenth(v float64) float64              { return math.Round(v*10) / 10 }
