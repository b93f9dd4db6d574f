//go:build e2e && screenshots

package e2e

import (
	"testing"
	"time"
)

// TestScreenshotsIncoming takes pictures of the page while a device calls it, before
// and after the answer, as TestScreenshots does of an own call.
func TestScreenshotsIncoming(t *testing.T) {
	for _, size := range []struct {
		name          string
		width, height int
	}{{"phone", 390, 844}, {"desktop", 1280, 800}} {
		for _, scheme := range []string{"light", "dark"} {
			for _, language := range []string{"en", "zh-CN"} {
				t.Run(size.name+" "+scheme+" "+language, func(t *testing.T) {
					d := startDevice(t, deviceOptions{tone: 440, width: 1280, height: 720, call: "  max_duration: 12s"})
					p := startPhone(t, phoneOptions{tone: 600, language: language, width: size.width, height: size.height})
					p.prefer(scheme)
					p.pair(d, "Anna")
					room := d.dial("video", "Anna").RoomID
					p.waitIncoming(room)
					time.Sleep(time.Second)
					p.screenshot("1 incoming video")
					p.click("answer")
					p.waitEventOf("limitWarning", room, 20*time.Second)
					time.Sleep(time.Second)
					p.screenshot("2 talking, warned")
					p.click("hang-up")
					p.waitEventOf("finishVoip", room, 5*time.Second)
					d.waitState("idle", 5*time.Second)
					room = d.dial("voice", "Anna").RoomID
					p.waitIncoming(room)
					time.Sleep(500 * time.Millisecond)
					p.screenshot("3 incoming voice")
					ctl[any](d, "hangup")
					p.waitEventOf("finishVoip", room, 5*time.Second)
					time.Sleep(500 * time.Millisecond)
					p.screenshot("4 missed")
				})
			}
		}
	}
}
