package virtual

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"callbox/hal"
)

// Display counts pictures, and records them when it has a file. It implements
// hal.Display.
//
// The recording is YUV4MPEG2 (I420), all calls one after the other from the start
// of the daemon, every picture as it comes: the format knows no time stamps, so
// the 30 pictures a second in its header are a name only. A picture of another
// size begins a new file: record.y4m is followed by record-1.y4m, record-2.y4m.
type Display struct {
	path   string
	frames atomic.Uint64

	mu    sync.Mutex
	size  image.Point // of the file that was written last; zero before the first
	files int
}

// NewDisplay makes a display that records into the Y4M file at path; with "" it
// records nothing.
func NewDisplay(path string) *Display { return &Display{path: path} }

// Name returns Name.
func (d *Display) Name() string { return Name }

// Frames returns how many pictures were shown in all calls.
func (d *Display) Frames() uint64 { return d.frames.Load() }

// Open makes the display ready for one call.
func (d *Display) Open() (hal.DisplayStream, error) { return &displayStream{display: d}, nil }

// file opens the file for pictures of that size, for the first time or again.
func (d *Display) file(size image.Point) (*os.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	flag := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	fresh := size != d.size
	number := d.files
	if fresh {
		flag |= os.O_TRUNC
		number++
	}
	path := d.path
	if number > 1 {
		ext := filepath.Ext(path)
		path = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), number-1, ext)
	}
	f, err := os.OpenFile(path, flag, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot use hal.display.record: %w", err)
	}
	if fresh {
		if _, err := fmt.Fprintf(f, "YUV4MPEG2 W%d H%d F30:1 Ip A1:1 C420jpeg\n", size.X, size.Y); err != nil {
			f.Close()
			return nil, fmt.Errorf("cannot use hal.display.record: %w", err)
		}
		d.size, d.files = size, number
	}
	return f, nil
}

// displayStream implements hal.DisplayStream.
type displayStream struct {
	display *Display

	mu     sync.Mutex
	closed bool
	size   image.Point
	file   *os.File // nil until the first picture
	out    *bufio.Writer
}

func (s *displayStream) Show(f *hal.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("cannot show picture: the display is closed")
	}
	if s.display.path != "" {
		if err := s.record(&f.YCbCr); err != nil {
			return err
		}
	}
	s.display.frames.Add(1)
	return nil
}

func (s *displayStream) record(m *image.YCbCr) error {
	if size := m.Rect.Size(); s.file == nil || size != s.size {
		if err := s.finish(); err != nil {
			return err
		}
		file, err := s.display.file(size)
		if err != nil {
			return err
		}
		s.file, s.size, s.out = file, size, bufio.NewWriterSize(file, 1<<20)
	}
	// A bufio.Writer keeps its first error: Flush tells. Whoever reads the file while it
	// grows sees a picture when it is shown.
	_, _ = s.out.WriteString("FRAME\n")
	w, h := s.size.X, s.size.Y
	writePlane(s.out, m.Y, m.YStride, w, h)
	writePlane(s.out, m.Cb, m.CStride, (w+1)/2, (h+1)/2)
	writePlane(s.out, m.Cr, m.CStride, (w+1)/2, (h+1)/2)
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("cannot write hal.display.record: %w", err)
	}
	return nil
}

func writePlane(out *bufio.Writer, p []byte, stride, w, h int) {
	for y := range h {
		_, _ = out.Write(p[y*stride:][:w])
	}
}

// finish closes the file.
func (s *displayStream) finish() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	if err != nil {
		return fmt.Errorf("cannot write hal.display.record: %w", err)
	}
	return nil
}

func (s *displayStream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.finish()
}
