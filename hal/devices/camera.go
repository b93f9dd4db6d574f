package devices

import (
	"fmt"

	"callbox/hal"
	"callbox/hal/hotplug"
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
	come := func() bool { return !a.chooser.lookForCameras()[0].Virtual }
	return &standIn{VideoStream: s, name: a.Name, lookout: newLookout(a.chooser.find.Plugs, hotplug.Cameras, come)}, nil
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
	name    func() string // of the camera that has come
	lookout *lookout
}

// ReadFrame waits for the next picture; the error is hal.ErrGone when a camera has come.
func (s *standIn) ReadFrame() (*hal.Frame, error) {
	select {
	case <-s.lookout.found:
		return nil, fmt.Errorf("camera %q has come, and the test picture ends: %w", s.name(), hal.ErrGone)
	default:
		return s.VideoStream.ReadFrame()
	}
}

// Close ends the pictures.
func (s *standIn) Close() error {
	s.lookout.close()
	return s.VideoStream.Close()
}
