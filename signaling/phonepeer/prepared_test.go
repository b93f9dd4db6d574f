package phonepeer

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"math"
	"os"
	"testing"
	"time"

	"callbox/media/codec/openh264"
	"callbox/media/codec/opus"
	"callbox/media/codec/picture"
	"callbox/media/codec/vpx"
)

var update = flag.Bool("update", false, "write the prepared frames anew")

// TestTone decodes what a phone sends for Tone and looks for its frequency.
func TestTone(t *testing.T) {
	if *update {
		write(t, "tone.opus", encodeTone(t))
	}
	list := frames(toneFile)
	if len(list) != 50 {
		t.Fatalf("%d frames, want a second of them", len(list))
	}
	d, err := opus.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var pcm []float64
	for range 2 { // the loop's seam is heard once
		for _, f := range list {
			buffer := make([]int16, opus.MaxSamples)
			n, err := d.Decode(f, buffer)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range buffer[:n] {
				pcm = append(pcm, float64(v))
			}
		}
	}
	var in, all float64 // power at ToneHz, and all of it
	var re, im float64
	for i, v := range pcm {
		re += v * math.Cos(2*math.Pi*ToneHz*float64(i)/opus.SampleRate)
		im += v * math.Sin(2*math.Pi*ToneHz*float64(i)/opus.SampleRate)
		all += v * v
	}
	in = 2 * (re*re + im*im) / float64(len(pcm))
	if len(pcm) != 2*opus.SampleRate || in < 0.8*all || all/float64(len(pcm)) < 1e6 {
		t.Errorf("%d samples, %.0f %% of the power at %d Hz, mean power %.0f", len(pcm), 100*in/all, ToneHz, all/float64(len(pcm)))
	}
	if n, err := d.Decode(silence(), make([]int16, opus.MaxSamples)); err != nil || n != opus.FrameSamples {
		t.Errorf("silence has %d samples: %v", n, err)
	}
}

func encodeTone(t *testing.T) []byte {
	t.Helper()
	e, err := opus.NewEncoder(24000)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var file []byte
	pcm := make([]int16, opus.FrameSamples)
	for f := range 100 { // the first second lets the encoder settle
		for i := range pcm {
			pcm[i] = int16(16384 * math.Sin(2*math.Pi*ToneHz*float64(f*len(pcm)+i)/opus.SampleRate))
		}
		p, err := e.Encode(pcm)
		if err != nil || len(p) > math.MaxUint8 {
			t.Fatalf("%d bytes: %v", len(p), err)
		}
		if f >= 50 {
			file = append(append(file, byte(len(p))), p...)
		}
	}
	return file
}

// TestPicture decodes what a phone sends for its camera.
func TestPicture(t *testing.T) {
	grey := image.NewYCbCr(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio420)
	for _, plane := range [][]byte{grey.Y, grey.Cb, grey.Cr} {
		for i := range plane {
			plane[i] = 128
		}
	}
	if *update {
		e, err := vpx.NewEncoder(picture.Params{Width: 320, Height: 240, FrameRate: 5, Bitrate: 100_000})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		f, err := e.Encode(grey, 0)
		if err != nil {
			t.Fatal(err)
		}
		write(t, "grey.vp8", bytes.Clone(f.Data))
		writeH264(t, grey)
	}
	d, err := vpx.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for range 2 { // each is a keyframe
		img, err := d.Decode(pictureFile)
		if err != nil || img.Rect != grey.Rect || img.Y[0] < 126 || img.Y[0] > 130 {
			t.Fatalf("picture %v: %v", img, err)
		}
	}
	h, err := openh264.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	list := greyPictures()
	if len(list) != 2 || bytes.Equal(list[0], list[1]) {
		t.Fatalf("%d pictures of H.264, want two that differ", len(list))
	}
	for i := range 4 { // each is a keyframe
		img, err := h.Decode(list[i%2])
		if err != nil || img == nil || img.Rect != grey.Rect || img.Y[0] < 126 || img.Y[0] > 130 {
			t.Fatalf("picture %v: %v", img, err)
		}
	}
}

// writeH264 makes two keyframes.
func writeH264(t *testing.T, img *image.YCbCr) {
	t.Helper()
	e, err := openh264.NewEncoder(picture.Params{Width: img.Rect.Dx(), Height: img.Rect.Dy(), FrameRate: 5, Bitrate: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for i := range 2 {
		if err := e.ForceKeyFrame(); err != nil {
			t.Fatal(err)
		}
		f, err := e.Encode(img, time.Duration(i)*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		write(t, fmt.Sprintf("grey-%d.h264", i+1), bytes.Clone(f.Data))
	}
}

func write(t *testing.T, name string, p []byte) {
	t.Helper()
	if err := os.WriteFile(name, p, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d bytes; run again to check them", name, len(p))
}
