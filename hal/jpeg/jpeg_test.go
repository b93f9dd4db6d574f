package jpeg

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// canary stands around the planes: nothing may be written there.
const canary = 0xA5

// frame returns a picture whose planes have strides beyond their width and a
// canary in and after every line.
func frame(w, h int) *image.YCbCr {
	m := &image.YCbCr{
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, w, h),
		YStride: w + 5, CStride: w/2 + 3,
	}
	m.Y = bytes.Repeat([]byte{canary}, m.YStride*h+64)
	m.Cb = bytes.Repeat([]byte{canary}, m.CStride*h/2+64)
	m.Cr = bytes.Repeat([]byte{canary}, m.CStride*h/2+64)
	return m
}

func checkCanaries(t *testing.T, m *image.YCbCr) {
	t.Helper()
	check := func(name string, p []byte, stride, w, h int) {
		for i, v := range p {
			if (i%stride >= w || i/stride >= h) && v != canary {
				t.Fatalf("%s[%d] = %d was written outside the picture", name, i, v)
			}
		}
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	check("Y", m.Y, m.YStride, w, h)
	check("Cb", m.Cb, m.CStride, w/2, h/2)
	check("Cr", m.Cr, m.CStride, w/2, h/2)
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDecode compares with image/jpeg, which is another decoder.
func TestDecode(t *testing.T) {
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, name := range []string{
		"420.jpg", "422.jpg", "444.jpg", "440.jpg", "411.jpg", "grey.jpg",
		"odd420.jpg", "odd422.jpg", "odd444.jpg", "odd440.jpg", "odd411.jpg",
	} {
		p := read(t, name)
		for kind, p := range map[string][]byte{"": p, " without tables": withoutTables(p)} {
			t.Run(name+kind, func(t *testing.T) {
				want := reference(t, read(t, name))
				got := frame(want.Rect.Dx(), want.Rect.Dy())
				if err := d.Decode(got, p); err != nil {
					t.Fatal(err)
				}
				checkCanaries(t, got)
				compare(t, "Y", got.Y, got.YStride, want.Y, want.YStride, want.Rect.Dx(), want.Rect.Dy())
				compare(t, "Cb", got.Cb, got.CStride, want.Cb, want.CStride, want.Rect.Dx()/2, want.Rect.Dy()/2)
				compare(t, "Cr", got.Cr, got.CStride, want.Cr, want.CStride, want.Rect.Dx()/2, want.Rect.Dy()/2)
			})
		}
	}
}

// reference decodes p by image/jpeg and averages its chroma to 4:2:0.
func reference(t *testing.T, p []byte) *image.YCbCr {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(p))
	if err != nil {
		t.Fatal(err)
	}
	w, h := m.Bounds().Dx()&^1, m.Bounds().Dy()&^1
	out := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for y := range h {
		for x := range w {
			switch m := m.(type) {
			case *image.Gray:
				out.Y[y*out.YStride+x] = m.GrayAt(x, y).Y
			case *image.YCbCr:
				out.Y[y*out.YStride+x] = m.YCbCrAt(x, y).Y
			}
		}
	}
	for y := range h / 2 {
		for x := range w / 2 {
			cb, cr := 4*128, 4*128
			if m, ok := m.(*image.YCbCr); ok {
				cb, cr = 0, 0
				for _, at := range []image.Point{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 0, Y: 1}, {X: 1, Y: 1}} {
					c := m.YCbCrAt(2*x+at.X, 2*y+at.Y)
					cb, cr = cb+int(c.Cb), cr+int(c.Cr)
				}
			}
			out.Cb[y*out.CStride+x], out.Cr[y*out.CStride+x] = byte((cb+2)/4), byte((cr+2)/4)
		}
	}
	return out
}

// limited is a sample in the limited range of BT.601.
func limited(name string, v byte) int {
	if name == "Y" {
		return int(math.Round(16 + float64(v)*219/255))
	}
	return int(math.Round(128 + (float64(v)-128)*224/255))
}

func compare(t *testing.T, name string, a []byte, as int, b []byte, bs, w, h int) {
	t.Helper()
	for y := range h {
		for x := range w {
			if d := int(a[y*as+x]) - limited(name, b[y*bs+x]); d < -3 || d > 3 {
				t.Fatalf("%s at %d,%d = %d, want %d", name, x, y, a[y*as+x], limited(name, b[y*bs+x]))
			}
		}
	}
}

// withoutTables takes the Huffman tables out, as MJPEG cameras do.
func withoutTables(p []byte) []byte {
	out := append([]byte(nil), p[:2]...)
	for p = p[2:]; p[1] != 0xDA; { // up to the scan
		n := 2 + int(p[2])<<8 + int(p[3])
		if p[1] != 0xC4 {
			out = append(out, p[:n]...)
		}
		p = p[n:]
	}
	return append(out, p...)
}

func TestDecodeBadPictures(t *testing.T) {
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	good := read(t, "422.jpg")
	broken := append([]byte(nil), good...)
	for i := len(broken) - 400; i < len(broken)-2; i++ {
		broken[i] ^= byte(37 * i)
	}
	m := frame(66, 50)
	for name, p := range map[string][]byte{
		"empty":      nil,
		"no JPEG":    []byte("not a picture"),
		"cut off":    good[:len(good)/2],
		"no end":     good[:len(good)-40],
		"other size": read(t, "hd422.jpg"),
		"broken":     broken,
	} {
		t.Run(name, func(t *testing.T) {
			if err := d.Decode(m, p); !errors.Is(err, ErrCorrupt) {
				t.Errorf("Decode = %v, want %v", err, ErrCorrupt)
			}
			checkCanaries(t, m)
			if err := d.Decode(m, good); err != nil {
				t.Errorf("the next picture: %v", err)
			}
		})
	}
	// Filler after the scan is what many cameras send: it must not cost the picture.
	filler := append(append([]byte(nil), good[:len(good)-2]...), 0, 0, 0, 0, 0xFF, 0xD9)
	if err := d.Decode(m, filler); err != nil {
		t.Errorf("filler before the end: %v", err)
	}
}

func TestClosed(t *testing.T) {
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	d.Close()
	if err := d.Decode(frame(66, 50), read(t, "420.jpg")); err == nil {
		t.Error("a closed decoder decodes")
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"420.jpg", "422.jpg", "444.jpg", "440.jpg", "411.jpg", "grey.jpg", "odd411.jpg", "odd422.jpg"} {
		p := read(f, name)
		f.Add(p)
		f.Add(withoutTables(p))
	}
	d, err := NewDecoder()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { d.Close() })
	f.Fuzz(func(t *testing.T, p []byte) {
		for _, size := range []image.Point{{X: 66, Y: 50}, {X: 64, Y: 48}} {
			m := frame(size.X, size.Y)
			if err := d.Decode(m, p); err != nil && !errors.Is(err, ErrCorrupt) {
				t.Error(err)
			}
			checkCanaries(t, m)
		}
	})
}

// TestRange: black, white, greys and colours come out where they belong in the limited
// range, to the nearest value.
func TestRange(t *testing.T) {
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, v := range []byte{0, 1, 16, 32, 77, 128, 200, 224, 240, 254, 255} {
		m := image.NewYCbCr(image.Rect(0, 0, 32, 16), image.YCbCrSubsampleRatio420)
		for i := range m.Y {
			m.Y[i] = v
		}
		for i := range m.Cb {
			m.Cb[i], m.Cr[i] = v, 255-v
		}
		var p bytes.Buffer
		if err := jpeg.Encode(&p, m, &jpeg.Options{Quality: 100}); err != nil {
			t.Fatal(err)
		}
		got := frame(32, 16)
		if err := d.Decode(got, p.Bytes()); err != nil {
			t.Fatal(err)
		}
		for name, pair := range map[string][2]byte{"Y": {got.Y[0], v}, "Cb": {got.Cb[0], v}, "Cr": {got.Cr[0], 255 - v}} {
			if off := int(pair[0]) - limited(name, pair[1]); off < -1 || off > 1 {
				t.Errorf("%s %d became %d, want %d", name, pair[1], pair[0], limited(name, pair[1]))
			}
		}
	}
}
