package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"callbox/hal"
)

// checkMoreCameras finds cameras that nobody could tell apart, or that are none.
func checkMoreCameras(h hal.Options, r report) {
	names := map[string]string{h.Camera.Name: "hal.camera"}
	titles := map[string]string{cmp.Or(h.Camera.Label, h.Camera.Name): "hal.camera"}
	checkLabel("hal.camera.label", h.Camera.Label, r)
	checkCameraName("hal.camera.name", h.Camera.Name, r)
	if len(h.MoreCameras) > 0 && h.Camera.Name == hal.NameNone {
		r("hal.more_cameras", "are beside no camera: hal.camera.name is none; allowed: a first camera, and more")
	}
	for i, m := range h.MoreCameras {
		at := fmt.Sprintf("hal.more_cameras[%d]", i)
		checkLabel(at+".label", m.Label, r)
		checkCameraName(at+".name", m.Name, r)
		switch m.Name {
		case "", hal.NameAuto, hal.NameNone:
			r(at+".name", fmt.Sprintf("%q is no camera beside the first; allowed: virtual, or a name that callboxctl devices lists", m.Name))
		}
		if f := m.FrameRate; f != 0 && !(f >= 1 && f <= 120) { // NaN too
			r(at+".frame_rate", fmt.Sprintf("%v is out of range; allowed: 1 to 120 pictures a second", f))
		}
		if first, twice := names[m.Name]; twice && m.Name != hal.NameVirtual {
			r(at+".name", fmt.Sprintf("%q is %s already; each camera is there once", m.Name, first))
			continue
		}
		names[m.Name] = at
		title := cmp.Or(m.Label, m.Name)
		if first, twice := titles[title]; twice {
			r(at+".label", fmt.Sprintf("%q is what %s is called already; each camera needs a label or a name of its own", title, first))
			continue
		}
		titles[title] = at
	}
}

func checkLabel(key, label string, r report) {
	if utf8.RuneCountInString(label) > 64 || strings.ContainsFunc(label, unprintable) {
		r(key, fmt.Sprintf("%q is too long or has control characters; allowed: at most 64 characters that can be seen", label))
	}
}

// checkCameraName finds what people write first and what names no camera for long.
func checkCameraName(key, name string, r report) {
	base := filepath.Base(name)
	switch {
	case kernelsName.MatchString(name):
		r(key, fmt.Sprintf("%q is the kernel's number, which another camera may have after a reboot; allowed: a name that callboxctl devices lists, such as usb-046d_C920-video-index0", name))
	case strings.HasPrefix(name, "/"):
		r(key, fmt.Sprintf("%q is a path; allowed: its last part alone (%s), as callboxctl devices lists it", name, base))
	}
}

// kernelsName is what the kernel calls a camera.
var kernelsName = regexp.MustCompile(`^(/dev/)?video[0-9]+$`)
