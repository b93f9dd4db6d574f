package media

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnknownCamera means that the device has no camera of that name.
var ErrUnknownCamera = errors.New("no such camera")

// Cameras are the titles of the device's cameras; the first is shown when a call
// begins.
func (e *Engine) Cameras() []string {
	titles := make([]string, len(e.cameras))
	for i, c := range e.cameras {
		titles[i] = c.Title()
	}
	return titles
}

// Camera is the title of the one that the call shows; "" without video.
func (s *Session) Camera() string {
	if s.video == nil {
		return ""
	}
	return s.engine.cameras[s.video.camera()].Title()
}

// View is the label of that camera, which the phone may be told; "" without one.
func (s *Session) View() string {
	if s.video == nil {
		return ""
	}
	return s.engine.cameras[s.video.camera()].Label
}

// CameraDevice is that camera's name in DeviceGone and DeviceBack; "" without one.
func (s *Session) CameraDevice() string {
	if s.video == nil {
		return ""
	}
	return s.engine.cameras[s.video.camera()].Name()
}

// SwitchCamera shows another camera, by its title or name; "" is the next one. It holds
// for the call, and returns the title of the one that is shown from now on. Errors:
// ErrNoCamera, ErrUnknownCamera.
func (s *Session) SwitchCamera(name string) (title string, err error) {
	if s.video == nil {
		return "", fmt.Errorf("cannot switch the camera: %w", ErrNoCamera)
	}
	cameras := s.engine.cameras
	next := (s.video.camera() + 1) % len(cameras)
	if name != "" {
		next = slices.IndexFunc(cameras, func(c Camera) bool { return c.Label == name })
		if next < 0 {
			next = slices.IndexFunc(cameras, func(c Camera) bool { return c.Name() == name })
		}
	}
	if next < 0 {
		return "", fmt.Errorf("cannot switch to camera %q: %w; there are: %s", name, ErrUnknownCamera, strings.Join(s.engine.Cameras(), ", "))
	}
	s.video.choose(func(now *choice) { now.camera = next })
	return cameras[next].Title(), nil
}
