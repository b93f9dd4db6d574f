package opus

/*
#include <opus.h>
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// Decoder decodes to mono, whatever the sender's channels are. One goroutine at a
// time. No method but Close allocates.
type Decoder struct {
	c *C.OpusDecoder // nil after Close
}

// NewDecoder makes a decoder.
func NewDecoder() (*Decoder, error) {
	var rc C.int
	c := C.opus_decoder_create(SampleRate, 1, &rc)
	if rc != C.OPUS_OK {
		return nil, fmt.Errorf("cannot open the Opus decoder: %w", codecError(rc))
	}
	return &Decoder{c: c}, nil
}

// Decode decodes a packet into pcm, which must hold MaxSamples, and returns the
// number of samples.
func (d *Decoder) Decode(packet []byte, pcm []int16) (int, error) {
	return d.decode(packet, pcm, MaxSamples, 0)
}

// DecodeFEC makes up for the packet that was lost before this one, from the error
// correction in this one. pcm has the length of what is missing: a multiple of
// 2.5 ms. Where the packet has none, it conceals.
func (d *Decoder) DecodeFEC(packet []byte, pcm []int16) (int, error) {
	return d.decode(packet, pcm, len(pcm), 1)
}

// Conceal fills pcm, a multiple of 2.5 ms, with what probably would have come;
// after silence with comfort noise.
func (d *Decoder) Conceal(pcm []int16) (int, error) {
	return d.decode(nil, pcm, len(pcm), 0)
}

func (d *Decoder) decode(packet []byte, pcm []int16, samples int, fec C.int) (int, error) {
	if d.c == nil {
		return 0, ErrClosed
	}
	if samples == 0 || len(pcm) < samples {
		return 0, fmt.Errorf("cannot decode sound into %d samples: %d are needed", len(pcm), samples)
	}
	var data *C.uchar
	if len(packet) > 0 {
		data = (*C.uchar)(unsafe.Pointer(&packet[0]))
	}
	n := C.opus_decode(d.c, data, C.opus_int32(len(packet)), (*C.opus_int16)(unsafe.Pointer(&pcm[0])), C.int(samples), fec)
	if n < 0 {
		return 0, fmt.Errorf("cannot decode sound: %w", codecError(n))
	}
	return int(n), nil
}

// Close frees the decoder; it may be called twice.
func (d *Decoder) Close() error {
	if d.c != nil {
		C.opus_decoder_destroy(d.c)
		d.c = nil
	}
	return nil
}
