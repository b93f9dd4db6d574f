package capture

import (
	"errors"
	"image"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/mediadevices/pkg/driver"

	"callbox/hal"
	"callbox/media/codec/opus"
	"callbox/media/codec/picture"
	"callbox/media/codec/vpx"
)

// camera gives pictures as fast as they are read, in memory that it takes back.
type camera struct {
	size   int
	frame  *hal.Frame
	n      int
	goneAt int
	closed chan struct{}
	once   sync.Once
	bad    atomic.Bool // a picture was used after Close
}

func newCamera() *camera { return &camera{size: 64, closed: make(chan struct{})} }

func (c *camera) Mode() hal.VideoMode {
	return hal.VideoMode{Width: c.size, Height: c.size, FrameRate: 30}
}

func (c *camera) ReadFrame() (*hal.Frame, error) {
	select {
	case <-c.closed:
		return nil, io.EOF
	case <-time.After(time.Millisecond):
	}
	if c.n++; c.n == c.goneAt {
		return nil, hal.ErrGone
	}
	c.frame = &hal.Frame{
		YCbCr:    *image.NewYCbCr(image.Rect(0, 0, c.size, c.size), image.YCbCrSubsampleRatio420),
		Captured: time.Duration(c.n) * time.Second,
	}
	return c.frame, nil
}

func (c *camera) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

var vp8 = vpx.VP8(30, 300_000, time.Second)

func registered() int {
	return len(driver.GetManager().Query(func(driver.Driver) bool { return true }))
}

func TestVideo(t *testing.T) {
	v, err := NewVideo(newCamera(), vp8, nil)
	if err != nil {
		t.Fatal(err)
	}
	if registered() != 1 {
		t.Errorf("%d drivers registered, want 1", registered())
	}
	enc, err := v.Encoder()
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	for n := range 5 {
		if _, _, err := enc.Read(); err != nil {
			t.Fatal(err)
		}
		// The first picture, by which mediadevices sees the size, is not lost.
		if f := enc.Controller().(*picture.Stream).Last(); f.Captured != time.Duration(n+1)*time.Second {
			t.Errorf("picture %d was captured at %v", n, f.Captured)
		}
	}
	v.Done()
	v.Close()
	v.Close()
	if _, _, err := enc.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("Read after Close: %v, want io.EOF", err)
	}
	if registered() != 0 {
		t.Error("a driver is left in the manager")
	}
}

func TestVideoGone(t *testing.T) {
	for _, at := range []int{1, 4} {
		c := newCamera()
		c.goneAt = at
		v, err := NewVideo(c, vp8, nil)
		if err != nil {
			t.Fatal(err)
		}
		enc, err := v.Encoder()
		for err == nil {
			_, _, err = enc.Read()
		}
		if enc != nil {
			enc.Close()
		}
		if !errors.Is(err, hal.ErrGone) {
			t.Errorf("gone at picture %d: %v, want hal.ErrGone", at, err)
		}
		v.Done()
		v.Close()
	}
}

// TestVideoCloseRace: the camera is closed while pictures are encoded; the planes
// stay until the encoder is done with them (the race detector looks on).
func TestVideoCloseRace(t *testing.T) {
	for range 30 {
		c := newCamera()
		v, err := NewVideo(c, vp8, nil)
		if err != nil {
			t.Fatal(err)
		}
		enc, err := v.Encoder()
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		started := make(chan struct{})
		wg.Go(func() {
			defer v.Done()
			for n := 0; ; n++ {
				if _, _, err := enc.Read(); err != nil {
					return
				}
				if n == 0 {
					close(started)
				}
				select {
				case <-c.closed:
					c.bad.Store(true)
				default:
				}
			}
		})
		<-started
		v.Close()
		wg.Wait()
		enc.Close()
		if c.bad.Load() {
			t.Fatal("a picture was still used when the camera was closed")
		}
	}
}

func TestAudio(t *testing.T) {
	ring := NewRing()
	a, err := NewAudio(ring, opus.Builder{Bitrate: 32000})
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, hal.FrameSamples)
	for range 8 {
		for i := range pcm {
			pcm[i] = int16(i * 37)
		}
		ring.Write(pcm)
	}
	enc, err := a.Encoder()
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		b, _, err := enc.Read()
		if err != nil || len(b.Data) == 0 {
			t.Fatalf("Read = %d bytes, %v", len(b.Data), err)
		}
		if a.Position() != int64(n*chunkSamples) {
			t.Errorf("chunk %d is at %d", n, a.Position())
		}
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := enc.Read()
		done <- err
	}()
	a.Close()
	a.Close()
	if err := <-done; !errors.Is(err, io.EOF) {
		t.Errorf("Read ended with %v, want io.EOF", err)
	}
	enc.Close()
	if registered() != 0 {
		t.Error("a driver is left in the manager")
	}
}

func TestRing(t *testing.T) {
	r := NewRing()
	frame := make([]int16, hal.FrameSamples)
	chunk := make([]int16, chunkSamples)
	next := func(want int64, first int16) {
		t.Helper()
		position, err := r.Read(chunk)
		if err != nil || position != want || chunk[0] != first {
			t.Errorf("Read = %d, %v, first sample %d; want %d and %d", position, err, chunk[0], want, first)
		}
	}
	write := func(v int16) {
		frame[0] = v
		r.Write(frame)
	}
	write(1)
	write(2)
	write(3)
	next(0, 1)
	for i := range int16(30) { // more than it holds: the oldest goes
		write(10 + i)
	}
	next(33*hal.FrameSamples-ringSamples, 10+30-ringFrames)
	if n := testing.AllocsPerRun(100, func() { r.Write(frame) }); n != 0 {
		t.Errorf("Write allocates %.0f times", n)
	}
	r.Close()
	if _, err := r.Read(chunk); !errors.Is(err, io.EOF) {
		t.Errorf("Read after Close: %v", err)
	}
}
