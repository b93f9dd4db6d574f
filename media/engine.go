package media

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"callbox/hal/clock"
)

// ErrClosed means that an engine or a session was used after its Close.
var ErrClosed = errors.New("media is closed")

// EngineOptions are what an engine is made of.
type EngineOptions struct {
	Options
	Devices
	Clock clock.Clock // boot time; Captured of the cameras is on it
	Log   zerolog.Logger
}

// Engine owns the choice of devices and codecs. It lives as long as the daemon;
// while there is no session it has no goroutine and no open device.
type Engine struct {
	opts EngineOptions

	// A device has one user at a time: a session that begins while another ends
	// waits for it.
	camera, sound, display slot

	volume atomic.Int32 // percent
	tap    tap          // of the camera

	ctx    context.Context //nolint:containedctx // the life of Play and Snapshot, ended by Close
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup // of them

	mu       sync.Mutex
	closed   bool
	sessions map[*Session]struct{}
}

// NewEngine checks the options.
func NewEngine(o EngineOptions) (*Engine, error) {
	if o.Clock == nil {
		return nil, errors.New("cannot make a media engine without a clock")
	}
	if o.ReceiveBitrate < 50_000 {
		return nil, fmt.Errorf("cannot receive %d bit/s of video; set media.receive_bitrate to at least 50kbit", o.ReceiveBitrate)
	}
	if o.VideoBitrate < 50_000 || o.AudioBitrate < 6_000 || o.AudioBitrate > 510_000 {
		return nil, fmt.Errorf("cannot send at %d bit/s of video and %d of audio; set media.video_bitrate to at least 50kbit and media.audio_bitrate between 6kbit and 510kbit",
			o.VideoBitrate, o.AudioBitrate)
	}
	if o.Camera != nil && (o.CameraMode.Width <= 0 || o.CameraMode.Height <= 0 || o.CameraMode.FrameRate <= 0) {
		return nil, fmt.Errorf("cannot use the camera in mode %+v; set hal.camera.size and hal.camera.frame_rate", o.CameraMode)
	}
	e := &Engine{
		opts: o, sessions: map[*Session]struct{}{},
		camera: newSlot(), sound: newSlot(), display: newSlot(),
	}
	e.ctx, e.cancel = context.WithCancelCause(context.Background())
	e.SetVolume(100)
	return e, nil
}

// Close closes the sessions that are left, ends Play and Snapshot, and waits. It
// may be called twice.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	e.cancel(ErrClosed)
	var left []*Session
	for s := range e.sessions {
		left = append(left, s)
	}
	e.mu.Unlock()
	var errs []error
	for _, s := range left {
		errs = append(errs, s.Close())
	}
	e.wg.Wait()
	return errors.Join(errs...)
}

// begin ties what a caller waits for to the life of the engine: its context ends
// with both, and the cause says which. end must be called. Error: ErrClosed.
func (e *Engine) begin(ctx context.Context) (_ context.Context, end func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil, ErrClosed
	}
	e.wg.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(e.ctx, func() { cancel(ErrClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
		e.wg.Done()
	}, nil
}

func (e *Engine) add(s *Session) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	e.sessions[s] = struct{}{}
	return nil
}

func (e *Engine) remove(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sessions, s)
}

// slot lets one in at a time.
type slot chan struct{}

func newSlot() slot { return make(slot, 1) }

// take returns false when ctx ends first.
func (s slot) take(ctx context.Context) bool {
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s slot) give() { <-s }
