package screen

import (
	"bytes"
	"image"
	"math"
	"testing"

	"go.uber.org/goleak"

	"callbox/hal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plain is a picture of one colour, with padding behind its rows.
func plain(w, h int, y, cb, cr byte) *hal.Frame {
	big := image.NewYCbCr(image.Rect(0, 0, w+16, h+2), image.YCbCrSubsampleRatio420)
	for i := range big.Y {
		big.Y[i] = y
	}
	for i := range big.Cb {
		big.Cb[i], big.Cr[i] = cb, cr
	}
	return &hal.Frame{YCbCr: *big.SubImage(image.Rect(0, 0, w, h)).(*image.YCbCr)}
}

// dirty is memory of a screen that shows something else.
func dirty(w, h, pad int) *Target {
	t := &Target{Stride: (w + pad) * bytesPerPixel}
	t.Pix = bytes.Repeat([]byte{0x55}, t.Stride*h)
	return t
}

// at is red, green and blue of a pixel.
func (t *Target) at(x, y int) [3]byte {
	i := offset(t, image.Pt(x, y))
	return [3]byte{t.Pix[i+2], t.Pix[i+1], t.Pix[i]}
}

func painter(t testing.TB, o Options) *Painter {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(a, b [3]byte, off float64) bool {
	for i := range a {
		if math.Abs(float64(a[i])-float64(b[i])) > off {
			return false
		}
	}
	return true
}

// TestColours compares with the equations of BT.601 and BT.709, from what a camera sees
// back to what a person sees.
func TestColours(t *testing.T) {
	for name, c := range map[string]struct {
		colours hal.Colours
		kr, kb  float64
		off     float64 // of 255: libyuv counts in steps of 1/64, and no factor is over 2
	}{
		"BT.601":             {hal.Colours{}, 0.299, 0.114, 4},
		"BT.601, full range": {hal.Colours{FullRange: true}, 0.299, 0.114, 4},
		"BT.709":             {hal.Colours{BT709: true}, 0.2126, 0.0722, 12},
		"BT.709, full range": {hal.Colours{BT709: true, FullRange: true}, 0.2126, 0.0722, 4},
	} {
		t.Run(name, func(t *testing.T) {
			for _, want := range [][3]byte{{}, {255, 255, 255}, {128, 128, 128}, {230, 20, 20}, {20, 230, 20}, {20, 20, 230}, {200, 150, 90}} {
				r, g, b := float64(want[0]), float64(want[1]), float64(want[2])
				y := c.kr*r + (1-c.kr-c.kb)*g + c.kb*b
				cb, cr := (b-y)/(2*(1-c.kb)), (r-y)/(2*(1-c.kr))
				if !c.colours.FullRange {
					y, cb, cr = 16+y*219/255, cb*224/255, cr*224/255
				}
				clip := func(v float64) byte { return byte(min(max(math.Round(v), 0), 255)) }
				f := plain(4, 4, clip(y), clip(128+cb), clip(128+cr))
				f.Colours = c.colours
				target := dirty(4, 4, 0)
				if err := painter(t, Options{Width: 4, Height: 4}).Paint(target, f); err != nil {
					t.Fatal(err)
				}
				if got := target.at(2, 2); !near(got, want, c.off) {
					t.Errorf("%v is shown as %v", want, got)
				}
			}
		})
	}
}

func TestFit(t *testing.T) {
	for _, tt := range []struct{ size, screen, want [2]int }{
		{[2]int{1280, 720}, [2]int{1920, 1080}, [2]int{1920, 1080}},
		{[2]int{640, 480}, [2]int{1920, 1080}, [2]int{1440, 1080}},
		{[2]int{720, 1280}, [2]int{1920, 1080}, [2]int{608, 1080}},
		{[2]int{1280, 720}, [2]int{800, 1280}, [2]int{800, 450}},
		{[2]int{1280, 720}, [2]int{1024, 768}, [2]int{1024, 576}},
		{[2]int{16384, 2}, [2]int{100, 100}, [2]int{100, 1}},
		{[2]int{2, 16384}, [2]int{100, 100}, [2]int{1, 100}},
	} {
		screen := image.Pt(tt.screen[0], tt.screen[1])
		got := fit(image.Pt(tt.size[0], tt.size[1]), screen)
		if got.Dx() != tt.want[0] || got.Dy() != tt.want[1] || !got.In(image.Rectangle{Max: screen}) {
			t.Errorf("%v on %v: %v, want the size %v", tt.size, screen, got, tt.want)
		}
		if left, right := got.Min.X, screen.X-got.Max.X; right-left < 0 || right-left > 1 {
			t.Errorf("%v on %v: %v is not in the middle", tt.size, screen, got)
		}
		if above, below := got.Min.Y, screen.Y-got.Max.Y; below-above < 0 || below-above > 1 {
			t.Errorf("%v on %v: %v is not in the middle", tt.size, screen, got)
		}
	}
}

// corners is a picture whose quarters are dark, but the first.
func corners(w, h int) *hal.Frame {
	f := plain(w, h, 60, 128, 128)
	for y := range h / 2 {
		for x := range w / 2 {
			f.Y[y*f.YStride+x] = 235
		}
	}
	return f
}

// TestRotation: the aspect is right, the bars are black, nothing is written beside the
// screen's rows, and the first quarter is where a screen on its side needs it.
func TestRotation(t *testing.T) {
	for name, tt := range map[string]struct {
		rotate       hal.Rotation
		w, h         int // of the picture
		place        image.Rectangle
		right, below bool // where the bright quarter is
	}{
		"wide, upright":           {0, 64, 32, image.Rect(0, 12, 48, 36), false, false},
		"high, upright":           {0, 32, 64, image.Rect(12, 0, 36, 48), false, false},
		"wide, turned right":      {hal.Rotate90, 64, 32, image.Rect(12, 0, 36, 48), true, false},
		"wide, upside down":       {hal.Rotate180, 64, 32, image.Rect(0, 12, 48, 36), true, true},
		"wide, turned left":       {hal.Rotate270, 64, 32, image.Rect(12, 0, 36, 48), false, true},
		"high, turned right":      {hal.Rotate90, 32, 64, image.Rect(0, 12, 48, 36), true, false},
		"odd, turned right":       {hal.Rotate90, 31, 63, image.Rect(0, 12, 48, 36), true, false},
		"of its own size, turned": {hal.Rotate180, 48, 48, image.Rect(0, 0, 48, 48), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			const side, pad = 48, 5
			p, target := painter(t, Options{Width: side, Height: side, Rotate: tt.rotate}), dirty(side, side, pad)
			if err := p.Paint(target, corners(tt.w, tt.h)); err != nil {
				t.Fatal(err)
			}
			for y := range side {
				for x := range side + pad {
					at, got := image.Pt(x, y), target.at(x, y)
					switch {
					case x >= side:
						if got != [3]byte{0x55, 0x55, 0x55} {
							t.Fatalf("behind row %d there is %v", y, got)
						}
					case !at.In(tt.place):
						if got != [3]byte{} {
							t.Fatalf("the bar is %v at %v", got, at)
						}
					default:
						if got[0] < 40 {
							t.Fatalf("the picture is %v at %v", got, at)
						}
					}
				}
			}
			q := tt.place.Size().Div(4)
			bright := tt.place.Min.Add(q)
			if tt.right {
				bright.X = tt.place.Max.X - q.X
			}
			if tt.below {
				bright.Y = tt.place.Max.Y - q.Y
			}
			if got := target.at(bright.X, bright.Y); !near(got, [3]byte{255, 255, 255}, 4) {
				t.Errorf("the bright quarter is %v at %v", got, bright)
			}
		})
	}
}

// TestSizesChange: a phone that is turned leaves nothing of its last picture.
func TestSizesChange(t *testing.T) {
	p, target := painter(t, Options{Width: 48, Height: 48}), dirty(48, 48, 0)
	for _, size := range [][2]int{{64, 32}, {32, 64}} {
		if err := p.Paint(target, plain(size[0], size[1], 235, 128, 128)); err != nil {
			t.Fatal(err)
		}
	}
	if got := target.at(2, 24); got != [3]byte{} {
		t.Errorf("beside the high picture there is %v", got)
	}
	if got := target.at(24, 2); !near(got, [3]byte{255, 255, 255}, 4) {
		t.Errorf("the high picture is %v", got)
	}
}

func TestRefused(t *testing.T) {
	p := painter(t, Options{Width: 16, Height: 16})
	good := plain(16, 16, 1, 1, 1)
	short := *good
	short.Cr = short.Cr[:3]
	other := *good
	other.SubsampleRatio = image.YCbCrSubsampleRatio444
	empty := hal.Frame{YCbCr: *image.NewYCbCr(image.Rectangle{}, image.YCbCrSubsampleRatio420)}
	for name, tt := range map[string]struct {
		target *Target
		frame  *hal.Frame
	}{
		"short planes": {dirty(16, 16, 0), &short},
		"not 4:2:0":    {dirty(16, 16, 0), &other},
		"no picture":   {dirty(16, 16, 0), &empty},
		"short memory": {dirty(16, 15, 0), good},
		"short rows":   {dirty(15, 32, 0), good},
	} {
		if err := p.Paint(tt.target, tt.frame); err == nil {
			t.Errorf("%s: it was painted", name)
		}
	}
	if _, err := New(Options{Width: 0, Height: 16}); err == nil {
		t.Error("there is a painter for no pixels")
	}
}

func FuzzPaint(f *testing.F) {
	f.Add(16, 16, 64, 32, uint8(1))
	f.Add(3, 1, 15, 7, uint8(3))
	f.Fuzz(func(t *testing.T, screenW, screenH, w, h int, turn uint8) {
		if min(w, h) < 0 || max(w, h, screenW, screenH) > 300 {
			t.Skip("larger than what a fuzzer can paint often")
		}
		p, err := New(Options{Width: screenW, Height: screenH, Rotate: hal.Rotation(turn%4) * 90})
		if err != nil {
			return
		}
		frame := &hal.Frame{YCbCr: *image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)}
		for i := range frame.Y {
			frame.Y[i] = 235
		}
		target := dirty(screenW, screenH, 1)
		if err := p.Paint(target, frame); err != nil {
			if w >= 2 && h >= 2 {
				t.Fatal(err)
			}
			return
		}
		if c := p.place.Min.Add(p.place.Max).Div(2); target.at(c.X, c.Y)[1] == 0x55 || !p.place.In(image.Rect(0, 0, screenW, screenH)) {
			t.Fatalf("%dx%d on %dx%d is at %v", w, h, screenW, screenH, p.place)
		}
	})
}
