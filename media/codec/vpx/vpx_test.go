package vpx

import (
	"errors"
	"testing"

	"callbox/media/codec/codectest"
	"callbox/media/codec/picture"
)

var vp8 = codectest.Codec{
	NewEncoder: func(p picture.Params) (picture.Encoder, error) { return NewEncoder(p) },
	NewDecoder: func() (picture.Decoder, error) { return NewDecoder() },
	Builder:    VP8,
}

func TestVP8(t *testing.T) { vp8.Test(t) }

// TestOpensSmall: without heap.Opening it is 24 MB.
func TestOpensSmall(t *testing.T) { vp8.OpensSmall(t, 6_000) }

func TestMemoryIsGivenBack(t *testing.T) { vp8.MemoryIsGivenBack(t) }

func BenchmarkEncode720p(b *testing.B) { vp8.Encode720p(b) }

// TestDecoderRefusesHugePictures: the header of a keyframe can claim any size.
func TestDecoderRefusesHugePictures(t *testing.T) {
	enc, err := NewEncoder(codectest.Params(64, 64))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	f, err := enc.Encode(codectest.Picture(64, 64, 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	f.Data[6], f.Data[7], f.Data[8], f.Data[9] = 0xff, 0x3f, 0xff, 0x3f
	if _, err := dec.Decode(f.Data); !errors.Is(err, picture.ErrNeedKeyframe) {
		t.Errorf("Decode: %v, want ErrNeedKeyframe", err)
	}
}

func FuzzDecode(f *testing.F) {
	enc, err := NewEncoder(codectest.Params(32, 32))
	if err != nil {
		f.Fatal(err)
	}
	key, err := enc.Encode(codectest.Picture(32, 32, 0), 0)
	if err != nil {
		f.Fatal(err)
	}
	first := append([]byte(nil), key.Data...)
	f.Add(first)
	next, err := enc.Encode(codectest.Picture(32, 32, 1), codectest.FrameTime)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append([]byte(nil), next.Data...))
	enc.Close()
	f.Add([]byte{0, 0, 0, 0x9d, 1, 0x2a, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, p []byte) {
		dec, err := NewDecoder()
		if err != nil {
			t.Fatal(err)
		}
		defer dec.Close()
		dec.Decode(first)
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
