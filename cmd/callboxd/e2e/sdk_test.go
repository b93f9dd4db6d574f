//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// hear registers a listener of the SDK's events, which collects them.
func (p *phone) hear() {
	p.t.Helper()
	eval[bool](p, `(window.heard = [], window.deaf = window.callbox.onVoipEvent((e) => window.heard.push(e)), true)`)
}

// heard returns what the listener has heard.
func (p *phone) heard() []voipEvent {
	p.t.Helper()
	return eval[[]voipEvent](p, `window.heard`)
}

// try runs an asynchronous function of the SDK and returns the code of its failure,
// or "ok".
func (p *phone) try(expression string) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf(`(async () => { try { await %s; return "ok"; } catch (e) { return e.code ?? String(e); } })()`, expression))
}

// TestSDK: an app on the page hears the events of a call, and ends it; a second tab
// was opened for its room. Each of the two calls while the other is idle, and neither
// while the other is in a call, which ends when its page is closed.
func TestSDK(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440})
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(d, "Anna")
	watch := d.watch()
	p.hear()

	called := eval[struct {
		RoomID  string `json:"roomId"`
		GroupID string `json:"groupId"`
	}](p, `window.callbox.callDevice({ roomType: "voice" })`)
	room := called.RoomID
	if room == "" || called.GroupID != room {
		t.Fatalf("callDevice returned %+v", called)
	}
	d.waitState("ringing", 10*time.Second)
	ctl[any](d, "answer")
	p.waitEventOf("startVoip", room, 10*time.Second)
	d.waitState("talking", 5*time.Second)

	second := p.newTab(eval[string](p, `new URL(window.callbox.CALL_PAGE_PATH + "?roomId=`+room+`&customQuery=a%20b", location.href).href`))
	second.wantSeesCall(t, room)
	second.hear()
	if got, want := eval[string](second, `JSON.stringify(window.callbox.getPluginOnloadOptions())`),
		fmt.Sprintf(`{"path":"/","query":{"roomId":%q,"customQuery":"a b"}}`, room); got != want {
		t.Errorf("getPluginOnloadOptions() = %s, want %s", got, want)
	}

	for _, call := range []string{
		`callDevice({ roomType: "voice" })`,
		`pair({ sn: "e2e", dkt: "A".repeat(43), secret: "A".repeat(22), endpoints: [] }, "Bert")`,
		`setMic(false)`,
	} {
		if code := second.try("window.callbox." + call); code != "otherTab" {
			t.Errorf("%s beside a call in another tab: %s, want otherTab", call, code)
		}
	}
	if s := d.status(); s.State != "talking" || s.Call.RoomID != room || !eval[bool](p, `window.callbox.currentCall().here && window.callbox.currentCall().mic`) {
		t.Fatalf("the second tab has disturbed the call: the device is %s", s.State)
	}

	if code := p.try(`window.callbox.forceHangUpVoip("another")`); code != "noCall" {
		t.Errorf("forceHangUpVoip of another room: %s, want noCall", code)
	}
	if s := d.status(); s.State != "talking" {
		t.Fatalf("forceHangUpVoip of another room made the device %s", s.State)
	}
	if code := p.try(fmt.Sprintf(`window.callbox.forceHangUpVoip(%q)`, room)); code != "ok" {
		t.Errorf("forceHangUpVoip: %s", code)
	}
	d.wantForced(t, p, watch, room)
	p.waitEventOf("finishVoip", room, 5*time.Second)
	wantHeard(t, "the listener", p.heard(), p.events(), "joinedRoomByCaller")
	second.waitEventOf("finishVoip", room, 5*time.Second)
	wantHeard(t, "the listener in the second tab", second.heard(), second.events(), "hangUpVoip")

	// The next call is ended by the second tab, whose app does not know its room; a
	// listener that was taken away hears nothing of it.
	eval[bool](p, `(window.deaf(), window.heard = [], true)`)
	again := eval[string](p, `window.callbox.callDevice({ roomType: "voice" }).then((r) => r.roomId)`)
	d.waitState("ringing", 10*time.Second)
	ctl[any](d, "answer")
	second.waitEventOf("startVoip", again, 10*time.Second)
	if code := second.try(`window.callbox.forceHangUpVoip()`); code != "ok" {
		t.Errorf("forceHangUpVoip in the second tab: %s", code)
	}
	d.wantForced(t, p, watch, again)
	if n := len(p.heard()); n > 0 {
		t.Errorf("a listener that was taken away heard %d events", n)
	}

	// The tab that is idle gives the connections away; that of the call is then closed, and
	// after it the first one is left in a call of its own.
	third := second.callAsApp(d)
	p.wantSeesCall(t, third)
	if code := p.try(`window.callbox.callDevice({ roomType: "voice" })`); code != "otherTab" {
		t.Errorf("callDevice beside the call of the second tab: %s, want otherTab", code)
	}
	second.closeTab()
	d.wantUnloaded(t, watch, third)
	last := p.callAsApp(d)
	p.run(10*time.Second, chromedp.Navigate("about:blank"))
	d.wantUnloaded(t, watch, last)
}

// callAsApp calls the device and answers there.
func (p *phone) callAsApp(d *device) (room string) {
	p.t.Helper()
	room = eval[string](p, `window.callbox.callDevice({ roomType: "voice" }).then((r) => r.roomId)`)
	d.waitState("ringing", 10*time.Second)
	ctl[any](d, "answer")
	p.waitEventOf("startVoip", room, 10*time.Second)
	d.waitState("talking", 5*time.Second)
	return room
}

// wantUnloaded wants the device to learn from the page of a call, which has just been
// closed, that it is gone.
func (d *device) wantUnloaded(t *testing.T, w *watch, room string) {
	t.Helper()
	var data map[string]any
	if err := json.Unmarshal(w.find("hangUpVoip", room, 5*time.Second).Data, &data); err != nil {
		t.Fatal(err)
	}
	if data["origin"] != "unloadCallPage" || data["status"] != "endByCaller" {
		t.Errorf("hangUpVoip on the device = %v", data)
	}
	d.waitState("idle", 5*time.Second)
	if r := d.lastCall(); r.RoomID != room || r.Cause != "hangup" || r.Origin != "unloadCallPage" {
		t.Errorf("record = %+v", r)
	}
}

// wantForced wants both ends to know that an app has ended a call.
func (d *device) wantForced(t *testing.T, p *phone, w *watch, room string) {
	t.Helper()
	e := p.waitEventOf("hangUpVoip", room, 5*time.Second)
	if e.Data["origin"] != "forceFromApp" || e.Data["status"] != "endByCaller" {
		t.Errorf("hangUpVoip on the phone = %v", e.Data)
	}
	var data map[string]any
	if err := json.Unmarshal(w.find("hangUpVoip", room, 5*time.Second).Data, &data); err != nil {
		t.Fatal(err)
	}
	if data["origin"] != "forceFromApp" || data["status"] != "endByCaller" {
		t.Errorf("hangUpVoip on the device = %v", data)
	}
	d.waitState("idle", 5*time.Second)
	if r := d.lastCall(); r.RoomID != room || r.Cause != "hangup" || r.Origin != "forceFromApp" {
		t.Errorf("record = %+v", r)
	}
}

// wantHeard wants a listener to have heard what the log of events has, one by one,
// from the first event of that name on.
func wantHeard(t *testing.T, who string, heard, logged []voipEvent, first string) {
	t.Helper()
	for len(logged) > 0 && logged[0].EventName != first {
		logged = logged[1:]
	}
	for len(heard) > 0 && heard[0].EventName != first {
		heard = heard[1:]
	}
	for i := range logged {
		logged[i].At = time.Time{}
	}
	if len(heard) < 3 || !reflect.DeepEqual(heard, logged) {
		t.Errorf("%s heard\n%+v\nthe log has\n%+v", who, heard, logged)
	}
}
