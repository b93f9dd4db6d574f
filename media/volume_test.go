package media

import (
	"math"
	"testing"

	"callbox/hal"
)

func TestVolume(t *testing.T) {
	e := testEngine(t, nil)
	if e.Volume() != 100 {
		t.Errorf("an engine begins with %d", e.Volume())
	}
	for _, tt := range []struct {
		set, want int
		decibels  float64
	}{
		{100, 100, 0}, {75, 75, -10}, {50, 50, -20}, {1, 1, -39.6}, {101, 100, 0}, {0, 0, math.Inf(-1)}, {-5, 0, math.Inf(-1)},
	} {
		e.SetVolume(tt.set)
		if e.Volume() != tt.want {
			t.Errorf("SetVolume(%d) made %d, want %d", tt.set, e.Volume(), tt.want)
		}
		if got := 20 * math.Log10(float64(gainOf(e.Volume()))); got != tt.decibels && math.Abs(got-tt.decibels) > 0.01 {
			t.Errorf("%d percent are %.2f dB, want %.2f", tt.set, got, tt.decibels)
		}
	}
}

// level fills a frame with one value.
func level(v int16) []int16 {
	out := make([]int16, hal.FrameSamples)
	for i := range out {
		out[i] = v
	}
	return out
}

func at(percent int) mixer { return mixer{volume: func() int { return percent }} }

func TestMixer(t *testing.T) {
	for name, tt := range map[string]struct {
		percent           int
		phone, tone, want int16
	}{
		"a sum":                 {100, 1000, 2000, 3000},
		"of both signs":         {100, 1000, -3000, -2000},
		"too loud":              {100, 30000, 10000, math.MaxInt16},
		"too loud, below":       {100, -30000, -10000, math.MinInt16},
		"a loud sum, softer":    {75, 30000, 30000, 18973}, // 60000 x -10 dB: not cut off before
		"silent":                {0, 30000, 10000, 0},
		"softer without a tone": {50, 10000, 0, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			m := at(tt.percent)
			if !m.add(level(tt.tone)) {
				t.Fatal("the tone was not taken")
			}
			playback := level(tt.phone)
			m.mix(playback)
			for i, v := range playback {
				if v != tt.want {
					t.Fatalf("sample %d = %d, want %d", i, v, tt.want)
				}
			}
			if !m.empty() {
				t.Error("the tone still waits")
			}
		})
	}
}

// TestVolumeChangesSmoothly: over one frame, in equal steps.
func TestVolumeChangesSmoothly(t *testing.T) {
	percent := 100
	m := mixer{volume: func() int { return percent }}
	m.mix(level(10000))
	for _, to := range []int{0, 100, 50} {
		from := float64(gainOf(percent)) * 10000
		percent = to
		target := float64(gainOf(to)) * 10000
		frame := level(10000)
		m.mix(frame)
		last := from
		for i, v := range frame {
			if step, want := float64(v)-last, (target-from)/hal.FrameSamples; math.Abs(step-want) > 2 {
				t.Fatalf("to %d: a step of %.0f at sample %d, want %.1f", to, step, i, want)
			}
			last = float64(v)
		}
		if math.Abs(last-target) > 1 {
			t.Errorf("to %d: it ends at %.0f, want %.0f", to, last, target)
		}
		m.mix(level(10000))
	}
}

func TestTonesWaitTheirTurn(t *testing.T) {
	m := at(100)
	const third = hal.FrameSamples / 3
	for _, v := range []int16{1, 2, 3, 4} {
		m.add(level(v)[:2*third])
	}
	for _, want := range [][3]int16{{1, 1, 2}, {2, 3, 3}, {4, 4, 0}} {
		frame := level(0)
		m.mix(frame)
		for i, v := range frame {
			if v != want[i/third] {
				t.Fatalf("sample %d = %d, want of each third %v", i, v, want)
			}
		}
	}
	for i := range maxTones + 1 {
		if ok := m.add(level(1)); ok != (i < maxTones) {
			t.Errorf("tone %d: taken = %v", i, ok)
		}
	}
	m = at(100)
	if !m.add(make([]int16, maxToneSamples)) || m.add(level(1)) {
		t.Error("what waits is not bounded to its length")
	}
}

func TestMixingAllocatesNothing(t *testing.T) {
	m, frame := at(50), level(100)
	m.add(make([]int16, 1000*hal.FrameSamples))
	if n := testing.AllocsPerRun(500, func() { m.mix(frame) }); n != 0 {
		t.Errorf("%.0f allocations a frame", n)
	}
}
