package yuv

/*
#include <libyuv/convert.h>
*/
import "C"

import (
	"fmt"
	"image"
)

// FromYUYV makes dst, which has its size, of 4:2:2 pixels (Y0 Cb Y1 Cr), stride bytes a
// line: the chroma of two lines becomes one by its mean. Width and height are even.
func FromYUYV(dst *image.YCbCr, src []byte, stride int) error {
	if err := even(dst); err != nil {
		return err
	}
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	if err := long(src, stride, 2*w, h); err != nil {
		return err
	}
	return result("unpack", C.YUY2ToI420(plane(src), C.int(stride),
		plane(dst.Y), C.int(dst.YStride), plane(dst.Cb), C.int(dst.CStride), plane(dst.Cr), C.int(dst.CStride), C.int(w), C.int(h)))
}

// FromNV12 makes dst, which has its size, of a plane of luma and one in which Cb and Cr
// take turns, with so many bytes a line. Width and height are even.
func FromNV12(dst *image.YCbCr, luma []byte, stride int, chroma []byte, chromaStride int) error {
	if err := even(dst); err != nil {
		return err
	}
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	if err := long(luma, stride, w, h); err != nil {
		return err
	}
	if err := long(chroma, chromaStride, w, h/2); err != nil {
		return err
	}
	return result("unpack", C.NV12ToI420(plane(luma), C.int(stride), plane(chroma), C.int(chromaStride),
		plane(dst.Y), C.int(dst.YStride), plane(dst.Cb), C.int(dst.CStride), plane(dst.Cr), C.int(dst.CStride), C.int(w), C.int(h)))
}

func even(dst *image.YCbCr) error {
	if err := check("unpack", dst); err != nil {
		return err
	}
	if size := dst.Rect.Size(); size.X%2 != 0 || size.Y%2 != 0 {
		return fmt.Errorf("cannot unpack a picture of %v: width and height must be even", size)
	}
	return nil
}

// long refuses a plane that is too short for h lines of w bytes.
func long(p []byte, stride, w, h int) error {
	if need := stride*(h-1) + w; stride < w || len(p) < need {
		return fmt.Errorf("cannot unpack a picture: %d bytes, %d in a line; wanted %d", len(p), stride, need)
	}
	return nil
}
