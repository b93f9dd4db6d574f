package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"callbox/hal"
	"callbox/media/codec/h264"
	"callbox/media/codec/picture"
	"callbox/media/rate"
)

// passed is a camera that encodes by itself; it is its own encoder. What cannot be
// sent is left out up to a keyframe: the pictures after it refer to it.
type passed struct {
	v      *videoSender
	codec  *videoCodec
	camera int // its place in Engine.cameras
	stream hal.EncodedStream
	ladder *rate.Ladder
	look   peek

	mu     sync.Mutex
	paused bool
	broken bool // a picture was left out: nothing until a keyframe
	// On the clock: when that keyframe was asked for last, and first; 0: not yet.
	asked, waiting time.Duration

	sets []byte // SPS and PPS, Annex B
	data []byte // of a keyframe, behind them
	aim  rate.Rate
}

// pass sends the pictures of a camera as it encodes them, until ctx or the camera ends.
// A stream that not every phone can decode is hal.ErrNotEncoded.
func (v *videoSender) pass(ctx context.Context, what choice, stream hal.EncodedStream) error {
	mode := stream.Mode()
	p := &passed{v: v, codec: what.codec, camera: what.camera, stream: stream, ladder: rate.NewLadder(mode.Width, mode.Height, mode.FrameRate, rate.Rate(v.s.engine.opts.VideoBitrateMin), rate.Rate(v.s.engine.opts.VideoBitrate)), broken: true}
	defer p.look.close()
	defer func() { _ = stream.Close() }() // nothing can be done about a camera that does not stop
	stop := context.AfterFunc(ctx, func() { _ = stream.Close() })
	defer stop()
	v.attach(p)
	defer v.attach(nil)
	defer v.s.send.drop()
	v.s.log.Info().Int("width", mode.Width).Int("height", mode.Height).Float64("fps", mode.FrameRate).
		Msg("camera open, its own H.264 is sent")
	for {
		f, err := stream.ReadEncoded()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if err := p.take(f); err != nil {
			return err
		}
	}
}

// take sends a picture, or leaves it out.
func (p *passed) take(f *hal.EncodedFrame) error {
	c := h264.Look(f.Data)
	if !c.Slice {
		if c.SPS != nil && c.PPS != nil { // some drivers give them by themselves
			p.sets = c.AppendSets(p.sets[:0])
		}
		return nil
	}
	p.v.back(p.camera)
	mode := p.stream.Mode()
	p.v.s.count.videoSize.Store(uint64(mode.Width)<<32 | uint64(mode.Height))
	if c.SPS != nil {
		s, err := h264.ParseSPS(c.SPS)
		if err != nil || !s.ConstrainedBaseline() {
			return fmt.Errorf("%w: its profile is %d, not constrained baseline", hal.ErrNotEncoded, s.Profile)
		}
		p.sets = c.AppendSets(p.sets[:0])
	}
	data := f.Data
	if c.Key && c.SPS == nil {
		p.data = append(append(p.data[:0], p.sets...), data...)
		data = p.data
	}
	p.snapshot(data, c.Key, f)
	if f.Damaged && !c.Key {
		p.damaged()
	}
	if !p.fits(c.Key) {
		return p.deaf()
	}
	p.v.s.count.sentSize.Store(p.v.s.count.videoSize.Load())
	p.v.write(p.codec, picture.Frame{Data: data, Key: c.Key, Captured: f.Captured, Encoder: "camera"})
	return nil
}

// damaged says that a picture is missing: those that refer to it are not sent.
func (p *passed) damaged() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = true
}

// fits says whether a picture can be sent now.
func (p *passed) fits(key bool) bool {
	s := p.v.s
	some, full := true, false
	if s.running() {
		bits := s.send.videoRate()
		_, some = p.ladder.Choose(s.now(), bits, s.send.way())
		if full = s.send.backlog() > mostBacklog; full {
			s.count.picturesLeftOut.Add(1)
		}
		if some && differs(bits, p.aim) {
			p.aim = bits
			p.v.setBitrate(int(bits))
		}
	}
	if p.v.keys.take(s.now()) {
		p.v.forceKeyframe()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused || !some || full {
		p.broken, p.waiting = true, 0
		return false
	}
	if p.broken && !key {
		// Also again: the one that was asked for before may have been left out.
		if now := s.now(); p.waiting == 0 || now-p.asked >= askAgain {
			if p.waiting == 0 {
				p.waiting = now
			}
			p.asked = now
			p.v.keys.ask()
		}
		return false
	}
	p.broken, p.waiting = false, 0
	return true
}

// deaf is an error when the camera makes no keyframe although it was asked: then the
// device encodes.
func (p *passed) deaf() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == 0 || p.v.s.now()-p.waiting < deafAfter {
		return nil
	}
	return fmt.Errorf("%w: it has made no keyframe for %v although it was asked", hal.ErrNotEncoded, deafAfter)
}

// ForceKeyFrame implements encoder.
func (p *passed) ForceKeyFrame() error { return p.stream.ForceKeyFrame() }

// SetBitRate implements encoder.
func (p *passed) SetBitRate(bps int) error { return p.stream.SetBitRate(bps) }

// SetPaused implements encoder.
func (p *passed) SetPaused(paused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = paused
}

// snapshot decodes the camera's pictures while somebody wants one.
func (p *passed) snapshot(data []byte, key bool, f *hal.EncodedFrame) {
	if !p.v.s.engine.tap.asked.Load() {
		p.look.close()
		return
	}
	seen := p.look.decode(p.codec, data, key, func() { _ = p.stream.ForceKeyFrame() })
	if seen != nil {
		seen.Captured = f.Captured
		p.v.s.engine.tap.offer(seen, p.stream.Mode().FrameRate)
	}
}
