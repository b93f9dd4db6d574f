package v4l2

import (
	"bytes"
	"image"
	stdjpeg "image/jpeg"
	"os"
	"testing"
	"time"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/jpeg"
	"callbox/hal/v4l2/internal/uapi"
)

// readyQueue is a driver that has always filled the same buffer.
type readyQueue struct {
	fakeQueue
	bytes int
	given bool
}

func (q *readyQueue) wait(time.Duration) (event, error) { q.given = false; return ready, nil }

func (q *readyQueue) dequeue() (filled, error) {
	if q.given {
		return filled{}, q.err
	}
	q.given = true
	return filled{bytes: whole(q.bytes), monotonic: monotonic()}, nil
}

func (q *readyQueue) enqueue(int) error { return nil }

// readyStream reads pictures of 1280x720 in a format.
func readyStream(tb testing.TB, l layout, picture []byte) *stream {
	tb.Helper()
	q := &readyQueue{bytes: len(picture)}
	q.err, q.woken = errBadPicture, make(chan struct{})
	s := &stream{
		reader: reader{name: "ready", clock: clock.Boot(), queue: q, buffers: [][][]byte{{picture}}},
		layout: l, mode: hal.VideoMode{Width: l.width, Height: l.height, FrameRate: 30},
	}
	s.frame.YCbCr = *image.NewYCbCr(image.Rect(0, 0, l.width, l.height), image.YCbCrSubsampleRatio420)
	if l.format == uapi.PixMJPEG {
		var err error
		if s.decoder, err = jpeg.NewDecoder(); err != nil {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// hd are pictures of 1280x720 as cameras give them.
func hd(tb testing.TB) map[string]*stream {
	tb.Helper()
	p422, err := os.ReadFile("../jpeg/testdata/hd422.jpg")
	if err != nil {
		tb.Fatal(err)
	}
	m, err := stdjpeg.Decode(bytes.NewReader(p422))
	if err != nil {
		tb.Fatal(err)
	}
	var p420 bytes.Buffer
	if err := stdjpeg.Encode(&p420, m, nil); err != nil {
		tb.Fatal(err)
	}
	raw := func(format uint32, stride, bytes int, c hal.Colours) *stream {
		s := readyStream(tb, layout{format: format, width: 1280, height: 720, stride: stride}, make([]byte, bytes))
		s.colours = c
		return s
	}
	return map[string]*stream{
		"MJPEG 4:2:2": readyStream(tb, layout{format: uapi.PixMJPEG, width: 1280, height: 720}, p422),
		"MJPEG 4:2:0": readyStream(tb, layout{format: uapi.PixMJPEG, width: 1280, height: 720}, p420.Bytes()),
		"YUYV":        raw(uapi.PixYUYV, 2560, 2560*720, hal.Colours{}),
		"NV12":        raw(uapi.PixNV12, 1280, 1280*720*3/2, hal.Colours{}),
		"NV12, full":  raw(uapi.PixNV12, 1280, 1280*720*3/2, hal.Colours{FullRange: true}),
		"NV12, 709":   raw(uapi.PixNV12, 1280, 1280*720*3/2, hal.Colours{BT709: true}),
		"YU12":        raw(uapi.PixYU12, 1280, 1280*720*3/2, hal.Colours{}),
	}
}

// TestNoAllocations: a picture costs the garbage collector nothing, in any format.
func TestNoAllocations(t *testing.T) {
	for name, s := range hd(t) {
		if _, err := s.ReadFrame(); err != nil { // makes what is made once
			t.Fatalf("%s: %v", name, err)
		}
		if n := testing.AllocsPerRun(20, func() { _, _ = s.ReadFrame() }); n != 0 {
			t.Errorf("%s: a picture allocates %v times", name, n)
		}
	}
}

// BenchmarkCapture720p takes one picture out of the driver's buffer an iteration.
func BenchmarkCapture720p(b *testing.B) {
	for name, s := range hd(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.ReadFrame(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
