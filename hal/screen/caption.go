package screen

import (
	"fmt"
	"image"
	"time"
	"unicode"
)

// Colours of the caption: white letters on a dark box that nothing shines through, so
// that it can be read over a white picture, too.
const (
	ink   = 0xff
	paper = 0x1c
)

// fontSize is the height of letters on a screen of that size, in pixels: a person
// reads them from across a room.
func fontSize(canvas image.Point) int { return max(min(canvas.X, canvas.Y)/22, 12) }

// caption is what was drawn, as it lies in the screen's memory.
type caption struct {
	rect image.Rectangle
	pix  []byte // without space between rows
}

func (c *caption) paint(t *Target) {
	row := c.rect.Dx() * bytesPerPixel
	for y := range c.rect.Dy() {
		copy(t.Pix[offset(t, c.rect.Min.Add(image.Pt(0, y))):], c.pix[y*row:][:row])
	}
}

// TimeLeft is how a caption writes the time that a call has left, in whole seconds
// rounded up as phones do: 4:59, 1:00:00.
func TimeLeft(d time.Duration) string {
	s := max(int((d+time.Second-1)/time.Second), 0)
	if h := s / 3600; h > 0 {
		return fmt.Sprintf("%d:%02d:%02d", h, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// Caption sets what stands below in the picture from the next Paint on: a name, which
// is cut where it is too long, and the time that is left. Both may be "".
func (p *Painter) Caption(name, left string) {
	if p.opts.Fonts == nil || p.said == [2]string{name, left} {
		return
	}
	if p.said[0] != name || left == "" {
		p.least = 0
	}
	p.said = [2]string{name, left}
	line, end := readable(name), []rune(left)
	if len(line) == 0 && len(end) == 0 {
		p.written, p.least = caption{}, 0
		return
	}
	size := p.text.size
	margin, pad, gap := size, size/2, size
	if len(line) == 0 || len(end) == 0 {
		gap = 0
	}
	room := max(p.canvas.X-2*margin-2*pad-gap-p.text.width(end), 0)
	line = p.cut(line, room)
	before := p.text.width(line)
	m := p.text.faces[0].Metrics()
	high := (m.Ascent + m.Descent).Ceil()
	p.least = max(p.least, before+gap+p.text.width(end)+2*pad)
	box := image.Rect(0, 0, p.least, high+pad)
	mask := image.NewAlpha(box)
	base := pad/2 + m.Ascent.Ceil()
	p.text.draw(mask, line, pad, base)
	p.text.draw(mask, end, p.least-pad-p.text.width(end), base)
	at := image.Pt(margin, p.canvas.Y-margin-box.Dy())
	visible := box.Add(at).Intersect(image.Rectangle{Max: p.canvas})
	p.written = caption{rect: inMemory(visible, p.canvas, p.opts.Rotate)}
	p.written.pix = make([]byte, p.written.rect.Dx()*p.written.rect.Dy()*bytesPerPixel)
	for y := visible.Min.Y; y < visible.Max.Y; y++ {
		for x := visible.Min.X; x < visible.Max.X; x++ {
			a := int(mask.AlphaAt(x-at.X, y-at.Y).A)
			v := byte(paper + (ink-paper)*a/0xff)
			to := inMemory(image.Rect(x, y, x+1, y+1), p.canvas, p.opts.Rotate).Min.Sub(p.written.rect.Min)
			i := (to.Y*p.written.rect.Dx() + to.X) * bytesPerPixel
			p.written.pix[i], p.written.pix[i+1], p.written.pix[i+2] = v, v, v
		}
	}
}

// cut shortens a line to so many pixels.
func (p *Painter) cut(line []rune, room int) []rune {
	if p.text.width(line) <= room {
		return line
	}
	for n := len(line) - 1; n > 0; n-- {
		if short := append(line[:n:n], '…'); p.text.width(short) <= room {
			return short
		}
	}
	return nil
}

// readable leaves out what has no letter of its own: control and format characters,
// and the selectors that choose between forms.
func readable(name string) []rune {
	var line []rune
	for _, r := range name {
		if unicode.IsGraphic(r) && !unicode.Is(unicode.Variation_Selector, r) {
			line = append(line, r)
		}
	}
	return line
}
