package media

import (
	"math"
	"testing"
	"time"
)

func TestJitterMeter(t *testing.T) {
	const frame = 20 * time.Millisecond
	const ticks = opusClock / 50 // of a frame
	// play sends n packets of 20 ms, each late by what late says.
	play := func(j *jitterMeter, n int, late func(i int) time.Duration) {
		for i := range n {
			j.packet(time.Hour+time.Duration(i)*frame+late(i), math.MaxUint32-100*ticks+uint32(i*ticks), opusClock)
		}
	}
	for name, tt := range map[string]struct {
		late     func(i int) time.Duration
		from, to float64 // ms
	}{
		"as sent":          {func(int) time.Duration { return 0 }, 0, 1e-6},
		"a constant delay": {func(int) time.Duration { return 300 * time.Millisecond }, 0, 1e-6},
		"every other late": {func(i int) time.Duration { return time.Duration(i%2) * 8 * time.Millisecond }, 7.9, 8.1},
		"one in ten":       {func(i int) time.Duration { return time.Duration(i%10/9) * 40 * time.Millisecond }, 4, 16},
		"slowly later":     {func(i int) time.Duration { return time.Duration(i) * time.Millisecond }, 0.9, 1.1},
		"the clock leapt":  {func(i int) time.Duration { return time.Duration(i/250) * 10 * time.Second }, 0, 1e-6},
		"over the wrap":    {func(i int) time.Duration { return time.Duration(i%2) * 2 * time.Millisecond }, 1.9, 2.1},
	} {
		t.Run(name, func(t *testing.T) {
			var j jitterMeter
			play(&j, 500, tt.late)
			if got := j.milliseconds(); got < tt.from || got > tt.to {
				t.Errorf("jitter = %.3f ms, want %v to %v", got, tt.from, tt.to)
			}
		})
	}
	if got := new(jitterMeter).milliseconds(); got != 0 {
		t.Errorf("before the first packet it is %v ms", got)
	}
}
