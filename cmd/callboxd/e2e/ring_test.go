//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/signaling/cause"
)

// dial places a call of the device through its local API.
func (d *device) dial(roomType string, contacts ...string) control.CallStarted {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	started, err := client.New(d.socket).Call(ctx, control.CallRequest{To: contacts, RoomType: roomType, Query: "door=1"})
	if err != nil {
		d.t.Fatal(err)
	}
	return started
}

// waitIncoming waits until the page shows the call of a room.
func (p *phone) waitIncoming(room string) {
	p.t.Helper()
	e := p.waitEventOf("ringing", room, 10*time.Second)
	if e.Data["isCaller"] != false || e.Data["query"] != "door=1" {
		p.t.Errorf("ringing = %v", e.Data)
	}
	p.waitVisible("answer", 5*time.Second)
}

// wantEnd wants the last events of a room to be that one, with these members, and
// then endVoip and finishVoip.
func (p *phone) wantEnd(t *testing.T, room, name string, want map[string]any) voipEvent {
	t.Helper()
	p.waitEventOf("finishVoip", room, 5*time.Second)
	var all []voipEvent
	for _, e := range p.events() {
		if e.RoomID == room {
			all = append(all, e)
		}
	}
	if n := len(all); n < 3 || all[n-3].EventName != name || all[n-2].EventName != "endVoip" {
		t.Fatalf("the phone's events = %v", all)
	}
	end, over := all[len(all)-3], all[len(all)-2]
	for k, v := range want {
		if end.Data[k] != v {
			t.Errorf("%s = %v, want %s %v", name, end.Data, k, v)
		}
	}
	if over.Data["isCaller"] != false || over.Data["businessType"] != 1.0 || over.Data["callerName"] != "Front door" {
		t.Errorf("endVoip = %v", over.Data)
	}
	return end
}

// wantNoRing wants the page to have stopped ringing: it is back at home, or says how
// the call has ended.
func (p *phone) wantNoRing(t *testing.T) {
	t.Helper()
	p.home()
	if view := eval[string](p, `document.documentElement.dataset.view`); view != "home" && view != "end" {
		t.Errorf("the page shows %s", view)
	}
}

// TestRing: the device calls a phone. Its person answers, and both see and hear each
// other; then the device hangs up. The next calls are declined, and taken back.
func TestRing(t *testing.T) {
	deviceTone, phoneTone := twoTones()
	d := startDevice(t, deviceOptions{tone: deviceTone})
	p := startPhone(t, phoneOptions{tone: phoneTone})
	p.pair(d, "Anna")
	watch := d.watch()
	p.watchToasts()

	t.Run("answered", func(t *testing.T) {
		room := d.dial("video", "Anna").RoomID
		p.waitIncoming(room)
		p.screenshot("incoming")
		if focus := eval[string](p, `document.activeElement?.dataset.testid ?? ""`); focus != "answer" {
			t.Errorf("the focus is on %q, want answer", focus)
		}
		watch.find("ringing", room, 5*time.Second)
		p.click("answer")
		p.waitEventOf("startVoip", room, 15*time.Second)
		d.waitState("talking", 5*time.Second)
		p.watchVideo()
		p.listenForTones()
		time.Sleep(5 * time.Second) // 3 s of each, and what is still on its way
		p.screenshot("talking")
		checkSeen(t, p.seen(), 3, 0)
		checkShown(t, d, 3)
		if share := toneShare(d.recorded(2), phoneTone); share < 0.5 {
			t.Errorf("the phone's tone of %g Hz has %.0f %% of what the device plays", phoneTone, 100*share)
		}
		p.wantTone(t, deviceTone, true)
		ctl[any](d, "hangup")
		p.wantEnd(t, room, "hangUpVoip", map[string]any{"origin": "manual", "status": "endByCaller", "cause": "hangup"})
		p.wantNoRing(t)
		d.waitState("idle", 5*time.Second)
		if r := d.lastCall(); r.RoomID != room || r.Cause != "hangup" || r.Contact != "Anna" || r.TalkSeconds < 3 {
			t.Errorf("record = %+v", r)
		}
	})
	t.Run("declined", func(t *testing.T) {
		room := d.dial("voice", "Anna").RoomID
		p.waitIncoming(room)
		p.click("decline")
		end := p.wantEnd(t, room, "rejectVoip", map[string]any{"cause": "rejected", "status": "manual"})
		p.wantToast(t, "end_declined", end)
		p.wantNoRing(t)
		d.wantOver(t, watch, room, cause.Rejected)
	})
	t.Run("taken back by the device", func(t *testing.T) {
		room := d.dial("video", "Anna").RoomID
		p.waitIncoming(room)
		ctl[any](d, "hangup")
		p.wantEnd(t, room, "cancelVoip", map[string]any{"cause": "cancelled", "status": "other"})
		p.wantNoRing(t)
		d.wantOver(t, watch, room, cause.Cancelled)
	})
	t.Run("by keys", func(t *testing.T) {
		room := d.dial("voice", "Anna").RoomID
		p.waitIncoming(room)
		time.Sleep(time.Second) // keys that come at once are meant for what was there before
		p.press(kb.Enter)
		p.waitEventOf("startVoip", room, 15*time.Second)
		p.press(kb.Escape)
		p.wantEnd(t, room, "hangUpVoip", map[string]any{"origin": "manual", "status": "endByListener"})
		room = d.dial("voice", "Anna").RoomID
		p.waitIncoming(room)
		time.Sleep(time.Second)
		p.press(kb.Escape)
		p.wantEnd(t, room, "rejectVoip", map[string]any{"cause": "rejected"})
		d.waitState("idle", 5*time.Second)
	})
	t.Run("the page is hidden", func(t *testing.T) {
		eval[bool](p, hidden)
		room := d.dial("voice", "Anna").RoomID
		p.waitIncoming(room)
		eventually(t, 5*time.Second, "the title says who calls", func() bool {
			return strings.Contains(eval[string](p, `document.title`), "Front door")
		})
		p.waitTrue("the system's notice says who calls", `window.noticed === "Front door is calling"`)
		ctl[any](d, "hangup")
		p.waitEventOf("finishVoip", room, 5*time.Second)
		p.waitTrue("the title is the end's, and the notice has gone", `document.title === "Missed call from Front door. · callbox" && window.noticed === undefined`)
		d.waitState("idle", 5*time.Second)
	})
	t.Run("the page is opened anew while it rings", func(t *testing.T) {
		room := d.dial("voice", "Anna").RoomID
		p.waitIncoming(room)
		p.open(d.page())
		p.waitIncoming(room)
		p.click("decline")
		d.wantOver(t, watch, room, cause.Rejected)
	})
	t.Run("the page is opened by a message of the maker", func(t *testing.T) {
		p.open("about:blank")
		undo := p.before(slowWords)
		room := d.dial("voice", "Anna").RoomID
		p.open(d.page() + "?roomId=" + room)
		p.watchToasts()
		p.waitIncoming(room)
		p.click("decline")
		d.wantOver(t, watch, room, cause.Rejected)
		if said := eval[string](p, `JSON.stringify(window.said)`); strings.Contains(said, pageWords(t, "callOver")) {
			t.Errorf("before it rang, the page said %s", said)
		}
		undo()
		p.open("about:blank")
		p.open(d.page() + "?wokenBy=e2e&roomId=" + room)
		p.waitTrue("the page says whose call was missed", `document.querySelector(".toast")?.innerText.includes("Missed call from Front door.")`)
		if at := eval[string](p, `location.href`); at != d.page() {
			t.Errorf("the page is at %s", at)
		}
	})
}

// slowWords is JavaScript that holds back what a page says to devices in its first 2 s,
// as a mobile network does.
const slowWords = `(() => {
  const send = WebSocket.prototype.send;
  const quick = performance.now() + 2000;
  WebSocket.prototype.send = function (data) {
    const wait = quick - performance.now();
    if (wait > 0) setTimeout(() => send.call(this, data), wait);
    else send.call(this, data);
  };
})()`

// hidden is JavaScript that makes the page believe that nobody looks at it, and that
// the person has allowed notices; the last that is shown is in window.noticed.
const hidden = `(() => {
  Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
  document.hasFocus = () => false;
  // As on Android: only a service worker shows notices.
  window.Notification = class {
    static permission = "granted";
    constructor() { throw new TypeError("Illegal constructor"); }
  };
  ServiceWorkerRegistration.prototype.showNotification = async (title) => { window.noticed = title; };
  ServiceWorkerRegistration.prototype.getNotifications = async () => [{ close: () => { window.noticed = undefined; } }];
  return true;
})()`

// wantOver wants the device to know why its call was not taken.
func (d *device) wantOver(t *testing.T, w *watch, room string, want cause.Cause) {
	t.Helper()
	d.waitState("idle", 5*time.Second)
	if r := d.lastCall(); r.RoomID != room || r.Cause != string(want) || r.TalkSeconds != 0 {
		t.Errorf("record = %+v, want %s", r, want)
	}
	var data control.EndData
	if err := json.Unmarshal(w.find(want.Event(true), room, 5*time.Second).Data, &data); err != nil {
		t.Fatal(err)
	}
	if data.Cause != want {
		t.Errorf("the device publishes %+v, want %s", data, want)
	}
}

// TestRingTimeout: nobody answers. Both ends say timeout, and the page stops ringing.
func TestRingTimeout(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, ring: "3s"})
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(d, "Anna")
	watch := d.watch()
	p.watchToasts()
	begun := time.Now()
	room := d.dial("video", "Anna").RoomID
	p.waitIncoming(room)
	end := p.wantEnd(t, room, "timeout", map[string]any{"cause": "timeout", "status": "other"})
	// More than 3 s is the time in which the phone hears of it; without a limit it is 30 s.
	if rang := end.At.Sub(begun); rang < 2900*time.Millisecond || rang > 8*time.Second {
		t.Errorf("it rang for %v, want 3 s", rang)
	}
	p.wantToast(t, "end_missed", end)
	p.wantNoRing(t)
	d.wantOver(t, watch, room, cause.Timeout)
}

// TestRingTwo: the device calls two phones at once. One answers, and the other stops
// within a second, with answeredElsewhere.
func TestRingTwo(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440})
	anna := startPhone(t, phoneOptions{tone: 600})
	anna.pair(d, "Anna")
	bert := startPhone(t, phoneOptions{tone: 700})
	bert.pair(d, "Bert")
	started := d.dial("video", "Anna", "Bert")
	a := anna.waitEvent("ringing", 10*time.Second)
	b := bert.waitEvent("ringing", 10*time.Second)
	if a.RoomID == b.RoomID || (a.RoomID != started.RoomID && b.RoomID != started.RoomID) {
		t.Errorf("the rooms are %s and %s, the first is %s", a.RoomID, b.RoomID, started.RoomID)
	}
	anna.waitVisible("answer", 5*time.Second)
	bert.click("answer")
	start := bert.waitEventOf("startVoip", b.RoomID, 15*time.Second)
	end := anna.wantEnd(t, a.RoomID, "cancelVoip", map[string]any{"cause": "answeredElsewhere", "status": "other"})
	if late := end.At.Sub(start.At); late > time.Second {
		t.Errorf("the other phone stopped %v after the start", late)
	}
	anna.wantNoRing(t)
	d.waitState("talking", 5*time.Second)
	bert.click("hang-up")
	bert.wantEnd(t, b.RoomID, "hangUpVoip", map[string]any{"status": "endByListener"})
	d.waitState("idle", 5*time.Second)
	if r := d.lastCall(); r.RoomID != b.RoomID || r.Contact != "Bert" || r.Cause != "hangup" {
		t.Errorf("record = %+v", r)
	}
}

// pairOn pairs the page of another device with d.
func (p *phone) pairOn(page string, d *device, name string) {
	p.t.Helper()
	window := ctl[struct {
		URL string `json:"url"`
	}](d, "pair", "--name", name)
	_, fragment, _ := strings.Cut(window.URL, "#")
	p.open(page + "#" + fragment)
	p.click("pair-confirm")
	p.waitVisible("call-video", 15*time.Second)
}

// press presses a key.
func (p *phone) press(key string) {
	p.t.Helper()
	p.run(5*time.Second, chromedp.KeyEvent(key))
}

// TestRingOfOne: a phone that knows two devices is called by the one while it shows
// its home, and is busy to the other.
func TestRingOfOne(t *testing.T) {
	door := startDevice(t, deviceOptions{tone: 440})
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(door, "Anna")
	gate := startDevice(t, deviceOptions{tone: 440, sn: "gate", name: "Gate", origin: strings.TrimSuffix(door.page(), "/")})
	p.pairOn(door.page(), gate, "Anna")
	room := gate.dial("voice", "Anna").RoomID
	p.waitIncoming(room)
	if name := eval[string](p, `document.querySelector('[data-testid=device-name]').textContent`); name != "Gate" {
		t.Errorf("%q calls, want Gate", name)
	}
	second := door.dial("voice", "Anna").RoomID
	door.waitState("idle", 10*time.Second)
	if r := door.lastCall(); r.RoomID != second || r.Cause != "busy" {
		t.Errorf("record of the second = %+v", r)
	}
	p.click("answer")
	p.waitEventOf("startVoip", room, 15*time.Second)
	gate.waitState("talking", 5*time.Second)
	ctl[any](gate, "hangup")
	p.waitEventOf("finishVoip", room, 5*time.Second)
}
