package playout

import (
	"math/rand/v2"
	"testing"
	"time"

	"callbox/hal/haltest"
)

// TestDriftOverHours: the phone's clock and the sound device's differ by as much as
// cheap crystals do, for three hours, on a network with 20 ms of jitter. The sound
// does not come later and later, and what is made up or left out is what the clocks
// differ by.
func TestDriftOverHours(t *testing.T) {
	const packetLength = 20 * time.Millisecond
	length := 3 * time.Hour
	if haltest.Slow {
		length = 30 * time.Minute // make check runs all of it in a step of its own
	}
	for _, ppm := range []int64{-100, 0, 100} {
		b := New(&fake{})
		random := rand.New(rand.NewPCG(1, uint64(ppm+100)))
		out := make([]int16, FrameSamples)
		sent, way := 0, time.Duration(0)
		var late [3]struct {
			sum, n int64
			most   int64
		}
		for now := time.Duration(0); now < length; now += 10 * time.Millisecond {
			// Packets leave by the phone's clock, and are 30 to 50 ms on the way.
			for {
				left := time.Duration(sent) * packetLength
				arrival := left - left*time.Duration(ppm)/1e6 + 30*time.Millisecond + way
				if arrival > now {
					break
				}
				ts := uint32(origin + int64(sent)*packetSamples)
				b.Push(uint16(sent), ts, packet{ts: ts}.payload(), arrival)
				sent, way = sent+1, time.Duration(random.Int64N(int64(20*time.Millisecond)))
			}
			b.Pull(out)
			if v := int64(out[0]); v > 0 && now > 10*time.Second {
				// value is in ms of the phone's clock, from 1, and begins again after 30 s.
				said := int64(now+now*time.Duration(ppm)/1e6) / int64(time.Millisecond) % 30000
				behind := (said-(v-1)+45000)%30000 - 15000
				h := &late[3*now/length]
				h.sum, h.n, h.most = h.sum+behind, h.n+1, max(h.most, behind)
			}
		}
		for third, l := range late {
			if l.n == 0 || l.most > 100 {
				t.Errorf("%d ppm: in third %d the sound is up to %d ms behind", ppm, third, l.most)
			}
		}
		first, last := late[0].sum/late[0].n, late[2].sum/late[2].n
		if grown := last - first; grown > 10 || grown < -10 {
			t.Errorf("%d ppm: the delay went from %d ms in the first third to %d ms in the last", ppm, first, last)
		}
		// 100 ppm of three hours are 1.08 s, in steps of 10 ms and less.
		s := b.Stats()
		if most := uint64(60 + max(ppm, -ppm)*4); s.Concealed+s.Skipped > most || s.Lost > 0 {
			t.Errorf("%d ppm: %d frames were made up, %d left out, %d packets lost; want at most %d", ppm, s.Concealed, s.Skipped, s.Lost, most)
		}
		t.Logf("%d ppm: %d ms in the first third, %d ms in the last, at most %d; %+v", ppm, first, last, late[2].most, s)
	}
}
