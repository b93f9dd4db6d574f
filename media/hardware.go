package media

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/media/codec/avcodec"
	"callbox/media/codec/picture"
	"callbox/media/options"
)

// EncoderReport says what pictures of H.264 are encoded with, and why.
type EncoderReport struct {
	Wanted string // media.encoder
	Used   string // openh264, h264_vaapi …; "" when calls do not use H.264
	// Detail is what was measured of it, or that it is still being tried.
	Detail string
	// Problem is why none of the hardware is used although it could be; nil: it is, or
	// nobody has asked for it.
	Problem error
	// Failures counts how often it failed in calls, and the software went on.
	Failures uint64
}

// hardware chooses the encoder for H.264: one of the hardware that has shown that it
// works, else the software.
type hardware struct {
	wanted options.Encoder
	plugin string
	clock  clock.Clock
	log    zerolog.Logger
	tried  chan struct{}   // closed when a choice was made
	again  []time.Duration // pauses before another try
	dev    string          // /dev

	mu       sync.Mutex
	found    foundEncoder
	problem  error
	failures uint64
	rests    time.Duration // on the clock: until then the software is used
}

// foundEncoder is one of the hardware that works; zero: there is none.
type foundEncoder struct {
	lib   *avcodec.Library
	name  string
	proof avcodec.Proof
}

// encoderRest is how long hardware that has failed is left alone: a driver that is reset
// is back by then, and one that is broken costs a call at most one picture each time.
const encoderRest = 10 * time.Minute

// chooseEncoder puts the hardware before the software. The choice is made in the
// background, because drivers may hang; calls do not wait for it, and begin with the
// software. Close waits.
func (e *Engine) chooseEncoder() {
	h := &hardware{wanted: e.opts.Encoder, plugin: e.opts.EncoderPlugin, clock: e.opts.Clock, log: e.opts.Log, tried: make(chan struct{}), again: encodersAgain(), dev: "/dev"}
	e.encoder = h
	at := slices.IndexFunc(e.codecs, func(c *videoCodec) bool { return c.name == CodecH264 })
	if at < 0 || len(e.cameras) == 0 || h.plugin == "" || h.wanted == options.EncoderSoftware || h.wanted == "" {
		close(h.tried)
		return
	}
	with := *e.codecs[at]
	with.builder = h.builder(with.builder)
	e.codecs[at] = &with
	e.wg.Go(func() { h.try(e.ctx, e.cameras[0].Mode, int(e.opts.VideoBitrate)) })
}

// Encoder says what H.264 is encoded with.
func (e *Engine) Encoder() EncoderReport {
	r := EncoderReport{Wanted: string(e.opts.Encoder)}
	if slices.ContainsFunc(e.codecs, func(c *videoCodec) bool { return c.name == CodecH264 }) {
		e.encoder.report(&r)
	}
	return r
}

// try chooses an encoder for a camera's mode. While a machine boots it is busy, and its
// devices come later: what did not work is tried again some times.
func (h *hardware) try(ctx context.Context, mode hal.VideoMode, bitrate int) {
	err := h.tryOnce(ctx, mode, bitrate)
	close(h.tried)
	if errors.Is(err, avcodec.ErrMissing) {
		h.again = nil // it is not installed under a running daemon
	}
	if err != nil && ctx.Err() == nil && !h.usual(err) {
		h.log.Warn().Err(err).Str("used", openh264Name).Msg("no hardware encoder")
	}
	for _, wait := range h.again {
		// A driver that hangs has taken a thread with it: one is enough.
		if err == nil || errors.Is(err, avcodec.ErrStuck) {
			return
		}
		pause(ctx, wait)
		if ctx.Err() != nil {
			return
		}
		err = h.tryOnce(ctx, mode, bitrate)
	}
}

// usual reports whether there is simply no hardware, and nobody has asked for it by name.
func (h *hardware) usual(err error) bool {
	return h.wanted == options.EncoderAuto && (errors.Is(err, avcodec.ErrMissing) || errors.Is(err, errNoEncoder))
}

// encodersAgain are the pauses before what did not work is tried again.
func encodersAgain() []time.Duration {
	return []time.Duration{10 * time.Second, 30 * time.Second, time.Minute}
}

func (h *hardware) tryOnce(ctx context.Context, mode hal.VideoMode, bitrate int) error {
	found, err := h.choose(ctx, mode, bitrate)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	h.mu.Lock()
	h.found, h.problem = found, err
	if h.usual(err) {
		h.problem = nil
	}
	h.mu.Unlock()
	if err == nil {
		h.log.Info().Str("encoder", found.name).Dur("picture_ms", found.proof.Time).Int("held", found.proof.Held).
			Str("library", found.lib.Version()).Int("width", mode.Width).Int("height", mode.Height).Msg("hardware encoder chosen")
	}
	return err
}

func (h *hardware) choose(ctx context.Context, mode hal.VideoMode, bitrate int) (foundEncoder, error) {
	if !avcodec.Installed(h.plugin) {
		return foundEncoder{}, avcodec.ErrMissing
	}
	names := []string{string(h.wanted)}
	if h.wanted == options.EncoderAuto {
		names = []string{avcodec.V4L2, avcodec.VAAPI}
	}
	if names = h.present(names); len(names) == 0 {
		return foundEncoder{}, fmt.Errorf("%w; %s", errNoEncoder, noHardware)
	}
	lib, err := avcodec.Open(h.plugin)
	if err != nil {
		return foundEncoder{}, err
	}
	if mode.Width*mode.Height > picture.MaxPixels { // the decoder takes no more
		mode.Width, mode.Height = 1920, 1080
	}
	p := picture.Params{Width: mode.Width, Height: mode.Height, FrameRate: mode.FrameRate, Bitrate: bitrate, KeyframeInterval: keyframeInterval}
	var failed problems
	for _, name := range names {
		proof, err := lib.Probe(name, p, newH264Decoder)
		if err == nil {
			return foundEncoder{lib, name, proof}, nil
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return foundEncoder{}, fmt.Errorf("%w; %s", failed, noHardware)
}

// problems are those of several encoders.
type problems []error

func (p problems) Error() string {
	texts := make([]string, len(p))
	for i, err := range p {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (p problems) Unwrap() []error { return p }

var errNoEncoder = errors.New("cannot find a device that encodes, /dev/video* or /dev/dri/renderD*")

const noHardware = "set media.encoder: software where there is none"

// present leaves out the encoders whose devices are not there: libavcodec, which is large,
// is not loaded for them.
func (h *hardware) present(names []string) (out []string) {
	files := map[string]string{avcodec.V4L2: "video*", avcodec.VAAPI: "dri/renderD*"}
	for _, name := range names {
		pattern, ok := files[name]
		if found, _ := filepath.Glob(filepath.Join(h.dev, pattern)); !ok || len(found) > 0 { // the patterns are good ones
			out = append(out, name)
		}
	}
	return out
}

// openh264Name is what reports call the software.
const openh264Name = "openh264"

// builder is the codec's, with the hardware before the software.
func (h *hardware) builder(software func(float64, int, time.Duration) picture.Builder) func(float64, int, time.Duration) picture.Builder {
	return func(frameRate float64, bitrate int, keyframeInterval time.Duration) picture.Builder {
		b := software(frameRate, bitrate, keyframeInterval)
		if frameRate <= slateRate { // a slate: the hardware saves nothing
			return b
		}
		second := b.New
		b.New = func(p picture.Params) (picture.Encoder, error) {
			found := h.now()
			if found.lib == nil || p.Width*p.Height > picture.MaxPixels {
				return second(p)
			}
			first := func(p picture.Params) (picture.Encoder, error) {
				return found.lib.NewEncoder(found.name, p, newH264Decoder)
			}
			return picture.NewFallback(p, first, second, func(err error) { h.failed(found.name, err) })
		}
		return b
	}
}

// now is what a new encoder is made of; zero: the software.
func (h *hardware) now() foundEncoder {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rests > h.clock.Now() {
		return foundEncoder{}
	}
	return h.found
}

// failed counts a failure in a call, and has the hardware rest.
func (h *hardware) failed(name string, err error) {
	h.mu.Lock()
	h.failures++
	h.rests = h.clock.Now() + encoderRest
	n := h.failures
	h.mu.Unlock()
	h.log.Warn().Err(err).Str("encoder", name).Str("used", openh264Name).Uint64("failures", n).Dur("rest_ms", encoderRest).
		Msg("the hardware encoder failed, the software goes on; look for its driver in dmesg, or set media.encoder: software")
}

// report says what is used now.
func (h *hardware) report(r *EncoderReport) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.Used, r.Problem, r.Failures = openh264Name, h.problem, h.failures
	select {
	case <-h.tried:
	default:
		r.Detail = "the hardware is being tried"
		return
	}
	if h.found.lib == nil {
		return
	}
	if left := h.rests - h.clock.Now(); left > 0 {
		r.Problem = fmt.Errorf("%s failed in a call; the software is used for another %v", h.found.name, left.Round(time.Second))
		return
	}
	r.Used = h.found.name
	r.Detail = fmt.Sprintf("%.1f ms a picture, %s", h.found.proof.Time.Seconds()*1000, h.found.lib.Version())
	if h.found.proof.Held > 0 {
		r.Detail += fmt.Sprintf(", %d held back", h.found.proof.Held)
	}
}
