package virtual

import (
	"image"
	"image/color"
	"math"
	"time"
)

// scene is an evening landscape. All that stands still is painted once; a
// picture costs the strip with the stamp, the ball and, once a second, the clock.
type scene struct {
	picture    *image.YCbCr // what is shown
	ball       sprite
	underBall  *image.YCbCr // what the ball hides
	digits     map[rune]sprite
	underClock *image.YCbCr // the picture without the clock, where that may be
	clockText  string
}

// sprite is a small picture with an opacity from 0 to 255 for every pixel.
type sprite struct {
	*image.YCbCr
	alpha []byte // stride is the width
}

// Colors of the scene.
var (
	skyTop    = color.RGBA{R: 24, G: 32, B: 78}
	skyMiddle = color.RGBA{R: 120, G: 82, B: 138}
	skyBottom = color.RGBA{R: 250, G: 170, B: 110}
	sun       = color.RGBA{R: 255, G: 236, B: 190}
	farHills  = color.RGBA{R: 70, G: 62, B: 110}
	nearHills = color.RGBA{R: 30, G: 36, B: 66}
	ballLight = color.RGBA{R: 255, G: 250, B: 240}
	ballDark  = color.RGBA{R: 214, G: 66, B: 74}
	ink       = color.RGBA{R: 255, G: 255, B: 255}

	bars = []color.RGBA{ // of 75 % colour bars, without the black
		{R: 191, G: 191, B: 191}, {R: 191, G: 191}, {G: 191, B: 191}, {G: 191}, {R: 191, B: 191}, {R: 191}, {B: 191},
	}
)

func newScene(w, h int) (*scene, error) {
	r := image.Rect(0, 0, w, h)
	s := &scene{
		picture: image.NewYCbCr(r, image.YCbCrSubsampleRatio420),
		digits:  map[rune]sprite{},
	}
	paint(s.picture, func(x, y float64) color.RGBA { return landscape(x, y, float64(w)/float64(h)) })

	text, err := newFont(float64(h) / 10)
	if err != nil {
		return nil, err
	}
	var widest image.Point
	for _, d := range "0123456789:" {
		s.digits[d] = text.sprite(string(d))
		size := s.digits[d].Rect.Size()
		widest = image.Pt(max(widest.X, size.X), max(widest.Y, size.Y))
	}

	label, err := newFont(float64(h) / 22)
	if err != nil {
		return nil, err
	}
	caption := label.sprite("callbox test picture")
	if caption.Rect.Dx() < w { // it has no room in the smallest pictures
		// Above the ball's way, and where a call page has neither its head nor its buttons.
		blend(s.picture, caption, even((w-caption.Rect.Dx())/2, h/5))
	}
	s.ball = newBall(min(w, h) / 6 &^ 1)
	s.underBall = cut(s.picture, s.ball.Rect)
	clock := image.Rectangle{Max: image.Pt(widest.X*len("15:04:05"), widest.Y)}
	s.underClock = cut(s.picture, clock.Add(even(w/32, h/10)))
	return s, nil
}

// landscape returns the color at x and y, both from 0 to 1.
func landscape(x, y, aspect float64) color.RGBA {
	if y >= 0.95 {
		return bars[min(int(x*float64(len(bars))), len(bars)-1)]
	}
	c := mix(skyTop, skyMiddle, smooth(0.05, 0.5, y))
	c = mix(c, skyBottom, smooth(0.35, 0.78, y))
	d := math.Hypot((x-0.7)*aspect, y-0.6)
	c = mix(c, sun, 0.75*math.Exp(-d*d/0.03)+0.25*math.Exp(-d*d/0.2))
	c = mix(c, sun, 1-smooth(0.075, 0.079, d))
	far := 0.70 - 0.05*math.Sin(5*x+1) - 0.025*math.Sin(13*x)
	c = mix(c, farHills, smooth(far-0.002, far+0.002, y))
	near := 0.80 - 0.045*math.Sin(4*x+3.6) - 0.012*math.Sin(17*x+1)
	return mix(c, nearHills, smooth(near-0.002, near+0.002, y))
}

// draw brings the picture to the time at on the boot clock, and to the time of
// day.
func (s *scene) draw(at time.Duration, now time.Time) {
	copyPlanes(s.picture, s.underBall, s.underBall.Rect)
	if text := now.Format("15:04:05"); text != s.clockText {
		s.clockText = text
		copyPlanes(s.picture, s.underClock, s.underClock.Rect)
		p := s.underClock.Rect.Min
		for _, d := range text {
			glyph := s.digits[d]
			blend(s.picture, glyph, p)
			p.X += glyph.Rect.Dx()
		}
	}
	p := s.ballPlace(at)
	s.underBall.Rect = s.ball.Rect.Add(p)
	copyPlanes(s.underBall, s.picture, s.underBall.Rect)
	blend(s.picture, s.ball, p)
	Stamp(s.picture, at)
}

// ballPlace lets the ball swing from side to side in eight seconds and bounce
// once a second, between the clock and the color bars.
func (s *scene) ballPlace(at time.Duration) image.Point {
	w, h, size := s.picture.Rect.Dx(), s.picture.Rect.Dy(), s.ball.Rect.Dx()
	x := 0.5 - 0.5*math.Cos(2*math.Pi*(at%(8*time.Second)).Seconds()/8)
	u := 2*(at%time.Second).Seconds() - 1 // -1 to 1 between two bounces
	top, bottom := float64(h)*0.26, float64(h)*0.84-float64(size)
	return even(int(x*float64(w-size)), int(bottom-(bottom-top)*(1-u*u)))
}

// newBall makes a ball with light from the top left and a soft edge.
func newBall(size int) sprite {
	s := sprite{image.NewYCbCr(image.Rect(0, 0, size, size), image.YCbCrSubsampleRatio420), make([]byte, size*size)}
	paint(s.YCbCr, func(x, y float64) color.RGBA {
		return mix(ballLight, ballDark, smooth(0, 0.62, math.Hypot(x-0.36, y-0.32)))
	})
	for i := range s.alpha {
		x, y := float64(i%size)+0.5-float64(size)/2, float64(i/size)+0.5-float64(size)/2
		s.alpha[i] = byte(255 * (1 - smooth(float64(size)/2-1.5, float64(size)/2, math.Hypot(x, y))))
	}
	return s
}

// paint fills m with the colors that at gives for places from 0 to 1.
func paint(m *image.YCbCr, at func(x, y float64) color.RGBA) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for y := range h {
		for x := range w {
			luma, cb, cr := limited(at((float64(x)+0.5)/float64(w), (float64(y)+0.5)/float64(h)))
			m.Y[m.YOffset(x, y)] = luma
			if x%2 == 0 && y%2 == 0 {
				m.Cb[m.COffset(x, y)], m.Cr[m.COffset(x, y)] = cb, cr
			}
		}
	}
}

// limited converts to BT.601 video levels, which encoders and browsers expect of
// I420 without further words.
func limited(c color.RGBA) (y, cb, cr byte) {
	r, g, b := float64(c.R)/255, float64(c.G)/255, float64(c.B)/255
	return byte(16.5 + 65.481*r + 128.553*g + 24.966*b),
		byte(128.5 - 37.797*r - 74.203*g + 112*b),
		byte(128.5 + 112*r - 93.786*g - 18.214*b)
}

// blend lays s over dst with its top left corner at the even point p.
func blend(dst *image.YCbCr, s sprite, p image.Point) {
	r := s.Rect.Add(p).Intersect(dst.Rect)
	w := s.Rect.Dx()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		alpha := s.alpha[(y-p.Y)*w:][:r.Dx()]
		out, in := dst.Y[dst.YOffset(r.Min.X, y):][:r.Dx()], s.Y[s.YOffset(0, y-p.Y):][:r.Dx()]
		for i, a := range alpha {
			if a != 0 {
				out[i] = over(out[i], in[i], a)
			}
		}
		if y%2 != 0 {
			continue
		}
		at, from, n := dst.COffset(r.Min.X, y), s.COffset(0, y-p.Y), r.Dx()/2
		cb, cr, sb, sr := dst.Cb[at:][:n], dst.Cr[at:][:n], s.Cb[from:][:n], s.Cr[from:][:n]
		for i := range cb {
			if a := alpha[2*i]; a != 0 {
				cb[i], cr[i] = over(cb[i], sb[i], a), over(cr[i], sr[i], a)
			}
		}
	}
}

func over(below, above, alpha byte) byte {
	return byte((int(below)*(255-int(alpha)) + int(above)*int(alpha) + 127) / 255)
}

// cut copies the even rectangle r of m, as far as m goes.
func cut(m *image.YCbCr, r image.Rectangle) *image.YCbCr {
	out := image.NewYCbCr(r.Intersect(m.Rect), image.YCbCrSubsampleRatio420)
	copyPlanes(out, m, out.Rect)
	return out
}

// copyPlanes copies the even rectangle r, which src has.
func copyPlanes(dst, src *image.YCbCr, r image.Rectangle) {
	r = r.Intersect(dst.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(dst.Y[dst.YOffset(r.Min.X, y):][:r.Dx()], src.Y[src.YOffset(r.Min.X, y):])
		if y%2 == 0 {
			to, from, n := dst.COffset(r.Min.X, y), src.COffset(r.Min.X, y), (r.Dx()+1)/2
			copy(dst.Cb[to:][:n], src.Cb[from:])
			copy(dst.Cr[to:][:n], src.Cr[from:])
		}
	}
}

// mix goes from a to b as t goes from 0 to 1.
func mix(a, b color.RGBA, t float64) color.RGBA {
	f := func(a, b byte) byte { return byte(float64(a) + (float64(b)-float64(a))*min(max(t, 0), 1) + 0.5) }
	return color.RGBA{R: f(a.R, b.R), G: f(a.G, b.G), B: f(a.B, b.B), A: 255}
}

// smooth is 0 below a, 1 above b, and a soft step between.
func smooth(a, b, v float64) float64 {
	t := min(max((v-a)/(b-a), 0), 1)
	return t * t * (3 - 2*t)
}

func even(x, y int) image.Point { return image.Pt(x&^1, y&^1) }
