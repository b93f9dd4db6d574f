package echo

import (
	"math"
	"testing"
	"time"

	"callbox/hal"
)

// The time line of a scenario in seconds: the phone talks all the time, the person
// at the device in the middle.
const (
	length               = 40
	nearBegin, nearEnd   = 20, 34
	scoreBegin, scoreEnd = 21, 33 // of both talking
)

// The levels of the talkers in dBFS, without their pauses. An echo 6 dB below what
// is played is as loud as the person.
const (
	farLevel  = -20.0
	nearLevel = -25.7
)

// scenario is one conversation.
type scenario struct {
	name      string
	far, near string // voices
	room      room
	quieter   float64 // dB that the person talks below nearLevel
}

// recording is what a scenario brings to the canceller.
type recording struct {
	far, captured []int16
	near, heard   []float64 // the person alone, and all that the microphone hears
}

func (s scenario) record(t testing.TB) recording {
	t.Helper()
	const n = length * hal.SampleRate
	r := recording{far: int16s(speak(voice(t, s.far), n, farLevel)), near: speak(voice(t, s.near), n, nearLevel-s.quieter)}
	clear(r.near[:nearBegin*hal.SampleRate])
	clear(r.near[nearEnd*hal.SampleRate:])
	r.heard = add(s.room.hear(r.far), r.near, s.room.noisy(n))
	r.captured = int16s(r.heard)
	return r
}

// score is how well a canceller did. Return losses are the power that the
// microphone heard against the power that is left, in dB, both with their noise.
type score struct {
	first      float64    // from the first word to 2 s
	loss       [3]float64 // in the 2 s from 2, 5 and 15 s on
	long       float64    // from 5 to 15 s
	after      float64    // in 5 s, from 1 s after the person has talked on
	sdrIn, sdr float64    // of the person while both talk, before and after
	level      float64    // of the person, after against before, dB
	cpu        time.Duration
	stats      Stats
	out        []int16
}

var lossFrom = [...]float64{2, 5, 15}

// run plays a recording through a canceller, and closes it.
func (r recording) run(c *Canceller) score {
	defer c.Close()
	out := make([]int16, len(r.captured))
	start := time.Now()
	for i := 0; i+hal.FrameSamples <= len(out); i += hal.FrameSamples {
		c.Process(r.far[i:i+hal.FrameSamples], r.captured[i:i+hal.FrameSamples], out[i:i+hal.FrameSamples])
	}
	s := score{cpu: time.Since(start) / time.Duration(len(out)/hal.FrameSamples), stats: c.Stats(), out: out}
	left := floats(out)
	loss := func(from, to float64) float64 {
		a, b := int(from*hal.SampleRate), int(to*hal.SampleRate)
		return dB(energy(r.heard[a:b]) / energy(left[a:b]))
	}
	s.first, s.long, s.after = loss(0, 2), loss(5, 15), loss(nearEnd+1, nearEnd+6)
	for i, from := range lossFrom {
		s.loss[i] = loss(from, from+2)
	}
	a, b := scoreBegin*hal.SampleRate, scoreEnd*hal.SampleRate
	s.sdrIn, _ = siSDR(r.near[a:b], r.heard[a:b])
	s.sdr, s.level = siSDR(r.near[a:b], left[a+lagOf(r.near[a:b], left[a:]):])
	return s
}

// siSDR is the scale-invariant signal-to-distortion ratio in dB (Le Roux et al.,
// "SDR - half-baked or well done?", 2019): out is split into the clean signal times
// the factor that fits best, and the rest, which holds echo, noise and whatever
// was done to the voice. gain is that factor in dB. Both must be aligned; out may
// be longer.
func siSDR(clean, out []float64) (sdr, gain float64) {
	dot, power := 0.0, energy(clean)
	for i, v := range clean {
		dot += v * out[i]
	}
	factor := dot / power
	rest := 0.0
	for i, v := range clean {
		d := out[i] - factor*v
		rest += d * d
	}
	return dB(factor * factor * power / rest), dB(factor * factor)
}

// lagOf returns by how many samples, below 30 ms, out is behind clean: where their
// correlation over the first quarter is highest.
func lagOf(clean, out []float64) int {
	const most = 30 * hal.SampleRate / 1000
	best, lag := math.Inf(-1), 0
	for l := range most {
		dot := 0.0
		for i, v := range clean[:len(clean)/4] {
			dot += v * out[i+l]
		}
		if dot > best {
			best, lag = dot, l
		}
	}
	return lag
}

// TestScore checks the measure itself against signals whose answer is known.
func TestScore(t *testing.T) {
	const n = 2 * hal.SampleRate
	clean, noise := room{noise: -20, seed: 1}.noisy(n), room{noise: -20, seed: 2}.noisy(n)
	for name, tt := range map[string]struct {
		out       []float64
		sdr, gain float64
	}{
		"halved":            {scale(add(clean), 0.5), 200, -6.02},
		"noise 10 dB below": {add(clean, scale(add(noise), fromDB(-10))), 10, 0},
		"as much noise":     {add(clean, noise), 0, 0},
	} {
		sdr, gain := siSDR(clean, tt.out)
		if math.Abs(min(sdr, 200)-tt.sdr) > 0.2 || math.Abs(gain-tt.gain) > 0.1 {
			t.Errorf("%s: SDR %.2f dB, gain %.2f dB; want %v and %v", name, sdr, gain, tt.sdr, tt.gain)
		}
	}
	if got := lagOf(clean[:n-2000], add(make([]float64, n), append(make([]float64, 700), clean[:n-700]...))); got != 700 {
		t.Errorf("lag = %d, want 700", got)
	}
	h := room{echo: -6, seed: 3}.response()
	if got := dB(energy(h)); math.Abs(got+6) > 0.01 || len(h) != 7200 {
		t.Errorf("the room's response has %.2f dB in %d samples, want -6 in 7200", got, len(h))
	}
	// The convolution in blocks against the plain one.
	x, y := noise[:40000], convolve(noise[:40000], h)
	for _, at := range []int{0, 7199, 25568, 25569, 39999} {
		want := 0.0
		for k := 0; k < len(h) && k <= at; k++ {
			want += h[k] * x[at-k]
		}
		if math.Abs(y[at]-want) > 1e-9 {
			t.Errorf("convolved sample %d = %v, want %v", at, y[at], want)
		}
	}
}
