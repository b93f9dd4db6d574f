package echo

import (
	"math"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callbox/hal"
	"callbox/media/options"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// configs are all ways to work.
var configs = map[string]Config{
	"speex":          {Engine: options.EchoSpeex, NoiseSuppression: true},
	"speex, noisy":   {Engine: options.EchoSpeex},
	"webrtc":         {Engine: options.EchoWebRTC, NoiseSuppression: true},
	"webrtc, noisy":  {Engine: options.EchoWebRTC},
	"off":            {Engine: options.EchoOff, NoiseSuppression: true},
	"off, and noisy": {Engine: options.EchoOff},
}

func canceller(t *testing.T, c Config) *Canceller {
	t.Helper()
	out, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	return out
}

// cancel plays far, and returns what is left of captured.
func cancel(c *Canceller, far, captured []int16) []float64 {
	out := slices.Clone(captured)
	for i := 0; i+hal.FrameSamples <= len(out); i += hal.FrameSamples {
		// In place, as the session does it.
		c.Process(far[i:i+hal.FrameSamples], out[i:i+hal.FrameSamples], out[i:i+hal.FrameSamples])
	}
	return floats(out)
}

// lossBetween is the return loss in dB between two seconds.
func lossBetween(heard, left []float64, from, to float64) float64 {
	a, b := int(from*hal.SampleRate), int(to*hal.SampleRate)
	return dB(energy(heard[a:b]) / energy(left[a:b]))
}

// TestPersonAlone: nothing is played, or nothing comes back. The person must be
// heard as well as without a canceller, noise suppression apart.
func TestPersonAlone(t *testing.T) {
	const n = 12 * hal.SampleRate
	quiet := room{noise: -70, seed: 20}
	near := speak(voice(t, "de"), n, nearLevel)
	captured := int16s(add(near, quiet.noisy(n)))
	far := int16s(speak(voice(t, "us"), n, farLevel))
	for name, tt := range map[string]struct {
		config Config
		far    []int16
		sdr    float64
	}{
		"speex, nothing played":  {configs["speex, noisy"], make([]int16, n), 22},
		"speex with suppression": {configs["speex"], make([]int16, n), 17},
		"speex with a headset":   {configs["speex, noisy"], far, 18},
		"webrtc":                 {configs["webrtc, noisy"], make([]int16, n), 10},
		"off":                    {configs["off, and noisy"], far, 40},
		"off with suppression":   {configs["off"], far, 17},
	} {
		t.Run(name, func(t *testing.T) {
			left := cancel(canceller(t, tt.config), tt.far, captured)
			a, b := 5*hal.SampleRate, 11*hal.SampleRate
			sdr, level := siSDR(near[a:b], left[a+lagOf(near[a:b], left[a:]):])
			if sdr < tt.sdr || math.Abs(level) > 1 {
				t.Errorf("the person is heard with an SDR of %.1f dB at %.1f dB, want %v at 0", sdr, level, tt.sdr)
			}
		})
	}
}

// TestNoiseSuppression: steady noise goes down, with every engine.
func TestNoiseSuppression(t *testing.T) {
	const n = 8 * hal.SampleRate
	noise := room{noise: -45, seed: 21}.noisy(n)
	for _, name := range []string{"speex", "webrtc", "off"} {
		left := cancel(canceller(t, configs[name]), make([]int16, n), int16s(noise))
		if got := lossBetween(noise, left, 5, 8); got < 8 {
			t.Errorf("%s: the noise is lowered by %.1f dB, want 8 at least", name, got)
		}
		without := configs[name]
		without.NoiseSuppression = false
		left = cancel(canceller(t, without), make([]int16, n), int16s(noise))
		if got := lossBetween(noise, left, 5, 8); got > 1 {
			t.Errorf("%s without suppression: the noise is lowered by %.1f dB", name, got)
		}
	}
}

// TestMovedEcho: the sound device's buffer grows in the middle. The delay is found
// again.
func TestMovedEcho(t *testing.T) {
	const n = 24 * hal.SampleRate
	far := int16s(speak(voice(t, "en"), n, farLevel))
	before, after := room{70, -6, -70, 22}, room{190, -6, -70, 22}
	heard := add(before.hear(far), before.noisy(n))
	copy(heard[10*hal.SampleRate:], add(after.hear(far), after.noisy(n))[10*hal.SampleRate:])
	for _, name := range []string{"speex", "webrtc"} {
		c := canceller(t, configs[name])
		left := cancel(c, far, int16s(heard))
		if was, is := lossBetween(heard, left, 6, 10), lossBetween(heard, left, 16, 24); was < 25 || is < 25 {
			t.Errorf("%s: return loss of %.1f dB before and %.1f dB after, want 25", name, was, is)
		}
		if s := c.Stats(); s.Aligned != 2 || s.Delay < 186*time.Millisecond || s.Delay > 194*time.Millisecond || s.ReturnLoss < 25 {
			t.Errorf("%s: %+v, want a delay of 190 ms that was found twice", name, s)
		}
	}
}

// TestKnownDelay: what an earlier call found helps from the first word on.
func TestKnownDelay(t *testing.T) {
	const n = 3 * hal.SampleRate
	far := int16s(speak(voice(t, "en"), n, farLevel))
	r := room{160, -6, -70, 23}
	heard := add(r.hear(far), r.noisy(n))
	config := configs["speex"]
	cold := lossBetween(heard, cancel(canceller(t, config), far, int16s(heard)), 0, 2)
	config.Delay = 160 * time.Millisecond
	c := canceller(t, config)
	warm := lossBetween(heard, cancel(c, far, int16s(heard)), 0, 2)
	if warm < cold+1 || c.Stats().Aligned != 0 {
		t.Errorf("return loss of %.1f dB in the first 2 s, %.1f dB without knowing the delay; %+v", warm, cold, c.Stats())
	}
}

// TestTones: the device's own tones do not spoil what the filter has learned.
func TestTones(t *testing.T) {
	const n = 16 * hal.SampleRate
	x := speak(voice(t, "en"), n, farLevel)
	for i := 8 * hal.SampleRate; i < 10*hal.SampleRate; i++ {
		x[i] = 0.25 * math.Sin(2*math.Pi*880*float64(i)/hal.SampleRate)
	}
	far := int16s(x)
	r := room{100, -6, -70, 24}
	heard := add(r.hear(far), r.noisy(n))
	c := canceller(t, configs["speex"])
	left := cancel(c, far, int16s(heard))
	if tone, speech := lossBetween(heard, left, 8.5, 10), lossBetween(heard, left, 11, 16); tone < 25 || speech < 30 {
		t.Errorf("return loss of %.1f dB for a tone and %.1f dB for the voice after it, want 25 and 30", tone, speech)
	}
	if s := c.Stats(); s.Aligned != 1 {
		t.Errorf("%+v", s)
	}
}

func TestNoAllocations(t *testing.T) {
	noise := int16s(room{noise: -20, seed: 25}.noisy(hal.FrameSamples))
	out := make([]int16, hal.FrameSamples)
	for name, config := range configs {
		c := canceller(t, config)
		if got := testing.AllocsPerRun(300, func() { c.Process(noise, noise, out) }); got != 0 {
			t.Errorf("%s: a frame allocates %.1f times", name, got)
		}
	}
}

// TestEngines walks through all that the C and C++ code can do; make asan runs it
// under AddressSanitizer.
func TestEngines(t *testing.T) {
	loud := int16s(room{noise: -3, seed: 27}.noisy(hal.FrameSamples))
	for name, config := range configs {
		for range 3 {
			c := canceller(t, config)
			for _, early := range []int{0, 480, c.engine.lead()} {
				c.engine.expect(early, early != 0)
				for range 20 {
					c.Process(loud, loud, loud)
				}
			}
			if s := c.Stats(); s.Failed != 0 {
				t.Errorf("%s: %d frames failed", name, s.Failed)
			}
			c.Close()
		}
	}
}

func TestEnds(t *testing.T) {
	if c, err := New(Config{Engine: "hope"}); err == nil {
		c.Close()
		t.Error("an engine that does not exist was made")
	}
	// A delay from another device, or from a broken file, is bounded.
	c := canceller(t, Config{Engine: options.EchoSpeex, Delay: time.Hour})
	silence, full := make([]int16, hal.FrameSamples), make([]int16, hal.FrameSamples)
	for i := range full {
		full[i] = math.MinInt16 // a constant at full scale: the worst that a microphone can give
	}
	for range 200 {
		c.Process(full, full, silence)
	}
	c.Close()
	c.Close()
}

func BenchmarkProcess(b *testing.B) {
	noise := int16s(room{noise: -20, seed: 26}.noisy(hal.FrameSamples))
	out := make([]int16, hal.FrameSamples)
	for name, config := range configs {
		b.Run(name, func(b *testing.B) {
			c, err := New(config)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			for b.Loop() {
				c.Process(noise, noise, out)
			}
		})
	}
}
