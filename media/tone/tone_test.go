package tone

import (
	"math"
	"testing"
	"time"

	"callbox/hal"
	"callbox/hal/haltest"
)

// piece is where in a sound what is heard.
type piece struct {
	from, to time.Duration
	hz       float64 // 0: silence
}

// beeps are the pieces of n equal notes.
func beeps(n int, hz float64, on, off time.Duration) []piece {
	var out []piece
	for i := range n {
		from := time.Duration(i) * (on + off)
		out = append(out, piece{from, from + on, hz})
		if i < n-1 {
			out = append(out, piece{from + on, from + on + off, 0})
		}
	}
	return out
}

func TestSounds(t *testing.T) {
	const ms = time.Millisecond
	var chime []piece
	for i, hz := range []float64{523.25, 659.26, 783.99, 1046.50, 523.25, 659.26, 783.99, 1046.50} {
		from := time.Duration(i) * 190 * ms
		chime = append(chime, piece{from, from + 150*ms, hz})
	}
	for name, tt := range map[string]struct {
		pcm    []int16
		length time.Duration
		pieces []piece
	}{
		"warning at 30 s":  {Warning30(), 420 * ms, beeps(2, 880, 150*ms, 120*ms)},
		"warning at 10 s":  {Warning10(), 520 * ms, beeps(3, 1320, 120*ms, 80*ms)},
		"end of call":      {End(), 420 * ms, []piece{{0, 160 * ms, 660}, {160 * ms, 180 * ms, 0}, {180 * ms, 420 * ms, 440}}},
		"automatic answer": {AutoAnswer(), 1480 * ms, chime},
		"ringing": {Ring(), 3 * time.Second, []piece{
			{0, 200 * ms, 783.99}, {200 * ms, 400 * ms, 987.77}, {400 * ms, 600 * ms, 783.99}, {600 * ms, 800 * ms, 987.77},
			{800 * ms, 1000 * ms, 783.99}, {1000 * ms, 1200 * ms, 987.77}, {1200 * ms, 3 * time.Second, 0}}},
		"ring-back": {RingBack(), 5 * time.Second, []piece{{0, time.Second, 425}, {time.Second, 5 * time.Second, 0}}},
		"busy":      {Busy(), 2500 * ms, beeps(3, 425, 500*ms, 500*ms)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := time.Duration(len(tt.pcm)) * time.Second / hal.SampleRate; got != tt.length {
				t.Errorf("it lasts %v, want %v", got, tt.length)
			}
			for _, p := range tt.pieces {
				part := tt.pcm[samples(p.from):samples(p.to)]
				if p.hz == 0 {
					for i, v := range part {
						if v != 0 {
							t.Fatalf("sample %d of the silence at %v is %d", i, p.from, v)
						}
					}
					continue
				}
				if got := haltest.ToneLevel(part, p.hz); got < -13 || got > -11.5 {
					t.Errorf("%v Hz from %v to %v at %.1f dB, want -12", p.hz, p.from, p.to, got)
				}
				if got := haltest.ToneLevel(part, 1.5*p.hz); got > -40 {
					t.Errorf("%v Hz from %v to %v at %.1f dB, want none of it", 1.5*p.hz, p.from, p.to, got)
				}
			}
			wantSmooth(t, tt.pcm)
		})
	}
}

// wantSmooth fails when pcm clicks: no step is greater than those of a sine of
// the highest note at full level, and both ends are silent.
func wantSmooth(t *testing.T, pcm []int16) {
	t.Helper()
	steepest := int(math.Ceil(math.MaxInt16 * level * 2 * math.Pi * hzWarning10 / hal.SampleRate * 1.05))
	last := int16(0)
	for i, v := range append(pcm, 0) {
		if step := int(v) - int(last); step > steepest || step < -steepest {
			t.Fatalf("a step of %d at sample %d, want at most %d", step, i, steepest)
		}
		last = v
	}
	// A note that began at once would not be louder a moment later.
	first, later := peak(pcm[:48]), peak(pcm[480:960])
	if first*4 > later {
		t.Errorf("the first millisecond reaches %d of %d: too sudden", first, later)
	}
}

func peak(pcm []int16) int {
	top := 0
	for _, v := range pcm {
		top = max(top, int(v), -int(v))
	}
	return top
}

func TestSoundsAreTheCallers(t *testing.T) {
	pcm := End()
	clear(pcm)
	if peak(End()) == 0 {
		t.Error("the caller's change is heard in the next sound")
	}
}
