package echo

import (
	"math/rand/v2"
	"testing"
	"time"

	"callbox/hal"
	"callbox/media/options"
)

// TestLatency: of a person who talks while nothing is played, each engine gives the
// sound as late as it says.
func TestLatency(t *testing.T) {
	const frames, search = 200, 3 * hal.FrameSamples
	for _, engine := range []options.Echo{options.EchoOff, options.EchoSpeex, options.EchoWebRTC} {
		for with, noise := range map[string]bool{"": false, " and noise suppression": true} {
			t.Run(string(engine)+with, func(t *testing.T) {
				c, err := New(Config{Engine: engine, NoiseSuppression: noise})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				random := rand.New(rand.NewPCG(1, 2))
				var heard, given []int16 // in all
				var silence, in, out frame
				for range frames {
					// Pulses at odd times, as a voice has: what stays the same would be taken for noise.
					clear(in[:])
					for range 3 {
						in[random.IntN(len(in))] = int16(8000 + random.IntN(8000))
					}
					if random.IntN(4) > 0 {
						clear(in[:])
					}
					heard = append(heard, in[:]...)
					c.Process(silence[:], in[:], out[:])
					given = append(given, out[:]...)
				}
				best, at := 0.0, 0
				for lag := range search {
					sum := 0.0
					for i := frames / 4 * hal.FrameSamples; i+search < len(heard); i++ {
						sum += float64(heard[i]) * float64(given[i+lag])
					}
					if sum > best {
						best, at = sum, lag
					}
				}
				late := time.Duration(at) * time.Second / hal.SampleRate
				most := time.Millisecond
				if engine == options.EchoWebRTC {
					most = 8 * time.Millisecond // the library's versions differ
				}
				if off := late - c.Latency(); off.Abs() > most {
					t.Errorf("the sound is %v late, and said to be %v", late, c.Latency())
				}
			})
		}
	}
}
