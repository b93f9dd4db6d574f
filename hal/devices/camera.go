package devices

import (
	"fmt"
	"time"

	"callbox/hal"
)

// autoCamera is the camera that auto chooses whenever it is opened. It implements
// hal.EncodedSource.
type autoCamera struct {
	chooser *chooser
	drive   func(Choice) hal.Camera
}

// Name returns the name of the camera that was chosen last.
func (a *autoCamera) Name() string { return a.chooser.camera().Chosen }

// Open starts the camera that is there. The pictures of a virtual one end with
// hal.ErrGone when another one has come.
func (a *autoCamera) Open(want hal.VideoMode) (hal.VideoStream, error) {
	now := a.chooser.lookForCameras()[0]
	s, err := a.drive(now).Open(want)
	if err != nil || !now.Virtual {
		return s, err
	}
	return &standIn{VideoStream: s, chooser: a.chooser, looked: time.Now()}, nil
}

// OpenEncoded starts the camera that is there, if it encodes.
func (a *autoCamera) OpenEncoded(want hal.VideoMode, bitrate int) (hal.EncodedStream, error) {
	source, ok := a.drive(a.chooser.lookForCameras()[0]).(hal.EncodedSource)
	if !ok {
		return nil, hal.ErrNotEncoded
	}
	return source.OpenEncoded(want, bitrate)
}

// standIn are virtual pictures in place of a camera's.
type standIn struct {
	hal.VideoStream
	chooser *chooser
	looked  time.Time
}

// ReadFrame waits for the next picture, and looks for a camera now and then.
func (s *standIn) ReadFrame() (*hal.Frame, error) {
	if now := time.Now(); now.Sub(s.looked) >= lookEvery {
		s.looked = now
		if c := s.chooser.lookForCameras()[0]; !c.Virtual {
			return nil, fmt.Errorf("camera %q has come, and the test picture ends: %w", c.Chosen, hal.ErrGone)
		}
	}
	return s.VideoStream.ReadFrame()
}
