package codectest

import (
	"testing"
	"time"

	"callbox/media/codec/h264"
	"callbox/media/codec/picture"
)

// ConstrainedBaseline wants an encoder of H.264 to make constrained baseline of a level
// that fits the size, with the parameter sets in each keyframe. highest is the height of
// the largest picture that is tried.
func ConstrainedBaseline(t *testing.T, newEncoder func(picture.Params) (picture.Encoder, error), highest int) {
	t.Helper()
	for _, tt := range []struct {
		w, h  int
		level byte
	}{{320, 240, 13}, {640, 480, 30}, {1280, 720, 31}, {1920, 1080, 40}} {
		if tt.h > highest {
			continue
		}
		enc, err := newEncoder(Params(tt.w, tt.h))
		if err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			if err := enc.ForceKeyFrame(); err != nil {
				t.Fatal(err)
			}
			f, err := enc.Encode(Picture(tt.w, tt.h, n), time.Duration(n)*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			c := h264.Look(f.Data)
			if !f.Key || !c.Key || c.SPS == nil || c.PPS == nil {
				t.Fatalf("%dx%d, picture %d: %+v; want SPS, PPS and a keyframe", tt.w, tt.h, n, c)
			}
			s, err := h264.ParseSPS(c.SPS)
			if err != nil {
				t.Fatal(err)
			}
			if !s.ConstrainedBaseline() || s.Level != tt.level || s.Width != tt.w || s.Height != tt.h {
				t.Errorf("SPS %+v, want constrained baseline of %dx%d, level %d", s, tt.w, tt.h, tt.level)
			}
		}
		if err := enc.Close(); err != nil {
			t.Error(err)
		}
	}
}
