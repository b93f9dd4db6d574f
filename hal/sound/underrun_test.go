package sound

import (
	"testing"
	"time"

	"callbox/hal"
)

// TestUnderruns: calls of the device, by the clock of a device that is right, fast
// or slow, in even steps or in bursts.
func TestUnderruns(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		clock float64                        // of the device, against ours
		late  func(i int) time.Duration      // of call i, on top
		lost  func(at int) (n time.Duration) // time that the device loses before call i
		want  uint64
	}{
		"even":              {clock: 1, want: 0},
		"a fast clock":      {clock: 1.0005, want: 0},
		"a slow clock":      {clock: 0.9995, want: 0},
		"bursts of two":     {clock: 1, late: func(i int) time.Duration { return time.Duration(i%2) * -10 * ms }, want: 0},
		"late, but in time": {clock: 1, late: func(i int) time.Duration { return time.Duration(i%7/6) * 25 * ms }, want: 0},
		"one gap":           {clock: 1, lost: func(i int) time.Duration { return time.Duration(i/500*100) * ms }, want: 1},
		"gaps":              {clock: 0.9999, lost: func(i int) time.Duration { return time.Duration(i/100*50) * ms }, want: 9},
	} {
		t.Run(name, func(t *testing.T) {
			var u underruns
			start := time.Now()
			for i := range 1000 {
				at := time.Duration(float64(i) * float64(hal.FrameLength) / tt.clock)
				if tt.late != nil {
					at += tt.late(i)
				}
				if tt.lost != nil {
					at += tt.lost(i)
				}
				u.call(start.Add(at), hal.FrameSamples)
			}
			if got := u.n.Load(); got != tt.want {
				t.Errorf("%d underruns, want %d", got, tt.want)
			}
		})
	}
}
