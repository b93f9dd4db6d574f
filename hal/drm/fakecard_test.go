package drm

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"callbox/hal/drm/internal/uapi"
)

// Ids of a fakeCard.
const (
	fakeConnector = 31 // HDMI-A-1
	fakeOther     = 32 // HDMI-A-2, which is driven by the first CRTC
	fakeConsole   = 77 // the framebuffer that is shown until we come
)

// fakeCard is a graphics card behind the ioctls: two connectors, two encoders that can
// use both CRTCs.
type fakeCard struct {
	t         *testing.T
	width     uint16
	height    uint16
	padding   int  // bytes behind each row
	noDumb    bool // the driver has no dumb buffers
	noEvents  bool // it does not tell of flips
	unplugged bool
	errs      map[uintptr]error // of ioctls

	mu      sync.Mutex
	crtcs   map[uint32]uapi.CRTC
	handles map[uint32][]byte // of dumb buffers
	fbs     map[uint32]uint32 // their handles
	next    uint32
	events  int // flips that were not read of
	mapped  int
	calls   []uintptr
	closed  bool
}

func newFakeCard(t *testing.T) *fakeCard {
	f := &fakeCard{
		t: t, width: 64, height: 48, padding: 32, errs: map[uintptr]error{}, next: 100,
		handles: map[uint32][]byte{}, fbs: map[uint32]uint32{fakeConsole: 0},
	}
	f.crtcs = map[uint32]uapi.CRTC{
		21: {ID: 21, FB: 78, ModeValid: 1, Mode: f.mode()},
		22: {ID: 22, FB: fakeConsole, X: 3, ModeValid: 1, Mode: f.mode()},
	}
	return f
}

func (f *fakeCard) mode() uapi.Mode {
	return uapi.Mode{Width: f.width, Height: f.height, Refresh: 60, Type: uapi.ModeTypePreferred}
}

// array is what an address and a count of an argument mean.
func array[T any](address *uint64, count uint32) []T {
	if count == 0 {
		return nil
	}
	return unsafe.Slice((*T)(*(*unsafe.Pointer)(unsafe.Pointer(address))), count)
}

// fill copies what fits and says how many there are, as the kernel does.
func fill[T any](address *uint64, count *uint32, from []T) {
	if int(*count) >= len(from) {
		copy(array[T](address, *count), from)
	}
	*count = uint32(len(from))
}

func (f *fakeCard) ioctl(request uintptr, arg unsafe.Pointer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		f.t.Error("the card was used after it was closed")
		return unix.EBADF
	}
	f.calls = append(f.calls, request)
	if err := f.errs[request]; err != nil {
		return err
	}
	switch request {
	case uapi.AuthMagic:
		return unix.EINVAL
	case uapi.SetMaster: // needs root in old kernels
	case uapi.GetCap:
		c := (*uapi.Capability)(arg)
		if c.Capability != uapi.CapDumbBuffer {
			return unix.EINVAL
		}
		if !f.noDumb {
			c.Value = 1
		}
	case uapi.GetResources:
		r := (*uapi.Resources)(arg)
		fill(&r.CRTCPtr, &r.CountCRTCs, []uint32{21, 22})
		fill(&r.ConnectorPtr, &r.CountConnectors, []uint32{fakeOther, fakeConnector})
		fill(&r.EncoderPtr, &r.CountEncoders, []uint32{41, 42})
	case uapi.GetConnector:
		return f.connector((*uapi.Connector)(arg))
	case uapi.GetEncoder:
		e := (*uapi.Encoder)(arg)
		e.PossibleCRTCs = 3
		if e.ID == 41 {
			e.CRTC = 21
		}
	case uapi.GetCRTC:
		c := (*uapi.CRTC)(arg)
		*c = f.crtcs[c.ID]
	case uapi.SetCRTC:
		return f.setCRTC(*(*uapi.CRTC)(arg))
	case uapi.Flip:
		p := (*uapi.PageFlip)(arg)
		c := f.crtcs[p.CRTC]
		if f.events > 0 || p.Flags != uapi.PageFlipEvent || f.fbs[p.FB] == 0 {
			f.t.Errorf("a flip to %d while %d are not done, with flags %d", p.FB, f.events, p.Flags)
			return unix.EINVAL
		}
		c.FB = p.FB
		f.crtcs[p.CRTC] = c
		f.events++
	case uapi.CreateBuffer:
		d := (*uapi.CreateDumb)(arg)
		if d.Width != uint32(f.width) || d.Height != uint32(f.height) || d.BitsPerPixel != 32 {
			return unix.EINVAL
		}
		d.Handle, d.Pitch = f.id(), d.Width*4+uint32(f.padding)
		d.Size = uint64(d.Pitch) * uint64(d.Height)
		f.handles[d.Handle] = make([]byte, d.Size)
		for i := range f.handles[d.Handle] {
			f.handles[d.Handle][i] = 0x55
		}
	case uapi.AddFB2:
		b := (*uapi.Framebuffer)(arg)
		if b.PixelFormat != uapi.FormatXRGB8888 || f.handles[b.Handles[0]] == nil {
			return unix.EINVAL
		}
		b.ID = f.id()
		f.fbs[b.ID] = b.Handles[0]
	case uapi.MapBuffer:
		m := (*uapi.MapDumb)(arg)
		m.Offset = uint64(m.Handle) << 12
	case uapi.RemoveFB:
		delete(f.fbs, *(*uint32)(arg))
	case uapi.DestroyDumb:
		delete(f.handles, *(*uint32)(arg))
	default:
		f.t.Errorf("ioctl %#x is unknown", request)
		return unix.ENOTTY
	}
	return nil
}

func (f *fakeCard) id() uint32 { f.next++; return f.next }

func (f *fakeCard) connector(c *uapi.Connector) error {
	c.Type, c.Connection = 11, uapi.Connected
	modes := []uapi.Mode{{Width: 32, Height: 24}, f.mode()}
	switch c.ID {
	case fakeOther:
		c.TypeID, c.Encoder = 2, 41
	case fakeConnector:
		c.TypeID = 1
		if f.unplugged {
			c.Connection, modes = uapi.Disconnected, nil
		}
	default:
		return unix.ENOENT
	}
	fill(&c.ModesPtr, &c.CountModes, modes)
	fill(&c.EncodersPtr, &c.CountEncoders, []uint32{c.ID + 10})
	return nil
}

func (f *fakeCard) setCRTC(c uapi.CRTC) error {
	if _, there := f.fbs[c.FB]; c.ModeValid != 0 && !there {
		return unix.ENOENT
	}
	connectors := array[uint32](&c.ConnectorsPtr, c.CountConnectors)
	if want := []uint32{fakeConnector}; c.ModeValid != 0 && !slices.Equal(connectors, want) || c.ModeValid == 0 && len(connectors) > 0 {
		f.t.Errorf("connectors %v are set, want %v with a mode and else none", connectors, want)
		return unix.EINVAL
	}
	c.ConnectorsPtr, c.CountConnectors = 0, 0
	f.crtcs[c.ID] = c
	return nil
}

func (f *fakeCard) mmap(offset int64, length int) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.handles[uint32(offset>>12)]
	if len(p) != length {
		return nil, unix.EINVAL
	}
	f.mapped++
	return p, nil
}

func (f *fakeCard) munmap([]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mapped--
}

func (f *fakeCard) read(p []byte, d time.Duration) (int, error) {
	f.mu.Lock()
	events := f.events
	if f.noEvents {
		events = 0
	}
	f.mu.Unlock()
	if events == 0 {
		time.Sleep(d)
		return 0, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events--
	// A vblank of somebody's, which is none of ours, and the flip.
	*(*[2]uint32)(unsafe.Pointer(&p[0])) = [2]uint32{1, 32}
	*(*[2]uint32)(unsafe.Pointer(&p[32])) = [2]uint32{uapi.EventFlipComplete, 32}
	return 64, nil
}

func (f *fakeCard) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
}

// shown is the memory that the CRTC shows; nil when it is none of ours.
func (f *fakeCard) shown() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.handles[f.fbs[f.crtcs[22].FB]]
}

// pixel is red, green and blue of what is shown.
func (f *fakeCard) pixel(x, y int) [3]byte {
	p := f.shown()[y*(int(f.width)*4+f.padding)+4*x:]
	return [3]byte{p[2], p[1], p[0]}
}

func (f *fakeCard) count(request uintptr) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.calls {
		if r == request {
			n++
		}
	}
	return n
}

// wantBefore wants everything to be as it was, and nothing to be left.
func (f *fakeCard) wantBefore() {
	f.t.Helper()
	want := newFakeCard(f.t)
	if got := fmt.Sprint(f.crtcs); got != fmt.Sprint(want.crtcs) {
		f.t.Errorf("the CRTCs are %v, were %v", got, want.crtcs)
	}
	if !f.closed || f.mapped != 0 || len(f.handles) != 0 || len(f.fbs) != 1 {
		f.t.Errorf("closed: %v; %d mappings, %d buffers, %d framebuffers are left", f.closed, f.mapped, len(f.handles), len(f.fbs)-1)
	}
}
