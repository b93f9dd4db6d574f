package media

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"callbox/hal"
	"callbox/media/capture"
	"callbox/media/codec/vpx"
)

// videoSender sends the camera's pictures: camera, encoder, RTP.
type videoSender struct {
	s     *Session
	track *webrtc.TrackLocalStaticRTP

	on     bool // the person's choice; under Session.mu
	wanted *wanted
	keys   keyBudget

	mu      sync.Mutex
	started bool
	stream  *vpx.Stream // of the camera that is open

	// The goroutine that sends has these for itself.
	payloader codecs.VP8Payloader
	offset    uint32
	told      bool // that the camera is gone
}

// newVideoSender adds a track with stable ids: the same in each description.
func newVideoSender(s *Session) (*videoSender, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(vp8Codec(), "camera", "callbox")
	if err != nil {
		return nil, err
	}
	if _, err := s.pc.AddTrack(track); err != nil {
		return nil, err
	}
	s.send.write = track.WriteRTP
	return &videoSender{
		s: s, track: track, on: true, wanted: newWanted(),
		payloader: codecs.VP8Payloader{EnablePictureID: true}, offset: rand.Uint32(),
	}, nil
}

// run has the camera open while it is wanted, and looks for it while it is gone.
func (v *videoSender) run() {
	v.wanted.each(v.s.ctx, func(ctx context.Context) {
		err := v.send(ctx)
		if ctx.Err() != nil {
			return
		}
		if !v.told && !errors.Is(err, ErrLight) {
			v.told = true
			v.s.deviceGone("camera", v.s.engine.opts.Camera.Name(), err)
		}
	}, func(ctx context.Context) { pause(ctx, reopenDevice) })
}

// send opens the camera and sends its pictures until ctx or the camera ends.
func (v *videoSender) send(ctx context.Context) error {
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
	stream, err := e.opts.Camera.Open(e.opts.CameraMode)
	if err != nil {
		return err
	}
	rate := stream.Mode().FrameRate
	if rate <= 0 {
		rate = e.opts.CameraMode.FrameRate
	}
	shape := newShaper(v, stream.Mode(), rate)
	cam, err := capture.NewVideo(stream, vpx.VP8{
		FrameRate: rate, Bitrate: int(e.opts.VideoBitrate), KeyframeInterval: keyframeInterval,
	}, func(f *hal.Frame) *hal.Frame {
		v.captured(f, rate)
		return shape.next(f)
	})
	if err != nil {
		return err
	}
	defer v.s.send.drop()
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { // wakes the Read below
		defer close(closed)
		cam.Close()
	})
	defer func() {
		cam.Done()
		if !stop() {
			<-closed
		}
		cam.Close()
		v.s.count.videoSize.Store(0)
	}()
	enc, err := cam.Encoder()
	if err != nil {
		return err
	}
	defer func() { _ = enc.Close() }() // never fails
	ctl, ok := enc.Controller().(*vpx.Stream)
	if !ok {
		return errors.New("the video encoder is not ours")
	}
	v.attach(ctl)
	defer v.attach(nil)
	v.s.log.Info().Int("width", stream.Mode().Width).Int("height", stream.Mode().Height).Float64("fps", rate).Msg("camera open")
	for {
		if _, _, err := enc.Read(); err != nil {
			if dark := wentDark(ctx); dark != nil {
				return dark
			}
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // the camera ended without being closed
			}
			return err
		}
		v.write(ctl.Last())
	}
}

// captured looks at each picture before it is encoded.
func (v *videoSender) captured(f *hal.Frame, rate float64) {
	if v.told {
		v.told = false
		v.s.deviceBack("camera", v.s.engine.opts.Camera.Name())
	}
	v.s.count.videoSize.Store(pack(f.Rect))
	v.s.engine.tap.offer(f, rate)
}

// attach makes an encoder the one that requests go to; before the start it
// throws pictures away.
func (v *videoSender) attach(stream *vpx.Stream) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stream = stream
	if stream != nil {
		stream.SetPaused(!v.started)
	}
}

// setBitrate tells the encoder what to aim at, in bit/s.
func (v *videoSender) setBitrate(bps int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stream == nil {
		return
	}
	if err := v.stream.SetBitRate(bps); err != nil {
		v.s.log.Debug().Err(err).Msg("bitrate")
	}
}

// start lets pictures flow; the first is a keyframe.
func (v *videoSender) start() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.started = true
	if v.stream != nil {
		_ = v.stream.ForceKeyFrame() // only fails when it is closed
		v.stream.SetPaused(false)
	}
}

// requestKeyframe is the phone's wish; the budget says when it comes true.
func (v *videoSender) requestKeyframe() { v.keys.ask() }

// forceKeyframe makes the next picture one.
func (v *videoSender) forceKeyframe() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stream != nil {
		_ = v.stream.ForceKeyFrame() // only fails when it is closed
	}
}

// write hands one picture over to be sent. Its RTP time is when it was captured, not when the
// encoder was done with it.
func (v *videoSender) write(f vpx.Frame) {
	timestamp := v.offset + uint32(int64(f.Captured)*9/100_000) // 90 kHz
	payloads := v.payloader.Payload(rtpPayloadSize, f.Data)
	packets := make([]*rtp.Packet, len(payloads))
	for i, p := range payloads {
		packets[i] = &rtp.Packet{Header: rtp.Header{Version: 2, Marker: i == len(payloads)-1, Timestamp: timestamp}, Payload: p}
	}
	v.s.send.push(packets)
	v.s.count.pictures.add(v.s.now(), 1)
	v.s.count.videoFramesSent.Add(1)
	v.s.count.videoBytesSent.Add(uint64(len(f.Data)))
	if f.Key {
		v.s.count.keyframesSent.Add(1)
	}
}
