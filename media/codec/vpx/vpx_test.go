package vpx

import (
	"errors"
	"image"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"

	"callbox/hal"
)

// picture returns an I420 picture with a bright square that moves with n.
func picture(w, h, n int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	paint(img, n)
	return img
}

func paint(img *image.YCbCr, n int) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	for y := range h {
		row := img.Y[y*img.YStride : y*img.YStride+w]
		for x := range row {
			row[x] = byte(40 + (x/8+y/8+n)%32)
		}
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	side := h / 4
	x0 := (n * 4) % (w - side)
	for y := h / 4; y < h/4+side; y++ {
		for x := x0; x < x0+side; x++ {
			img.Y[y*img.YStride+x] = 235
		}
	}
}

// psnr is of the luma planes, in dB.
func psnr(a, b *image.YCbCr) float64 {
	var sum float64
	w, h := a.Rect.Dx(), a.Rect.Dy()
	for y := range h {
		for x := range w {
			d := float64(a.Y[y*a.YStride+x]) - float64(b.Y[y*b.YStride+x])
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255/(sum/float64(w*h)+1e-9))
}

func params(w, h int) Params {
	return Params{Width: w, Height: h, FrameRate: 30, Bitrate: 600_000, KeyframeInterval: 300 * time.Millisecond}
}

const frameTime = time.Second / 30

func TestEncodeDecode(t *testing.T) {
	const w, h = 322, 182 // no multiple of 16
	enc, err := NewEncoder(params(w, h))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	dec, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	for n := range 60 {
		img := picture(w, h, n)
		captured := time.Hour + time.Duration(n)*frameTime
		f, err := enc.Encode(img, captured)
		if err != nil {
			t.Fatal(err)
		}
		if f.Key != (n == 0) {
			t.Errorf("picture %d: keyframe = %v", n, f.Key)
		}
		if f.Captured != captured {
			t.Errorf("picture %d was captured at %v, want %v", n, f.Captured, captured)
		}
		got, err := dec.Decode(f.Data)
		if err != nil || got == nil {
			t.Fatalf("picture %d: %v, %v", n, got, err)
		}
		if got.Rect != img.Rect {
			t.Fatalf("decoded %v, want %v", got.Rect, img.Rect)
		}
		if q := psnr(img, got); q < 28 {
			t.Errorf("picture %d: PSNR %.1f dB, want at least 28", n, q)
		}
	}
}

func TestKeyframeRequests(t *testing.T) {
	enc, err := NewEncoder(params(160, 96))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	var keys []int
	for n := range 40 {
		enc.ForceKeyFrame() // a storm: one for each picture
		f, err := enc.Encode(picture(160, 96, n), time.Duration(n)*100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if f.Key {
			keys = append(keys, n)
		}
	}
	for i, k := range keys {
		if k != i*3 {
			t.Fatalf("keyframes at %v, want every third picture (300 ms)", keys)
		}
	}
	if len(keys) != 14 {
		t.Errorf("%d keyframes in 40 pictures, want 14", len(keys))
	}
}

func TestBitrate(t *testing.T) {
	const w, h = 640, 360
	p := params(w, h)
	enc, err := NewEncoder(p)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	noise := func(img *image.YCbCr, n int) {
		s := uint32(n)*2654435761 + 1
		for i := range img.Y {
			s = s*1664525 + 1013904223
			img.Y[i] = byte(128 + int(s>>28) - 8 + 60*(i/64%2))
		}
	}
	img := picture(w, h, 0)
	measure := func(from int) float64 {
		bytes := 0
		for n := range 150 {
			noise(img, from+n)
			f, err := enc.Encode(img, time.Duration(from+n)*frameTime)
			if err != nil {
				t.Fatal(err)
			}
			if n >= 30 {
				bytes += len(f.Data)
			}
		}
		return float64(bytes) * 8 / 4
	}
	for i, want := range []int{600_000, 1_500_000} {
		if err := enc.SetBitRate(want); err != nil {
			t.Fatal(err)
		}
		if got := measure(i * 150); got < 0.75*float64(want) || got > 1.3*float64(want) {
			t.Errorf("%d bit/s wanted, %.0f made", want, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, p := range map[string]Params{
		"odd width":  {Width: 321, Height: 240, FrameRate: 30, Bitrate: 1e6},
		"no rate":    {Width: 320, Height: 240, Bitrate: 1e6},
		"no bitrate": {Width: 320, Height: 240, FrameRate: 30},
		"too large":  {Width: 20000, Height: 240, FrameRate: 30, Bitrate: 1e6},
	} {
		if e, err := NewEncoder(p); err == nil {
			e.Close()
			t.Errorf("%s: accepted", name)
		}
	}
	enc, err := NewEncoder(params(64, 64))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	short := picture(64, 64, 0)
	short.Cr = short.Cr[:10]
	for name, img := range map[string]*image.YCbCr{
		"other size":  picture(64, 32, 0),
		"short plane": short,
		"4:4:4":       image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio444),
	} {
		if _, err := enc.Encode(img, 0); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

// TestTimeBackwards: a clock that jumps back must not stop the stream.
func TestTimeBackwards(t *testing.T) {
	enc, err := NewEncoder(params(64, 64))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	for n, at := range []time.Duration{time.Second, time.Second, 0, 2 * time.Second} {
		if _, err := enc.Encode(picture(64, 64, n), at); err != nil {
			t.Errorf("picture %d at %v: %v", n, at, err)
		}
	}
}

// TestUseAfterClose: a request that races with the end of the call.
func TestUseAfterClose(t *testing.T) {
	for range 20 {
		enc, err := NewEncoder(params(64, 64))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for {
					if errors.Is(enc.ForceKeyFrame(), ErrClosed) && errors.Is(enc.SetBitRate(500_000), ErrClosed) {
						return
					}
				}
			})
		}
		img := picture(64, 64, 0)
		enc.Encode(img, 0)
		enc.Close()
		enc.Close()
		wg.Wait()
		if _, err := enc.Encode(img, 0); !errors.Is(err, ErrClosed) {
			t.Fatalf("Encode after Close: %v, want ErrClosed", err)
		}
	}
	dec, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	dec.Close()
	dec.Close()
	if _, err := dec.Decode([]byte{1, 2, 3}); !errors.Is(err, ErrClosed) {
		t.Errorf("Decode after Close: %v, want ErrClosed", err)
	}
}

func TestDecoderNeedsKeyframe(t *testing.T) {
	enc, err := NewEncoder(params(64, 64))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	var frames [][]byte
	for n := range 3 {
		f, err := enc.Encode(picture(64, 64, n), time.Duration(n)*frameTime)
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, append([]byte(nil), f.Data...))
	}
	dec, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	want := func(p []byte, target error) {
		t.Helper()
		if _, err := dec.Decode(p); !errors.Is(err, target) {
			t.Errorf("Decode: %v, want %v", err, target)
		}
	}
	want(frames[1], ErrNeedKeyframe)
	want(frames[0], nil)
	want(frames[1], nil)
	dec.Lost()
	want(frames[2], ErrNeedKeyframe)
	want(frames[0], nil)
	huge := append([]byte(nil), frames[0]...)
	huge[6], huge[7], huge[8], huge[9] = 0xff, 0x3f, 0xff, 0x3f
	want(huge, ErrNeedKeyframe)
	want(nil, ErrNeedKeyframe)
}

func FuzzDecode(f *testing.F) {
	enc, err := NewEncoder(params(32, 32))
	if err != nil {
		f.Fatal(err)
	}
	key, err := enc.Encode(picture(32, 32, 0), 0)
	if err != nil {
		f.Fatal(err)
	}
	first := append([]byte(nil), key.Data...)
	f.Add(first)
	next, err := enc.Encode(picture(32, 32, 1), frameTime)
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
		if n := img.Rect.Dx() * img.Rect.Dy(); n < 1 || n > MaxPixels {
			t.Fatalf("decoded %v", img.Rect)
		}
		_ = img.YCbCrAt(img.Rect.Max.X-1, img.Rect.Max.Y-1)
	})
}

// TestStream runs the builder as mediadevices does: pause, size change, end.
func TestStream(t *testing.T) {
	sizes := []int{64, 64, 64, 96, 96}
	n := 0
	var s *Stream
	src := video.ReaderFunc(func() (image.Image, func(), error) {
		if n == len(sizes) {
			return nil, func() {}, io.EOF
		}
		if n == 1 {
			s.SetPaused(false)
		}
		f := &hal.Frame{YCbCr: *picture(sizes[n], 64, n), Captured: time.Duration(n) * time.Second}
		n++
		return f, func() {}, nil
	})
	b := VP8{FrameRate: 30, Bitrate: 300_000, KeyframeInterval: 300 * time.Millisecond}
	rc, err := b.BuildVideoEncoder(src, prop.Media{Video: prop.Video{Width: 64, Height: 64}})
	if err != nil {
		t.Fatal(err)
	}
	s = rc.Controller().(*Stream)
	var _ codec.KeyFrameController = s
	var _ codec.BitRateController = s
	s.SetPaused(true)
	var keys []bool
	for {
		data, _, err := rc.Read()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("Read ended with %v, want io.EOF", err)
			}
			break
		}
		f := s.Last()
		if string(f.Data) != string(data) || f.Captured != time.Duration(n-1)*time.Second {
			t.Errorf("picture %d: Last is another one, of %v", n-1, f.Captured)
		}
		keys = append(keys, f.Key)
	}
	// Picture 0 fell into the pause; picture 3 has another size.
	if want := []bool{true, false, true, false}; !slices.Equal(keys, want) {
		t.Errorf("keyframes %v, want %v", keys, want)
	}
	rc.Close()
	rc.Close()
	if err := s.ForceKeyFrame(); !errors.Is(err, ErrClosed) {
		t.Errorf("ForceKeyFrame after Close: %v", err)
	}
	if err := s.SetBitRate(1e6); !errors.Is(err, ErrClosed) {
		t.Errorf("SetBitRate after Close: %v", err)
	}
}

// BenchmarkEncode720p gives the time for a picture of 1280x720; CPU-% is what 30
// pictures a second take of one core.
func BenchmarkEncode720p(b *testing.B) {
	const w, h = 1280, 720
	p := params(w, h)
	p.Bitrate = 1_200_000
	enc, err := NewEncoder(p)
	if err != nil {
		b.Fatal(err)
	}
	defer enc.Close()
	pictures := make([]*image.YCbCr, 16)
	for n := range pictures {
		pictures[n] = picture(w, h, n)
	}
	bytes, before := 0, cpu()
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		f, err := enc.Encode(pictures[n%len(pictures)], time.Duration(n)*frameTime)
		if err != nil {
			b.Fatal(err)
		}
		bytes += len(f.Data)
	}
	b.StopTimer()
	used := cpu() - before
	b.ReportMetric(float64(used.Microseconds())/1000/float64(b.N), "cpu-ms/frame")
	b.ReportMetric(used.Seconds()/float64(b.N)*30*100, "CPU-%@30")
	b.ReportMetric(float64(bytes)*8/float64(b.N)*30/1000, "kbit/s")
	runtime.KeepAlive(pictures)
}

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
