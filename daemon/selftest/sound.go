package selftest

import "math"

// quietest stands for no sound at all, in dB of full scale: half of the smallest step of
// 16 bits.
const quietest = -96.3

// Level is how loud sound is, in dB of full scale; a full sine's RMS is -3.
type Level struct {
	RMS  float64 `json:"rmsDb"`
	Peak float64 `json:"peakDb"`
}

// Loudness measures sound. Where there is none it is -96.3.
func Loudness(pcm []int16) Level {
	sum, peak := 0.0, 0.0
	for _, v := range pcm {
		f := float64(v) / (math.MaxInt16 + 1)
		sum += f * f
		peak = max(peak, math.Abs(f))
	}
	return Level{RMS: decibel(math.Sqrt(sum / float64(max(1, len(pcm))))), Peak: decibel(peak)}
}

// decibel is an amplitude in dB, of full scale where that is 1.
func decibel(amplitude float64) float64 {
	if amplitude <= 0 {
		return quietest
	}
	return max(quietest, round1(20*math.Log10(amplitude)))
}

func round1(v float64) float64 { return math.Round(v*10) / 10 }
