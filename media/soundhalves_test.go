package media

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/virtual"
	"callbox/media/tone"
)

// twoCards is a microphone and a speaker that come and go, each by itself. As the drivers
// do, it opens the half that is there, and ends when the other one has come.
type twoCards struct {
	*journal
	microphone, speaker *plug
}

func newTwoCards() *twoCards {
	return &twoCards{journal: &journal{}, microphone: newPlug(), speaker: newPlug()}
}

func (c *twoCards) Microphone() string { return "C920,0" }
func (c *twoCards) Speaker() string    { return "HDMI,3" }

func (c *twoCards) Open(process hal.SoundFunc) (hal.SoundStream, error) {
	return c.Now().Open(process)
}

func (c *twoCards) Now() hal.Sound {
	h := halves{c.microphone.gone() != nil, c.speaker.gone() != nil}
	if h.none() {
		h = halves{true, true}
	}
	return &someCards{c, h, halves{true, true}.without(h)}
}

func (c *twoCards) OpenSpeaker(process hal.SoundFunc) (hal.SoundStream, error) {
	return (&someCards{c, halves{speaker: true}, halves{}}).Open(process)
}

// someCards are those of the halves that are opened.
type someCards struct {
	all             *twoCards
	halves, missing halves
}

func (s *someCards) Microphone() string {
	if s.halves.microphone {
		return s.all.Microphone()
	}
	return ""
}

func (s *someCards) Speaker() string {
	if s.halves.speaker {
		return s.all.Speaker()
	}
	return ""
}

func (s *someCards) Open(process hal.SoundFunc) (hal.SoundStream, error) {
	out := &someSamples{someCards: s, gone: make(chan struct{}), stop: make(chan struct{})}
	var microphone, speaker chan struct{} // closed when it is pulled
	if s.halves.microphone {
		if microphone = s.all.microphone.gone(); microphone == nil {
			return nil, hal.ErrNotFound
		}
	}
	if s.halves.speaker {
		if speaker = s.all.speaker.gone(); speaker == nil {
			return nil, hal.ErrNotFound
		}
	}
	var err error
	if out.SoundStream, err = virtual.NewSound(nil, virtual.NewSpeaker("")).Open(process); err != nil {
		return nil, err
	}
	out.watch.Go(func() { out.look(microphone, speaker) })
	s.all.note(strings.Join(strings.Fields("open "+s.Microphone()+" "+s.Speaker()), " "))
	return out, nil
}

type someSamples struct {
	hal.SoundStream
	*someCards
	gone, stop chan struct{}
	better     bool // set before gone is closed
	watch      sync.WaitGroup
}

// look waits until a card is pulled, or both are there of which one was not.
func (s *someSamples) look(microphone, speaker <-chan struct{}) {
	for !s.better {
		select {
		case <-s.stop:
			return
		case <-microphone:
			close(s.gone)
			return
		case <-speaker:
			close(s.gone)
			return
		case <-time.After(100 * time.Millisecond):
		}
		s.better = s.missing.microphone && s.all.microphone.gone() != nil || s.missing.speaker && s.all.speaker.gone() != nil
	}
	close(s.gone)
}

func (s *someSamples) Gone() <-chan struct{} { return s.gone }
func (s *someSamples) Better() bool          { return s.better }

func (s *someSamples) Close() error {
	close(s.stop)
	s.watch.Wait()
	return s.SoundStream.Close()
}

// devices are what was told of devices, with their names.
func (l *talk) devices() string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, ev := range l.events {
		switch ev := ev.(type) {
		case DeviceGone:
			out = append(out, "gone "+ev.Kind+" "+ev.Name)
		case DeviceBack:
			out = append(out, "back "+ev.Kind+" "+ev.Name)
		default:
		}
	}
	return strings.Join(out, "; ")
}

// TestHalvesGoAndComeBack: of a microphone and a speaker that are two cards each is told
// for itself, once, and nothing of the one that stays.
func TestHalvesGoAndComeBack(t *testing.T) {
	const (
		goneM, backM = "gone microphone C920,0", "back microphone C920,0"
		goneS, backS = "gone speaker HDMI,3", "back speaker HDMI,3"
	)
	in := halves{true, true}
	for name, states := range map[string][]struct {
		there halves
		told  string // since the state before
	}{
		"the microphone":             {{in, ""}, {halves{speaker: true}, goneM}, {in, backM}, {halves{speaker: true}, goneM}, {in, backM}},
		"the speaker":                {{in, ""}, {halves{microphone: true}, goneS}, {in, backS}},
		"one after the other":        {{in, ""}, {halves{speaker: true}, goneM}, {halves{}, goneS}, {halves{microphone: true}, backM}, {in, backS}},
		"both at once":               {{in, ""}, {halves{}, goneM + "; " + goneS}, {halves{speaker: true}, backS}, {in, backM}},
		"in turn":                    {{in, ""}, {halves{speaker: true}, goneM}, {halves{microphone: true}, goneS + "; " + backM}, {in, backS}},
		"no microphone at the start": {{halves{speaker: true}, goneM}, {in, backM}},
		"no speaker at the start":    {{halves{microphone: true}, goneS}, {in, backS}},
		"nothing at the start":       {{halves{}, goneM + "; " + goneS}, {halves{microphone: true}, backM}, {in, backS}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, now := newTwoCards(), in
				set := func(there halves) {
					for _, half := range []struct {
						plug      *plug
						was, want bool
					}{{c.microphone, now.microphone, there.microphone}, {c.speaker, now.speaker, there.speaker}} {
						switch {
						case half.was && !half.want:
							half.plug.pull()
						case !half.was && half.want:
							half.plug.push()
						}
					}
					now = there
				}
				set(states[0].there)
				l := newTalk(t, bubbleEngine(t, func(o *EngineOptions) { o.Sound, o.Camera = c, nil }), false)
				l.Accept(Limit{})
				l.connect()
				told := ""
				for i, state := range states {
					set(state.there)
					time.Sleep(5 * reopenDevice)
					all := l.devices()
					if got := strings.TrimPrefix(strings.TrimPrefix(all, told), "; "); got != state.told {
						t.Errorf("state %d: told %q, want %q", i, got, state.told)
					}
					told = all
				}
			})
		})
	}
}

// TestAWholeThatComesBackByHalves: what went as one device, and of which a half comes, is
// told so that the other half is known to be away.
func TestAWholeThatComesBackByHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTalk(t, bubbleEngine(t, func(*EngineOptions) {}), false)
		d := newSoundDevice(l.Session)
		all := halves{true, true}
		d.lose(all, d.device, hal.ErrGone)
		d.lose(all, d.device, hal.ErrNotFound) // is known
		d.regain(halves{speaker: true})
		d.regain(all)
		want := "gone sound virtual; gone microphone virtual; back sound virtual; back microphone virtual"
		if got := l.devices(); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// TestTheLightOfAHalf is on for a microphone that is open, and a speaker alone needs none:
// neither to start, nor to be heard.
func TestTheLightOfAHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTwoCards()
		c.microphone.pull()
		e, light := lit(t, true, func(o *EngineOptions) { o.Sound, o.Camera = c, nil })
		light.setBroken(true)
		l := newTalk(t, e, false)
		l.Accept(Limit{})
		l.wantTold(t, "gone microphone")
		l.connect()
		time.Sleep(time.Second)
		l.wantTold(t, "gone microphone", "Connected", "Started")
		light.wantLines(t)
		light.setBroken(false)
		c.microphone.push()
		time.Sleep(2 * reopenDevice)
		l.wantTold(t, "gone microphone", "Connected", "Started", "back microphone")
		light.wantLines(t, "light on")
		c.microphone.pull()
		time.Sleep(2 * reopenDevice)
		light.wantLines(t, "light on", "light off")
		c.wantLines(t, "open HDMI,3", "open C920,0 HDMI,3", "open HDMI,3")
	})
}

// TestToneWhenTheSpeakerComes: a sound that goes on begins anew with a speaker that was not
// there at first, and with one that was pulled.
func TestToneWhenTheSpeakerComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTwoCards()
		c.speaker.pull()
		var log strings.Builder
		e := bubbleEngine(t, func(o *EngineOptions) { o.Sound, o.Log = c, zerolog.New(&log) })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.Tone(ctx, tone.Ring(), true) }()
		var want []string
		for range 3 {
			time.Sleep(5 * reopenDevice)
			c.wantLines(t, want...)
			c.speaker.push()
			time.Sleep(2 * reopenDevice)
			want = append(want, "open HDMI,3")
			c.wantLines(t, want...)
			c.speaker.pull()
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Tone = %v", err)
		}
		if n := strings.Count(log.String(), `"level":"warn"`); n != 1 {
			t.Errorf("warned %d times:\n%s", n, &log)
		}
		if err := e.Tone(t.Context(), tone.End(), false); !errors.Is(err, hal.ErrNotFound) {
			t.Errorf("a sound that does not go on: %v", err)
		}
	})
}
