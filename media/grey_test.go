package media

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal"
	"callbox/hal/haltest"
	"callbox/media/codec/h264"
	"callbox/media/codec/picture"
)

// greys are steps from black to white, as parts of white.
var greys = []float64{0, 0.06, 0.125, 0.25, 0.5, 0.75, 0.94, 1}

// step is how wide and high a step is, in pixels.
const step = 16

// luma is that of a grey.
func luma(part float64, c hal.Colours) byte {
	if c.FullRange {
		return byte(math.Round(part * 255))
	}
	return byte(math.Round(16 + part*219))
}

// greySteps is a picture of them.
func greySteps(c hal.Colours) *image.YCbCr {
	p := image.NewYCbCr(image.Rect(0, 0, step*len(greys), step), image.YCbCrSubsampleRatio420)
	for i := range p.Y {
		p.Y[i] = luma(greys[i%p.YStride/step], c)
	}
	for i := range p.Cb {
		p.Cb[i], p.Cr[i] = 128, 128
	}
	return p
}

// wantGreys fails unless p has the steps, in colours c, to within off.
func wantGreys(t *testing.T, p image.Image, c hal.Colours, off float64) {
	t.Helper()
	m, ok := p.(*image.YCbCr)
	if !ok || m.Rect.Dx() != step*len(greys) {
		t.Fatalf("a %T of %v", p, p.Bounds())
	}
	for i, part := range greys {
		got, want := m.YCbCrAt(i*step+step/2, step/2), luma(part, c)
		if math.Abs(float64(got.Y)-float64(want)) > off || math.Abs(float64(got.Cb)-128) > off || math.Abs(float64(got.Cr)-128) > off {
			t.Errorf("the grey of %.2f is %+v, want %d,128,128", part, got, want)
		}
	}
}

// TestGreysAreEncoded: what a camera gives is what a phone decodes, in the colours that it
// takes a stream for that says nothing.
func TestGreysAreEncoded(t *testing.T) {
	for _, c := range knownCodecs() {
		if err := c.available(); err != nil {
			haltest.Missing(t, err.Error())
		}
		src := greySteps(hal.Colours{})
		enc, err := c.builder(30, 2_000_000, time.Second).New(picture.Params{
			Width: src.Rect.Dx(), Height: src.Rect.Dy(), FrameRate: 30, Bitrate: 2_000_000, KeyframeInterval: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		f, err := enc.Encode(src, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var look peek
		img := look.decode(c, f.Data, f.Key, func() {})
		if img == nil || img.Colours != (hal.Colours{}) {
			t.Fatalf("%s: %+v", c.name, img)
		}
		wantGreys(t, &img.YCbCr, hal.Colours{}, 3)
		look.close()
		enc.Close()
	}
}

// greyCamera gives the steps; with encoded in H.264 of its own.
type greyCamera struct {
	colours hal.Colours
	encoded bool
}

func (c greyCamera) Name() string { return "grey" }

func (c greyCamera) Open(hal.VideoMode) (hal.VideoStream, error) {
	return &greyStream{greyCamera: c, closed: make(chan struct{})}, nil
}

func (c greyCamera) OpenEncoded(hal.VideoMode, int) (hal.EncodedStream, error) {
	if !c.encoded {
		return nil, hal.ErrNotEncoded
	}
	return &greyStream{greyCamera: c, closed: make(chan struct{})}, nil
}

type greyStream struct {
	greyCamera
	closed chan struct{}
	n      int
}

func (s *greyStream) Mode() hal.VideoMode {
	return hal.VideoMode{Width: step * len(greys), Height: step, FrameRate: 20}
}

func (s *greyStream) next() (time.Duration, error) {
	select {
	case <-s.closed:
		return 0, hal.ErrGone
	case <-time.After(50 * time.Millisecond):
		s.n++
		return time.Duration(s.n) * 50 * time.Millisecond, nil
	}
}

func (s *greyStream) ReadFrame() (*hal.Frame, error) {
	at, err := s.next()
	return &hal.Frame{YCbCr: *greySteps(s.colours), Captured: at, Colours: s.colours}, err
}

func (s *greyStream) ReadEncoded() (*hal.EncodedFrame, error) {
	at, err := s.next()
	return &hal.EncodedFrame{Data: uncompressed(greySteps(s.colours), s.colours), Key: true, Captured: at}, err
}

func (s *greyStream) ForceKeyFrame() error { return nil }
func (s *greyStream) SetBitRate(int) error { return nil }

func (s *greyStream) Close() error {
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	return nil
}

// TestGreysInSnapshots: a snapshot has the greys of a JPEG, whatever the camera's samples
// mean, and whether it encodes them or not.
func TestGreysInSnapshots(t *testing.T) {
	for _, encoded := range []bool{false, true} {
		for _, c := range []hal.Colours{{}, {FullRange: true}, {BT709: true}, {BT709: true, FullRange: true}} {
			synctest.Test(t, func(t *testing.T) {
				e := bubbleEngine(t, func(o *EngineOptions) { o.Camera, o.Sound = greyCamera{c, encoded}, nil })
				l := newTalk(t, e, true)
				l.Accept(Limit{})
				l.connect()
				time.Sleep(time.Second)
				data, _, err := e.Snapshot(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				img, err := jpeg.Decode(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%+v, encoded by the camera: %v", c, encoded)
				wantGreys(t, img, hal.Colours{FullRange: true}, 3)
			})
		}
	}
}

// uncompressed is a keyframe of H.264 with the samples of p as they are (I_PCM, 7.3.5),
// whose SPS says what they mean. The sides of p are multiples of 16, its chroma is flat.
func uncompressed(p *image.YCbCr, c hal.Colours) []byte {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	var sps, pps, slice bitWriter
	sps.bits(8, 0x67, 66, 0xc0, 31)
	sps.ue(0, 0, 2, 1) // its id, frame numbers of 4 bits, no order of pictures, one reference
	sps.bits(1, 0)
	sps.ue(w/16-1, h/16-1)
	sps.bits(1, 1, 1, 0, 1)       // frames, 8x8, nothing cut off, VUI
	sps.bits(1, 0, 0, 1, 1, 0, 1) // no aspect, no overscan, a video signal of format 5
	sps.bits(1, boolBit(c.FullRange), 1)
	matrix := 6 // BT.601
	if c.BT709 {
		matrix = 1
	}
	sps.bits(8, matrix, matrix, matrix)
	sps.bits(1, 0, 0, 0, 0, 0, 0, 1) // nothing more, and the end
	pps.bits(8, 0x68)
	pps.ue(0, 0)
	pps.bits(1, 0, 0) // CAVLC
	pps.ue(0, 0, 0)
	pps.bits(1, 0, 0, 0)
	pps.ue(0, 0, 0)
	pps.bits(1, 1, 0, 0, 1)
	slice.bits(8, 0x65)
	slice.ue(0, 7, 0)
	slice.bits(1, 0, 0, 0, 0) // frame number
	slice.ue(0)
	slice.bits(1, 0, 0)
	slice.ue(0, 1) // the quantizer as it is, no filter
	for row := 0; row < h; row += 16 {
		for column := 0; column < w; column += 16 {
			slice.ue(25) // I_PCM
			slice.align()
			for y := range 16 {
				slice.p = append(slice.p, p.Y[(row+y)*p.YStride+column:][:16]...)
			}
			slice.p = append(append(slice.p, p.Cb[:64]...), p.Cr[:64]...)
		}
	}
	slice.bits(8, 0x80)
	var out []byte
	for _, nal := range [][]byte{sps.p, pps.p, slice.p} {
		out = append(out, 0, 0, 0, 1)
		zeros := 0
		for _, b := range nal {
			if zeros >= 2 && b <= 3 { // emulation prevention, 7.4.1
				out, zeros = append(out, 3), 0
			}
			if out = append(out, b); b == 0 {
				zeros++
			} else {
				zeros = 0
			}
		}
	}
	return out
}

func boolBit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bitWriter writes the syntax elements of H.264.
type bitWriter struct {
	p []byte
	n int
}

// bits writes values of size bits.
func (w *bitWriter) bits(size int, values ...int) {
	for _, v := range values {
		for i := size - 1; i >= 0; i-- {
			if w.n%8 == 0 {
				w.p = append(w.p, 0)
			}
			w.p[len(w.p)-1] |= byte(v>>i&1) << (7 - w.n%8)
			w.n++
		}
	}
}

// ue writes values of Exp-Golomb codes (9.1).
func (w *bitWriter) ue(values ...int) {
	for _, v := range values {
		size := 0
		for (v+1)>>(size+1) > 0 {
			size++
		}
		w.bits(size, 0)
		w.bits(size+1, v+1)
	}
}

func (w *bitWriter) align() { w.n = (w.n + 7) &^ 7 }

// TestUncompressed: the SPS says what it should.
func TestUncompressed(t *testing.T) {
	for _, c := range []hal.Colours{{}, {FullRange: true}, {BT709: true}} {
		s, ok := h264.FindSPS(uncompressed(greySteps(c), c))
		if !ok || !s.ConstrainedBaseline() || s.Width != step*len(greys) || s.FullRange != c.FullRange || s.BT709 != c.BT709 {
			t.Errorf("%+v: %+v, %v", c, s, ok)
		}
	}
}
