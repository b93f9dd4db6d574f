package media

import (
	"math"
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	const ms = time.Millisecond
	type sample struct {
		at time.Duration
		n  int
	}
	every := func(from, to, step time.Duration, n int) (out []sample) {
		for at := from; at < to; at += step {
			out = append(out, sample{at, n})
		}
		return out
	}
	for name, tt := range map[string]struct {
		in   []sample
		now  time.Duration
		want uint64
	}{
		"nothing":           {nil, 5 * time.Second, 0},
		"at boot":           {[]sample{{0, 7}}, 0, 0},
		"a full second":     {every(time.Hour, time.Hour+3*time.Second, 10*ms, 5), time.Hour + 3*time.Second, 500},
		"the present tenth": {[]sample{{1000 * ms, 5}, {1099 * ms, 5}, {1100 * ms, 3}}, 1150 * ms, 10},
		"half a second":     {every(10*time.Second, 10500*ms, 100*ms, 1), 10500 * ms, 5},
		"just in it":        {[]sample{{1050 * ms, 9}}, 2099 * ms, 9},
		"just over":         {[]sample{{1050 * ms, 9}}, 2100 * ms, 0},
		"long over":         {every(0, 20*time.Second, 10*ms, 5), time.Minute, 0},
		"after a pause":     {append(every(0, 20*time.Second, 10*ms, 5), sample{time.Minute, 4}), time.Minute + 100*ms, 4},
	} {
		t.Run(name, func(t *testing.T) {
			var m meter
			for _, s := range tt.in {
				m.add(s.at, s.n)
			}
			if got := m.second(tt.now); got != tt.want {
				t.Errorf("the last second = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestLossMeter(t *testing.T) {
	for name, tt := range map[string]struct {
		sequence func(i int) []int // what comes in the place of packet i
		want     float64
	}{
		"all come":         {func(i int) []int { return []int{i} }, 0},
		"none":             {func(int) []int { return nil }, 0},
		"one in four lost": {func(i int) []int { return without(i, i%4 == 1) }, 0.25},
		"nine in ten lost": {func(i int) []int { return without(i, i%10 != 9) }, 0.9},
		"sent again":       {func(i int) []int { return again(i) }, 0},
		"swapped":          {func(i int) []int { return []int{i ^ 1} }, 0},
		"over the end":     {func(i int) []int { return without(i+65500, i%2 == 1) }, 0.5},
		"twice":            {func(i int) []int { return []int{i, i} }, 0},
		"another stream":   {func(i int) []int { return []int{i + i/50*30000} }, 0},
		"silence in between": {func(i int) []int {
			if i < 40 {
				return []int{i}
			}
			return nil
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var l lossMeter
			const begin = time.Hour
			for i := range 101 { // a second of sound, and the packet that shows what was before it
				for _, s := range tt.sequence(i) {
					l.packet(begin+time.Duration(i)*10*time.Millisecond, uint16(s))
				}
			}
			if got := l.lost(begin + 1005*time.Millisecond); math.Abs(got-tt.want) > 0.021 {
				t.Errorf("lost = %.3f, want %.3f", got, tt.want)
			}
		})
	}
}

func without(i int, lost bool) []int {
	if lost {
		return nil
	}
	return []int{i}
}

// again loses every fourth packet and sends it again three packets later.
func again(i int) []int {
	out := without(i, i%4 == 1)
	if i%4 == 0 && i > 0 {
		out = append(out, i-3)
	}
	return out
}

func TestMetersAllocateNothing(t *testing.T) {
	var m meter
	var l lossMeter
	now, sequence := time.Hour, uint16(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += time.Millisecond
		sequence++
		m.add(now, 1200)
		l.packet(now, sequence)
	}); n != 0 {
		t.Errorf("%.0f allocations a packet", n)
	}
}
