package openh264

// #include "library.h"
import "C"

import (
	"errors"
	"fmt"
	"image"
	"unsafe"

	"callbox/media/codec/h264"
	"callbox/media/codec/internal/heap"
	"callbox/media/codec/picture"
)

// Decoder is a picture.Decoder for H.264: Annex B streams of the profiles baseline
// (without its error resilience), main and high.
type Decoder struct {
	c     *C.callbox_openh264_decoder // nil after Close
	keyed bool                        // a keyframe was decoded and nothing was lost since
	img   image.YCbCr
}

// maxPicture is how large an encoded picture can be, in bytes: more than a second at
// any bitrate of a call.
const maxPicture = 1 << 20

// NewDecoder makes a decoder, which begins with a keyframe. Errors also wrap
// ErrMissing.
func NewDecoder() (*Decoder, error) {
	if err := open(); err != nil {
		return nil, fmt.Errorf("cannot open the H.264 decoder: %w", err)
	}
	heap.MapPictures()
	d := &Decoder{}
	if err := d.open(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Decoder) open() error {
	if rc := C.callbox_openh264_decoder_new(&d.c); rc != 0 {
		return fmt.Errorf("cannot open the H.264 decoder: %w", failure(rc))
	}
	return nil
}

// Decode implements picture.Decoder. The result is the same at each call.
func (d *Decoder) Decode(data []byte) (*image.YCbCr, error) {
	if d.c == nil {
		return nil, picture.ErrClosed
	}
	key, err := look(data)
	if err == nil && !key && !d.keyed {
		return nil, picture.ErrNeedKeyframe
	}
	shown := false
	if err == nil {
		shown, err = d.decode(data, key)
	}
	if err != nil {
		d.keyed = false
		return nil, fmt.Errorf("%w: %w", picture.ErrNeedKeyframe, err)
	}
	d.keyed = true
	if !shown {
		return nil, nil //nolint:nilnil // documented: a frame that is not shown
	}
	w, h, ys, cs := int(d.c.width), int(d.c.height), int(d.c.ystride), int(d.c.cstride)
	if w < 1 || h < 1 || w*h > picture.MaxPixels || ys < w || cs < (w+1)/2 {
		d.keyed = false
		return nil, fmt.Errorf("%w: cannot show a picture of %dx%d", picture.ErrNeedKeyframe, w, h)
	}
	plane := func(i, stride, w, h int) []byte {
		return unsafe.Slice((*byte)(d.c.planes[i]), stride*(h-1)+w)
	}
	d.img = image.YCbCr{
		Y: plane(0, ys, w, h), Cb: plane(1, cs, (w+1)/2, (h+1)/2), Cr: plane(2, cs, (w+1)/2, (h+1)/2),
		YStride: ys, CStride: cs, SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, w, h),
	}
	return &d.img, nil
}

// decode hands a picture to the library. What came before can have spoilt it so that
// it does not even take a good keyframe: that gets a second try with a new decoder.
func (d *Decoder) decode(data []byte, key bool) (shown bool, err error) {
	for second := false; ; second = true {
		rc := C.callbox_openh264_decode(d.c, (*C.uchar)(unsafe.Pointer(&data[0])), C.int(len(data)))
		if rc >= 0 {
			return rc > 0, nil
		}
		if second || !key {
			return false, fmt.Errorf("cannot decode a picture: %w", failure(-rc))
		}
		C.callbox_openh264_decoder_free(d.c)
		d.c = nil
		if err := d.open(); err != nil {
			return false, err // closed from now on
		}
	}
}

// look refuses what the library shall not see: pictures that would take too much
// memory, and streams that are none.
func look(data []byte) (key bool, err error) {
	if len(data) > maxPicture {
		return false, fmt.Errorf("cannot decode a picture of %d bytes: at most %d", len(data), maxPicture)
	}
	slice := false
	h264.NALs(data, func(nal []byte) bool {
		switch h264.Type(nal) {
		case h264.TypeIDR:
			key, slice = true, true
		case h264.TypeSlice:
			slice = true
		case h264.TypeSPS:
			var s h264.SPS
			if s, err = h264.ParseSPS(nal); err == nil && s.Coded > picture.MaxPixels {
				err = fmt.Errorf("cannot decode H.264 of %dx%d: at most %d pixels", s.Width, s.Height, picture.MaxPixels)
			}
		}
		return err == nil
	})
	if err == nil && !slice {
		err = errors.New("cannot decode a picture without slices")
	}
	return key, err
}

// Lost implements picture.Decoder.
func (d *Decoder) Lost() { d.keyed = false }

// Close frees the decoder; it may be called twice.
func (d *Decoder) Close() error {
	if d.c != nil {
		C.callbox_openh264_decoder_free(d.c)
		heap.Trim()
		d.c = nil
	}
	return nil
}
