package screen

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/font/gofont/gobold"

	"callbox/hal"
	"callbox/hal/haltest"
)

func fonts(t testing.TB, path string) *Fonts {
	t.Helper()
	f, err := OpenFonts(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 2 {
			if err := f.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
	})
	return f
}

func TestTimeLeft(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0:00", 0: "0:00", time.Millisecond: "0:01", time.Second: "0:01", 59 * time.Second: "0:59",
		299*time.Second + 1: "5:00", time.Hour - 1: "1:00:00", 25*time.Hour + 61*time.Second: "25:01:01",
	} {
		if got := TimeLeft(d); got != want {
			t.Errorf("TimeLeft(%v) = %q, want %q", d, got, want)
		}
	}
}

// bounds is where pixels are that say yes.
func bounds(t *Target, w, h int, is func([3]byte) bool) image.Rectangle {
	r := image.Rectangle{}
	for y := range h {
		for x := range w {
			if is(t.at(x, y)) {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r
}

// isPaper are pixels of a caption, whose picture is white.
func isPaper(c [3]byte) bool { return c == [3]byte{paper, paper, paper} }

// TestCaption: a box with light letters below left in the upright picture, for every
// way in which the screen hangs.
func TestCaption(t *testing.T) {
	for _, by := range []hal.Rotation{0, hal.Rotate90, hal.Rotate180, hal.Rotate270} {
		w, h := 640, 360
		if by.OnSide() {
			w, h = h, w
		}
		p, target := painter(t, Options{Width: w, Height: h, Rotate: by, Fonts: fonts(t, "")}), dirty(w, h, 3)
		p.Caption("Anna", "4:59")
		if err := p.Paint(target, plain(640, 360, 235, 128, 128)); err != nil {
			t.Fatal(err)
		}
		// The pixels as a person sees them.
		upright := dirty(640, 360, 0)
		for y := range 360 {
			for x := range 640 {
				from := inMemory(image.Rect(x, y, x+1, y+1), image.Pt(640, 360), by).Min
				copy(upright.Pix[offset(upright, image.Pt(x, y)):], target.Pix[offset(target, from):][:4])
			}
		}
		box := bounds(upright, 640, 360, isPaper)
		if box.Min.X != 16 || box.Max.Y != 344 || box.Dy() < 20 || box.Dy() > 40 || box.Dx() < 60 || box.Dx() > 200 {
			t.Errorf("turned by %d: the caption is at %v", by, box)
		}
		ink := 0
		for y := box.Min.Y; y < box.Max.Y; y++ {
			for x := box.Min.X; x < box.Max.X; x++ {
				if upright.at(x, y)[1] > 200 {
					ink++
				}
			}
		}
		if share := float64(ink) / float64(box.Dx()*box.Dy()); share < 0.05 || share > 0.5 {
			t.Errorf("turned by %d: %.0f %% of the caption are letters", by, 100*share)
		}
		// The right third has the digits, the left one the name: an A leans, and is empty
		// above left.
		if got := upright.at(box.Min.X+8, box.Min.Y+6); !isPaper(got) {
			t.Errorf("turned by %d: above the A there is %v", by, got)
		}
	}
}

// TestCaptionsFollow: a shorter caption leaves nothing of the longer one, in a bar, too,
// and none leaves nothing.
func TestCaptionsFollow(t *testing.T) {
	p, target := painter(t, Options{Width: 320, Height: 320, Fonts: fonts(t, "")}), dirty(320, 320, 0)
	white := plain(320, 160, 235, 128, 128)
	seen := func(name, left string) image.Rectangle {
		t.Helper()
		p.Caption(name, left)
		if err := p.Paint(target, white); err != nil {
			t.Fatal(err)
		}
		return bounds(target, 320, 320, isPaper)
	}
	long, short := seen("Anna and Bert", "10:00"), seen("Anna", "9:59")
	if wide, same := seen("Anna", "10:00"), seen("Anna", "9:59"); wide != same || wide.Dx() <= short.Dx() {
		t.Errorf("while the time runs, the caption goes from %v to %v", wide, same)
	}
	if long.Dx() <= short.Dx() || short.Empty() || short.Min != long.Min {
		t.Errorf("the captions are at %v and %v", long, short)
	}
	if alone := seen("Anna", ""); alone.Dx() >= short.Dx() || alone.Empty() {
		t.Errorf("the name alone is at %v", alone)
	}
	if left := seen("", "9:59"); left.Dx() >= short.Dx() || left.Empty() {
		t.Errorf("the time alone is at %v", left)
	}
	if none := seen("\u202e\ufe0f\x00", ""); !none.Empty() {
		t.Errorf("nothing is written at %v", none)
	}
	if bar := bounds(target, 320, 80, func(c [3]byte) bool { return c != [3]byte{} }); !bar.Empty() {
		t.Errorf("in the bar there is something at %v", bar)
	}
	if bar := bounds(target, 320, 320, func(c [3]byte) bool { return c != [3]byte{} }); bar != image.Rect(0, 80, 320, 240) {
		t.Errorf("the picture without caption is at %v", bar)
	}
}

// TestWrite: the caption alone is written, over a picture and where there is none yet.
func TestWrite(t *testing.T) {
	p, target := painter(t, Options{Width: 320, Height: 320, Fonts: fonts(t, "")}), dirty(320, 320, 0)
	p.Caption("Anna", "10:00")
	if err := p.Write(target); err != nil {
		t.Fatal(err)
	}
	if got := target.at(160, 10); got != [3]byte{} || bounds(target, 320, 320, isPaper).Empty() {
		t.Errorf("without a picture the screen is %v", got)
	}
	if err := p.Paint(target, plain(320, 160, 235, 128, 128)); err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(target.Pix)
	p.Caption("Anna", "9:59")
	if err := p.Write(target); err != nil {
		t.Fatal(err)
	}
	box, changed := bounds(target, 320, 320, isPaper), 0
	for y := range 320 {
		for x := range 320 {
			if i := offset(target, image.Pt(x, y)); !bytes.Equal(before[i:i+3], target.Pix[i:i+3]) {
				changed++
				if !image.Pt(x, y).In(box) {
					t.Fatalf("%d,%d has changed, the caption is at %v", x, y, box)
				}
			}
		}
	}
	if changed == 0 {
		t.Error("the time stands still")
	}
	if p.Write(dirty(320, 319, 0)) == nil {
		t.Error("short memory was written")
	}
}

// TestLongNames are cut, and the time stays.
func TestLongNames(t *testing.T) {
	p, target := painter(t, Options{Width: 200, Height: 200, Fonts: fonts(t, "")}), dirty(200, 200, 0)
	p.Caption(strings.Repeat("Wilhelmina ", 20), "1:00:00")
	if err := p.Paint(target, plain(200, 200, 235, 128, 128)); err != nil {
		t.Fatal(err)
	}
	if box := bounds(target, 200, 200, isPaper); box.Min.X != 12 || box.Max.X > 188 || box.Max.X < 160 {
		t.Errorf("the caption is at %v", box)
	}
	if got := string(p.cut([]rune("Wilhelmina"), 40)); !strings.HasSuffix(got, "…") || !strings.HasPrefix("Wilhelmina", strings.TrimSuffix(got, "…")) {
		t.Errorf("cut to %q", got)
	}
	tiny, small := painter(t, Options{Width: 3, Height: 2, Fonts: fonts(t, "")}), dirty(3, 2, 0)
	tiny.Caption("Anna", "1:00")
	if err := tiny.Paint(small, plain(4, 4, 235, 128, 128)); err != nil {
		t.Fatal(err)
	}
}

// TestFonts: a configured font is the first, the built-in one has what it lacks.
func TestFonts(t *testing.T) {
	dir := t.TempDir()
	bold := filepath.Join(dir, "bold.ttf")
	if err := os.WriteFile(bold, gobold.TTF, 0o600); err != nil {
		t.Fatal(err)
	}
	width := func(path string) int {
		text, err := fonts(t, path).text(20)
		if err != nil {
			t.Fatal(err)
		}
		return text.width([]rune("Anna"))
	}
	if a, b := width(""), width(bold); a >= b {
		t.Errorf("Anna is %d pixels wide, in bold %d", a, b)
	}
	bad := filepath.Join(dir, "bad.ttf")
	if err := os.WriteFile(bad, []byte("no font"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{bad, filepath.Join(dir, "none.ttf")} {
		if _, err := OpenFonts(path); err == nil || !strings.Contains(err.Error(), "hal.display.font") || !strings.Contains(err.Error(), path) {
			t.Errorf("OpenFonts(%s) = %v", path, err)
		}
	}
}

// TestChinese: with a font of Debian's a Chinese name has letters of its own, and
// without one boxes.
func TestChinese(t *testing.T) {
	draw := func(f *Fonts, letter string) []byte {
		text, err := f.text(24)
		if err != nil {
			t.Fatal(err)
		}
		mask := image.NewAlpha(image.Rect(0, 0, 32, 32))
		text.draw(mask, []rune(letter), 2, 26)
		return mask.Pix
	}
	f := fonts(t, "")
	builtIn := &Fonts{list: f.list[:1]}
	if a, b := draw(builtIn, "安"), draw(builtIn, "娜"); string(a) != string(b) {
		t.Error("the built-in font has Chinese letters: say so in docs/screens.md")
	}
	if len(f.list) == 1 {
		haltest.Missing(t, "a font with Chinese letters (fonts-droid-fallback, fonts-wqy-microhei or fonts-noto-cjk)")
	}
	if a, b := draw(f, "安"), draw(f, "娜"); string(a) == string(b) || string(a) == string(draw(f, " ")) {
		t.Error("two Chinese letters look the same, or like nothing")
	}
}
