// Package orient turns and mirrors the pictures of a camera that is built in the
// other way round.
package orient

import (
	"fmt"
	"image"

	"callbox/hal"
	"callbox/hal/yuv"
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
	if r.OnSide() {
		m.Width, m.Height = m.Height, m.Width
	}
	return m
}

type stream struct {
	hal.VideoStream
	camera           *camera
	turned, mirrored image.YCbCr
	out              hal.Frame
}

func (s *stream) Mode() hal.VideoMode { return turned(s.VideoStream.Mode(), s.camera.rotate) }

// BadFrames and LateFrames are those of the camera; 0 when it does not count.
func (s *stream) BadFrames() uint64 {
	if c, ok := s.VideoStream.(hal.PictureCounter); ok {
		return c.BadFrames()
	}
	return 0
}

// LateFrames: see BadFrames.
func (s *stream) LateFrames() uint64 {
	if c, ok := s.VideoStream.(hal.PictureCounter); ok {
		return c.LateFrames()
	}
	return 0
}

func (s *stream) ReadFrame() (*hal.Frame, error) {
	f, err := s.VideoStream.ReadFrame()
	if err != nil {
		return nil, err
	}
	now := &f.YCbCr
	if s.camera.rotate != 0 {
		if err = yuv.Rotate(&s.turned, now, s.camera.rotate); err != nil {
			return nil, fmt.Errorf("cannot use the pictures of camera %q: %w", s.camera.Name(), err)
		}
		now = &s.turned
	}
	if s.camera.mirror {
		if err = yuv.Mirror(&s.mirrored, now); err != nil {
			return nil, fmt.Errorf("cannot use the pictures of camera %q: %w", s.camera.Name(), err)
		}
		now = &s.mirrored
	}
	s.out = *f
	s.out.YCbCr = *now
	return &s.out, nil
}
