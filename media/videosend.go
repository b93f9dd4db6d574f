package media

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pion/rtp"

	"callbox/hal"
	"callbox/media/codec/picture"
	"callbox/media/payload"
)

// videoSender sends pictures: of the camera, and a slate in its place while it is gone.
type videoSender struct {
	s     *Session
	track *cameraTrack

	on     bool // the person's choice; under Session.mu
	wanted *wanted
	keys   keyBudget

	mu      sync.Mutex
	started bool
	encoder encoder // of what is sent; nil while nothing is
	choice  choice
	changed context.CancelFunc // ends until
	until   context.Context    //nolint:containedctx // the life of choice

	// The goroutine that sends has these for itself.
	codec   *videoCodec // that cutter is of
	cutter  payload.Cutter
	packets []*rtp.Packet      // of the picture that is written
	next    func(n int) []byte // memory of one more of them; made once
	offset  uint32
	last    time.Duration // of the picture before, on the clock
	told    map[int]bool  // which cameras are gone, by their place in Engine.cameras
}

// choice is what is sent: the codec that was negotiated and the camera that somebody
// has chosen.
type choice struct {
	codec  *videoCodec
	camera int // of Engine.cameras
}

// encoder is what a phone's wishes go to.
type encoder interface {
	ForceKeyFrame() error
	SetBitRate(bps int) error
	SetPaused(paused bool)
}

// errChanged means that something else is to be sent.
var errChanged = errors.New("another codec or camera was chosen")

// newVideoSender adds a track. Until the phone's offer is known its codec is the one
// that we prefer.
func newVideoSender(s *Session) (*videoSender, error) {
	v := &videoSender{
		s: s, track: &cameraTrack{}, on: true, wanted: newWanted(), offset: rand.Uint32(), told: map[int]bool{},
		choice: choice{codec: s.engine.codecs[0]},
	}
	v.next = func(n int) []byte {
		p := s.send.packet(n)
		v.packets = append(v.packets, p)
		return p.Payload
	}
	v.until, v.changed = context.WithCancel(s.ctx)
	if _, err := s.pc.AddTrack(v.track); err != nil {
		return nil, err
	}
	s.send.write = v.track.WriteRTP
	return v, nil
}

// codecName is what the pictures are sent with; "" when none are.
func (v *videoSender) codecName() string {
	if v == nil {
		return ""
	}
	v.track.mu.RLock()
	defer v.track.mu.RUnlock()
	if v.track.codec == nil {
		return ""
	}
	return string(v.track.codec.name)
}

// use takes the codec that was negotiated; nil: the phone has none of ours, and
// nothing is sent.
func (v *videoSender) use(c *videoCodec) {
	v.track.choose(c)
	if c != nil {
		v.choose(func(now *choice) { now.codec = c })
	}
}

// choose changes what is sent.
func (v *videoSender) choose(change func(*choice)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	before := v.choice
	if change(&v.choice); v.choice == before {
		return
	}
	v.changed()
	v.until, v.changed = context.WithCancel(v.s.ctx)
}

// chosen returns what is sent, and a context that ends with ctx, or by errChanged when
// that is something else. done must be called.
func (v *videoSender) chosen(ctx context.Context) (c choice, now context.Context, done func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(v.until, func() { cancel(errChanged) })
	return v.choice, now, func() { stop(); cancel(nil) }
}

// camera is the one that is chosen.
func (v *videoSender) camera() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.choice.camera
}

// run sends pictures while they are wanted.
func (v *videoSender) run() {
	v.wanted.each(v.s.ctx, v.show, func(context.Context) {})
}

// show sends the camera's pictures until ctx ends, and looks for it while it is gone.
func (v *videoSender) show(ctx context.Context) {
	slate := &slate{v: v}
	defer slate.stop()
	plugs := v.s.engine.listen("camera")
	defer plugs.Close()
	for ctx.Err() == nil {
		what, now, done := v.chosen(ctx)
		err := v.send(now, what, slate.stop)
		if now.Err() == nil { // the camera is gone, and not another one wanted
			if !errors.Is(err, ErrLight) {
				slate.start(ctx)
			}
			plugs.Wait(now, reopenDevice)
		}
		done()
	}
}

// send opens a camera and sends its pictures until ctx or the camera ends. It calls
// first when the camera is open.
func (v *videoSender) send(ctx context.Context, what choice, first func()) error {
	e := v.s.engine
	if !e.camera.take(ctx) {
		return ctx.Err()
	}
	defer e.camera.give()
	ctx, release, err := v.s.light(ctx)
	if err != nil {
		return err
	}
	defer release()
	defer v.s.count.videoSize.Store(0)
	defer v.s.count.camera.open(nil)
	err = v.sendFrom(ctx, what, first)
	if dark := wentDark(ctx); dark != nil {
		return dark
	}
	if ctx.Err() == nil {
		v.gone(what.camera, err)
	}
	return err
}

// sendFrom takes the pictures as the camera encodes them, if it does, or encodes them.
func (v *videoSender) sendFrom(ctx context.Context, what choice, first func()) error {
	cam, codec := v.s.engine.cameras[what.camera], what.codec
	if source, ok := cam.Camera.(hal.EncodedSource); ok && codec.name == CodecH264 {
		stream, err := source.OpenEncoded(cam.Mode, v.aim())
		if err == nil {
			first()
			v.s.count.camera.open(stream)
			err = v.pass(ctx, what, stream)
		}
		if !errors.Is(err, hal.ErrNotEncoded) {
			return err
		}
	}
	stream, err := cam.Open(cam.Mode)
	if err != nil {
		return err
	}
	first()
	v.s.count.camera.open(stream)
	mode := stream.Mode()
	if mode.FrameRate <= 0 {
		mode.FrameRate = cam.Mode.FrameRate
	}
	v.s.log.Info().Str("camera", cam.Name()).Int("width", mode.Width).Int("height", mode.Height).Float64("fps", mode.FrameRate).
		Str("codec", string(codec.name)).Msg("camera open")
	return v.encode(ctx, codec, stream, mode, func(f *hal.Frame) {
		v.back(what.camera)
		v.s.count.videoSize.Store(pack(f.Rect))
		v.s.engine.tap.offer(f, mode.FrameRate)
	})
}

// gone tells, once, that a camera does not work.
func (v *videoSender) gone(camera int, err error) {
	if !v.told[camera] {
		v.told[camera] = true
		v.s.deviceGone("camera", v.s.engine.cameras[camera].Name(), err)
	}
}

// back tells that it works again, when that is news.
func (v *videoSender) back(camera int) {
	if v.told[camera] {
		delete(v.told, camera)
		v.s.deviceBack("camera", v.s.engine.cameras[camera].Name())
	}
}

// attach makes an encoder the one that requests go to; before the start it throws
// pictures away.
func (v *videoSender) attach(e encoder) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.encoder = e
	if e != nil {
		e.SetPaused(!v.started)
	}
}

// aim is what an encoder begins with, in bit/s.
func (v *videoSender) aim() int { return int(v.s.engine.opts.VideoBitrate) }

// setBitrate tells the encoder what to aim at, in bit/s.
func (v *videoSender) setBitrate(bps int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.encoder == nil {
		return
	}
	if err := v.encoder.SetBitRate(bps); err != nil {
		v.s.log.Debug().Err(err).Msg("bitrate")
	}
}

// start lets pictures flow; the first is a keyframe.
func (v *videoSender) start() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.started = true
	if v.encoder != nil {
		_ = v.encoder.ForceKeyFrame() // only fails when it is closed
		v.encoder.SetPaused(false)
	}
}

// requestKeyframe is the phone's wish; the budget says when it comes true.
func (v *videoSender) requestKeyframe() { v.keys.ask() }

// forceKeyframe makes the next picture one.
func (v *videoSender) forceKeyframe() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.encoder != nil {
		_ = v.encoder.ForceKeyFrame() // only fails when it is closed
	}
}

// captured is the report.Time of the pictures: it counts with the clock.
func (v *videoSender) captured(at time.Duration) (rtp uint32, known bool) {
	return v.offset + uint32(int64(at)*9/100_000), true // 90 kHz
}

// write hands one picture over to be sent. Its RTP time is when it was captured, not
// when the encoder was done with it; of two cameras the times may overlap.
func (v *videoSender) write(codec *videoCodec, f picture.Frame) {
	v.last = max(f.Captured, v.last+time.Millisecond)
	timestamp, _ := v.captured(v.last)
	if v.codec != codec {
		v.codec, v.cutter = codec, codec.cutter()
	}
	v.packets = v.packets[:0]
	v.cutter.Cut(f.Data, rtpPayloadSize, v.next)
	for i, p := range v.packets {
		p.Marker, p.Timestamp = i == len(v.packets)-1, timestamp
	}
	v.s.send.push(v.packets)
	v.s.count.pictures.add(v.s.now(), 1)
	v.s.count.videoFramesSent.Add(1)
	v.s.count.videoBytesSent.Add(uint64(len(f.Data)))
	if f.Key {
		v.s.count.keyframesSent.Add(1)
	}
	if name := v.s.count.encoder.Load(); name == nil || *name != f.Encoder {
		made := f.Encoder // f stays where it is
		v.s.count.encoder.Store(&made)
	}
}
