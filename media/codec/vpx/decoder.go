package vpx

/*
#include <stdlib.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vp8dx.h>

static vpx_codec_err_t callbox_decoder_new(vpx_codec_ctx_t **out, unsigned threads) {
	vpx_codec_dec_cfg_t cfg = { .threads = threads };
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
}
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"unsafe"

	"callbox/media/codec/internal/heap"
	"callbox/media/codec/picture"
)

// Decoder is a picture.Decoder for VP8.
type Decoder struct {
	c     *C.vpx_codec_ctx_t // nil after Close
	keyed bool               // a keyframe was decoded and nothing was lost since
}

// NewDecoder makes a decoder, which begins with a keyframe.
func NewDecoder() (*Decoder, error) {
	heap.MapPictures()
	d := &Decoder{}
	if rc := C.callbox_decoder_new(&d.c, 1); rc != 0 {
		return nil, fmt.Errorf("cannot open the VP8 decoder: %w", codecError(rc))
	}
	return d, nil
}

// Decode implements picture.Decoder.
func (d *Decoder) Decode(data []byte) (*image.YCbCr, error) {
	if d.c == nil {
		return nil, picture.ErrClosed
	}
	key, w, h, err := header(data)
	if err != nil {
		d.keyed = false
		return nil, fmt.Errorf("%w: %w", picture.ErrNeedKeyframe, err)
	}
	if !key && !d.keyed {
		return nil, picture.ErrNeedKeyframe
	}
	if key && (w*h > picture.MaxPixels || w < 1 || h < 1) {
		d.keyed = false
		return nil, fmt.Errorf("%w: cannot decode VP8 of %dx%d: at most %d pixels", picture.ErrNeedKeyframe, w, h, picture.MaxPixels)
	}
	if rc := C.vpx_codec_decode(d.c, (*C.uint8_t)(unsafe.Pointer(&data[0])), C.uint(len(data)), nil, 0); rc != 0 {
		d.keyed = false
		return nil, fmt.Errorf("%w: cannot decode a picture: %w", picture.ErrNeedKeyframe, codecError(rc))
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

// Lost implements picture.Decoder.
func (d *Decoder) Lost() { d.keyed = false }

// Close frees the decoder; it may be called twice.
func (d *Decoder) Close() error {
	if d.c != nil {
		C.callbox_decoder_free(d.c)
		heap.Trim()
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
