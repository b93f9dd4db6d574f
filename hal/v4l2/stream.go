package v4l2

import (
	"callbox/hal"
	"callbox/hal/jpeg"
	"callbox/hal/yuv"
)

// stream implements hal.VideoStream.
type stream struct {
	reader
	mode    hal.VideoMode
	layout  layout
	colours hal.Colours   // of what layout converts; the frame has those of cameras
	decoder *jpeg.Decoder // nil unless the format is MJPEG
	frame   hal.Frame
	convert func([][]byte, filled) error // made once, so that no picture allocates it
}

func (s *stream) Mode() hal.VideoMode { return s.mode }

func (s *stream) ReadFrame() (*hal.Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.convert == nil {
		s.convert = func(planes [][]byte, _ filled) error {
			if err := s.layout.convert(&s.frame.YCbCr, planes, s.decoder); err != nil {
				return err
			}
			return yuv.Recolour(&s.frame.YCbCr, s.colours, hal.Colours{})
		}
	}
	_, at, err := s.read(true, s.convert)
	if err != nil {
		return nil, err
	}
	s.frame.Captured = at
	return &s.frame, nil
}

// Close wakes ReadFrame, waits for it and frees the camera.
func (s *stream) Close() error {
	s.end(s.closeDecoder)
	return nil
}

func (s *stream) closeDecoder() {
	if s.decoder != nil {
		_ = s.decoder.Close() // frees memory, cannot fail
	}
}
