// Package orient turns and mirrors the pictures of a camera that is built in the
// other way round, with libyuv.
package orient

/*
#cgo LDFLAGS: -lyuv
#include <libyuv/planar_functions.h>
#include <libyuv/rotate.h>
*/
import "C"

import (
	"fmt"
	"image"
	"unsafe"

	"callbox/hal"
)

// Camera returns a camera whose pictures are those of c, turned clockwise and then
// mirrored (left and right change sides); c itself when there is nothing to do.
// Pictures that a camera has encoded by itself cannot be turned, so that this camera
// is no hal.EncodedSource.
func Camera(c hal.Camera, rotate hal.Rotation, mirror bool) hal.Camera {
	if rotate == 0 && !mirror {
		return c
	}
	return &camera{c, rotate, mirror}
}

type camera struct {
	hal.Camera
	rotate hal.Rotation
	mirror bool
}

// Open starts the camera in the mode whose turned pictures are nearest to the wanted.
func (c *camera) Open(want hal.VideoMode) (hal.VideoStream, error) {
	s, err := c.Camera.Open(turned(want, c.rotate))
	if err != nil {
		return nil, err
	}
	return &stream{VideoStream: s, camera: c}, nil
}

// turned is a mode with width and height changed, when pictures are laid on their side.
func turned(m hal.VideoMode, r hal.Rotation) hal.VideoMode {
	if r == hal.Rotate90 || r == hal.Rotate270 {
		m.Width, m.Height = m.Height, m.Width
	}
	return m
}

type stream struct {
	hal.VideoStream
	camera    *camera
	a, b, out hal.Frame // the first two are turned, and mirrored
}

func (s *stream) Mode() hal.VideoMode { return turned(s.VideoStream.Mode(), s.camera.rotate) }

func (s *stream) ReadFrame() (*hal.Frame, error) {
	f, err := s.VideoStream.ReadFrame()
	if err != nil {
		return nil, err
	}
	now := &f.YCbCr
	if s.camera.rotate != 0 {
		if now, err = rotate(&s.a.YCbCr, now, s.camera.rotate); err != nil {
			return nil, fmt.Errorf("cannot turn the pictures of camera %q: %w", s.camera.Name(), err)
		}
	}
	if s.camera.mirror {
		if now, err = mirror(&s.b.YCbCr, now); err != nil {
			return nil, fmt.Errorf("cannot mirror the pictures of camera %q: %w", s.camera.Name(), err)
		}
	}
	s.out = *f
	s.out.YCbCr = *now
	return &s.out, nil
}

func rotate(dst, src *image.YCbCr, by hal.Rotation) (*image.YCbCr, error) {
	m := turned(hal.VideoMode{Width: src.Rect.Dx(), Height: src.Rect.Dy()}, by)
	if err := fit(dst, src, m.Width, m.Height); err != nil {
		return nil, err
	}
	return dst, result(C.I420Rotate(
		plane(src.Y), C.int(src.YStride), plane(src.Cb), C.int(src.CStride), plane(src.Cr), C.int(src.CStride),
		plane(dst.Y), C.int(dst.YStride), plane(dst.Cb), C.int(dst.CStride), plane(dst.Cr), C.int(dst.CStride),
		C.int(src.Rect.Dx()), C.int(src.Rect.Dy()), C.enum_RotationMode(by)))
}

func mirror(dst, src *image.YCbCr) (*image.YCbCr, error) {
	if err := fit(dst, src, src.Rect.Dx(), src.Rect.Dy()); err != nil {
		return nil, err
	}
	return dst, result(C.I420Mirror(
		plane(src.Y), C.int(src.YStride), plane(src.Cb), C.int(src.CStride), plane(src.Cr), C.int(src.CStride),
		plane(dst.Y), C.int(dst.YStride), plane(dst.Cb), C.int(dst.CStride), plane(dst.Cr), C.int(dst.CStride),
		C.int(src.Rect.Dx()), C.int(src.Rect.Dy())))
}

// fit makes dst a picture of w x h, with the same memory as before if it was one. It
// keeps C from reading past the planes of src.
func fit(dst, src *image.YCbCr, w, h int) error {
	sw, sh := src.Rect.Dx(), src.Rect.Dy()
	if src.SubsampleRatio != image.YCbCrSubsampleRatio420 || sw < 2 || sh < 2 || sw%2 != 0 || sh%2 != 0 {
		return fmt.Errorf("they have %dx%d pixels (%v)", sw, sh, src.SubsampleRatio)
	}
	if src.YStride < sw || src.CStride < sw/2 || len(src.Y) < src.YStride*(sh-1)+sw ||
		min(len(src.Cb), len(src.Cr)) < src.CStride*(sh/2-1)+sw/2 {
		return fmt.Errorf("their planes are too short for %dx%d", sw, sh)
	}
	if r := image.Rect(0, 0, w, h); dst.Rect != r {
		*dst = *image.NewYCbCr(r, image.YCbCrSubsampleRatio420)
	}
	return nil
}

func plane(p []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(&p[0])) }

func result(rc C.int) error {
	if rc != 0 {
		return fmt.Errorf("libyuv says %d", rc)
	}
	return nil
}
