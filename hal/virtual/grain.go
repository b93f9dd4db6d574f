package virtual

import (
	"image"
	"math/rand/v2"
)

// grain is the noise of a real sensor in dim light. It never repeats, so that each picture
// costs an encoder all the bits that it may use.
type grain struct {
	steps   []byte // of brightness, modulo 256
	random  *rand.Rand
	picture *image.YCbCr
}

// newGrain returns grain of at most so many steps up and down; nil: none.
func newGrain(r image.Rectangle, most int) *grain {
	if most == 0 {
		return nil
	}
	g := &grain{steps: make([]byte, 1<<16), random: rand.New(rand.NewPCG(1, 1)), picture: image.NewYCbCr(r, image.YCbCrSubsampleRatio420)} //nolint:gosec // noise
	for i := range g.steps {
		g.steps[i] = byte(g.random.IntN(2*most+1) - most)
	}
	return g
}

// over returns m with new grain. m stays as it is.
func (g *grain) over(m *image.YCbCr) *image.YCbCr {
	w := m.Rect.Dx()
	for y := range m.Rect.Dy() {
		out, in := g.picture.Y[y*g.picture.YStride:][:w], m.Y[y*m.YStride:][:w]
		steps := g.steps[g.random.IntN(len(g.steps)-w):][:w]
		for x, v := range in {
			out[x] = v + steps[x]
		}
	}
	copy(g.picture.Cb, m.Cb)
	copy(g.picture.Cr, m.Cr)
	return g.picture
}
