//go:build e2e

package e2e

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"testing"

	"github.com/chromedp/chromedp"
)

// leastContrast is what words need on their ground (WCAG 2.2, 1.4.3).
const leastContrast = 4.5

// bare is JavaScript that makes the picture of a call white and the words over it
// invisible, and tells where those are. What darkens the ground of words, their shadow
// too, stays.
const bare = `(() => {
  for (const v of document.querySelectorAll(".remote video")) v.style.filter = "brightness(0) invert(1)";
  const words = [...document.querySelectorAll(".call-name, .timer, .remaining, .call .notice, .call .caption")].filter((e) => e.offsetParent && e.innerText !== "");
  return words.map((e) => {
    const color = getComputedStyle(e).color;
    e.style.color = "transparent";
    const { x, y, width, height } = e.getBoundingClientRect();
    return { words: e.innerText, color: color.match(/[\d.]+/g).map(Number), x, y, width, height, page: innerWidth };
  });
})()`

// dressed is JavaScript that undoes bare.
const dressed = `(() => {
  for (const v of document.querySelectorAll(".remote video")) v.style.filter = "";
  for (const e of document.querySelectorAll(".call-name, .timer, .remaining, .call .notice, .call .caption")) e.style.color = "";
  return true;
})()`

// wantReadable wants the words over a picture to be readable whatever it shows: axe
// cannot say what lies behind them.
func (s *pageTour) wantReadable(t *testing.T) {
	t.Helper()
	for _, l := range s.in() {
		s.p.show(l)
		s.p.run(pageSoon, moved())
		s.p.settle()
		list := eval[[]struct {
			Words                     string
			Color                     []float64
			X, Y, Width, Height, Page float64
		}](s.p, bare)
		s.p.settle()
		shot, err := chromedp.Run(s.p.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(shot))
		if err != nil {
			t.Fatal(err)
		}
		eval[bool](s.p, dressed)
		if len(list) < 4 {
			t.Errorf("only %d words stand over the picture", len(list))
		}
		for _, w := range list {
			scale := float64(picture.Bounds().Dx()) / w.Page
			// Round corners are not what the words stand on.
			inset := min(w.Height/2, 10)
			ground := brightest(picture, image.Rect(int((w.X+inset)*scale), int((w.Y+2)*scale), int((w.X+w.Width-inset)*scale), int((w.Y+w.Height-2)*scale)))
			ink := luminance(w.Color[0]/255, w.Color[1]/255, w.Color[2]/255)
			if c := (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05); c < leastContrast {
				t.Errorf("%s %s: %q has a contrast of %.2f over a white picture, want %.1f", l.size, l.scheme, w.Words, c, leastContrast)
			}
		}
	}
	s.p.show(s.in()[0])
}

// brightest is the relative luminance of the brightest part of an area.
func brightest(p image.Image, area image.Rectangle) (most float64) {
	area = area.Intersect(p.Bounds())
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			r, g, b, _ := p.At(x, y).RGBA()
			most = max(most, luminance(float64(r)/0xFFFF, float64(g)/0xFFFF, float64(b)/0xFFFF))
		}
	}
	return most
}

// luminance is the relative luminance of a colour (WCAG 2.2, "relative luminance").
func luminance(r, g, b float64) float64 {
	linear := func(c float64) float64 {
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}
