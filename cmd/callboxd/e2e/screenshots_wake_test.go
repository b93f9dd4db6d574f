//go:build e2e && screenshots

package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
)

// TestScreenshotsWake takes pictures of the setting that lets a device wake the phone:
// off, on, and where it cannot be had.
func TestScreenshotsWake(t *testing.T) {
	service := startPushService(t)
	for _, size := range []struct {
		name          string
		width, height int
	}{{"phone", 390, 844}, {"desktop", 1280, 800}} {
		for _, scheme := range []string{"light", "dark"} {
			for _, language := range []string{"en", "zh-CN"} {
				t.Run(size.name+" "+scheme+" "+language, func(t *testing.T) {
					d := startDevice(t, deviceOptions{tone: 440})
					p := startPhone(t, phoneOptions{tone: 600, language: language, width: size.width, height: size.height})
					p.prefer(scheme)
					p.subscribesAt(service)
					p.pair(d, "Anna")
					p.waitVisible("wake", 10*time.Second)
					time.Sleep(8 * time.Second) // until the toast has gone
					p.screenshot("1 off")
					p.mayNotify(browser.PermissionSettingGranted)
					p.click("wake")
					time.Sleep(time.Second)
					p.screenshot("2 on")
					p.mayNotify(browser.PermissionSettingDenied)
					p.open(d.page())
					p.waitVisible("wake-why", 10*time.Second)
					time.Sleep(500 * time.Millisecond)
					p.screenshot("3 blocked")
				})
			}
		}
	}
}
