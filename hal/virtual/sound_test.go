package virtual

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"callbox/hal"
	"callbox/hal/haltest"
	"callbox/hal/wav"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func tone(t testing.TB, hz float64, steady bool) *Microphone {
	t.Helper()
	m, err := NewTone(hz, steady)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSound(t *testing.T) {
	haltest.SoundInABubble(t, NewSound(tone(t, 440, false), NewSpeaker(filepath.Join(t.TempDir(), "x.wav"))))
}

func TestSoundNames(t *testing.T) {
	for _, tt := range []struct {
		sound               *Sound
		microphone, speaker string
	}{
		{NewSound(nil, NewSpeaker("")), "", Name},
		{NewSound(tone(t, 440, false), nil), Name, ""},
	} {
		if m, s := tt.sound.Microphone(), tt.sound.Speaker(); m != tt.microphone || s != tt.speaker {
			t.Errorf("names = %q, %q; want %q, %q", m, s, tt.microphone, tt.speaker)
		}
	}
}

// The schedule must not drift, whatever each frame costs, and must leave out
// what it could not do in time.
func TestSoundSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		s, err := NewSound(nil, nil).Open(func(captured, _ []int16) {
			if n.Add(1) == 500 {
				time.Sleep(40 * time.Millisecond)
			}
			time.Sleep(3 * time.Millisecond) // what the daemon does with it
			for _, v := range captured {
				if v != 0 {
					t.Error("sound without a microphone")
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Second - time.Millisecond)
		if got := n.Load(); got != 1000 { // a hang of 40 ms is made up for
			t.Errorf("%d frames in 10 s, want 1000", got)
		}
		s.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		s, err := NewSound(nil, nil).Open(func(_, _ []int16) {
			if n.Add(1) == 1 {
				time.Sleep(5 * time.Second)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(6*time.Second - time.Millisecond)
		if got := n.Load(); got < 100 || got > 106 { // a hang of 5 s is not
			t.Errorf("%d frames, want 101", got)
		}
		s.Close()
	})
}

func TestTone(t *testing.T) {
	s := tone(t, 1000, false).Open()
	all := make([]int16, hal.SampleRate)
	for i := 0; i < len(all); i += hal.FrameSamples {
		s.Read(all[i:][:hal.FrameSamples])
	}
	for i, want := range []bool{true, false, true, false} {
		part := all[i*12000+500:][:11000]
		level := haltest.ToneLevel(part, 1000)
		if want && math.Abs(level+12) > 0.5 || !want && level > -100 {
			t.Errorf("quarter %d of the second at %.1f dB", i, level)
		}
	}
	for i := 1; i < len(all); i++ { // no click: a step is at most that of the sine
		if d := math.Abs(float64(all[i]) - float64(all[i-1])); d > 1200 {
			t.Fatalf("a step of %v at sample %d", d, i)
		}
	}
	steady := make([]int16, hal.SampleRate)
	tone(t, 1000, true).Open().Read(steady)
	if level := haltest.ToneLevel(steady, 1000); math.Abs(level+12) > 0.3 {
		t.Errorf("steady tone at %.1f dB", level)
	}
	for _, hz := range []float64{0, 19, 20001, math.NaN(), math.Inf(1)} {
		if _, err := NewTone(hz, false); err == nil {
			t.Errorf("%v Hz were taken", hz)
		}
	}
}

func TestPlayerAndRecorder(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.wav"), filepath.Join(dir, "out.wav")
	loop := make([]int16, 700) // not a multiple of a frame
	for i := range loop {
		loop[i] = int16(i + 1)
	}
	w, err := wav.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(loop)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	player, err := NewPlayer(in)
	if err != nil {
		t.Fatal(err)
	}
	speaker := NewSpeaker(out)
	var heard []int16
	for range 2 { // two calls, in one file
		source := player.Open()
		sink, err := speaker.Open()
		if err != nil {
			t.Fatal(err)
		}
		for range 150 { // more than a second, so that a flush comes between
			frame := make([]int16, hal.FrameSamples)
			source.Read(frame)
			heard = append(heard, frame...)
			sink.Write(frame)
		}
		for range 2 {
			if err := sink.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, v := range heard[:150*hal.FrameSamples] {
		if v != loop[i%len(loop)] {
			t.Fatalf("sample %d = %d, want %d", i, v, loop[i%len(loop)])
		}
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := wav.Decode(f)
	if err != nil || !slices.Equal(got, heard) {
		t.Errorf("the recording holds %d samples, %v; want %d", len(got), err, len(heard))
	}
	if n := speaker.Samples(); n != int64(len(heard)) {
		t.Errorf("Samples = %d, want %d", n, len(heard))
	}
	if _, err := NewPlayer(filepath.Join(dir, "none.wav")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("NewPlayer of no file: %v", err)
	}
	if _, err := NewSpeaker(filepath.Join(dir, "no", "x.wav")).Open(); err == nil {
		t.Error("a recording in no folder was taken")
	}
}
