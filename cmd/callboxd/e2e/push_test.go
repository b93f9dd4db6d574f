//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"callbox/daemon/control"
)

// call runs one command of the browser's protocol on the phone's tab.
func call[P, R any](p *phone, cmd cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	r, err := chromedp.Call(ctx, cmd, params)
	if err != nil {
		p.t.Fatalf("phone: %s: %v", cmd.Method, err)
	}
	return r
}

// mayNotify is the person who says yes or no to notifications.
func (p *phone) mayNotify(setting browser.PermissionSetting) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "notifications"}, Setting: setting,
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// subscribesAt makes the browser subscribe at a push service of the test.
func (p *phone) subscribesAt(s *pushService) {
	p.t.Helper()
	call(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: s.stub()})
}

// wakeMe switches the setting of the page's only device on.
func (p *phone) wakeMe(t *testing.T) {
	t.Helper()
	p.watchToasts()
	p.click("wake")
	p.saysToast(t, "now rings this phone when the page is closed")
	if !eval[bool](p, `document.querySelector("[data-testid=wake]").checked`) {
		t.Error("the switch is off")
	}
}

// saysToast waits until the page has said something; watchToasts comes before.
func (p *phone) saysToast(t *testing.T, text string) {
	t.Helper()
	eventually(t, 20*time.Second, "the page says "+text, func() bool {
		return strings.Contains(eval[string](p, `JSON.stringify(window.said)`), text)
	})
}

// close leaves the page: nothing of it runs any more.
func (p *phone) close(d *device) {
	p.t.Helper()
	// A page keeps the connection of its pairing a moment longer; one that is left is
	// frozen, and then closes nothing any more.
	eventually(p.t, 10*time.Second, "the phone has one connection at most", func() bool {
		return strings.Count(d.log.String(), "direct connected") <= strings.Count(d.log.String(), "direct disconnected")+1
	})
	p.run(10*time.Second, chromedp.Navigate("about:blank"))
	eventually(p.t, 10*time.Second, "no phone is connected", func() bool {
		return ctl[control.Status](d, "status").Transports[0].Phones == 0
	})
}

// pushed hands a push to the browser, as its connection to a push service does.
func (p *phone) pushed(origin, text string) {
	p.t.Helper()
	call(p, serviceworker.Disable, cdp.Empty{}) // it tells what there is when it is enabled
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	enable := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, serviceworker.Enable, cdp.Empty{})
		return err
	})
	var id serviceworker.RegistrationID
	_, err := chromedp.Run(ctx, chromedp.WaitEvent(serviceworker.WorkerRegistrationUpdated, func(e serviceworker.EventWorkerRegistrationUpdated) bool {
		for _, r := range e.Registrations {
			if strings.HasPrefix(r.ScopeURL, origin+"push/") && !r.IsDeleted {
				id = r.RegistrationID
			}
		}
		return id != ""
	}, enable))
	if err != nil {
		p.t.Fatalf("no worker is registered for pushes: %v", err)
	}
	call(p, serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{Origin: strings.TrimSuffix(origin, "/"), RegistrationID: id, Data: text})
}

// opened waits for a tab that the browser has opened by itself.
func (p *phone) opened(part string) *phone {
	p.t.Helper()
	var id target.ID
	eventually(p.t, 10*time.Second, "the browser opens "+part, func() bool {
		all, err := chromedp.Targets(p.ctx)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, one := range all {
			if one.Type == "page" && strings.Contains(one.URL, part) {
				id = one.TargetID
			}
		}
		return id != ""
	})
	tab := &phone{t: p.t, log: p.log}
	ctx, stop := chromedp.NewContext(p.ctx, chromedp.WithTargetID(id))
	tab.ctx, tab.closeTab = ctx, stop
	if err := chromedp.Do(ctx); err != nil {
		p.t.Fatal(err)
	}
	return tab
}

// wantWakeUp wants a push to say a room and nothing else.
func wantWakeUp(t *testing.T, text, room string) {
	t.Helper()
	if want := fmt.Sprintf(`{"v":1,"t":"ring","roomId":%q}`, room); text != want {
		t.Errorf("the push says %s, want %s", text, want)
	}
}

// TestPush: a phone whose page is closed is woken. The device's push comes at the push
// service, opens with the browser's keys, and is handed to the browser; the service
// worker shows a notification that the person presses; the page opens, rings, and the
// person answers.
func TestPush(t *testing.T) {
	deviceTone, phoneTone := twoTones()
	screen, service := startDesktop(t), startPushService(t)
	d := startDevice(t, deviceOptions{tone: deviceTone})
	origin := d.page()
	p := startPhone(t, phoneOptions{tone: phoneTone})
	p.mayNotify(browser.PermissionSettingGranted)
	p.subscribesAt(service)
	p.pair(d, "Anna")
	p.wakeMe(t)

	t.Run("answered", func(t *testing.T) {
		p.close(d)
		room := d.dial("video", "Anna").RoomID
		text := service.next(10 * time.Second)
		wantWakeUp(t, text, room)
		p.pushed(origin, text)
		n := screen.find("Front door is calling", 10*time.Second)
		if !strings.Contains(n.body, "Tap to answer.") {
			t.Errorf("the notification says %q", n.body)
		}
		screen.press(n)
		tab := p.opened("roomId=" + room)
		tab.waitIncoming(room)
		screen.gone(n.id, 5*time.Second)
		tab.click("answer")
		tab.waitEventOf("startVoip", room, 15*time.Second)
		d.waitState("talking", 5*time.Second)
		tab.watchVideo()
		tab.listenForTones()
		time.Sleep(5 * time.Second) // 3 s of each, and what is still on its way
		checkSeen(t, tab.seen(), 3, 0)
		tab.wantTone(t, deviceTone, true)
		if share := toneShare(d.recorded(2), phoneTone); share < 0.5 {
			t.Errorf("the phone's tone of %g Hz has %.0f %% of what the device plays", phoneTone, 100*share)
		}
		tab.click("hang-up")
		tab.wantEnd(t, room, "hangUpVoip", map[string]any{"status": "endByListener"})
		d.waitState("idle", 5*time.Second)
		tab.closeTab()
	})
	t.Run("the ring ends while the notification is there", func(t *testing.T) {
		p.close(d)
		room := d.dial("voice", "Anna").RoomID
		p.pushed(origin, service.next(10*time.Second))
		n := screen.find("Front door is calling", 10*time.Second)
		p.open(origin) // not by the notification
		p.waitIncoming(room)
		if screen.open() != 1 {
			t.Error("the notification is gone while it rings")
		}
		ctl[any](d, "hangup")
		p.waitEventOf("finishVoip", room, 5*time.Second)
		screen.gone(n.id, 5*time.Second)
		d.waitState("idle", 5*time.Second)
	})
	t.Run("the ring is over before the notification is pressed", func(t *testing.T) {
		p.close(d)
		room := d.dial("voice", "Anna").RoomID
		p.pushed(origin, service.next(10*time.Second))
		n := screen.find("Front door is calling", 10*time.Second)
		ctl[any](d, "hangup")
		d.waitState("idle", 5*time.Second)
		screen.press(n)
		tab := p.opened("roomId=" + room)
		tab.home()
		tab.watchToasts()
		tab.saysToast(t, "Missed call from Front door.")
		if left := eval[string](tab, `location.search`); left != "" {
			t.Errorf("the address keeps %s", left)
		}
		tab.closeTab()
	})
	t.Run("a page that is open comes to the front", func(t *testing.T) {
		p.open(origin)
		p.home()
		eval[bool](p, `(window.heardPush = [], navigator.serviceWorker.addEventListener("message", (e) => window.heardPush.push(e.data)), true)`)
		room := d.dial("voice", "Anna").RoomID
		p.waitIncoming(room)
		p.pushed(origin, fmt.Sprintf(`{"v":1,"t":"ring","roomId":%q}`, room))
		n := screen.find("Front door is calling", 10*time.Second)
		screen.press(n)
		screen.gone(n.id, 5*time.Second)
		p.click("answer")
		p.waitEventOf("startVoip", room, 15*time.Second)
		p.click("hang-up")
		d.waitState("idle", 5*time.Second)
		all, err := chromedp.Targets(p.ctx)
		if err != nil {
			t.Fatal(err)
		}
		pages := slices.DeleteFunc(all, func(i *target.Info) bool { return i.Type != "page" })
		if len(pages) != 1 {
			t.Errorf("%d pages are open, want the one", len(pages))
		}
		if heard := eval[string](p, `JSON.stringify(window.heardPush)`); !strings.Contains(heard, room) {
			t.Errorf("the page heard %s of the push", heard)
		}
	})
	t.Run("what cannot be read", func(t *testing.T) {
		p.close(d)
		for _, text := range []string{"", "{", "null", `{"v":2,"t":"ring","roomId":"a"}`, `{"v":1,"t":"ring","roomId":"<b>"}`, strings.Repeat("x", 4000)} {
			p.pushed(origin, text)
			n := screen.find("callbox", 10*time.Second)
			screen.press(n)
			screen.gone(n.id, 5*time.Second)
			tab := p.opened(origin)
			tab.home()
			tab.closeTab()
			eventually(t, 5*time.Second, "the tab is closed", func() bool {
				all, err := chromedp.Targets(p.ctx)
				return err == nil && !slices.ContainsFunc(all, func(i *target.Info) bool { return i.Type == "page" && i.URL == origin })
			})
		}
	})
}

// TestPushRenewed: a device that has forgotten the subscription, because the push
// service said that it is over, gets it again as soon as the page connects.
func TestPushRenewed(t *testing.T) {
	screen, service := startDesktop(t), startPushService(t)
	d := startDevice(t, deviceOptions{tone: 440})
	p := startPhone(t, phoneOptions{tone: 600})
	p.mayNotify(browser.PermissionSettingGranted)
	p.subscribesAt(service)
	p.pair(d, "Anna")
	p.wakeMe(t)

	p.close(d)
	service.gone <- true
	d.dial("voice", "Anna")
	eventually(t, 10*time.Second, "the device forgets the subscription", func() bool {
		return strings.Contains(d.log.String(), "the browser has ended its push subscription")
	})
	ctl[any](d, "hangup")
	d.waitState("idle", 5*time.Second)
	p.open(d.page())
	p.waitVisible("wake", 10*time.Second)
	if state := eval[string](p, `callbox.devices().then(([d]) => callbox.pushState(d.dkt)).then(JSON.stringify)`); state != `{"on":true}` {
		t.Fatalf("pushState is %s", state)
	}
	p.close(d)
	room := d.dial("voice", "Anna").RoomID
	wantWakeUp(t, service.next(10*time.Second), room)
	ctl[any](d, "hangup")
	d.waitState("idle", 5*time.Second)

	// And off is off: nothing is sent, and nothing is left in the browser.
	p.open(d.page())
	p.watchToasts()
	p.click("wake")
	p.saysToast(t, "only while this page is open")
	if n := eval[int](p, `navigator.serviceWorker.getRegistrations().then((all) => all.filter((r) => r.scope.includes("/push/")).length)`); n != 0 {
		t.Errorf("%d registrations are left", n)
	}
	p.close(d)
	d.dial("voice", "Anna")
	time.Sleep(2 * time.Second) // a push goes out at once
	if len(service.got) > 0 {
		t.Error("a phone that wants no pushes gets one")
	}
	ctl[any](d, "hangup")
	if screen.open() > 0 {
		t.Error("a notification was shown")
	}
}

// TestPushHindered: the page says why the phone cannot be woken, and calls all the same.
func TestPushHindered(t *testing.T) {
	reason := func(p *phone) string {
		p.t.Helper()
		p.waitVisible("wake-why", 10*time.Second)
		return eval[string](p, `document.querySelector("[data-testid=wake-why]").textContent`)
	}
	t.Run("notifications are blocked", func(t *testing.T) {
		d := startDevice(t, deviceOptions{tone: 440})
		p := startPhone(t, phoneOptions{tone: 600})
		p.mayNotify(browser.PermissionSettingDenied)
		p.pair(d, "Anna")
		if why := reason(p); !strings.Contains(why, "notifications are blocked") {
			t.Errorf("the page says %q", why)
		}
		p.wantTalk(t, d)
	})
	t.Run("the device does not push", func(t *testing.T) {
		t.Setenv("CALLBOX_SIGNALING_PUSH_ENABLED", "false")
		d := startDevice(t, deviceOptions{tone: 440})
		p := startPhone(t, phoneOptions{tone: 600})
		p.pair(d, "Anna")
		if why := reason(p); !strings.Contains(why, "the device does not wake phones") {
			t.Errorf("the page says %q", why)
		}
		p.wantTalk(t, d)
	})
	t.Run("a push service that the device does not speak to", func(t *testing.T) {
		service := startPushService(t)
		t.Setenv("CALLBOX_SIGNALING_PUSH_HOSTS", "push.example.com")
		d := startDevice(t, deviceOptions{tone: 440})
		p := startPhone(t, phoneOptions{tone: 600})
		p.mayNotify(browser.PermissionSettingGranted)
		p.subscribesAt(service)
		p.pair(d, "Anna")
		p.watchToasts()
		p.click("wake")
		p.saysToast(t, "does not speak to this browser's push service")
		if eval[bool](p, `document.querySelector("[data-testid=wake]").checked`) {
			t.Error("the switch stays on")
		}
		p.wantTalk(t, d)
	})
}

// wantTalk wants a call from the page to the device to work.
func (p *phone) wantTalk(t *testing.T, d *device) {
	t.Helper()
	p.click("call-voice")
	d.waitState("ringing", 10*time.Second)
	ctl[any](d, "answer")
	p.waitEvent("startVoip", 15*time.Second)
	p.click("hang-up")
	d.waitState("idle", 5*time.Second)
}
