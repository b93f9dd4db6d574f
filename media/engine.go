package media

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

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

	// EncoderPlugin is where the encoders of the hardware are (avcodec.Path); "": there are
	// none.
	EncoderPlugin string

	known []*videoCodec           // for tests; nil: knownCodecs
	gone  func(a netip.Addr) bool // for tests; nil: the system is asked
}

// Engine owns the choice of devices and codecs. It lives as long as the daemon;
// while there is no session it has no goroutine and no open device.
type Engine struct {
	opts EngineOptions

	// A device has one user at a time: a session that begins while another ends
	// waits for it.
	camera, sound, display slot

	cameras []Camera      // the first is shown when a call begins
	codecs  []*videoCodec // that can be used, the preferred first
	missing error         // what the configuration names and cannot be used
	encoder *hardware     // what encodes H.264

	volume atomic.Int32 // percent
	// echoDelay is the delay of the speaker's echo in the last session, ns.
	echoDelay atomic.Int64
	tap       tap // of the camera

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
	if o.VideoBitrateMin < 0 || o.VideoBitrateMin > o.VideoBitrate {
		return nil, fmt.Errorf("cannot send pictures with at least %d bit/s and at most %d; set media.video_bitrate_min to less than media.video_bitrate", o.VideoBitrateMin, o.VideoBitrate)
	}
	e := &Engine{
		opts: o, sessions: map[*Session]struct{}{},
		camera: newSlot(), sound: newSlot(), display: newSlot(),
	}
	if o.Camera != nil {
		e.cameras = append([]Camera{{o.Camera, o.CameraLabel, o.CameraMode}}, o.MoreCameras...)
	}
	for _, c := range e.cameras {
		if c.Mode.Width <= 0 || c.Mode.Height <= 0 || c.Mode.FrameRate <= 0 {
			return nil, fmt.Errorf("cannot use the camera %q in mode %+v; set its size and frame_rate", c.Name(), c.Mode)
		}
	}
	known := o.known
	if known == nil {
		known = knownCodecs()
	}
	if e.codecs, e.missing = usableCodecs(o.VideoCodecs, known); e.missing != nil {
		o.Log.Warn().Err(e.missing).Strs("used", e.VideoCodecs()).Msg("a video codec is missing")
	}
	e.ctx, e.cancel = context.WithCancelCause(context.Background())
	e.chooseEncoder()
	e.SetVolume(100)
	return e, nil
}

// listen begins to hear of devices of a kind that are plugged in.
func (e *Engine) listen(kind string) Listener {
	if e.opts.Listen != nil {
		return e.opts.Listen(kind)
	}
	return deaf{}
}

// deaf is a Listener that waits for the time only.
type deaf struct{}

func (deaf) Wait(ctx context.Context, d time.Duration) { pause(ctx, d) }
func (deaf) Close()                                    {}

// VideoCodecs names the codecs that calls use, the preferred first.
func (e *Engine) VideoCodecs() []string {
	var names []string
	for _, c := range e.codecs {
		names = append(names, string(c.name))
	}
	return names
}

// MissingCodecs says which codecs of the configuration cannot be used, and why; nil
// when all can.
func (e *Engine) MissingCodecs() error { return e.missing }

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
