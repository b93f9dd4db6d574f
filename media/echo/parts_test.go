package echo

import (
	"math"
	"testing"

	"callbox/hal"
	"callbox/hal/haltest"
)

// TestAligner: a counted signal comes out when it is told to.
func TestAligner(t *testing.T) {
	for name, tt := range map[string]struct{ lag, early int }{
		"none":                   {0, 0},
		"shorter than the lead":  {300, 300},
		"just the lead":          {480, 480},
		"100 ms":                 {4800, 480},
		"no multiple of a frame": {4801, 480},
		"the longest":            {maxDelay, 480},
	} {
		t.Run(name, func(t *testing.T) {
			a := aligner{lead: 480}
			if got := a.set(tt.lag); got != tt.early {
				t.Fatalf("early by %d, want %d", got, tt.early)
			}
			for i := range 200 {
				var x frame
				for k := range x {
					x[k] = int16((i*hal.FrameSamples + k) % 30000)
				}
				a.delay(&x)
				for k, v := range x {
					if at := i*hal.FrameSamples + k - (tt.lag - tt.early); at >= 0 && v != int16(at%30000) {
						t.Fatalf("sample %d is %d", i*hal.FrameSamples+k, v)
					}
				}
			}
		})
	}
}

func TestAlignerFits(t *testing.T) {
	a := aligner{lead: 480}
	a.set(4800)
	for lag, want := range map[int]bool{4800: true, 4800 + laterSamples: true, 4800 + laterSamples + 1: false,
		4800 - earlierSamples: true, 4800 - earlierSamples - 1: false} {
		if a.fits(lag) != want {
			t.Errorf("fits(%d) = %v", lag, !want)
		}
	}
	a.set(0)
	if !a.fits(0) || !a.fits(480) {
		t.Error("a short way cannot fit better than with no delay")
	}
}

// TestFinder: the delay is found within 2 s of talk, and not changed by somebody
// who talks at the device.
func TestFinder(t *testing.T) {
	list := scenarios
	if haltest.Slow {
		list = list[:1]
	}
	for _, s := range list {
		t.Run(s.name, func(t *testing.T) {
			const n = 10 * hal.SampleRate
			far := int16s(speak(voice(t, s.far), n, farLevel))
			near := speak(voice(t, s.near), n, nearLevel)
			clear(near[:3*hal.SampleRate])
			captured := int16s(add(s.room.hear(far), near))
			f := &finder{}
			found := -1
			for i := 0; i < n; i += hal.FrameSamples {
				lag, worth := f.observe((*frame)(far[i:]), (*frame)(captured[i:]))
				if found < 0 && worth >= sure {
					found = i
				}
				if off := lag/48 - s.room.delay; worth == proven && (off < -3 || off > 3) {
					t.Fatalf("%d ms at %.2f s", lag/48, float64(i)/hal.SampleRate)
				}
			}
			if found < 0 || found > 2*hal.SampleRate {
				t.Errorf("found at sample %d", found)
			}
		})
	}
}

// TestFFT compares with the plain sum.
func TestFFT(t *testing.T) {
	var re, im [fftSize]float32
	want := make([]complex128, fftSize)
	for i, v := range (room{seed: 30}).noisy(2 * fftSize) {
		if i < fftSize {
			re[i] = float32(v)
		} else {
			im[i-fftSize] = float32(v)
		}
	}
	for i := range want {
		want[i] = complex(float64(re[i]), float64(im[i]))
	}
	newFFT().run(&re, &im)
	for k := range want {
		sum := complex128(0)
		for n, v := range want {
			s, c := math.Sincos(-2 * math.Pi * float64(k*n%fftSize) / fftSize)
			sum += v * complex(c, s)
		}
		if math.Abs(real(sum)-float64(re[k])) > 1e-3 || math.Abs(imag(sum)-float64(im[k])) > 1e-3 {
			t.Fatalf("bin %d is %v%+vi, want %v", k, re[k], im[k], sum)
		}
	}
}

// TestUnnotch: speexdsp's notch is undone, so that a deep voice keeps its phase.
// It fails when another version of the library has another notch.
func TestUnnotch(t *testing.T) {
	s, err := newSpeex(false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for _, hz := range []float64{100, 150, 200, 300, 1000, 4000} {
		const n = 2 * hal.SampleRate
		tone := make([]float64, n)
		for i := range tone {
			tone[i] = 0.1 * math.Sin(2*math.Pi*hz*float64(i)/hal.SampleRate)
		}
		d := int16s(tone)
		out := make([]int16, n)
		var x frame
		for i := 0; i < n; i += hal.FrameSamples {
			if err := s.process(&x, (*frame)(d[i:]), (*frame)(out[i:])); err != nil {
				t.Fatal(err)
			}
		}
		left := floats(out)[hal.FrameSamples:] // the suppressor's delay
		// What is left of the notch turns 100 Hz by 9 degrees, which is an SDR of 16 dB.
		want := 20 * math.Log10(hz/16)
		if sdr, _ := siSDR(tone[n/2:n-hal.FrameSamples], left[n/2:]); sdr < want {
			t.Errorf("%v Hz: SDR %.1f dB, want %.1f", hz, sdr, want)
		}
	}
}
