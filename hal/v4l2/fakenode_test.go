package v4l2

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/v4l2/internal/uapi"
)

// fakeNode is a driver behind the ioctls, with one size and one format.
type fakeNode struct {
	t        *testing.T
	mplane   bool
	format   uint32
	strides  []int // of its planes
	lengths  []int // of its planes
	controls map[uint32]bool
	means    colours

	mu      sync.Mutex
	poll    [2]int // a pipe that is readable while a buffer is filled
	buffers [][][]byte
	queued  []uint32
	filled  []fakeFill
	set     []uapi.Control
	closed  bool
	number  uint32 // of the picture that is given next
}

type fakeFill struct {
	index  uint32
	number uint32
	used   []uint32
	offset []uint32
	flags  uint32
}

func newFakeNode(t *testing.T, f *fakeNode) *fakeNode {
	t.Helper()
	f.t = t
	if err := unix.Pipe2(f.poll[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(f.poll[1]) })
	return f
}

func (f *fakeNode) kind() uint32 {
	if f.mplane {
		return uapi.BufTypeVideoCaptureMplane
	}
	return uapi.BufTypeVideoCapture
}

func (f *fakeNode) ioctl(request uintptr, arg unsafe.Pointer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		f.t.Error("the node was used after it was closed")
		return unix.EBADF
	}
	switch request {
	case uapi.QueryCap:
		c := (*uapi.Capability)(arg)
		copy(c.Card[:], "fake")
		c.Capabilities = uapi.CapDeviceCaps | 1<<30
		c.DeviceCaps = uapi.CapStreaming | uapi.CapVideoCapture
		if f.mplane {
			c.DeviceCaps = uapi.CapStreaming | uapi.CapVideoCaptureMplane
		}
	case uapi.EnumFmt:
		d := (*uapi.FmtDesc)(arg)
		if d.Type != f.kind() || d.Index > 0 {
			return unix.EINVAL
		}
		d.PixelFormat = f.format
	case uapi.EnumFrameSizes:
		s := (*uapi.FrmSizeEnum)(arg)
		if s.Index > 0 || s.PixelFormat != f.format {
			return unix.EINVAL
		}
		s.Type, s.Stepwise.MinWidth, s.Stepwise.MaxWidth = uapi.FrmTypeDiscrete, 18, 6
	case uapi.SetFmt:
		return f.setFormat(arg)
	case uapi.ReqBufs:
		(*uapi.RequestBuffers)(arg).Count = 3
	case uapi.QueryBuf, uapi.QBuf, uapi.DQBuf:
		return f.buffer(request, (*uapi.Buffer)(arg))
	case uapi.SetCtrl:
		c := (*uapi.Control)(arg)
		if !f.controls[c.ID] {
			return unix.EINVAL
		}
		f.set = append(f.set, *c)
	case uapi.StreamOn, uapi.StreamOff:
		if *(*int32)(arg) != int32(f.kind()) {
			return unix.EINVAL
		}
	default:
		return unix.ENOTTY
	}
	return nil
}

func (f *fakeNode) setFormat(arg unsafe.Pointer) error {
	if !f.mplane {
		p := &(*uapi.Format)(arg).Pix
		if p.Priv != uapi.PixFmtPrivMagic {
			f.t.Error("the extended fields are not asked for")
		}
		p.Width, p.Height, p.PixelFormat, p.BytesPerLine = 18, 6, f.format, uint32(f.strides[0])
		p.Colorspace, p.YcbcrEnc, p.Quantization = f.means.colorspace, f.means.encoding, f.means.quantization
		return nil
	}
	p := &(*uapi.FormatMplane)(arg).Pix
	p.Width, p.Height, p.PixelFormat, p.NumPlanes = 18, 6, f.format, uint8(len(f.strides))
	p.Colorspace, p.YcbcrEnc, p.Quantization = f.means.colorspace, uint8(f.means.encoding), uint8(f.means.quantization)
	for i, s := range f.strides {
		p.Planes[i].BytesPerLine = uint32(s)
	}
	return nil
}

func (f *fakeNode) buffer(request uintptr, b *uapi.Buffer) error {
	if b.Type != f.kind() || b.Memory != uapi.MemoryMmap {
		return unix.EINVAL
	}
	planes := []*uapi.Plane{{}}
	if f.mplane {
		if int(b.Length) < len(f.lengths) || b.Offset == 0 {
			return unix.EINVAL
		}
		all := (*[uapi.MaxPlanes]uapi.Plane)(*(*unsafe.Pointer)(unsafe.Pointer(&b.Offset)))
		planes = nil
		for i := range f.lengths {
			planes = append(planes, &all[i])
		}
		b.Length = uint32(len(f.lengths))
	}
	switch request {
	case uapi.QueryBuf:
		for i, p := range planes {
			p.Offset, p.Length = uintptr(b.Index)<<16|uintptr(i)<<12, uint32(f.lengths[i])
		}
		if !f.mplane {
			b.Offset, b.Length = planes[0].Offset, planes[0].Length
		}
	case uapi.QBuf:
		f.queued = append(f.queued, b.Index)
	case uapi.DQBuf:
		if len(f.filled) == 0 {
			return unix.EAGAIN
		}
		var one [1]byte
		unix.Read(f.poll[0], one[:])
		fill := f.filled[0]
		f.filled = f.filled[1:]
		b.Index, b.Flags, b.Sequence = fill.index, fill.flags, fill.number
		for i, p := range planes {
			p.BytesUsed, p.DataOffset = fill.used[i], fill.offset[i]
		}
		if !f.mplane {
			b.BytesUsed = planes[0].BytesUsed
		}
	}
	return nil
}

func (f *fakeNode) mmap(offset int64, length int) ([]byte, error) {
	i, plane := int(offset>>16), int(offset>>12&15)
	for len(f.buffers) <= i {
		f.buffers = append(f.buffers, make([][]byte, len(f.lengths)))
	}
	f.buffers[i][plane] = make([]byte, length)
	return f.buffers[i][plane], nil
}

func (f *fakeNode) munmap([]byte)     {}
func (f *fakeNode) descriptor() int   { return f.poll[0] }
func (f *fakeNode) there(string) bool { return true }
func (f *fakeNode) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	unix.Close(f.poll[0])
}

// give fills the buffer that was queued first with planes, each behind offset bytes.
func (f *fakeNode) give(flags uint32, offset int, planes ...[]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queued) == 0 {
		f.t.Fatal("no buffer is queued")
	}
	fill := fakeFill{index: f.queued[0], number: f.number, flags: flags}
	f.number++
	f.queued = f.queued[1:]
	for i, p := range planes {
		copy(f.buffers[fill.index][i][offset:], p)
		fill.used = append(fill.used, uint32(offset+len(p)))
		fill.offset = append(fill.offset, uint32(offset))
	}
	f.filled = append(f.filled, fill)
	unix.Write(f.poll[1], []byte{1})
}

// TestMultiPlanar runs the whole driver over the multi-planar API.
func TestMultiPlanar(t *testing.T) {
	one := raw(layout{uapi.PixNV12, 18, 6, 32, 0})
	for name, tt := range map[string]struct {
		node   *fakeNode
		offset int
		planes [][]byte
	}{
		"NV12 in one plane":  {&fakeNode{mplane: true, format: uapi.PixNV12, strides: []int{32}, lengths: []int{400}}, 0, [][]byte{one}},
		"NV12 in two planes": {&fakeNode{mplane: true, format: uapi.PixNV12M, strides: []int{32, 32}, lengths: []int{300, 200}}, 0, [][]byte{one[:192], one[192:]}},
		"behind an offset":   {&fakeNode{mplane: true, format: uapi.PixNV12M, strides: []int{32, 32}, lengths: []int{300, 200}}, 64, [][]byte{one[:192], one[192:]}},
		"one plane, as ever": {&fakeNode{format: uapi.PixNV12, strides: []int{32}, lengths: []int{400}}, 0, [][]byte{one}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeNode(t, tt.node)
			d, err := ask(f)
			if err != nil || d.mplane() != f.mplane || d.id.card != "fake" {
				t.Fatalf("ask = %+v, %v", d, err)
			}
			s, err := New("fake", clock.Boot()).start(d, "/dev/null", hal.VideoMode{Width: 18, Height: 6, FrameRate: 30})
			if err != nil {
				t.Fatal(err)
			}
			if len(f.queued) != 3 {
				t.Errorf("%d buffers are queued, want 3", len(f.queued))
			}
			for range 5 {
				f.give(0, tt.offset, tt.planes...)
				p, err := s.ReadFrame()
				if err != nil {
					t.Fatal(err)
				}
				for y := range 6 {
					for x := range 18 {
						at := y/2*p.CStride + x/2
						if p.Y[y*p.YStride+x] != lumaAt(x, y) || p.Cb[at] != cbAt(x/2, y/2) || p.Cr[at] != crAt(x/2, y/2) {
							t.Fatalf("wrong at %d,%d", x, y)
						}
					}
				}
				clear(p.Y)
			}
			q := s.queue.(*kernelQueue)
			fake := testing.AllocsPerRun(100, func() { // what the fake itself allocates
				f.give(0, tt.offset, tt.planes...)
				_ = call(q.node, uapi.DQBuf, q.buffer(0))
				_ = call(q.node, uapi.DQBuf, q.buffer(0))
				_ = call(q.node, uapi.QBuf, q.buffer(0))
			})
			f.queued = []uint32{0, 1, 2}
			if n := testing.AllocsPerRun(100, func() {
				f.give(0, tt.offset, tt.planes...)
				_, _ = s.ReadFrame()
			}); n > fake {
				t.Errorf("a picture allocates %v times, %v of them in the fake", n, fake)
			}
			s.Close()
			s.Close()
			if !f.closed {
				t.Error("the node is open")
			}
		})
	}
}

// TestUnusableNodes are no cameras, or none that can be used.
func TestUnusableNodes(t *testing.T) {
	f := newFakeNode(t, &fakeNode{mplane: true, format: uapi.PixNV12M, strides: []int{32}, lengths: []int{400}}) // a plane is missing
	d, err := ask(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New("fake", clock.Boot()).start(d, "/dev/null", hal.VideoMode{Width: 18, Height: 6, FrameRate: 30}); err == nil || !f.closed {
		t.Errorf("start = %v, closed: %v", err, f.closed)
	}
}

var (
	encodedKey  = []byte{0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 1, 0x65, 1}
	encodedNext = []byte{0, 0, 1, 0x41, 2}
)

func h264Node(t *testing.T, controls ...uint32) *fakeNode {
	t.Helper()
	f := &fakeNode{mplane: true, format: uapi.PixH264, strides: []int{0}, lengths: []int{400}, controls: map[uint32]bool{}}
	for _, c := range controls {
		f.controls[c] = true
	}
	return newFakeNode(t, f)
}

func startEncoded(t *testing.T, f *fakeNode) (*encodedStream, error) {
	t.Helper()
	d, err := ask(f)
	if err != nil {
		t.Fatal(err)
	}
	return New("fake", clock.Boot()).startEncoded(d, "/dev/null", hal.VideoMode{Width: 18, Height: 6, FrameRate: 30}, 900_000)
}

// TestEncoded: the pictures of a camera that encodes are handed on one by one, and its
// encoder is set for a call.
func TestEncoded(t *testing.T) {
	f := h264Node(t, uapi.CtrlForceKeyFrame, uapi.CtrlBitrate, uapi.CtrlH264Profile)
	s, err := startEncoded(t, f)
	if err != nil {
		t.Fatal(err)
	}
	want := []uapi.Control{
		{ID: uapi.CtrlH264Profile, Value: uapi.H264ProfileConstrainedBaseline}, {ID: uapi.CtrlBitrate, Value: 900_000}, {ID: uapi.CtrlForceKeyFrame, Value: 1},
	}
	if !slices.Equal(f.set, want) {
		t.Errorf("controls %v, want %v", f.set, want)
	}
	f.give(uapi.BufFlagKeyframe, 0, encodedKey)
	f.give(0, 0, encodedNext) // a reader that is late gets both
	for i, want := range [][]byte{encodedKey, encodedNext} {
		p, err := s.ReadEncoded()
		if err != nil || !bytes.Equal(p.Data, want) || p.Key != (i == 0) || p.Damaged {
			t.Fatalf("picture %d: %+v, %v", i, p, err)
		}
	}
	f.give(uapi.BufFlagError, 0, encodedNext)
	f.give(0, 0, []byte("no H.264"))
	f.give(0, 0, encodedNext)
	if p, err := s.ReadEncoded(); err != nil || !p.Damaged || !bytes.Equal(p.Data, encodedNext) {
		t.Fatalf("behind damage: %+v, %v", p, err)
	}
	for i, gap := range []uint32{0, 3, 0} {
		f.number += gap // the driver had no buffer for them
		f.give(0, 0, encodedNext)
		if p, err := s.ReadEncoded(); err != nil || p.Damaged != (gap > 0) {
			t.Fatalf("picture %d, behind a gap of %d: %+v, %v", i, gap, p, err)
		}
	}
	if bad, late := s.BadFrames(), s.LateFrames(); bad != 2 || late != 3 {
		t.Errorf("%d bad pictures and %d late, want 2 and 3", bad, late)
	}
	f.set = nil
	if err := errors.Join(s.ForceKeyFrame(), s.SetBitRate(500_000)); err != nil {
		t.Error(err)
	}
	if want := []uapi.Control{{ID: uapi.CtrlForceKeyFrame, Value: 1}, {ID: uapi.CtrlBitrate, Value: 500_000}}; !slices.Equal(f.set, want) {
		t.Errorf("controls %v, want %v", f.set, want)
	}
	s.Close()
	if _, err := s.ReadEncoded(); !errors.Is(err, io.EOF) {
		t.Errorf("ReadEncoded after Close = %v", err)
	}
	if s.ForceKeyFrame() == nil || s.SetBitRate(1) == nil {
		t.Error("a closed camera takes controls")
	}
}

// TestNotEncoded: who cannot be asked for keyframes, or has no H.264, is no source.
func TestNotEncoded(t *testing.T) {
	raw := newFakeNode(t, &fakeNode{format: uapi.PixNV12, strides: []int{32}, lengths: []int{400}})
	for name, f := range map[string]*fakeNode{"no keyframes": h264Node(t, uapi.CtrlBitrate), "no H.264": raw} {
		if _, err := startEncoded(t, f); !errors.Is(err, hal.ErrNotEncoded) || !f.closed {
			t.Errorf("%s: %v, closed: %v", name, err, f.closed)
		}
	}
}

// TestEncodedCloseRace: a phone asks for keyframes while the camera is closed.
func TestEncodedCloseRace(t *testing.T) {
	for range 50 {
		f := h264Node(t, uapi.CtrlForceKeyFrame, uapi.CtrlBitrate)
		s, err := startEncoded(t, f)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			for s.ForceKeyFrame() == nil && s.SetBitRate(1000) == nil {
			}
		})
		wg.Go(func() {
			if _, err := s.ReadEncoded(); !errors.Is(err, io.EOF) {
				t.Errorf("ReadEncoded = %v", err)
			}
		})
		s.Close()
		wg.Wait()
	}
}
