//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// TestCameraSwitch: the phone sees the other camera at once, and no picture for longer
// than it takes to open it.
func TestCameraSwitch(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, noDisplay: true, hal: `
  more_cameras:
    - {name: virtual, label: Yard, size: 320x180, rotate: 90, mirror: true}
    - {name: virtual, label: Cellar, size: 480x270, frame_rate: 10}
`})
	p := startPhone(t, phoneOptions{tone: 880})
	p.pair(d, "Anna")
	p.call(d, "call-video")
	size := func() string {
		return eval[string](p, `(() => { const v = document.querySelector('[data-testid="remote-video"]'); return v.videoWidth + "x" + v.videoHeight; })()`)
	}
	shows := func(want string) {
		t.Helper()
		eventually(t, 5*time.Second, fmt.Sprintf("the phone shows %s, not %s", want, size()), func() bool { return size() == want })
	}
	shows("640x360")
	for _, tt := range []struct {
		to, want, size string
	}{{"Yard", "Yard", "320x180"}, {"", "Cellar", "480x270"}, {"", "virtual", "640x360"}} {
		args := []string{"camera", "switch"}
		if tt.to != "" {
			args = append(args, tt.to)
		}
		if got := ctl[struct {
			Camera string `json:"camera"`
		}](d, args...); got.Camera != tt.want {
			t.Errorf("camera switch %s: %q, want %q", tt.to, got.Camera, tt.want)
		}
		shows(tt.size)
		if tt.want != "virtual" { // without a label
			eventually(t, 3*time.Second, "the phone is told of "+tt.want, func() bool {
				return eval[string](p, `window.callbox.currentCall().remote?.view ?? ""`) == tt.want
			})
		}
		var s struct {
			Call struct {
				CameraName string `json:"cameraName"`
			} `json:"call"`
		}
		out, err := d.tryCtl("status")
		if err != nil || json.Unmarshal(out, &s) != nil || s.Call.CameraName != tt.want {
			t.Errorf("the status shows %q, %v; want %q", s.Call.CameraName, err, tt.want)
		}
		if tt.to != "Yard" { // that one's stamp is turned
			p.watchVideo()
			time.Sleep(2 * time.Second)
			checkSeen(t, p.seen(), 1, 0)
		}
	}
	if _, err := d.tryCtl("camera", "switch", "Attic"); err == nil {
		t.Error("a camera that is not there was switched to")
	}
	p.click("hang-up")
}
