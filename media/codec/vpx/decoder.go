package vpx

/*
#include <stdlib.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vp8dx.h>
#include "memory.h"

static vpx_codec_err_t callbox_decoder_new(vpx_codec_ctx_t **out, unsigned threads) {
	vpx_codec_dec_cfg_t cfg = { .threads = threads };
	callbox_map_pictures();
	*out = calloc(1, sizeof **out);
	if (!*out) return VPX_CODEC_MEM_ERROR;
	vpx_codec_err_t err = vpx_codec_dec_init(*out, vpx_codec_vp8_dx(), &cfg, 0);
	if (err) { free(*out); *out = NULL; }
	return err;
}

static const vpx_image_t *callbox_decoder_frame(vpx_codec_ctx_t *c) {
	vpx_codec_iter_t iter = NULL;
	return vpx_codec_get_frame(c, &iter);
}

static void callbox_decoder_free(vpx_codec_ctx_t *c) {
	vpx_codec_destroy(c);
	free(c);
	callbox_trim();
}
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"unsafe"
)

// MaxPixels is the largest picture that a Decoder takes. The header of a VP8
// keyframe can claim 16383x16383, for which libvpx would take 400 MB.
const MaxPixels = 2560 * 1440

// ErrNeedKeyframe means that a Decoder can show nothing until a keyframe comes.
var ErrNeedKeyframe = errors.New("a keyframe is needed")

// Decoder decodes VP8. One goroutine at a time.
type Decoder struct {
	c     *C.vpx_codec_ctx_t // nil after Close
	keyed bool               // a keyframe was decoded and nothing was lost since
}

// NewDecoder makes a decoder, which begins with a keyframe.
func NewDecoder() (*Decoder, error) {
	d := &Decoder{}
	if rc := C.callbox_decoder_new(&d.c, 1); rc != 0 {
		return nil, fmt.Errorf("cannot open the VP8 decoder: %w", codecError(rc))
	}
	return d, nil
}

// Decode decodes one picture. The planes of the result are valid until the next
// Decode or Close; it is nil when the frame is not meant to be shown. Errors:
// ErrNeedKeyframe also after damage, until a keyframe was decoded; ErrClosed.
func (d *Decoder) Decode(data []byte) (*image.YCbCr, error) {
	if d.c == nil {
		return nil, ErrClosed
	}
	key, w, h, err := header(data)
	if err != nil {
		d.keyed = false
		return nil, fmt.Errorf("%w: %w", ErrNeedKeyframe, err)
	}
	if !key && !d.keyed {
		return nil, ErrNeedKeyframe
	}
	if key && (w*h > MaxPixels || w < 1 || h < 1) {
		d.keyed = false
		return nil, fmt.Errorf("%w: cannot decode VP8 of %dx%d: at most %d pixels", ErrNeedKeyframe, w, h, MaxPixels)
	}
	if rc := C.vpx_codec_decode(d.c, (*C.uint8_t)(unsafe.Pointer(&data[0])), C.uint(len(data)), nil, 0); rc != 0 {
		d.keyed = false
		return nil, fmt.Errorf("%w: cannot decode a picture: %w", ErrNeedKeyframe, codecError(rc))
	}
	d.keyed = true
	img := C.callbox_decoder_frame(d.c)
	if img == nil {
		return nil, nil //nolint:nilnil // documented: a frame that is not shown
	}
	width, height := int(img.d_w), int(img.d_h)
	ch := (height + 1) / 2
	ys, cs := int(img.stride[0]), int(img.stride[1])
	return &image.YCbCr{
		Y:              unsafe.Slice((*byte)(img.planes[0]), ys*(height-1)+width),
		Cb:             unsafe.Slice((*byte)(img.planes[1]), cs*(ch-1)+(width+1)/2),
		Cr:             unsafe.Slice((*byte)(img.planes[2]), cs*(ch-1)+(width+1)/2),
		YStride:        ys,
		CStride:        cs,
		SubsampleRatio: image.YCbCrSubsampleRatio420,
		Rect:           image.Rect(0, 0, width, height),
	}, nil
}

// Lost tells the decoder that pictures are missing: it shows nothing more until
// the next keyframe, because what it would show is damaged.
func (d *Decoder) Lost() { d.keyed = false }

// Close frees the decoder; it may be called twice.
func (d *Decoder) Close() error {
	if d.c != nil {
		C.callbox_decoder_free(d.c)
		d.c = nil
	}
	return nil
}

// header reads a VP8 frame header (RFC 6386, 9.1); w and h only for keyframes.
func header(p []byte) (key bool, w, h int, err error) {
	if len(p) < 3 {
		return false, 0, 0, errors.New("cannot decode a picture of less than 3 bytes")
	}
	if p[0]&1 != 0 {
		return false, 0, 0, nil
	}
	if len(p) < 10 || p[3] != 0x9d || p[4] != 0x01 || p[5] != 0x2a {
		return false, 0, 0, errors.New("cannot decode a keyframe without start code")
	}
	return true, (int(p[6]) | int(p[7])<<8) & 0x3fff, (int(p[8]) | int(p[9])<<8) & 0x3fff, nil
}
