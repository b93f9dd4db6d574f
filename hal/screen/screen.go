// Package screen paints pictures for a screen: it turns, scales and converts them by
// hal/yuv, keeps their aspect between black bars, and writes a caption over them. It
// knows no hardware; hal/drm shows what it paints.
//
// Pixels are XRGB8888 in the byte order of DRM (blue, green, red, unused).
package screen

import (
	"fmt"
	"image"

	"callbox/hal"
	"callbox/hal/yuv"
)

// bytesPerPixel is that of XRGB8888.
const bytesPerPixel = 4

// Options describe a screen.
type Options struct {
	// Width and Height are those of the screen's memory, in pixels.
	Width, Height int
	// Rotate is by how many degrees pictures are turned clockwise: a screen that hangs
	// on its side shows them upright.
	Rotate hal.Rotation
	// Fonts are those of the caption.
	Fonts *Fonts
}

// Painter paints for one screen. It allocates when the size of the pictures or the
// caption changes, and else nothing. One goroutine at a time.
type Painter struct {
	opts   Options
	canvas image.Point // the size of the screen as a person sees it

	turned, scaled image.YCbCr     // the steps between picture and screen
	size           image.Point     // of the turned picture that place was made for
	place          image.Rectangle // of the picture, in the screen's memory

	text    text
	written caption // what stands there now
	said    [2]string
	least   int // pixels that the caption is wide: it does not shrink while the time runs
}

// Target is memory of the screen, and what was painted there last. A target belongs to
// one Painter.
type Target struct {
	// Pix begins with the row on top; a row is Stride bytes behind the one before.
	Pix    []byte
	Stride int

	picture, caption image.Rectangle
}

// New returns a painter. Error: a screen without pixels.
func New(o Options) (*Painter, error) {
	if o.Width <= 0 || o.Height <= 0 {
		return nil, fmt.Errorf("cannot paint for a screen of %dx%d pixels", o.Width, o.Height)
	}
	p := &Painter{opts: o, canvas: image.Pt(o.Width, o.Height)}
	if o.Rotate.OnSide() {
		p.canvas = image.Pt(o.Height, o.Width)
	}
	var err error
	if p.text, err = o.Fonts.text(fontSize(p.canvas)); err != nil {
		return nil, err
	}
	return p, nil
}

// Paint paints a picture and the caption. It only writes t, from top to bottom and row
// by row, because memory of a screen may be slow to read. Errors: t is too short, f is
// no whole picture.
func (p *Painter) Paint(t *Target, f *hal.Frame) error {
	if err := p.check(t); err != nil {
		return err
	}
	now := &f.YCbCr
	if err := yuv.Check(now); err != nil {
		return fmt.Errorf("cannot paint a picture: %w", err)
	}
	if p.opts.Rotate != 0 {
		if err := yuv.Rotate(&p.turned, now, p.opts.Rotate); err != nil {
			return err
		}
		now = &p.turned
	}
	if size := now.Rect.Size(); size != p.size {
		p.size, p.place = size, fit(size, image.Pt(p.opts.Width, p.opts.Height))
	}
	if size := p.place.Size(); size != p.size {
		yuv.Resize(&p.scaled, size)
		if err := yuv.Scale(&p.scaled, now); err != nil {
			return err
		}
		now = &p.scaled
	}
	p.clean(t)
	if err := yuv.XRGB(t.Pix[offset(t, p.place.Min):], t.Stride, now, f.Colours); err != nil {
		return err
	}
	p.written.paint(t)
	t.picture, t.caption = p.place, p.written.rect
	return nil
}

// Write writes the caption over what was painted last. What stood there and is larger
// stays in the picture until the next Paint. Error: t is too short.
func (p *Painter) Write(t *Target) error {
	if err := p.check(t); err != nil {
		return err
	}
	if t.picture.Empty() { // nothing was painted yet
		p.clear(t, image.Rect(0, 0, p.opts.Width, p.opts.Height))
	}
	p.written.paint(t)
	t.caption = p.written.rect
	return nil
}

func (p *Painter) check(t *Target) error {
	if w, h := p.opts.Width, p.opts.Height; t.Stride < w*bytesPerPixel || len(t.Pix) < t.Stride*(h-1)+w*bytesPerPixel {
		return fmt.Errorf("cannot paint %dx%d pixels: the memory has %d bytes, %d in a row", w, h, len(t.Pix), t.Stride)
	}
	return nil
}

// clean makes black what will not be painted over.
func (p *Painter) clean(t *Target) {
	switch {
	case t.picture != p.place:
		p.clear(t, image.Rect(0, 0, p.opts.Width, p.opts.Height))
	case t.caption != p.written.rect && !t.caption.In(p.place):
		p.clear(t, t.caption)
	}
}

func (p *Painter) clear(t *Target, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		at := offset(t, image.Pt(r.Min.X, y))
		clear(t.Pix[at : at+r.Dx()*bytesPerPixel])
	}
}

// offset is where a pixel begins.
func offset(t *Target, at image.Point) int { return at.Y*t.Stride + at.X*bytesPerPixel }

// fit is the largest place in the middle of a screen that has the aspect of size.
func fit(size, screen image.Point) image.Rectangle {
	w, h := screen.X, screen.Y
	if size.X*screen.Y > screen.X*size.Y {
		h = max((2*size.Y*screen.X+size.X)/(2*size.X), 1)
	} else {
		w = max((2*size.X*screen.Y+size.Y)/(2*size.Y), 1)
	}
	x, y := (screen.X-w)/2, (screen.Y-h)/2
	return image.Rect(x, y, x+w, y+h)
}

// inMemory is where a rectangle of the canvas is in the screen's memory.
func inMemory(r image.Rectangle, canvas image.Point, by hal.Rotation) image.Rectangle {
	switch by {
	case hal.Rotate90:
		return image.Rect(canvas.Y-r.Max.Y, r.Min.X, canvas.Y-r.Min.Y, r.Max.X)
	case hal.Rotate180:
		return image.Rect(canvas.X-r.Max.X, canvas.Y-r.Max.Y, canvas.X-r.Min.X, canvas.Y-r.Min.Y)
	case hal.Rotate270:
		return image.Rect(r.Min.Y, canvas.X-r.Max.X, r.Max.Y, canvas.X-r.Min.X)
	}
	return r
}
