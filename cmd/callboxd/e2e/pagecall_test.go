//go:build e2e

package e2e

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"callbox/daemon/control"
)

// moved is somebody who moves the mouse.
func moved() chromedp.Action[chromedp.Void] {
	return chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 20, 300)
}

func decode(ev control.Event, into any) error { return json.Unmarshal(ev.Data, into) }

// uiConfig: the app turns, mirrors and shapes both pictures, and takes the camera's
// button away.
func (s *pageTour) uiConfig(t *testing.T) {
	s.talk(t, "call-video")
	eval[any](s.p, `window.callbox.setUIConfig({
  callerUI: { cameraRotation: 90, aspectRatio: 1, horMirror: false, enableToggleCamera: false },
  listenerUI: { cameraRotation: 270, horMirror: true, vertMirror: true, aspectRatio: 0.5, objectFit: "contain" } })`)
	type box struct {
		Matrix        []float64
		Fit           string
		Width, Height float64
	}
	look := func(name string) box {
		return eval[box](s.p, `(() => {
  const video = document.querySelector("[data-testid=`+name+`]"), style = getComputedStyle(video), frame = video.parentElement.getBoundingClientRect();
  const { a, b, c, d } = new DOMMatrix(style.transform);
  return { matrix: [a, b, c, d].map(Math.round), fit: style.objectFit, width: frame.width, height: frame.height };
})()`)
	}
	s.p.run(pageSoon, moved())
	s.p.settle()
	// To the left by 90 degrees, then both ways mirrored: as if to the right.
	if b := look("remote-video"); !slices.Equal(b.Matrix, []float64{0, 1, -1, 0}) || b.Fit != "contain" || math.Abs(b.Height/b.Width-0.5) > 0.01 {
		t.Errorf("the device's picture is shown as %+v", b)
	}
	if b := look("local-video"); !slices.Equal(b.Matrix, []float64{0, 1, -1, 0}) || math.Abs(b.Height/b.Width-1) > 0.01 {
		t.Errorf("own picture is shown as %+v", b)
	}
	if eval[bool](s.p, `document.querySelector("[data-testid=camera]").offsetParent !== null`) {
		t.Error("the camera's button is shown, although the app does not want it")
	}
	// A camera that hangs on its side, as a door's may.
	eval[any](s.p, `window.callbox.setUIConfig({ listenerUI: { cameraRotation: 90, objectFit: "contain" } })`)
	s.see(t, "turned")
	eval[any](s.p, `window.callbox.setUIConfig({})`)
	s.p.settle()
	if b := look("remote-video"); !slices.Equal(b.Matrix, []float64{1, 0, 0, 1}) || b.Fit != "contain" {
		t.Errorf("without a wish, the device's picture is shown as %+v", b)
	}
	if b := look("local-video"); !slices.Equal(b.Matrix, []float64{-1, 0, 0, 1}) {
		t.Errorf("without a wish, own picture is shown as %+v, want a mirror", b)
	}
	s.endTalk(t)
}

// windows: what the browser itself has for a picture and its sound.
func (s *pageTour) windows(t *testing.T) {
	// One of the outputs is called as a phone calls its earpiece.
	eval[any](s.p, `(async () => {
  const real = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
  navigator.mediaDevices.enumerateDevices = async () => (await real()).map(({ kind, deviceId, label }, i, all) =>
    ({ kind, deviceId, label: kind === "audiooutput" && i === all.length - 1 ? "Headset earpiece" : label }));
  await window.callbox.setUIConfig({ handsFree: false });
})()`)
	s.talk(t, "call-video")
	s.p.waitTrue("the sound comes from the earpiece", `(() => {
  const list = document.querySelector("[data-testid=speaker]");
  return list.selectedOptions[0]?.label === "Headset earpiece" && document.querySelector("[data-testid=remote-video]").sinkId === list.value;
})()`)
	eval[any](s.p, `window.callbox.setUIConfig({})`)
	// The list is the browser's own: choosing in it is what its change event says.
	sink := eval[[]string](s.p, `(async () => {
  const list = document.querySelector("[data-testid=speaker]"), video = document.querySelector("[data-testid=remote-video]");
  list.value = list.options[1].value;
  list.dispatchEvent(new Event("change"));
  for (let i = 0; i < 50 && video.sinkId !== list.value; i++) await new Promise((r) => setTimeout(r, 20));
  return [list.value, video.sinkId, String(list.options.length), String(list.closest(".tool").hidden)];
})()`)
	if len(sink) != 4 || sink[0] == "" || sink[0] != sink[1] || sink[3] != "false" {
		t.Errorf("the loudspeaker that was chosen, the one that is used, how many, hidden: %q", sink)
	}
	s.p.click("full")
	s.p.waitTrue("the page fills the screen", `document.fullscreenElement`)
	s.see(t, "full screen", "left")
	s.p.press("f")
	s.p.waitTrue("it does not any more", `!document.fullscreenElement`)
	s.p.click("pip")
	s.p.waitTrue("the picture has a window of its own", `document.pictureInPictureElement?.dataset.testid === "remote-video"`)
	s.endTalk(t)
	s.p.waitTrue("that window goes with the call", `!document.pictureInPictureElement`)
}

// otherSide: what the device says of itself, and the end by its limit.
func (s *pageTour) otherSide(t *testing.T) {
	room := eval[string](s.p, `window.callbox.callDevice({ roomType: "video", timeLimit: 16, enableCallerCamera: false, enableListenerCamera: false }).then((r) => r.roomId)`)
	s.d.waitState("ringing", pageSoon)
	ctl[any](s.d, "answer")
	s.p.waitEventOf("startVoip", room, pageSoon)
	// All of that takes some of the 6 s until the warning, which stays for 7 s.
	s.p.waitTrue("the page says how good the connection is", `document.querySelector(".bars[data-quality]:not([data-quality='0'])")?.offsetParent`)
	ctl[any](s.d, "mute", "on")
	if eval[bool](s.p, `window.callbox.currentCall().camera`) {
		t.Error("this phone's camera is on, although the call did not want it")
	}
	s.p.waitTrue("the page says what is off", `document.querySelector("[data-testid=peer-muted]").offsetParent && document.querySelector(".remote-off")`)
	s.p.waitEventOf("limitWarning", room, 2*pageSoon)
	s.p.waitVisible("toast", pageSoon)
	s.see(t, "other side off", "remoteCameraOff", "remoteMuted", "limitWarning")
	s.p.waitVisible("end", 2*pageSoon)
	s.see(t, "end time limit", "timeUp", "talked")
	s.d.waitState("idle", pageSoon)
}

// secondTab: it looks on, and says where the call is.
func (s *pageTour) secondTab(t *testing.T) {
	room := s.talk(t, "call-video")
	tab := s.p.newTab(eval[string](s.p, `new URL(window.callbox.CALL_PAGE_PATH + "?roomId=`+room+`", location.href).href`))
	tab.wantSeesCall(t, room)
	other := &screens{p: tab, language: s.language, found: s.found, open: s.open}
	other.see(t, "second tab", "elsewhere")
	s.seen += other.seen
	// A third entry, in the first tab's own document, does not touch the call either.
	eval[any](s.p, `(history.pushState(null, "", window.callbox.CALL_PAGE_PATH + "?roomId=`+room+`"), dispatchEvent(new PopStateEvent("popstate")), true)`)
	if here := eval[bool](s.p, `window.callbox.currentCall().here && window.callbox.currentCall().phase === "talking"`); !here || s.d.status().Call.RoomID != room {
		t.Error("the call was disturbed")
	}
	tab.closeTab()
	s.endTalk(t)
}

// mediaLost: the device stands still for a while, and comes back.
func (s *pageTour) mediaLost(t *testing.T) {
	s.talk(t, "call-video")
	if err := s.d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer s.d.cmd.Process.Signal(syscall.SIGCONT)
	s.p.waitTrue("the page says that it reconnects", `document.querySelector("[data-state=reconnecting]")`)
	s.see(t, "reconnecting", "state_reconnecting")
	if err := s.d.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.p.waitTrue("the talk goes on", `document.querySelector("[data-state=talking]")`)
	s.endTalk(t)
}

func (s *pageTour) incoming(t *testing.T) {
	room := s.d.dial("video", "Anna").RoomID
	s.p.waitIncoming(room)
	s.see(t, "incoming video", "incomingVideo", "answer", "decline")
	s.p.click("answer")
	s.p.waitEventOf("startVoip", room, pageSoon)
	s.endTalk(t)
	room = s.d.dial("voice", "Anna").RoomID
	s.p.waitIncoming(room)
	s.see(t, "incoming voice", "incomingVoice", "answer", "decline")
	ctl[any](s.d, "hangup")
	s.p.waitVisible("end", pageSoon)
	s.see(t, "end missed", "end_missed", "done")
	s.d.waitState("idle", pageSoon)
	ctl[any](s.d, "dnd", "on")
	s.p.click("call-video")
	s.p.waitTrue("the page says that nobody wants to be disturbed", `document.documentElement.dataset.view === "end" && !document.querySelector(".call")`)
	s.see(t, "end do not disturb", "end_dnd")
	ctl[any](s.d, "dnd", "off")
	s.p.click("done")
	s.p.home()
}

// otherPage: an app calls on a document of its own, which is left for the call page.
// After the call that leads back to the app.
func (s *pageTour) otherPage(t *testing.T) {
	watch := s.d.watch()
	s.p.open(s.d.page() + "style.css") // a document of this origin without the page's script
	eval[bool](s.p, `import("/sdk.js").then(async (sdk) => {
  await sdk.setCustomBtnText("Gate");
  await sdk.setVoipEndPagePath({ key: "Call", url: "/icon.svg", options: "from=call" });
  await sdk.openCallPage({ roomType: "voice", customQuery: "order=7", payload: { table: 7 }, nickName: "Anna Smith", deviceName: "The door" });
  return true;
})`)
	s.d.waitState("ringing", pageSoon)
	room := s.d.status().Call.RoomID
	asked := string(watch.find("ringing", room, pageSoon).Data)
	if !strings.Contains(asked, `"order=7"`) || !strings.Contains(asked, `{"table":7}`) {
		t.Errorf("the device hears of the call with %s", asked)
	}
	ctl[any](s.d, "answer")
	s.p.waitEventOf("startVoip", room, pageSoon)
	if got := s.p.text("device-name") + ", " + s.p.text("door"); got != "The door, Gate" {
		t.Errorf("the call page shows %q, want what the app has said on its own page", got)
	}
	if at := eval[string](s.p, `location.pathname + location.search`); at != "/?roomId="+room {
		t.Errorf("the call page is at %s", at)
	}
	s.endTalk(t)
	end := s.p.waitEventOf("endVoip", room, pageSoon)
	if end.Data["callerName"] != "Anna Smith" || end.Data["listenerName"] != "The door" {
		t.Errorf("endVoip = %v", end.Data)
	}
	s.wantWords(t, "the end of an app's call", "end_manualDevice")
	s.p.click("done")
	s.p.waitTrue("the app's own page is shown", `location.pathname + location.search === "/icon.svg?from=call"`)
	s.p.open(s.d.page() + "style.css")
	eval[bool](s.p, `(sessionStorage.clear(), true)`)
	s.p.open(s.d.page())
	s.p.home()
}

// noCamera: the person, or the browser, gives the page neither microphone nor camera.
func (s *pageTour) noCamera(t *testing.T) {
	undo := s.p.before(`navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotAllowedError"); }`)
	s.p.open(s.d.page())
	s.p.home()
	s.talk(t, "call-video")
	s.p.run(pageSoon, moved())
	s.see(t, "media denied", "micDenied", "cameraDenied")
	s.endTalk(t)
	undo()
	s.p.open(s.d.page())
	s.p.home()
}

// rights: they are shown as they are now, and what is not allowed is not offered.
func (s *pageTour) rights(t *testing.T) {
	ctl[any](s.d, "contacts", "set", "Anna", "--rights", "beCalled")
	s.p.open(s.d.page())
	s.p.waitTrue("the page says that this phone may not call", `document.querySelector(".why:not(:empty)") && !document.querySelector("[data-testid=call-video]").offsetParent`)
	eval[bool](s.p, `document.querySelector("[data-testid=more]").open = true`)
	s.see(t, "may not call", "mayNotCall", "right_beCalled")
	if code := s.p.try(`window.callbox.callDevice({ roomType: "voice" })`); code != "ok" {
		t.Errorf("callDevice: %s; the device is there, so its word comes as an event", code)
	}
	s.p.waitEvent("rejectVoip", pageSoon)
	s.p.waitVisible("end", pageSoon)
	s.see(t, "end forbidden", "end_forbidden")
	ctl[any](s.d, "contacts", "set", "Anna", "--rights", "call,beCalled")
	s.p.open(s.d.page())
	s.p.home()
}

// trouble: a device that is away, one that has removed this phone, and one whose key
// is another.
func (s *pageTour) trouble(t *testing.T) {
	s.talk(t, "call-video")
	ctl[any](s.d, "contacts", "revoke", "Anna")
	s.p.waitVisible("end", pageSoon)
	if eval[bool](s.p, `document.querySelector("[data-testid=call-video]").offsetParent !== null`) {
		t.Error("the page offers to call again, which the device would refuse")
	}
	s.see(t, "end revoked", "end_revoked")
	gate := startDevice(t, deviceOptions{tone: 440, sn: "gate", name: "Garden gate", origin: strings.TrimSuffix(s.d.page(), "/")})
	s.p.pairOn(s.d.page(), gate, "Anna")
	gate.stop()
	s.p.open(s.d.page())
	s.p.waitTrue("the page says that a device is away", `document.querySelector("[data-link=down], [data-link=connecting]")`)
	s.p.run(pageSoon, chromedp.Click(chromedp.CSS(`article:has([data-link=down], [data-link=connecting]) [data-testid=call-video]`)))
	s.p.waitVisible("end", 2*pageSoon)
	s.see(t, "end unreachable", "end_unreachable", "done")
	s.p.click("done")
	s.p.waitTrue("the page says that the other does not answer", `document.querySelector(".why:not(:empty)")`)
	s.see(t, "home away and removed", "homeMany", "removed", "link_removed")
	s.d.restart(func() {
		if err := os.RemoveAll(s.d.dir + "/state"); err != nil {
			t.Fatal(err)
		}
	})
	s.p.open(s.d.page())
	s.p.waitTrue("the page says that the key has changed", `document.querySelector("[data-link=keyChanged]")`)
	s.see(t, "home another key", "link_keyChanged")
	forget := chromedp.CSS(`article:has([data-link=keyChanged]) [data-testid=forget]`)
	s.p.run(pageSoon, chromedp.Click(forget))
	s.see(t, "home forget", "forgetSure")
	s.p.run(pageSoon, chromedp.Click(forget))
	s.p.waitTrue("the device is forgotten", `document.querySelectorAll("article").length === 1`)
}
