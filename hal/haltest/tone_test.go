package haltest

import (
	"math"
	"testing"

	"callbox/hal"
)

func TestToneLevel(t *testing.T) {
	sine := make([]int16, 9600)
	for i := range sine {
		sine[i] = int16(8192 * math.Sin(2*math.Pi*1000*float64(i)/hal.SampleRate))
	}
	for _, tt := range []struct{ hz, low, high float64 }{
		{1000, -12.2, -11.9}, {1100, -120, -60}, {440, -120, -60},
	} {
		if got := ToneLevel(sine, tt.hz); got < tt.low || got > tt.high {
			t.Errorf("%v Hz at %.1f dB, want %v to %v", tt.hz, got, tt.low, tt.high)
		}
	}
	if got := ToneLevel(make([]int16, 480), 440); got != -120 {
		t.Errorf("silence at %v dB", got)
	}
}
