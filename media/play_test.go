package media

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal"
	"callbox/hal/haltest"
	"callbox/hal/virtual"
	"callbox/hal/wav"
	"callbox/media/tone"
)

// recording is a device whose speaker records.
func recording(t *testing.T) (e *Engine, heard func() []int16) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "speaker.wav")
	e = bubbleEngine(t, func(o *EngineOptions) {
		microphone, err := virtual.NewTone(700, true)
		if err != nil {
			t.Fatal(err)
		}
		o.Sound = virtual.NewSound(microphone, virtual.NewSpeaker(path))
	})
	return e, func() []int16 {
		t.Helper()
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		pcm, err := wav.Decode(f)
		if err != nil {
			t.Fatal(err)
		}
		return pcm
	}
}

// notes are the tones in a recording, in order: which of hz is loud, in windows of
// 20 ms. A pause ends a note.
func notes(pcm []int16, hz ...float64) []float64 {
	const window = hal.SampleRate / 50
	var out []float64
	last := 0.0
	for ; len(pcm) >= window; pcm = pcm[window:] {
		now := 0.0
		for _, f := range hz {
			if haltest.ToneLevel(pcm[:window], f) > -16 {
				now = f
			}
		}
		if now != 0 && now != last {
			out = append(out, now)
		}
		last = now
	}
	return out
}

func wantNotes(t *testing.T, pcm []int16, want ...float64) {
	t.Helper()
	got := notes(pcm, 440, 660, 880, 1320)
	if len(got) != len(want) {
		t.Fatalf("heard %v Hz, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("heard %v Hz, want %v", got, want)
		}
	}
}

// TestTonesInATalk: only between start and end, one behind the other.
func TestTonesInATalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, heard := recording(t)
		l := newTalk(t, e, false)
		l.Play(tone.Warning10()) // while it rings
		l.Accept(Limit{})
		time.Sleep(time.Second)
		l.Play(tone.Warning10()) // before it is connected
		time.Sleep(time.Second)
		l.connect()
		l.SetSpeaker(false) // that is the phone's sound
		l.Play(tone.Warning30())
		l.Play(tone.End())
		time.Sleep(time.Second)
		l.Play(tone.Warning10())
		time.Sleep(150 * time.Millisecond)
		l.Shut()
		l.Play(tone.Warning10())
		time.Sleep(time.Second)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		wantNotes(t, heard(), 880, 880, 660, 440, 1320)
	})
}

// TestPlayWaitsForTheCall: the end of a call is heard when it has shut.
func TestPlayWaitsForTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, heard := recording(t)
		l := newTalk(t, e, false)
		l.Accept(Limit{})
		l.connect()
		synctest.Wait() // it has the sound device
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := e.Play(ctx, tone.Warning10()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Play in a call = %v, want the end of its context", err)
		}
		played := make(chan error)
		go func() { played <- e.Play(t.Context(), tone.End()) }()
		time.Sleep(time.Second)
		l.Shut()
		if err := <-played; err != nil {
			t.Error(err)
		}
		wantNotes(t, heard(), 660, 440)
	})
}

// TestPlayIsWhole: all of it reaches the speaker, at the volume.
func TestPlayIsWhole(t *testing.T) {
	for name, tt := range map[string]struct {
		volume   int
		play     func(*Engine, context.Context, []int16) error
		decibels float64
	}{
		"full":                  {100, (*Engine).Play, -12},
		"softer":                {75, (*Engine).Play, -22},
		"silent":                {0, (*Engine).Play, -120},
		"announced":             {100, (*Engine).Announce, -12},
		"announced though off":  {0, (*Engine).Announce, -24},
		"announced though soft": {75, (*Engine).Announce, -22},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, heard := recording(t)
				e.SetVolume(tt.volume)
				pcm := tone.Busy()
				pcm = pcm[:len(pcm)-100] // no whole number of frames
				if err := tt.play(e, t.Context(), pcm); err != nil {
					t.Fatal(err)
				}
				got := heard()
				if len(got) < len(pcm)+(playTail-1)*hal.FrameSamples {
					t.Fatalf("%d samples of %d and their tail were played", len(got), len(pcm))
				}
				gain := float64(gainOf(tt.volume))
				if tt.decibels == -24 {
					gain = float64(gainOf(announceVolume))
				}
				for i, v := range pcm {
					if d := float64(got[i]) - gain*float64(v); math.Abs(d) > 1.5 {
						t.Fatalf("sample %d is %d, want %.1f", i, got[i], gain*float64(v))
					}
				}
				if level := haltest.ToneLevel(got[2400:19200], 425); math.Abs(level-tt.decibels) > 0.5 {
					t.Errorf("heard at %.1f dB, want %.0f", level, tt.decibels)
				}
			})
		})
	}
}

// TestPlayKeepsNothing: what the microphone hears meanwhile goes nowhere.
func TestPlayKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := recording(t)
		l := newTalk(t, e, false)
		l.connect() // and rings
		if err := e.Announce(t.Context(), tone.AutoAnswer()); err != nil {
			t.Fatal(err)
		}
		l.Accept(Limit{})
		time.Sleep(time.Second)
		// 50 packets a second: none waited from before the start.
		if n := l.Stats().AudioPacketsSent; n < 40 || n > 51 {
			t.Errorf("%d packets in the first second", n)
		}
	})
}

func TestPlayErrors(t *testing.T) {
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		change func(*EngineOptions)
		before func(*Engine, context.CancelFunc)
		want   error
	}{
		"no sound":   {change: noSound, want: ErrNoSpeaker},
		"no speaker": {change: func(o *EngineOptions) { o.Sound = virtual.NewSound(&virtual.Microphone{}, nil) }, want: ErrNoSpeaker},
		"does not open": {change: func(o *EngineOptions) {
			o.Sound = &notedSound{Sound: o.Sound, journal: &journal{}, err: broken}
		}, want: broken},
		"no light":   {change: func(o *EngineOptions) { o.LightRequired = true }, want: ErrLight},
		"closed":     {before: func(e *Engine, _ context.CancelFunc) { _ = e.Close() }, want: ErrClosed},
		"close":      {before: func(e *Engine, _ context.CancelFunc) { time.AfterFunc(time.Second, func() { _ = e.Close() }) }, want: ErrClosed},
		"cancelled":  {before: func(_ *Engine, cancel context.CancelFunc) { time.AfterFunc(time.Second, cancel) }, want: context.Canceled},
		"in advance": {before: func(_ *Engine, cancel context.CancelFunc) { cancel() }, want: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := bubbleEngine(t, tt.change)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.before != nil {
					tt.before(e, cancel)
				}
				if err := e.Play(ctx, tone.AutoAnswer()); !errors.Is(err, tt.want) {
					t.Errorf("Play = %v, want %v", err, tt.want)
				}
			})
		})
	}
}

func TestPlayWhenTheDeviceGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, j := newPlug(), &journal{}
		e := bubbleEngine(t, func(o *EngineOptions) { o.Sound = &notedSound{Sound: o.Sound, journal: j, plug: p} })
		time.AfterFunc(time.Second, p.pull)
		if err := e.Play(t.Context(), tone.AutoAnswer()); !errors.Is(err, hal.ErrGone) {
			t.Errorf("Play = %v, want hal.ErrGone", err)
		}
		j.wantLines(t, "open sound", "close sound")
	})
}

// TestTone: with the speaker alone, so that the light stays off; and again and
// again.
func TestTone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, heard := recording(t)
		e.opts.LightRequired = true // and there is none: the microphone cannot open
		if err := e.Play(t.Context(), tone.End()); !errors.Is(err, ErrLight) {
			t.Errorf("Play = %v, want ErrLight", err)
		}
		if err := e.Tone(t.Context(), tone.End(), false); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		beep := tone.Warning10()
		beep = append(beep[:len(beep):len(beep)], make([]int16, hal.SampleRate-len(beep)-7)...) // a little less than 1 s
		if err := e.Tone(ctx, beep, true); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Tone = %v, want the end of its context", err)
		}
		got := heard()
		wantNotes(t, got, 660, 440, 1320, 1320, 1320, 1320, 1320, 1320)
		at := len(tone.End()) + (playTail-1)*hal.FrameSamples
		at += (hal.FrameSamples - at%hal.FrameSamples) % hal.FrameSamples
		if a, b := got[at:at+len(beep)], got[at+len(beep):][:1000]; !slices.Equal(a[:1000], b) {
			t.Error("the second time does not follow the first without a gap")
		}
	})
}

// TestToneWithoutASpeakerAlone: a driver that cannot do that opens the microphone,
// which lights the light.
func TestToneWithoutASpeakerAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		e := bubbleEngine(t, func(o *EngineOptions) {
			o.Sound, o.LightRequired = &notedSound{Sound: o.Sound, journal: j}, true
		})
		if err := e.Tone(t.Context(), tone.End(), false); !errors.Is(err, ErrLight) {
			t.Errorf("Tone = %v, want ErrLight", err)
		}
		j.wantLines(t)
	})
}
