package virtual

import (
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// letters draws text in one size.
type letters struct{ face font.Face }

// newFont returns the Go font with the given height in pixels.
func newFont(height float64) (letters, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return letters{}, fmt.Errorf("cannot use the built-in font: %w", err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: max(height, 4), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return letters{}, fmt.Errorf("cannot use the built-in font: %w", err)
	}
	return letters{face}, nil
}

// sprite draws text in ink. Its size is even, so that one can stand beside the
// other.
func (l letters) sprite(text string) sprite {
	m := l.face.Metrics()
	w := (font.MeasureString(l.face, text).Ceil() + 1) &^ 1
	h := ((m.Ascent + m.Descent).Ceil() + 1) &^ 1
	mask := image.NewAlpha(image.Rect(0, 0, w, h))
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: l.face, Dot: fixed.Point26_6{Y: m.Ascent}}
	d.DrawString(text)
	s := sprite{image.NewYCbCr(mask.Rect, image.YCbCrSubsampleRatio420), mask.Pix}
	paint(s.YCbCr, func(float64, float64) color.RGBA { return ink })
	return s
}
