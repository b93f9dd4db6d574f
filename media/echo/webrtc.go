package echo

/*
#cgo CXXFLAGS: -O2 -std=c++17
#cgo pkg-config: webrtc-audio-processing
#include "apm.h"
*/
import "C"

import (
	"errors"
	"fmt"

	"callbox/hal"
)

// webrtcLead is where 0.3 learns best of 10, 20, 30 and 40 ms.
const webrtcLead = hal.SampleRate * 30 / 1000

// webrtc is WebRTC's audio processing module.
type webrtc struct {
	c     *C.callbox_apm
	noise C.int
}

func newWebRTC(noise bool) (*webrtc, error) {
	w := &webrtc{}
	if noise {
		w.noise = 1
	}
	if w.c = C.callbox_apm_new(w.noise); w.c == nil {
		return nil, errors.New("libwebrtc-audio-processing refuses 48 kHz mono")
	}
	return w, nil
}

func (w *webrtc) process(x, d, out *frame) error {
	if code := C.callbox_apm_process(w.c, pointer(x), pointer(d), pointer(out)); code != 0 {
		return fmt.Errorf("libwebrtc-audio-processing: error %d", int(code))
	}
	return nil
}

func (w *webrtc) lead() int { return webrtcLead }

// latency is that of 0.3's filters, as measured: 8 ms for its bands, and 6 ms for the
// noise suppression.
func (w *webrtc) latency() int {
	const bands, noise = hal.SampleRate * 8 / 1000, hal.SampleRate * 6 / 1000
	return bands + noise*int(w.noise)
}

func (w *webrtc) expect(early int, moved bool) {
	C.callbox_apm_expect(w.c, C.int(early*1000/hal.SampleRate))
	if moved {
		C.callbox_apm_reset(w.c)
	}
}

func (w *webrtc) close() { C.callbox_apm_free(w.c) }
