package v4l2

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"sync"

	"callbox/hal"
	"callbox/hal/v4l2/internal/uapi"
)

// OpenEncoded starts a camera that encodes H.264 by itself, in the mode nearest to the
// wanted one. It returns hal.ErrNotEncoded also for one that makes no keyframe when it
// is asked for one, as a call needs; it is then as if it had not been opened. Other
// errors are those of Open.
func (c *Camera) OpenEncoded(want hal.VideoMode, bitrate int) (hal.EncodedStream, error) {
	s, err := open(c, want, func(d device, path string, want hal.VideoMode) (*encodedStream, error) {
		return c.startEncoded(d, path, want, bitrate)
	})
	if err != nil {
		return nil, err // not a nil *encodedStream in the interface
	}
	return s, nil
}

// startEncoded closes the device when it fails.
func (c *Camera) startEncoded(d device, path string, want hal.VideoMode, bitrate int) (_ *encodedStream, err error) {
	q := newKernelQueue(d, path)
	defer func() {
		if err != nil {
			q.close()
		}
	}()
	able := d.modes(encoded, want)
	if len(able) == 0 {
		return nil, hal.ErrNotEncoded
	}
	chosen := choose(able, want)
	lay, _, err := d.setFormat(chosen, encoded) // its colours stand in the stream
	if err != nil {
		return nil, err
	}
	s := &encodedStream{
		reader: reader{name: c.name, clock: c.clock, queue: q}, device: d,
		mode: hal.VideoMode{Width: lay.width, Height: lay.height, FrameRate: d.setRate(chosen, want.FrameRate)},
	}
	if err := d.prepare(s.mode, bitrate); err != nil {
		return nil, err
	}
	if s.buffers, err = q.start(); err != nil {
		return nil, err
	}
	return s, nil
}

// prepare sets an encoder for a call. What it does not know stays as it is; what then
// comes out of it is looked at by whoever takes it.
func (d device) prepare(m hal.VideoMode, bitrate int) error {
	level := int32(uapi.H264Level31)
	if m.Width*m.Height > 1280*720 || m.FrameRate > 30 {
		level = uapi.H264Level40
	}
	for _, c := range []uapi.Control{
		{ID: uapi.CtrlH264Profile, Value: uapi.H264ProfileConstrainedBaseline},
		{ID: uapi.CtrlH264Level, Value: level},
		{ID: uapi.CtrlBFrames, Value: 0},
		{ID: uapi.CtrlHeaderMode, Value: uapi.HeaderModeJoined},
		{ID: uapi.CtrlRepeatSequence, Value: 1},
		{ID: uapi.CtrlBitrateMode, Value: uapi.BitrateModeConstant},
		{ID: uapi.CtrlBitrate, Value: bits(bitrate)},
		// As seldom as it can be: keyframes are asked for.
		{ID: uapi.CtrlGOPSize, Value: longPeriod},
		{ID: uapi.CtrlH264IntraPeriod, Value: longPeriod},
	} {
		_ = d.control(c.ID, c.Value)
	}
	if err := d.control(uapi.CtrlForceKeyFrame, 1); err != nil {
		return fmt.Errorf("%w: it makes no keyframe when it is asked for one: %w", hal.ErrNotEncoded, err)
	}
	return nil
}

// longPeriod is of keyframes that nobody asked for, in pictures.
const longPeriod = 3000

func bits(bps int) int32 { return int32(min(max(bps, 0), math.MaxInt32)) }

// encodedStream implements hal.EncodedStream.
type encodedStream struct {
	reader
	mode  hal.VideoMode
	frame hal.EncodedFrame
	data  []byte

	control sync.Mutex // held while device is used beside the reading; Close waits
	closed  bool
	device  device
}

func (s *encodedStream) Mode() hal.VideoMode { return s.mode }

var errNoH264 = fmt.Errorf("%w: it does not begin with a start code", errBadPicture)

// ReadEncoded leaves out no picture that is good: the next one refers to it.
func (s *encodedStream) ReadEncoded() (*hal.EncodedFrame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bad, late := s.bad.Load(), s.late.Load()
	b, at, err := s.read(false, func(planes [][]byte, _ filled) error {
		if len(planes) != 1 || !bytes.HasPrefix(planes[0], []byte{0, 0, 1}) && !bytes.HasPrefix(planes[0], []byte{0, 0, 0, 1}) {
			return errNoH264
		}
		s.data = append(s.data[:0], planes[0]...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.frame = hal.EncodedFrame{Data: s.data, Key: b.key, Damaged: s.bad.Load() != bad || s.late.Load() != late, Captured: at}
	return &s.frame, nil
}

// ForceKeyFrame implements hal.EncodedStream.
func (s *encodedStream) ForceKeyFrame() error { return s.set(uapi.CtrlForceKeyFrame, 1) }

// SetBitRate implements hal.EncodedStream.
func (s *encodedStream) SetBitRate(bps int) error { return s.set(uapi.CtrlBitrate, bits(bps)) }

var errEncodedClosed = errors.New("the camera is closed")

func (s *encodedStream) set(id uint32, value int32) error {
	s.control.Lock()
	defer s.control.Unlock()
	if s.closed {
		return fmt.Errorf("cannot set a control of camera %q: %w", s.name, errEncodedClosed)
	}
	if err := s.device.control(id, value); err != nil {
		return fmt.Errorf("cannot set a control of camera %q: %w", s.name, err)
	}
	return nil
}

// Close wakes ReadEncoded, waits for it and frees the camera.
func (s *encodedStream) Close() error {
	s.control.Lock()
	s.closed = true
	s.control.Unlock()
	s.end(func() {})
	return nil
}

var _ hal.EncodedSource = (*Camera)(nil)
