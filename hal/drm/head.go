package drm

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/drm/internal/uapi"
)

// errNoDumb means that a card draws only what a graphics processor has made.
var errNoDumb = errors.New("its driver has no dumb buffers")

// head is a connector of a card that is ours, and what drives it.
type head struct {
	node
	connector uint32
	crtc      uint32
	mode      uapi.Mode
}

// claim takes a card for ourselves and finds what a connector needs to show something;
// it changes nothing yet. The node is closed when that fails.
func claim(n node, connector string) (h *head, err error) {
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	if err := master(n); err != nil {
		return nil, meaning(err)
	}
	dumb := uapi.Capability{Capability: uapi.CapDumbBuffer}
	if err := call(n, uapi.GetCap, &dumb); err != nil || dumb.Value == 0 {
		return nil, errors.Join(errNoDumb, err)
	}
	crtcs, connectors, encoders, err := resources(n)
	if err != nil {
		return nil, err
	}
	for _, id := range connectors {
		c, able, modes, err := ask(n, id)
		if err != nil {
			return nil, err
		}
		if uapi.ConnectorType(c.Type)+"-"+strconv.Itoa(int(c.TypeID)) != connector {
			continue
		}
		if c.Connection == uapi.Disconnected || len(modes) == 0 {
			return nil, fmt.Errorf("%w: no screen is connected to %s", hal.ErrGone, connector)
		}
		h := &head{node: n, connector: id, mode: choose(modes)}
		if h.crtc, err = findCRTC(n, c.Encoder, able, crtcs, encoders); err != nil {
			return nil, err
		}
		return h, nil
	}
	return nil, fmt.Errorf("%w: the card has no connector %s any more", hal.ErrGone, connector)
}

// master makes sure that the card is ours. Who opens one that nobody has is its master
// already. The token 0 is never given out, and only a master is told so: the others may
// not ask. To say it once more (SET_MASTER) needs root before Linux 5.8.
func master(n node) error {
	var token uint32
	if err := call(n, uapi.AuthMagic, &token); !errors.Is(err, unix.EACCES) {
		return nil
	}
	return call(n, uapi.SetMaster, &token)
}

// resources are the ids of a card's parts.
func resources(n node) (crtcs, connectors, encoders []uint32, err error) {
	for {
		var count uapi.Resources
		if err := call(n, uapi.GetResources, &count); err != nil {
			return nil, nil, nil, fmt.Errorf("cannot ask for its parts: %w", meaning(err))
		}
		crtcs, connectors, encoders = make([]uint32, count.CountCRTCs), make([]uint32, count.CountConnectors), make([]uint32, count.CountEncoders)
		var pins runtime.Pinner
		r := uapi.Resources{
			CRTCPtr: address(&pins, crtcs), ConnectorPtr: address(&pins, connectors), EncoderPtr: address(&pins, encoders),
			CountCRTCs: count.CountCRTCs, CountConnectors: count.CountConnectors, CountEncoders: count.CountEncoders,
		}
		err := call(n, uapi.GetResources, &r)
		pins.Unpin()
		if err != nil {
			return nil, nil, nil, fmt.Errorf("cannot ask for its parts: %w", meaning(err))
		}
		if r.CountCRTCs <= count.CountCRTCs && r.CountConnectors <= count.CountConnectors && r.CountEncoders <= count.CountEncoders {
			return crtcs[:r.CountCRTCs], connectors[:r.CountConnectors], encoders[:r.CountEncoders], nil
		}
	}
}

// ask asks for a connector, its encoders and its modes, and lets the driver look whether
// a screen is there.
func ask(n node, id uint32) (c uapi.Connector, encoders []uint32, modes []uapi.Mode, err error) {
	for {
		count := uapi.Connector{ID: id} // without room for modes the driver looks anew
		if err := call(n, uapi.GetConnector, &count); err != nil {
			return c, nil, nil, fmt.Errorf("cannot ask for connector %d: %w", id, meaning(err))
		}
		// At least one: without room for any, the driver would look again.
		encoders, modes = make([]uint32, count.CountEncoders), make([]uapi.Mode, max(count.CountModes, 1))
		var pins runtime.Pinner
		c = uapi.Connector{
			ID: id, EncodersPtr: address(&pins, encoders), ModesPtr: address(&pins, modes),
			CountEncoders: count.CountEncoders, CountModes: uint32(len(modes)),
		}
		err := call(n, uapi.GetConnector, &c)
		pins.Unpin()
		if err != nil {
			return c, nil, nil, fmt.Errorf("cannot ask for connector %d: %w", id, meaning(err))
		}
		if c.CountEncoders <= count.CountEncoders && int(c.CountModes) <= len(modes) {
			return c, encoders[:c.CountEncoders], modes[:c.CountModes], nil
		}
	}
}

// connected asks whether a screen is there, as far as the kernel has heard: the driver
// does not look, which takes some of them 100 ms.
func (h *head) connected() (bool, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	mode := &uapi.Mode{}
	pins.Pin(mode)
	c := uapi.Connector{ID: h.connector, ModesPtr: uint64(uintptr(unsafe.Pointer(mode))), CountModes: 1}
	if err := call(h.node, uapi.GetConnector, &c); err != nil {
		return false, err
	}
	return c.Connection != uapi.Disconnected, nil
}

// address is where an array begins, which stays there until pins are taken out; 0 for an
// empty one.
func address[T any](pins *runtime.Pinner, p []T) uint64 {
	if len(p) == 0 {
		return 0
	}
	pins.Pin(&p[0])
	return uint64(uintptr(unsafe.Pointer(&p[0])))
}

// enough is how many pixels are as many as a phone's pictures need on any screen.
const enough = 1920 * 1200

// choose is the mode that the screen likes best, or of the same shape the largest that
// is not larger than enough: a small board cannot fill a screen of 4K 30 times a second.
func choose(modes []uapi.Mode) uapi.Mode {
	best := modes[0]
	for _, m := range modes {
		if m.Type&uapi.ModeTypePreferred != 0 {
			best = m
			break
		}
	}
	if pixels(best) <= enough && best.Flags&uapi.ModeFlagInterlace == 0 {
		return best
	}
	var smaller *uapi.Mode
	for i, m := range modes {
		shape := int(m.Width)*int(best.Height) == int(best.Width)*int(m.Height)
		if shape && pixels(m) <= enough && m.Flags&uapi.ModeFlagInterlace == 0 && (smaller == nil || pixels(m) > pixels(*smaller)) {
			smaller = &modes[i]
		}
	}
	if smaller != nil {
		return *smaller
	}
	return best
}

func pixels(m uapi.Mode) int { return int(m.Width) * int(m.Height) }

// findCRTC finds what reads the buffers for a connector: what does so now, else one that
// is free, else any that can.
func findCRTC(n node, now uint32, able, crtcs, encoders []uint32) (uint32, error) {
	used := map[uint32]bool{}
	var possible uint32
	for _, id := range encoders {
		e := uapi.Encoder{ID: id}
		if err := call(n, uapi.GetEncoder, &e); err != nil {
			return 0, fmt.Errorf("cannot ask for encoder %d: %w", id, meaning(err))
		}
		if id == now && e.CRTC != 0 {
			return e.CRTC, nil
		}
		used[e.CRTC] = true
		for _, a := range able {
			if a == id {
				possible |= e.PossibleCRTCs
			}
		}
	}
	found := uint32(0)
	for rest := possible; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest)
		if i >= len(crtcs) {
			break
		}
		if !used[crtcs[i]] {
			return crtcs[i], nil
		}
		if found == 0 {
			found = crtcs[i]
		}
	}
	if found == 0 {
		return 0, errors.New("nothing on the card can drive it")
	}
	return found, nil
}

// buffer is memory that the screen can show.
type buffer struct {
	fb, handle uint32
	stride     int
	pix        []byte
}

// newBuffer makes a buffer of the mode's size. It is not cleared.
func (h *head) newBuffer() (b buffer, err error) {
	defer func() {
		if err != nil {
			h.free(&b)
		}
	}()
	dumb := uapi.CreateDumb{Width: uint32(h.mode.Width), Height: uint32(h.mode.Height), BitsPerPixel: 32}
	if err := call(h.node, uapi.CreateBuffer, &dumb); err != nil {
		return b, fmt.Errorf("cannot make a buffer of %dx%d: %w", h.mode.Width, h.mode.Height, meaning(err))
	}
	b.handle, b.stride = dumb.Handle, int(dumb.Pitch)
	fb := uapi.Framebuffer{Width: dumb.Width, Height: dumb.Height, PixelFormat: uapi.FormatXRGB8888}
	fb.Handles[0], fb.Pitches[0] = dumb.Handle, dumb.Pitch
	if err := call(h.node, uapi.AddFB2, &fb); err != nil {
		return b, fmt.Errorf("cannot show a buffer of XRGB8888: %w", meaning(err))
	}
	b.fb = fb.ID
	place := uapi.MapDumb{Handle: dumb.Handle}
	if err := call(h.node, uapi.MapBuffer, &place); err != nil {
		return b, fmt.Errorf("cannot reach a buffer: %w", meaning(err))
	}
	if dumb.Size > 1<<30 { // 16384 x 16384
		return b, fmt.Errorf("cannot reach a buffer of %d bytes: %w", dumb.Size, unix.EFBIG)
	}
	if b.pix, err = h.mmap(int64(place.Offset), int(dumb.Size)); err != nil {
		return b, fmt.Errorf("cannot reach a buffer: %w", meaning(err))
	}
	return b, nil
}

// free gives back what there is of a buffer.
func (h *head) free(b *buffer) {
	if b.pix != nil {
		h.munmap(b.pix)
	}
	if b.fb != 0 {
		_ = call(h.node, uapi.RemoveFB, &b.fb) // with the node it goes in any case
	}
	if b.handle != 0 {
		_ = call(h.node, uapi.DestroyDumb, &b.handle) // the same
	}
	*b = buffer{}
}

// set lets the screen show a framebuffer in a mode; one without a valid mode turns it
// off.
func (h *head) set(c uapi.CRTC) error {
	var pins runtime.Pinner
	defer pins.Unpin()
	c.ID, c.ConnectorsPtr, c.CountConnectors = h.crtc, 0, 0
	if c.ModeValid != 0 {
		one := []uint32{h.connector}
		c.ConnectorsPtr, c.CountConnectors = address(&pins, one), 1
	}
	return call(h.node, uapi.SetCRTC, &c)
}

// before is what the screen shows until we change it.
func (h *head) before() (uapi.CRTC, error) {
	c := uapi.CRTC{ID: h.crtc}
	if err := call(h.node, uapi.GetCRTC, &c); err != nil {
		return c, fmt.Errorf("cannot ask for what it shows: %w", meaning(err))
	}
	if c.FB == 0 {
		c.ModeValid = 0 // it shows nothing
	}
	return c, nil
}
