package openh264

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"callbox/media/codec/codectest"
	"callbox/media/codec/picture"
)

var h264Codec = codectest.Codec{
	NewEncoder: func(p picture.Params) (picture.Encoder, error) { return NewEncoder(p) },
	NewDecoder: func() (picture.Decoder, error) { return NewDecoder() },
	Builder:    H264,
}

func TestH264(t *testing.T) { h264Codec.Test(t) }

func TestMemoryIsGivenBack(t *testing.T) { h264Codec.MemoryIsGivenBack(t) }

func BenchmarkEncode720p(b *testing.B) { h264Codec.Encode720p(b) }

// encoded returns pictures of w x h.
func encoded(t testing.TB, w, h, n int) [][]byte {
	t.Helper()
	enc, err := NewEncoder(codectest.Params(w, h))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	var out [][]byte
	for i := range n {
		f, err := enc.Encode(codectest.Picture(w, h, i), time.Duration(i)*codectest.FrameTime)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, bytes.Clone(f.Data))
	}
	return out
}

// TestMissing: what is not the library is not taken for it.
func TestMissing(t *testing.T) {
	for _, soname := range []string{"libthereisnone.so.7", "libc.so.6"} {
		if err := load(soname); !errors.Is(err, ErrMissing) {
			t.Errorf("%s: %v, want ErrMissing", soname, err)
		}
	}
	if err := load(soname()); err != nil {
		t.Errorf("the library itself: %v", err)
	}
}

func TestStreamIsConstrainedBaseline(t *testing.T) {
	codectest.ConstrainedBaseline(t, func(p picture.Params) (picture.Encoder, error) { return NewEncoder(p) }, 1080)
}

// TestFewerPictures: half the pictures get the bits of all of them.
func TestFewerPictures(t *testing.T) {
	const w, h = 320, 240
	enc, err := NewEncoder(codectest.Params(w, h))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	img, s := codectest.Picture(w, h, 0), uint32(1)
	bytes := 0
	for n := range 150 { // at 15 a second
		for i := range img.Y {
			s = s*1664525 + 1013904223
			img.Y[i] = byte(120 + int(s>>27))
		}
		f, err := enc.Encode(img, time.Duration(n)*2*codectest.FrameTime)
		if err != nil {
			t.Fatal(err)
		}
		if n >= 60 {
			bytes += len(f.Data)
		}
	}
	if got := float64(bytes) * 8 / 6; got < 0.7*600_000 || got > 1.3*600_000 {
		t.Errorf("%.0f bit/s at half the pictures, want 600000", got)
	}
}

// TestDecoderRefuses what would cost too much, before the library sees it.
func TestDecoderRefuses(t *testing.T) {
	big := encoded(t, 3840, 2160, 1)[0]
	good := encoded(t, 64, 64, 2)
	for name, p := range map[string][]byte{
		"larger than is believed": big,
		"too many bytes":          append(bytes.Clone(good[0]), make([]byte, maxPicture)...),
		"no slice":                good[0][:12],
		"no start code":           {1, 2, 3, 4, 5},
		"empty":                   nil,
	} {
		dec, err := NewDecoder()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dec.Decode(good[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := dec.Decode(p); !errors.Is(err, picture.ErrNeedKeyframe) {
			t.Errorf("%s: %v, want ErrNeedKeyframe", name, err)
		}
		if _, err := dec.Decode(good[1]); !errors.Is(err, picture.ErrNeedKeyframe) {
			t.Errorf("%s: the picture after it: %v, want ErrNeedKeyframe", name, err)
		}
		if _, err := dec.Decode(good[0]); err != nil {
			t.Errorf("%s: the next keyframe: %v", name, err)
		}
		dec.Close()
	}
}

// TestDecoderSizeChange: a sender may change the size with a keyframe.
func TestDecoderSizeChange(t *testing.T) {
	dec, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	for _, size := range [][2]int{{320, 240}, {640, 360}, {160, 96}, {322, 182}} {
		for n, p := range encoded(t, size[0], size[1], 3) {
			img, err := dec.Decode(p)
			if err != nil || img == nil || img.Rect.Dx() != size[0] || img.Rect.Dy() != size[1] {
				t.Fatalf("picture %d of %v: %v, %v", n, size, img, err)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	seeds := encoded(f, 32, 32, 3)
	for _, p := range seeds {
		f.Add(p)
	}
	f.Add(encoded(f, 96, 64, 1)[0])
	f.Add([]byte{0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0xff, 0xff, 0xff, 0, 0, 1, 0x65})
	dec, err := NewDecoder()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { dec.Close() })
	f.Fuzz(func(t *testing.T, p []byte) {
		if _, err := dec.Decode(seeds[0]); err != nil {
			t.Fatalf("a good keyframe: %v", err)
		}
		img, err := dec.Decode(p)
		if err != nil || img == nil {
			return
		}
		if n := img.Rect.Dx() * img.Rect.Dy(); n < 1 || n > picture.MaxPixels {
			t.Fatalf("decoded %v", img.Rect)
		}
		_ = img.YCbCrAt(img.Rect.Max.X-1, img.Rect.Max.Y-1)
	})
}

// TestMoreThanTheLevel: an encoder that was opened for a slow way takes what its level
// has room for when the way becomes wide.
func TestMoreThanTheLevel(t *testing.T) {
	e, err := NewEncoder(picture.Params{Width: 160, Height: 90, FrameRate: 30, Bitrate: 60_000})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, rate := range []int{200_000, 5_000_000} {
		if err := e.SetBitRate(rate); err != nil {
			t.Error(err)
		}
	}
}
