package codectest

import (
	"image"
	"math"
	"syscall"
	"testing"
	"time"

	"callbox/media/codec/picture"
)

// Picture returns an I420 picture with a bright square that moves with n.
func Picture(w, h, n int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	Paint(img, n)
	return img
}

// Paint paints such a picture.
func Paint(img *image.YCbCr, n int) {
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

// PSNR is of the luma planes, in dB.
func PSNR(a, b *image.YCbCr) float64 {
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

// Params are those of the tests.
func Params(w, h int) picture.Params {
	return picture.Params{Width: w, Height: h, FrameRate: 30, Bitrate: 600_000, KeyframeInterval: 300 * time.Millisecond}
}

// FrameTime is from picture to picture.
const FrameTime = time.Second / 30

// Encode720p gives the time for a picture of 1280x720; CPU-% is what 30
// pictures a second take of one core.
func (c Codec) Encode720p(b *testing.B) {
	const w, h = 1280, 720
	p := Params(w, h)
	p.Bitrate = 1_200_000
	enc, err := c.NewEncoder(p)
	if err != nil {
		b.Fatal(err)
	}
	defer closeAll(b, enc)
	pictures := make([]*image.YCbCr, 16)
	for n := range pictures {
		pictures[n] = Picture(w, h, n)
	}
	bytes, before := 0, cpu()
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		f, err := enc.Encode(pictures[n%len(pictures)], time.Duration(n)*FrameTime)
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
}

func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
