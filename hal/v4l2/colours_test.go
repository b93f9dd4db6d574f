package v4l2

import (
	"math"
	"testing"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/v4l2/internal/uapi"
)

// TestColours: what a driver says, and what it leaves open.
func TestColours(t *testing.T) {
	const sRGB, smpte170M, enc601, limited = 8, 1, 1, 2
	for name, tt := range map[string]struct {
		says colours
		want hal.Colours
	}{
		"nothing":                {colours{}, hal.Colours{}},
		"a webcam":               {colours{sRGB, 0, 0}, hal.Colours{}},
		"television":             {colours{smpte170M, 0, 0}, hal.Colours{}},
		"like JPEG":              {colours{uapi.ColorspaceJPEG, 0, 0}, hal.Colours{FullRange: true}},
		"like JPEG, but limited": {colours{uapi.ColorspaceJPEG, 0, limited}, hal.Colours{}},
		"sRGB in full range":     {colours{sRGB, enc601, uapi.QuantizationFullRange}, hal.Colours{FullRange: true}},
		"BT.709":                 {colours{uapi.ColorspaceREC709, 0, 0}, hal.Colours{BT709: true}},
		"BT.709, full range":     {colours{uapi.ColorspaceREC709, 0, uapi.QuantizationFullRange}, hal.Colours{BT709: true, FullRange: true}},
		"BT.709 by BT.601":       {colours{uapi.ColorspaceREC709, enc601, limited}, hal.Colours{}},
		"sRGB by BT.709":         {colours{sRGB, uapi.YCbCrEnc709, 0}, hal.Colours{BT709: true}},
		"BT.2020":                {colours{uapi.ColorspaceBT2020, 0, 0}, hal.Colours{BT709: true}},
		"BT.2020 by name":        {colours{0, uapi.YCbCrEncBT2020, 0}, hal.Colours{BT709: true}},
		"unknown":                {colours{99, 99, 99}, hal.Colours{}},
	} {
		if got := tt.says.meaning(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// TestRange: a grey looks the same, however the driver writes it down, by both APIs.
func TestRange(t *testing.T) {
	limited := func(part float64) float64 { return 16 + part*219 }
	for name, tt := range map[string]struct {
		means colours
		luma  func(part float64) float64 // of what the camera gives
	}{
		"limited":            {colours{}, limited},
		"full":               {colours{quantization: uapi.QuantizationFullRange}, func(part float64) float64 { return part * 255 }},
		"like JPEG":          {colours{colorspace: uapi.ColorspaceJPEG}, func(part float64) float64 { return part * 255 }},
		"BT.709":             {colours{colorspace: uapi.ColorspaceREC709}, limited},
		"BT.709, full range": {colours{uapi.ColorspaceREC709, 0, uapi.QuantizationFullRange}, func(part float64) float64 { return part * 255 }},
	} {
		for _, mplane := range []bool{false, true} {
			f := newFakeNode(t, &fakeNode{mplane: mplane, format: uapi.PixNV12, strides: []int{18}, lengths: []int{18 * 9}, means: tt.means})
			d, err := ask(f)
			if err != nil {
				t.Fatal(err)
			}
			s, err := New("fake", clock.Boot()).start(d, "/dev/null", hal.VideoMode{Width: 18, Height: 6, FrameRate: 30})
			if err != nil {
				t.Fatal(err)
			}
			for step := range 17 {
				part := float64(step) / 16
				given := make([]byte, 18*9)
				for i := range given {
					given[i] = 128
					if i < 18*6 {
						given[i] = byte(math.Round(tt.luma(part)))
					}
				}
				f.give(0, 0, given)
				p, err := s.ReadFrame()
				if err != nil {
					t.Fatal(err)
				}
				if got := float64(p.Y[20]); math.Abs(got-limited(part)) > 1.1 || p.Cb[3] != 128 || p.Cr[3] != 128 || p.Colours != (hal.Colours{}) {
					t.Errorf("%s, mplane %v: %.2f of white became %v,%d,%d (%+v), want %.1f", name, mplane, part, got, p.Cb[3], p.Cr[3], p.Colours, limited(part))
				}
			}
			s.Close()
		}
	}
}
