package avcodec

import (
	"errors"
	"fmt"
	"image"
	"math"
	"sync"
	"time"

	"callbox/media/codec/h264"
	"callbox/media/codec/internal/pace"
	"callbox/media/codec/picture"
)

// The encoders that are tried, the preferred first.
const (
	V4L2  = "h264_v4l2m2m" // the encoder of a chip, as on a Raspberry Pi 4
	VAAPI = "h264_vaapi"   // that of a graphics processor of Intel or AMD
)

// maxSide is what the hardware of the last ten years takes.
const maxSide = 3840

// keyPatience is how long an encoder may hold a keyframe back that it was asked for.
const keyPatience = 500 * time.Millisecond

// Encoder is a picture.Encoder for H.264: Annex B streams of constrained baseline; a
// keyframe begins with SPS and PPS. An encoder may hold a picture or two back: a Frame is
// then an earlier picture than the one that was given.
//
// After an error it is of no more use: the driver may hang (ErrStuck), and the caller
// takes another encoder.
type Encoder struct {
	lib    *Library
	name   string
	p      picture.Params
	decode func() (picture.Decoder, error)

	mu     sync.Mutex // short: requests do not wait for a driver
	keys   picture.Keys
	asking bool          // the encoder was told to make one
	asked  time.Duration // when
	want   int           // bit/s
	closed bool

	use    sync.Mutex // held while a picture is encoded
	w      *worker    // nil after Close
	rate   rate
	pace   pace.Pace
	last   int64 // pts
	given  given
	proven bool
	sets   []byte // SPS and PPS, Annex B
	buf    []byte
}

// NewEncoder opens the encoder of libavcodec that has this name; its first picture is a
// keyframe. That is decoded by what decode makes, and an encoder that made another
// picture of it fails; nil: it is believed. Errors: ErrStuck, and what libavcodec says.
func (l *Library) NewEncoder(name string, p picture.Params, decode func() (picture.Decoder, error)) (*Encoder, error) {
	if err := p.Check("H.264", maxSide); err != nil {
		return nil, err
	}
	e := &Encoder{
		lib: l, name: name, p: p, decode: decode, want: p.Bitrate, last: -1,
		keys: picture.Keys{Interval: p.KeyframeInterval}, pace: pace.New(p.FrameRate), rate: rate{asked: p.Bitrate},
	}
	if err := e.open(p.Bitrate); err != nil {
		return nil, err
	}
	return e, nil
}

// open opens an encoder in the place of the one before, which is closed already.
func (e *Encoder) open(bitrate int) error {
	w, err := startWorker(e.lib, e.name, e.p, bitrate)
	if err != nil {
		return fmt.Errorf("cannot open the encoder %s: %w", e.name, err)
	}
	e.w, e.proven = w, e.decode == nil
	e.given = given{}
	return nil
}

// Encode implements picture.Encoder.
func (e *Encoder) Encode(img *image.YCbCr, captured time.Duration) (picture.Frame, error) {
	e.use.Lock()
	defer e.use.Unlock()
	if e.w == nil {
		return picture.Frame{}, picture.ErrClosed
	}
	if err := picture.Fits(img, e.p.Width, e.p.Height); err != nil {
		return picture.Frame{}, err
	}
	key, want := e.wishes(captured)
	// The bits of a picture are those of the rate that the encoder was told at its start.
	told, _ := e.pace.Next(captured)
	want = int(min(float64(want)*e.p.FrameRate/told, math.MaxInt32))
	again, err := e.follow(want, key, captured)
	if err != nil {
		return picture.Frame{}, err
	}
	key = key || again
	if !key && e.rate.leaveOut() {
		return picture.Frame{Captured: captured}, nil
	}
	pts := max(captured.Microseconds(), e.last+1)
	e.last = pts
	e.given.add(pts, captured, img, !e.proven)
	data, of, err := e.w.encode(img, pts, key)
	if err != nil {
		return picture.Frame{}, fmt.Errorf("cannot encode with %s: %w", e.name, err)
	}
	return e.frame(data, of, captured)
}

// wishes are what the requests come to for a picture. A keyframe that the encoder still
// holds back is not asked for again.
func (e *Encoder) wishes(captured time.Duration) (key bool, want int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key = e.keys.Due(captured) && (!e.asking || captured-e.asked >= keyPatience)
	if key {
		e.asking, e.asked = true, captured
	}
	return key, e.want
}

// follow brings the encoder to a bitrate; again: by opening it anew, so that a keyframe
// is next.
func (e *Encoder) follow(want int, key bool, now time.Duration) (again bool, err error) {
	switch e.rate.next(want, key, now) {
	case tell:
		if e.w.bitrate(want) {
			e.rate.told(want)
			return false, nil
		}
		e.rate.fixed = true
		return e.follow(want, key, now)
	case reopen:
		e.w.close()
		e.w = nil
		if err := e.open(want); err != nil {
			return false, err
		}
		e.rate.opened(want, now)
		return true, nil
	case keep:
	}
	return false, nil
}

// frame makes of what the encoder gave a picture that can be sent by itself.
func (e *Encoder) frame(data []byte, pts int64, captured time.Duration) (picture.Frame, error) {
	f := picture.Frame{Captured: captured, Encoder: e.name}
	if data == nil {
		return f, nil
	}
	c := h264.Look(data)
	if c.SPS != nil {
		s, err := h264.ParseSPS(c.SPS)
		if err != nil || !s.ConstrainedBaseline() || s.Width != e.p.Width || s.Height != e.p.Height {
			return f, fmt.Errorf("cannot use what %s makes: profile %d, flags %02x, %dx%d; want constrained baseline of %dx%d",
				e.name, s.Profile, s.Constraints, s.Width, s.Height, e.p.Width, e.p.Height)
		}
		e.sets = c.AppendSets(e.sets[:0])
	}
	if !c.Slice { // the parameter sets by themselves
		return f, nil
	}
	e.buf = e.buf[:0]
	if c.Key && c.SPS == nil {
		e.buf = append(e.buf, e.sets...)
	}
	e.buf = append(e.buf, data...)
	from := e.given.of(pts)
	if from == nil {
		return f, fmt.Errorf("cannot use what %s makes: a picture of another time", e.name)
	}
	f.Data, f.Key, f.Captured = e.buf, c.Key, from.captured
	if f.Key {
		e.mu.Lock()
		e.keys.Made(captured)
		e.asking = false
		e.mu.Unlock()
	}
	return f, e.prove(f, from)
}

var errOther = errors.New("its picture looks different from the one that it was given")

// prove decodes the first keyframe of an encoder.
func (e *Encoder) prove(f picture.Frame, from *one) error {
	if e.proven || !f.Key {
		return nil
	}
	e.proven = true
	dec, err := e.decode()
	if err != nil {
		return fmt.Errorf("cannot look at what %s makes: %w", e.name, err)
	}
	defer func() { _ = dec.Close() }() // never fails
	img, err := dec.Decode(f.Data)
	if err != nil {
		return fmt.Errorf("cannot decode what %s makes: %w", e.name, err)
	}
	if img == nil || !from.look.like(lookAt(img)) {
		return fmt.Errorf("cannot use what %s makes: %w", e.name, errOther)
	}
	return nil
}

// ForceKeyFrame implements picture.Encoder.
func (e *Encoder) ForceKeyFrame() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return picture.ErrClosed
	}
	e.keys.Ask()
	return nil
}

// SetBitRate implements picture.Encoder. An encoder that cannot change its rate leaves
// pictures out until it is opened anew, at most every few seconds.
func (e *Encoder) SetBitRate(bps int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return picture.ErrClosed
	}
	if bps < 1000 {
		return fmt.Errorf("cannot encode at %d bit/s: at least 1 kbit/s", bps)
	}
	e.want = bps
	return nil
}

// Close frees the encoder; it may be called twice. It waits at most 2 s for a driver.
func (e *Encoder) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.use.Lock()
	defer e.use.Unlock()
	if e.w != nil {
		e.w.close()
		e.w = nil
	}
	return nil
}
