package echo

/*
#cgo CFLAGS: -O2
#cgo pkg-config: speexdsp
#include "speex.h"
*/
import "C"

import (
	"errors"

	"callbox/hal"
)

const (
	// tailSamples is the length of speexdsp's filter: 200 ms, for the lead, the slack
	// of the alignment and 150 ms of room.
	tailSamples = 9600
	// speexLead leaves room for what comes before the strongest sound: 10 ms.
	speexLead = hal.SampleRate * 10 / 1000
)

// errSpeex means that speexdsp gave nothing, which it does without memory only.
var errSpeex = errors.New("speexdsp has no memory")

// speex is speexdsp's linear filter, with our suppressor and speexdsp's noise
// suppression behind it.
type speex struct {
	filter   *C.callbox_filter
	suppress *suppressor
	denoise  *denoiser // may be nil
	e        frame
}

func newSpeex(noise bool) (*speex, error) {
	s := &speex{filter: C.callbox_filter_new(tailSamples), suppress: newSuppressor()}
	if s.filter == nil {
		return nil, errSpeex
	}
	if noise {
		d, err := newDenoiser()
		if err != nil {
			s.close()
			return nil, err
		}
		s.denoise = d
	}
	return s, nil
}

func (s *speex) process(x, d, out *frame) error {
	C.callbox_filter_process(s.filter, pointer(x), pointer(d), pointer(&s.e))
	s.suppress.process(x, d, &s.e, out)
	if s.denoise != nil {
		return s.denoise.process(x, out, out)
	}
	return nil
}

func (s *speex) lead() int { return speexLead }

// latency is that of the two parts behind the filter: a frame each.
func (s *speex) latency() int {
	if s.denoise == nil {
		return hop
	}
	return hop + s.denoise.latency()
}

func (s *speex) expect(_ int, moved bool) {
	if moved {
		C.callbox_filter_reset(s.filter)
		s.suppress.reset()
	}
}

func (s *speex) close() {
	C.callbox_filter_free(s.filter)
	if s.denoise != nil {
		s.denoise.close()
	}
}

// denoiser is speexdsp's noise suppression alone.
type denoiser struct{ c *C.callbox_denoiser }

func newDenoiser() (*denoiser, error) {
	d := &denoiser{C.callbox_denoiser_new()}
	if d.c == nil {
		return nil, errSpeex
	}
	return d, nil
}

func (d *denoiser) process(_, heard, out *frame) error {
	*out = *heard
	C.callbox_denoiser_process(d.c, pointer(out))
	return nil
}

func (d *denoiser) lead() int        { return 0 }
func (d *denoiser) latency() int     { return hal.FrameSamples }
func (d *denoiser) expect(int, bool) {}
func (d *denoiser) close()           { C.callbox_denoiser_free(d.c) }

func pointer(f *frame) *C.int16_t { return (*C.int16_t)(&f[0]) }
