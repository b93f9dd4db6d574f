package devices

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
)

// twins are two equal cameras and two equal sound cards.
var twins = []Found{
	{Kind: Camera, Name: "usb-Cam", Also: []string{"socket-1", "socket-1v2"}, Stable: "socket-1", Driver: "V4L2"},
	{Kind: Camera, Name: "socket-2", Driver: "V4L2"},
	{Kind: Microphone, Name: "Device,0", Also: []string{"usb-Dev,0", "socket-3,0"}, Stable: "socket-3,0", Driver: "ALSA"},
	{Kind: Microphone, Name: "Device_1,0", Also: []string{"socket-4,0"}, Stable: "socket-4,0", Driver: "ALSA"},
	{Kind: Speaker, Name: "Device,0", Also: []string{"usb-Dev,0", "socket-3,0"}, Stable: "socket-3,0", Driver: "ALSA"},
	{Kind: Speaker, Name: "Device_1,0", Also: []string{"socket-4,0"}, Stable: "socket-4,0", Driver: "ALSA"},
}

// TestNames: each name of a device means it, and of one that may be another's after a
// restart it is said which to take.
func TestNames(t *testing.T) {
	for name, tt := range map[string]struct {
		camera, microphone string
		stable             [2]string // to take instead
		speaker            string    // that auto takes beside the microphone
	}{
		"short":              {"usb-Cam", "Device_1,0", [2]string{"socket-1", "socket-4,0"}, "Device_1,0"},
		"by id":              {"usb-Cam", "usb-Dev,0", [2]string{"socket-1", "socket-3,0"}, "Device,0"},
		"by the socket":      {"socket-1", "socket-4,0", [2]string{}, "Device_1,0"},
		"the other one's":    {"socket-2", "socket-3,0", [2]string{}, "Device,0"},
		"by the socket, too": {"socket-1v2", "Device,0", [2]string{"", "socket-3,0"}, "Device,0"},
		"auto":               {"auto", "auto", [2]string{}, "Device,0"},
	} {
		var log bytes.Buffer
		s, err := OpenWith(options(tt.camera, tt.microphone, "auto", "none"), fixed(twins, nil), clock.Boot(), zerolog.New(&log))
		if err != nil {
			t.Fatal(err)
		}
		for i, wanted := range []string{tt.camera, tt.microphone} {
			c := s.Report[i]
			if c.Missing || c.Reason != "" || c.Stable != tt.stable[i] || wanted != "auto" && c.Chosen != wanted || (c.Unsure() == "") != (tt.stable[i] == "") {
				t.Errorf("%s: %+v, want %q instead", name, c, tt.stable[i])
			}
			if stable := tt.stable[i]; stable != "" && !strings.Contains(log.String(), `"instead":"`+stable+`"`) {
				t.Errorf("%s: the log does not tell of %s:\n%s", name, stable, &log)
			}
		}
		if c := s.Report[2]; c.Chosen != tt.speaker {
			t.Errorf("%s: the speaker is %q, want %q", name, c.Chosen, tt.speaker)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	o := options("auto", "none", "none", "none")
	o.MoreCameras = []hal.MoreCameraOptions{{Name: "socket-1"}}
	s, err := OpenWith(o, fixed(twins, nil), clock.Boot(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if first, second := s.Report[0].Chosen, s.Report[1].Chosen; first != "socket-2" || second != "socket-1" {
		t.Errorf("beside %s auto takes %s", second, first)
	}
}
