package haltest

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal"
)

// Sound checks a sound device that is there and idle, in about three seconds.
func Sound(t *testing.T, sound hal.Sound) {
	t.Helper()
	if sound.Microphone() == "" && sound.Speaker() == "" {
		t.Error("the sound device has neither a microphone nor a speaker")
	}
	t.Run("pace", func(t *testing.T) { soundPace(t, sound) })
	t.Run("close", func(t *testing.T) { soundClose(t, sound) })
}

// SoundInABubble is Sound for a device whose clock is the program's own: in fake time no
// other program on the machine takes it any of its frames.
func SoundInABubble(t *testing.T, sound hal.Sound) {
	t.Helper()
	t.Run("pace", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { soundPace(t, sound) }) })
	t.Run("close", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { soundClose(t, sound) }) })
}

// soundPace counts the frames of one second, after the first few: sound servers
// start with a burst.
func soundPace(t *testing.T, sound hal.Sound) {
	var wrong, running, overlaps, frames atomic.Int64
	var once sync.Once
	settled := make(chan struct{})
	s, err := sound.Open(func(captured, playback []int16) {
		if running.Add(1) != 1 {
			overlaps.Add(1)
		}
		defer running.Add(-1)
		if len(captured) != hal.FrameSamples || len(playback) != hal.FrameSamples {
			wrong.Add(1)
		}
		clear(playback)
		if frames.Add(1) == 50 {
			once.Do(func() { close(settled) })
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	select {
	case <-settled:
	case <-s.Gone():
		t.Fatal("the device went away")
	case <-time.After(patience):
		t.Fatalf("only %d frames came", frames.Load())
	}
	from, start := frames.Load(), time.Now()
	time.Sleep(time.Second) // a real second of the device's own clock
	n, d := frames.Load()-from, time.Since(start)
	if want := float64(d) / float64(hal.FrameLength); math.Abs(float64(n)-want) > 12 {
		t.Errorf("%d frames in %v, want %.0f +- 12", n, d, want)
	}
	if wrong.Load() != 0 || overlaps.Load() != 0 {
		t.Errorf("%d frames of a wrong length, %d at the same time", wrong.Load(), overlaps.Load())
	}
}

func soundClose(t *testing.T, sound hal.Sound) {
	var inside, frames atomic.Int64
	first := make(chan struct{})
	s, err := sound.Open(func(_, playback []int16) {
		inside.Store(1)
		clear(playback)
		if frames.Add(1) == 1 {
			close(first)
		}
		time.Sleep(3 * time.Millisecond) // so that Close meets a running SoundFunc
		inside.Store(0)
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-first:
	case <-time.After(patience):
		t.Error("no frame came")
	}
	for inside.Load() == 0 && frames.Load() < 50 {
		time.Sleep(100 * time.Microsecond)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if inside.Load() != 0 {
		t.Error("Close returned while a SoundFunc was running")
	}
	n := frames.Load()
	if err := s.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	time.Sleep(5 * hal.FrameLength)
	if more := frames.Load() - n; more != 0 {
		t.Errorf("%d frames came after Close", more)
	}
}

// ToneLevel returns how loud the tone of hz Hz is in samples at hal.SampleRate,
// in dB of a sine at full scale; at least -120. It is Goertzel's algorithm: a
// window of n samples tells tones apart that are 2*48000/n Hz apart.
func ToneLevel(samples []int16, hz float64) float64 {
	w := 2 * math.Pi * hz / hal.SampleRate
	k := 2 * math.Cos(w)
	var a, b float64
	for i, v := range samples {
		// A Hann window keeps loud tones elsewhere out.
		x := float64(v) / 32768 * (0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(samples))))
		a, b = x+k*a-b, a
	}
	power := a*a + b*b - k*a*b
	amplitude := 4 * math.Sqrt(max(power, 0)) / float64(max(len(samples), 1))
	return max(20*math.Log10(max(amplitude, 1e-6)), -120)
}
