package screen

import (
	"errors"
	"fmt"
	"image"
	"os"
	"slices"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// systemFonts are Debian's fonts with Chinese, Japanese and Korean letters, the
// smallest first: fonts-droid-fallback, fonts-wqy-microhei, fonts-noto-cjk.
var systemFonts = []string{
	"/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
	"/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
	"/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
}

// Fonts are asked for a letter one after the other.
type Fonts struct {
	list  []*opentype.Font
	files []*os.File
}

// OpenFonts opens the font file (TrueType, OpenType, or the first of a collection) at
// path and, behind it, the built-in Go font, which has the Latin, Greek and Cyrillic
// letters. With "" the built-in font is the first, and one of Debian's with Chinese
// letters stands behind it where one is installed. Files are read as letters are
// needed; close the fonts at the end.
func OpenFonts(path string) (*Fonts, error) {
	builtIn, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("cannot use the built-in font: %w", err)
	}
	f := &Fonts{list: []*opentype.Font{builtIn}}
	if path != "" {
		if err := f.open(path, 0); err != nil {
			return nil, fmt.Errorf("cannot use hal.display.font: %w; allowed: a TrueType or OpenType file that the daemon may read, or nothing", err)
		}
		return f, nil
	}
	for _, path := range systemFonts {
		if f.open(path, 1) == nil {
			break
		}
	}
	return f, nil
}

// open puts a file at a place of the list.
func (f *Fonts) open(path string, place int) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	var one *opentype.Font
	collection, err := opentype.ParseCollectionReaderAt(file) // takes a single font, too
	if err == nil {
		one, err = collection.Font(0)
	}
	if err != nil {
		_ = file.Close() // it was only read
		return fmt.Errorf("%s is no font: %w", path, err)
	}
	f.list = slices.Insert(f.list, place, one)
	f.files = append(f.files, file)
	return nil
}

// Close closes the files. It may be called twice.
func (f *Fonts) Close() error {
	var errs []error
	for _, file := range f.files {
		errs = append(errs, file.Close())
	}
	f.files = nil
	return errors.Join(errs...)
}

// text is a size of the fonts.
type text struct {
	fonts  *Fonts
	faces  []font.Face
	buffer *sfnt.Buffer
	size   int // pixels
}

// text makes letters of that size; nil fonts have none.
func (f *Fonts) text(size int) (text, error) {
	t := text{fonts: f, buffer: &sfnt.Buffer{}, size: size}
	if f == nil {
		return t, nil
	}
	for _, one := range f.list {
		face, err := opentype.NewFace(one, &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingFull})
		if err != nil {
			return text{}, fmt.Errorf("cannot use a font at %d pixels: %w", size, err)
		}
		t.faces = append(t.faces, face)
	}
	return t, nil
}

// face is the first that has the letter; the box of the first font stands for a letter
// that none has.
func (t *text) face(r rune) font.Face {
	for i, f := range t.fonts.list {
		if x, err := f.GlyphIndex(t.buffer, r); err == nil && x != 0 {
			return t.faces[i]
		}
	}
	return t.faces[0]
}

// width is how many pixels a line takes.
func (t *text) width(line []rune) int {
	var w fixed.Int26_6
	for _, r := range line {
		if a, ok := t.face(r).GlyphAdvance(r); ok {
			w += a
		}
	}
	return w.Ceil()
}

// draw draws a line that begins at x, on the base line y.
func (t *text) draw(dst *image.Alpha, line []rune, x, y int) {
	dot := fixed.P(x, y)
	for _, r := range line {
		d := font.Drawer{Dst: dst, Src: image.Opaque, Face: t.face(r), Dot: dot}
		d.DrawString(string(r))
		dot = d.Dot
	}
}
