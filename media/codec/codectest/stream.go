package codectest

import (
	"errors"
	"image"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"

	"callbox/hal"
	"callbox/media/codec/picture"
)

// testStream runs the builder as mediadevices does: pause, size change, end.
func (c Codec) testStream(t *testing.T) {
	sizes := []int{64, 64, 64, 96, 96}
	n := 0
	var s *picture.Stream
	src := video.ReaderFunc(func() (image.Image, func(), error) {
		if n == len(sizes) {
			return nil, func() {}, io.EOF
		}
		if n == 1 {
			s.SetPaused(false)
		}
		f := &hal.Frame{YCbCr: *Picture(sizes[n], 64, n), Captured: time.Duration(n) * time.Second}
		n++
		return f, func() {}, nil
	})
	b := c.Builder(30, 300_000, 300*time.Millisecond)
	rc, err := b.BuildVideoEncoder(src, prop.Media{Video: prop.Video{Width: 64, Height: 64}})
	if err != nil {
		t.Fatal(err)
	}
	s = rc.Controller().(*picture.Stream)
	var _ codec.KeyFrameController = s
	var _ codec.BitRateController = s
	s.SetPaused(true)
	var keys []bool
	for {
		data, _, err := rc.Read()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("Read ended with %v, want io.EOF", err)
			}
			break
		}
		f := s.Last()
		if string(f.Data) != string(data) || f.Captured != time.Duration(n-1)*time.Second {
			t.Errorf("picture %d: Last is another one, of %v", n-1, f.Captured)
		}
		keys = append(keys, f.Key)
	}
	// Picture 0 fell into the pause; picture 3 has another size.
	if want := []bool{true, false, true, false}; !slices.Equal(keys, want) {
		t.Errorf("keyframes %v, want %v", keys, want)
	}
	closeAll(t, rc, rc)
	if err := s.ForceKeyFrame(); !errors.Is(err, picture.ErrClosed) {
		t.Errorf("ForceKeyFrame after Close: %v", err)
	}
	if err := s.SetBitRate(1e6); !errors.Is(err, picture.ErrClosed) {
		t.Errorf("SetBitRate after Close: %v", err)
	}
}

// testStreamCloseRace: a phone asks for keyframes and another rate while the call
// ends in the middle of a picture.
func (c Codec) testStreamCloseRace(t *testing.T) {
	for range 20 {
		n := 0
		src := video.ReaderFunc(func() (image.Image, func(), error) {
			n++
			return &hal.Frame{YCbCr: *Picture(64+32*(n%2), 64, n), Captured: time.Duration(n) * time.Second}, func() {}, nil
		})
		rc, err := c.Builder(30, 300_000, 0).BuildVideoEncoder(src, prop.Media{Video: prop.Video{Width: 64, Height: 64}})
		if err != nil {
			t.Fatal(err)
		}
		s := rc.Controller().(*picture.Stream)
		var wg sync.WaitGroup
		started := make(chan struct{})
		wg.Go(func() {
			for n := 0; ; n++ {
				if _, _, err := rc.Read(); err != nil {
					if !errors.Is(err, picture.ErrClosed) {
						t.Errorf("Read ended with %v, want ErrClosed", err)
					}
					return
				}
				if n == 3 {
					close(started)
				}
			}
		})
		for range 2 {
			wg.Go(func() {
				for s.ForceKeyFrame() == nil && s.SetBitRate(400_000) == nil {
				}
			})
		}
		<-started
		closeAll(t, rc)
		wg.Wait()
	}
}

// testAllocations: a picture costs the garbage collector nothing.
func (c Codec) testAllocations(t *testing.T) {
	enc, err := c.NewEncoder(Params(320, 240))
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, enc)
	img, n := Picture(320, 240, 0), 0
	encode := func() {
		if _, err := enc.Encode(img, time.Duration(n)*FrameTime); err != nil {
			t.Fatal(err)
		}
		n++
	}
	encode() // the keyframe is the largest
	if got := testing.AllocsPerRun(100, encode); got != 0 && !sanitized {
		t.Errorf("Encode allocates %v times", got)
	}
}
