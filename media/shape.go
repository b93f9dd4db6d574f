package media

import (
	"image"
	"math"
	"time"

	"callbox/hal"
	"callbox/hal/yuv"
	"callbox/media/rate"
)

// shaper makes of the camera's pictures what fits the way: fewer, smaller or none, and
// tells the encoder its rate. It belongs to the goroutine that reads the camera.
type shaper struct {
	v      *videoSender
	ladder *rate.Ladder
	aim    rate.Rate // that the encoder was told
	due    float64   // of the next picture; 1 and it goes out
	none   bool
	small  image.YCbCr
	frame  hal.Frame
}

const (
	// mostBacklog of packets is what pictures are left out for.
	mostBacklog = 100 * time.Millisecond
	// aimStep is the change that an encoder is told of.
	aimStep = 0.03
)

func newShaper(v *videoSender, mode hal.VideoMode, frameRate float64) *shaper {
	return &shaper{v: v, ladder: rate.NewLadder(mode.Width, mode.Height, frameRate, rate.Rate(v.s.engine.opts.VideoBitrateMin), rate.Rate(v.s.engine.opts.VideoBitrate))}
}

// next returns the picture to encode for one of the camera; nil: none.
func (h *shaper) next(f *hal.Frame) *hal.Frame {
	s := h.v.s
	if !s.running() {
		return f // it is thrown away, and the first to go out has full size
	}
	bits := s.send.videoRate()
	rung, some := h.ladder.Choose(s.now(), bits, s.send.way())
	if some == h.none {
		h.none = !some
		s.log.Info().Bool("pictures", some).Float64("kbit_s", math.Round(float64(bits)/1000)).Msg("pictures by the rate")
	}
	if !some {
		return nil
	}
	h.tell(bits)
	if h.due += rung.Rate; h.due < 0.999 {
		return nil
	}
	h.due -= 1
	if s.send.backlog() > mostBacklog {
		s.count.picturesLeftOut.Add(1)
		return nil
	}
	if h.v.keys.take(s.now()) {
		h.v.forceKeyframe()
	}
	if rung.Scale == 1 {
		s.count.sentSize.Store(pack(f.Rect))
		return f
	}
	return h.smaller(f, rung.Scale)
}

// tell gives the encoder its rate when that has changed by more than a little.
func (h *shaper) tell(bits rate.Rate) {
	if !differs(bits, h.aim) {
		return
	}
	h.aim = bits
	h.v.setBitrate(int(bits))
}

// differs says whether a rate is far enough from what the encoder was told.
func differs(bits, told rate.Rate) bool {
	return math.Abs(float64(bits-told)) >= aimStep*float64(told)
}

func (h *shaper) smaller(f *hal.Frame, factor float64) *hal.Frame {
	yuv.Resize(&h.small, scaled(f.Rect.Size(), factor))
	if err := yuv.Scale(&h.small, &f.YCbCr); err != nil {
		h.v.s.log.Debug().Err(err).Msg("smaller picture")
		return f
	}
	h.frame = hal.Frame{YCbCr: h.small, Captured: f.Captured, Colours: f.Colours}
	h.v.s.count.sentSize.Store(pack(h.small.Rect))
	return &h.frame
}

// scaled is a size times factor, rounded to even numbers of at least 16: what encoders take.
func scaled(size image.Point, factor float64) image.Point {
	even := func(n int) int { return max(16, int(float64(n)*factor)/2*2) }
	return image.Pt(even(size.X), even(size.Y))
}

// pack is width and height in one word.
func pack(r image.Rectangle) uint64 { return uint64(r.Dx())<<32 | uint64(r.Dy()) }
