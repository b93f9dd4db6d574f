package v4l2

import (
	"bytes"
	"image"
	stdjpeg "image/jpeg"
	"testing"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/orient"
	"callbox/hal/v4l2/internal/uapi"
)

// fakeCamera is the camera of a node.
type fakeCamera struct {
	*Camera
	node  *fakeNode
	queue *kernelQueue // once it is open
}

func (c *fakeCamera) Open(want hal.VideoMode) (hal.VideoStream, error) {
	d, err := ask(c.node)
	if err != nil {
		return nil, err
	}
	s, err := c.start(d, "/dev/null", want)
	if err != nil {
		return nil, err
	}
	c.queue = s.queue.(*kernelQueue)
	return s, nil
}

// TestAllocations: from the driver's buffer on, a picture that is decoded or brought to
// other colours, turned and mirrored allocates nothing. Package media has the same test
// for what follows.
func TestAllocations(t *testing.T) {
	var jpeg bytes.Buffer
	if err := stdjpeg.Encode(&jpeg, image.NewYCbCr(image.Rect(0, 0, 18, 6), image.YCbCrSubsampleRatio420), nil); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		node    *fakeNode
		picture []byte
	}{
		"MJPEG":               {&fakeNode{format: uapi.PixMJPEG, strides: []int{0}, lengths: []int{4096}}, jpeg.Bytes()},
		"MJPEG, multi-planar": {&fakeNode{mplane: true, format: uapi.PixMJPEG, strides: []int{0}, lengths: []int{4096}}, jpeg.Bytes()},
		"NV12 in full range": {
			&fakeNode{format: uapi.PixNV12, strides: []int{18}, lengths: []int{18 * 9}, means: colours{quantization: uapi.QuantizationFullRange}}, make([]byte, 18*9),
		},
		"YUYV of BT.709": {&fakeNode{format: uapi.PixYUYV, strides: []int{36}, lengths: []int{36 * 6}, means: colours{colorspace: uapi.ColorspaceREC709}}, make([]byte, 36*6)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeNode(t, tt.node)
			c := &fakeCamera{Camera: New("fake", clock.Boot()), node: f}
			s, err := orient.Camera(c, hal.Rotate270, true).Open(hal.VideoMode{Width: 6, Height: 18, FrameRate: 30})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			given := func() {
				f.give(0, 0, tt.picture)
				if p, err := s.ReadFrame(); err != nil || p.Rect.Dx() != 6 {
					t.Fatal(p, err)
				}
			}
			given()
			fake := testing.AllocsPerRun(100, func() { // what the fake itself allocates
				f.give(0, 0, tt.picture)
				for _, request := range []uintptr{uapi.DQBuf, uapi.DQBuf, uapi.QBuf} {
					_ = call(c.queue.node, request, c.queue.buffer(0))
				}
			})
			f.queued = []uint32{0, 1, 2}
			if n := testing.AllocsPerRun(100, given); n > fake {
				t.Errorf("a picture allocates %v times, %v of them in the fake", n, fake)
			}
		})
	}
}
