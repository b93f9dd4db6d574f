// Package jpeg decodes the pictures of an MJPEG camera into I420 by
// libjpeg-turbo (its TurboJPEG interface, version 2). It takes every subsampling
// that TurboJPEG knows, grey, and pictures without Huffman tables, as many
// cameras send them.
//
// JPEG's samples use the full range of a byte (JFIF 1.02, section 7); what is decoded
// is brought to the limited one of BT.601 (16 to 235, 16 to 240), as other cameras give
// it and as encoders and phones take it.
package jpeg

/*
#cgo pkg-config: libturbojpeg
#include <turbojpeg.h>

// callbox_header fills out with width, height, subsampling and color space.
static int callbox_header(tjhandle h, const unsigned char *src, unsigned long n, int *out) {
	return tjDecompressHeader3(h, src, n, &out[0], &out[1], &out[2], &out[3]);
}

// Three plain pointers: Go may not hand over an array of its own pointers.
static int callbox_decode(tjhandle h, const unsigned char *src, unsigned long n, int width, int height,
	unsigned char *y, int ystride, unsigned char *cb, unsigned char *cr, int cstride) {
	unsigned char *planes[3] = {y, cb, cr};
	int strides[3] = {ystride, cstride, cstride};
	return tjDecompressToYUVPlanes(h, src, n, planes, width, strides, height, TJFLAG_LIMITSCANS);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"runtime"
	"strings"
	"unsafe"

	"callbox/hal/yuv"
)

// ErrCorrupt means that one picture cannot be used; the next one may be fine.
var ErrCorrupt = errors.New("corrupt JPEG picture")

// Decoder decodes one picture after the other. One goroutine at a time.
type Decoder struct {
	handle C.tjhandle
	header [4]C.int // of the picture: what C writes is on the heap
	// Scratch for pictures that are not 4:2:0 of the wanted size.
	y, cb, cr []byte
}

// NewDecoder makes a decoder, which must be closed.
func NewDecoder() (*Decoder, error) {
	h := C.tjInitDecompress()
	if h == nil {
		return nil, errors.New("cannot create a JPEG decoder: out of memory")
	}
	return &Decoder{handle: h}, nil
}

// Close frees the decoder. It may be called twice.
func (d *Decoder) Close() error {
	if d.handle != nil {
		C.tjDestroy(d.handle)
		d.handle = nil
	}
	return nil
}

// Decode decodes p into dst, which is 4:2:0 with an even size. The picture in p
// may be one pixel wider and higher, which are cut off. All errors of the
// picture wrap ErrCorrupt, a cut-off picture included; dst is undefined then.
func (d *Decoder) Decode(dst *image.YCbCr, p []byte) error {
	if d.handle == nil {
		return errors.New("cannot decode JPEG picture: the decoder is closed")
	}
	if len(p) == 0 {
		return fmt.Errorf("cannot decode JPEG picture: %w: empty", ErrCorrupt)
	}
	src := (*C.uchar)(unsafe.Pointer(unsafe.SliceData(p)))
	rc := C.callbox_header(d.handle, src, C.ulong(len(p)), &d.header[0])
	width, height, subsampling, colors := d.header[0], d.header[1], d.header[2], d.header[3]
	if rc != 0 {
		if err := d.failure(); err != nil {
			return err
		}
	}
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	if int(width)&^1 != w || int(height)&^1 != h || dst.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		return fmt.Errorf("cannot decode JPEG picture: %w: it has %dx%d pixels, not %dx%d", ErrCorrupt, width, height, w, h)
	}
	if colors != C.TJCS_YCbCr && colors != C.TJCS_GRAY {
		return fmt.Errorf("cannot decode JPEG picture: %w: color space %d", ErrCorrupt, colors)
	}
	var cw, ch int // of the chroma planes in the picture
	if subsampling != C.TJSAMP_GRAY {
		cw = int(C.tjPlaneWidth(1, width, subsampling))
		ch = int(C.tjPlaneHeight(1, height, subsampling))
		if cw <= 0 || ch < h/2 {
			return fmt.Errorf("cannot decode JPEG picture: %w: unknown subsampling", ErrCorrupt)
		}
	}
	y, cb, cr, ystride, cstride := dst.Y, dst.Cb, dst.Cr, dst.YStride, dst.CStride
	exact := int(width) == w && int(height) == h
	if !exact {
		// TurboJPEG pads planes to the subsampling, by at most three samples here.
		ystride = (int(width) + 3) &^ 3
		y = grow(&d.y, ystride*((int(height)+3)&^3))
	}
	direct := exact && subsampling == C.TJSAMP_420
	if !direct {
		cstride = max(cw, 1)
		cb, cr = grow(&d.cb, max(cw*ch, 1)), grow(&d.cr, max(cw*ch, 1))
		if exact && subsampling == C.TJSAMP_411 && w%4 != 0 {
			// The luma plane is padded to a multiple of four: it does not fit dst.
			ystride = (w + 3) &^ 3
			y, exact = grow(&d.y, ystride*h), false
		}
	}
	rc = C.callbox_decode(d.handle, src, C.ulong(len(p)), width, height,
		ptr(y), C.int(ystride), ptr(cb), ptr(cr), C.int(cstride))
	runtime.KeepAlive(p)
	if rc != 0 {
		if err := d.failure(); err != nil {
			return err
		}
	}
	if !exact {
		for row := range h {
			copy(dst.Y[row*dst.YStride:][:w], y[row*ystride:])
		}
	}
	switch {
	case direct:
		return yuv.Limit(dst)
	case exact && subsampling == C.TJSAMP_422 && ch >= h:
		return yuv.LimitTall(dst, cb, cr, cw)
	}
	chroma(dst.Cb, dst.CStride, w/2, h/2, cb, cw, ch, int(width), int(height))
	chroma(dst.Cr, dst.CStride, w/2, h/2, cr, cw, ch, int(width), int(height))
	return yuv.Limit(dst)
}

// failure turns TurboJPEG's last message into an error. Bytes between segments
// do no harm and come from many cameras; every other warning (the picture ends
// early, a code is wrong) damages the picture.
func (d *Decoder) failure() error {
	text := C.GoString(C.tjGetErrorStr2(d.handle))
	if C.tjGetErrorCode(d.handle) == C.TJERR_WARNING && strings.Contains(text, "extraneous bytes") {
		return nil
	}
	return fmt.Errorf("cannot decode JPEG picture: %w: %s", ErrCorrupt, text)
}

// grow returns n bytes of *buf, which grows when it must.
func grow(buf *[]byte, n int) []byte {
	if len(*buf) < n {
		*buf = make([]byte, n)
	}
	return (*buf)[:n]
}

func ptr(p []byte) *C.uchar { return (*C.uchar)(unsafe.Pointer(unsafe.SliceData(p))) }

// chroma brings a chroma plane of sw x sh samples, of a picture of width x
// height pixels, to the w x h samples of 4:2:0. sw 0 means a grey picture.
func chroma(dst []byte, stride, w, h int, src []byte, sw, sh, width, height int) {
	if sw == 0 {
		for row := range h {
			line := dst[row*stride:][:w]
			for i := range line {
				line[i] = 128
			}
		}
		return
	}
	full := sw > (width+1)/2    // one chroma sample a pixel: average two
	quarter := sw < (width+1)/2 // one for four pixels: use it twice
	tall := sh > (height+1)/2   // one chroma line a line: average two
	for row := range h {
		a := src[row*sw:][:sw]
		b := a
		if tall {
			a = src[2*row*sw:][:sw]
			b = src[min(2*row+1, sh-1)*sw:][:sw]
		}
		line := dst[row*stride:][:w]
		switch {
		case full:
			for i := range line {
				line[i] = byte((uint(a[2*i]) + uint(a[2*i+1]) + uint(b[2*i]) + uint(b[2*i+1]) + 2) >> 2)
			}
		case quarter:
			for i := range line {
				line[i] = byte((uint(a[i/2]) + uint(b[i/2]) + 1) >> 1)
			}
		case tall:
			a, b = a[:w], b[:w]
			for i := range line {
				line[i] = byte((uint(a[i]) + uint(b[i]) + 1) >> 1)
			}
		default:
			copy(line, a)
		}
	}
}
