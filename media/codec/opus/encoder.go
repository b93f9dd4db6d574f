package opus

/*
#cgo CFLAGS: -O2 -DNDEBUG
#cgo pkg-config: opus
#include <opus.h>

// opus_encoder_ctl takes a variable number of arguments, which cgo cannot call.
static int callbox_opus_set(OpusEncoder *e, int what, int value) {
	return opus_encoder_ctl(e, what, (opus_int32)value);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"
)

// What a packet holds.
const (
	SampleRate    = 48000                 // Hz
	FrameDuration = 20 * time.Millisecond // of a packet that an Encoder makes
	FrameSamples  = 960                   // samples in it
	MaxSamples    = 5760                  // samples in the longest packet that anybody may send: 120 ms
	// Lookahead is by how many samples what is decoded lags behind what an Encoder was
	// given: 6.5 ms, in libopus for speech.
	Lookahead = 312
	maxPacket = 1275 // bytes: RFC 6716, 3.4
)

// ErrClosed means that an encoder or decoder was used after its Close.
var ErrClosed = errors.New("codec is closed")

// Settings of the encoder that are nobody's choice.
const (
	// complexity 5 of 10 takes about half the time of 10 for a difference that
	// nobody hears at 32 kbit/s.
	complexity = 5
	// expectedLoss in percent makes the encoder add error correction, until
	// SetExpectedLoss.
	expectedLoss = 10
)

// Encoder encodes one stream of mono sound. Its methods may be called from any
// goroutine, also after Close: they return ErrClosed then.
type Encoder struct {
	mu  sync.Mutex
	c   *C.OpusEncoder // nil after Close
	buf [maxPacket]byte
}

// NewEncoder makes an encoder for speech that aims at bitrate in bit/s.
func NewEncoder(bitrate int) (*Encoder, error) {
	var rc C.int
	c := C.opus_encoder_create(SampleRate, 1, C.OPUS_APPLICATION_VOIP, &rc)
	if rc != C.OPUS_OK {
		return nil, fmt.Errorf("cannot open the Opus encoder: %w", codecError(rc))
	}
	e := &Encoder{c: c}
	for what, value := range map[C.int]int{
		C.OPUS_SET_BITRATE_REQUEST:          bitrate,
		C.OPUS_SET_COMPLEXITY_REQUEST:       complexity,
		C.OPUS_SET_INBAND_FEC_REQUEST:       1,
		C.OPUS_SET_PACKET_LOSS_PERC_REQUEST: expectedLoss,
		C.OPUS_SET_DTX_REQUEST:              1,
		C.OPUS_SET_SIGNAL_REQUEST:           C.OPUS_SIGNAL_VOICE,
	} {
		if rc := C.callbox_opus_set(c, what, C.int(value)); rc != C.OPUS_OK {
			_ = e.Close() // never fails
			return nil, fmt.Errorf("cannot set up the Opus encoder (%d = %d): %w", what, value, codecError(rc))
		}
	}
	return e, nil
}

// Encode encodes FrameSamples samples. The result is valid until the next
// Encode; it is nil when the packet need not be sent, because of silence.
func (e *Encoder) Encode(pcm []int16) ([]byte, error) {
	if len(pcm) != FrameSamples {
		return nil, fmt.Errorf("cannot encode %d samples: a packet has %d", len(pcm), FrameSamples)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		return nil, ErrClosed
	}
	n := C.opus_encode(e.c, (*C.opus_int16)(unsafe.Pointer(&pcm[0])), FrameSamples,
		(*C.uchar)(unsafe.Pointer(&e.buf[0])), C.opus_int32(len(e.buf)))
	if n < 0 {
		return nil, fmt.Errorf("cannot encode sound: %w", codecError(n))
	}
	if n <= 2 { // opus_encode(3): "the packet does not need to be transmitted"
		return nil, nil
	}
	return e.buf[:n], nil
}

// SetBitRate changes the rate that the encoder aims at, in bit/s.
func (e *Encoder) SetBitRate(bps int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		return ErrClosed
	}
	if rc := C.callbox_opus_set(e.c, C.OPUS_SET_BITRATE_REQUEST, C.int(bps)); rc != C.OPUS_OK {
		return fmt.Errorf("cannot change the bitrate to %d bit/s: %w", bps, codecError(rc))
	}
	return nil
}

// SetExpectedLoss changes the share of packets that the encoder expects to be lost, in
// percent: the more, the more bits go into repeating the packet before (RFC 6716,
// 2.1.7).
func (e *Encoder) SetExpectedLoss(percent int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		return ErrClosed
	}
	if rc := C.callbox_opus_set(e.c, C.OPUS_SET_PACKET_LOSS_PERC_REQUEST, C.int(percent)); rc != C.OPUS_OK {
		return fmt.Errorf("cannot expect a loss of %d %%: %w", percent, codecError(rc))
	}
	return nil
}

// Close frees the encoder; it may be called twice.
func (e *Encoder) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c != nil {
		C.opus_encoder_destroy(e.c)
		e.c = nil
	}
	return nil
}

// codecError turns libopus' code into an error; the texts are static in libopus.
func codecError(rc C.int) error { return errors.New("libopus: " + C.GoString(C.opus_strerror(rc))) }
