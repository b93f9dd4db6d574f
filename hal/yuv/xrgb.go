package yuv

/*
#include <libyuv/convert_argb.h>

// The constants are of a type that only libyuv's inside knows.
static int callbox_xrgb(const uint8_t* y, int y_stride, const uint8_t* u, const uint8_t* v, int uv_stride,
                        uint8_t* argb, int argb_stride, int bt709, int full_range, int width, int height) {
	const struct YuvConstants* c = bt709 ? (full_range ? &kYuvF709Constants : &kYuvH709Constants)
	                                     : (full_range ? &kYuvJPEGConstants : &kYuvI601Constants);
	return I420ToARGBMatrix(y, y_stride, u, uv_stride, v, uv_stride, argb, argb_stride, c, width, height);
}
*/
import "C"

import (
	"fmt"
	"image"

	"callbox/hal"
)

// XRGB writes src, whose samples mean c, as XRGB8888 in the byte order of DRM (blue,
// green, red, unused), stride bytes a line.
func XRGB(dst []byte, stride int, src *image.YCbCr, c hal.Colours) error {
	if err := check("convert", src); err != nil {
		return err
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	if stride < 4*w || len(dst) < stride*(h-1)+4*w {
		return fmt.Errorf("cannot convert a picture of %dx%d: the memory has %d bytes, %d in a line", w, h, len(dst), stride)
	}
	return result("convert", C.callbox_xrgb(
		plane(src.Y), C.int(src.YStride), plane(src.Cb), plane(src.Cr), C.int(src.CStride),
		plane(dst), C.int(stride), truth(c.BT709), truth(c.FullRange), C.int(w), C.int(h)))
}

func truth(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
