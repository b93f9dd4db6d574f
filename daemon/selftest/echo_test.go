package selftest

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// played is what a device plays of Speech for d, from delay on.
func played(d, delay time.Duration) []float64 {
	out := make([]float64, samplesOf(d))
	speech := Speech()
	for i := samplesOf(delay); i < len(out); i++ {
		out[i] = float64(speech[(i-samplesOf(delay))%len(speech)])
	}
	return out
}

// room is x after a room of 60 ms, made weaker by loss dB as a whole.
func room(x []float64, loss float64) []float64 {
	random := rand.New(rand.NewPCG(3, 4))
	var taps [20]float64
	var at [20]int
	power := 0.0
	for i := range taps {
		at[i] = random.IntN(samplesOf(60 * time.Millisecond))
		taps[i] = random.NormFloat64() * math.Exp(-3*float64(at[i])/float64(samplesOf(60*time.Millisecond)))
		power += taps[i] * taps[i]
	}
	gain := math.Pow(10, -loss/20) / math.Sqrt(power)
	out := make([]float64, len(x))
	for i := range out {
		for k, tap := range taps {
			if j := i - at[k]; j >= 0 {
				out[i] += gain * tap * x[j]
			}
		}
	}
	return out
}

func noise(n int, level float64) []float64 {
	random := rand.New(rand.NewPCG(5, 6))
	out := make([]float64, n)
	for i := range out {
		out[i] = random.NormFloat64() * math.MaxInt16 * math.Pow(10, level/20)
	}
	return out
}

// beeps come and go as those of the virtual microphone.
func beeps(n int, hz float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		if i%samplesOf(500*time.Millisecond) < samplesOf(250*time.Millisecond) {
			out[i] = 0.25 * math.MaxInt16 * math.Sin(2*pi*hz*float64(i)/SampleRate)
		}
	}
	return out
}

// leftovers is noise that sounds while the echo of x would, as a canceller leaves it.
func leftovers(x []float64, loss float64) []float64 {
	out := noise(len(x), 0)
	level := 0.0
	for i := range out {
		level += (math.Abs(x[i]) - level) / 480
		out[i] *= level * math.Pow(10, -loss/20) / math.MaxInt16 * math.Sqrt(pi/2)
	}
	return out
}

func pcmOf(parts ...[]float64) []int16 {
	out := make([]int16, len(parts[0]))
	for i := range out {
		sum := 0.0
		for _, p := range parts {
			sum += p[i]
		}
		out[i] = clip(sum)
	}
	return out
}

func TestEchoOf(t *testing.T) {
	const delay = 180 * time.Millisecond
	for name, tt := range map[string]struct {
		talk  time.Duration
		heard func(n int, x []float64) []int16
		loss  float64 // dB; 0: no echo
		floor float64 // at least, dB
	}{
		"a loud echo":                 {10 * time.Second, func(n int, x []float64) []int16 { return pcmOf(room(x, 6), noise(n, -70)) }, 6, 20},
		"an echo that disturbs":       {10 * time.Second, func(n int, x []float64) []int16 { return pcmOf(room(x, 20), noise(n, -65)) }, 20, 38},
		"a faint one in a quiet room": {10 * time.Second, func(n int, x []float64) []int16 { return pcmOf(room(x, 40), noise(n, -70)) }, 40, 45},
		"one below the room's noise":  {20 * time.Second, func(n int, x []float64) []int16 { return pcmOf(room(x, 26), noise(n, -45)) }, 26, 30},
		"one beside beeps":            {10 * time.Second, func(n int, x []float64) []int16 { return pcmOf(room(x, 20), beeps(n, 440)) }, 20, 30},
		"a canceller's leftovers":     {12 * time.Second, func(n int, x []float64) []int16 { return pcmOf(leftovers(x, 25), noise(n, -65)) }, 33, 30}, // a sixth of them lies in the band of speech
		"none in a quiet room":        {10 * time.Second, func(n int, x []float64) []int16 { return pcmOf(noise(n, -65)) }, 0, 45},
		"none beside beeps":           {10 * time.Second, func(n int, x []float64) []int16 { return pcmOf(beeps(n, 440), noise(n, -80)) }, 0, 30},
		"none at all":                 {10 * time.Second, func(n int, x []float64) []int16 { return make([]int16, n) }, 0, 80},
		"none in noise that is loud":  {10 * time.Second, func(n int, x []float64) []int16 { return pcmOf(noise(n, -25)) }, 0, 10},
		"a short call":                {5 * time.Second, func(n int, x []float64) []int16 { return pcmOf(room(x, 20), noise(n, -65)) }, 20, 35},
	} {
		t.Run(name, func(t *testing.T) {
			x := played(tt.talk, delay)
			e := EchoOf(tt.heard(len(x), x), 0)
			t.Logf("%+v", e)
			if !e.Measured || e.Heard != (tt.loss > 0) {
				t.Fatalf("echo = %+v, want one: %v", e, tt.loss > 0)
			}
			if e.Heard && math.Abs(e.Loss-tt.loss) > 2 {
				t.Errorf("loss = %.1f dB, want %.1f", e.Loss, tt.loss)
			}
			if e.Floor < tt.floor {
				t.Errorf("floor = %.1f dB, want %.1f", e.Floor, tt.floor)
			}
			if e.Method == "waveform" && math.Abs(e.Delay-180) > 65 {
				t.Errorf("delay = %.1f ms, want 180 and what the room adds", e.Delay)
			}
		})
	}
	if e := EchoOf(make([]int16, samplesOf(3*time.Second)), 0); e.Measured {
		t.Errorf("3 s say something: %+v", e)
	}
}

// TestOffset: the delay is that from the sending, whenever the hearing has begun.
func TestOffset(t *testing.T) {
	x := played(12*time.Second, 180*time.Millisecond)
	for _, late := range []time.Duration{0, 300 * time.Millisecond, 5 * time.Second} {
		e := EchoOf(pcmOf(room(x, 20))[samplesOf(late):], late)
		if !e.Heard || math.Abs(e.Delay-180) > 65 {
			t.Errorf("heard from %v on: %+v, want an echo after 180 ms", late, e)
		}
	}
}

func TestSpeech(t *testing.T) {
	pcm := Speech()
	if len(pcm) != samplesOf(Period) || len(pcm)%960 != 0 {
		t.Fatalf("%d samples, want whole frames of 20 ms", len(pcm))
	}
	sounding := Loudness(pcm[:samplesOf(speechTime)])
	if math.Abs(sounding.RMS+20) > 0.5 || sounding.Peak > -1 {
		t.Errorf("level = %+v, want -20 dB and no clipping", sounding)
	}
	if rest := Loudness(pcm[samplesOf(speechTime):]); rest.Peak != quietest {
		t.Errorf("it is not silent behind: %+v", rest)
	}
}

func TestLoudness(t *testing.T) {
	sine := make([]int16, SampleRate)
	for i := range sine {
		sine[i] = clip(math.MaxInt16 * math.Sin(2*pi*1000*float64(i)/SampleRate))
	}
	for name, tt := range map[string]struct {
		pcm  []int16
		want Level
	}{
		"nothing":        {nil, Level{quietest, quietest}},
		"silence":        {make([]int16, 100), Level{quietest, quietest}},
		"a full sine":    {sine, Level{-3, 0}},
		"the last digit": {[]int16{1, -1}, Level{-90.3, -90.3}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Loudness(tt.pcm); got != tt.want {
				t.Errorf("level = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func BenchmarkEchoOf(b *testing.B) {
	x := played(20*time.Second, 180*time.Millisecond)
	heard := pcmOf(room(x, 20))
	for b.Loop() {
		EchoOf(heard, 0)
	}
}
