//go:build e2e

package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/browser"
)

// TestPageWake shows the setting that lets a device wake the phone: off, on, and where
// the person has said no.
func TestPageWake(t *testing.T) {
	service := startPushService(t)
	for _, tour := range stateTours {
		t.Run(tour.language, func(t *testing.T) {
			d := startDevice(t, deviceOptions{tone: 440})
			p := startPhone(t, phoneOptions{tone: 600, language: tour.language})
			s := &screens{p: p, language: tour.language, found: map[string]int{}, open: map[string]int{}}
			p.subscribesAt(service)
			p.pair(d, "Anna")
			p.waitVisible("wake", pageSoon)
			p.waitTrue("the toast has gone", `!document.querySelector(".toast")`)
			s.see(t, "wake off", "wake")
			p.mayNotify(browser.PermissionSettingGranted)
			p.click("wake")
			p.waitTrue("it is on", `document.querySelector("[data-testid=wake]").checked && document.querySelector(".toast")`)
			s.see(t, "wake on", "wake", "wakeOn")
			p.mayNotify(browser.PermissionSettingDenied)
			p.open(d.page())
			p.waitVisible("wake-why", pageSoon)
			p.waitTrue("the device is connected", `document.querySelector("[data-link=up]")`)
			eventually(t, pageSoon, "it says why not", func() bool {
				return eval[string](p, `document.querySelector("[data-testid=wake-why]").innerText`) != ""
			})
			s.see(t, "wake blocked", "error_pushDenied")
			s.report()
		})
	}
}
