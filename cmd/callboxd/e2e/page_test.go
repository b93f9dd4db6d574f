//go:build e2e

package e2e

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

// pageTour is one device and one phone that go through all that the call page shows.
// Each part leaves the page at home, or at the end of a call.
type pageTour struct {
	*screens
	d *device
	p *phone
}

// TestPage goes through every screen and state of the call page: what it shows and
// does is checked, axe looks at it, and pictures of it are kept in build/screens.
func TestPage(t *testing.T) {
	for _, tour := range tours {
		language := tour.language
		t.Run(language, func(t *testing.T) {
			d := startDevice(t, deviceOptions{tone: 440, width: 1280, height: 720, call: "  max_duration: 90s"})
			p := startPhone(t, phoneOptions{tone: 600, language: language})
			tour := &pageTour{screens: &screens{p: p, language: language, found: map[string]int{}, open: map[string]int{}}, d: d, p: p}
			for _, part := range []struct {
				name string
				run  func(*testing.T)
			}{
				{"before a device", tour.beforeADevice},
				{"pairing and home", tour.pairing},
				{"calling", tour.calling},
				{"talking", tour.talking},
				{"the door", tour.door},
				{"how pictures are shown", tour.uiConfig},
				{"windows", tour.windows},
				{"the other side", tour.otherSide},
				{"a second tab", tour.secondTab},
				{"media is lost", tour.mediaLost},
				{"incoming", tour.incoming},
				{"a call from another page", tour.otherPage},
				{"no camera", tour.noCamera},
				{"rights", tour.rights},
				{"trouble", tour.trouble},
			} {
				if !t.Run(part.name, part.run) {
					break // what follows begins where this ends
				}
			}
			tour.report()
		})
	}
}

// beforeADevice: pages on which calls are impossible, and one that knows no device.
func (s *pageTour) beforeADevice(t *testing.T) {
	for name, problem := range map[string]struct {
		script string
		words  []string
	}{
		"insecure":    {`Object.defineProperty(globalThis, "isSecureContext", { value: false }); delete Navigator.prototype.mediaDevices`, []string{"insecureTitle", "insecureStep", "insecureOpen"}},
		"old browser": {`delete globalThis.RTCPeerConnection`, []string{"browserTitle", "browserText"}},
	} {
		undo := s.p.before(problem.script)
		s.p.open(s.d.page())
		s.p.waitVisible("problem", pageSoon)
		s.see(t, "problem "+name, problem.words...)
		undo()
	}
	s.p.open(s.d.page())
	s.p.waitVisible("no-device", pageSoon)
	s.see(t, "no device", "homeNoneTitle", "homeNoneText", "pasteLabel")
}

func (s *pageTour) pairing(t *testing.T) {
	window := ctl[struct {
		URL string `json:"url"`
	}](s.d, "pair", "--name", "Anna", "--rights", "call,beCalled,unlock", "--force")
	s.p.open(window.URL)
	s.p.waitVisible("pair-confirm", pageSoon)
	s.see(t, "pairing", "pairTitle", "pairText", "pairNameHint", "pairConfirm")
	s.p.click("pair-confirm")
	s.p.home()
	s.p.waitTrue("the device has said what this phone may do", `document.querySelectorAll(".rights .yes").length === 3`)
	s.see(t, "paired", "paired", "link_up", "mayDo")
	eval[bool](s.p, `(document.querySelector("[data-testid=more]").open = true, document.querySelector(".toast-close")?.click(), true)`)
	s.see(t, "home", "link_up", "videoCall", "voiceCall", "right_unlock", "forget")
	list := eval[[]struct {
		Name   string   `json:"name"`
		State  string   `json:"state"`
		Status int      `json:"status"`
		Rights []string `json:"rights"`
	}](s.p, `window.callbox.getIotBindContactList().then((r) => r.contact_list)`)
	if len(list) != 1 || list[0].Name != "Front door" || list[0].Status != 1 || strings.Join(list[0].Rights, " ") != "call beCalled unlock" || list[0].State != "up" {
		t.Errorf("getIotBindContactList() = %+v", list)
	}
}

// calling: until somebody answers, and that nobody does.
func (s *pageTour) calling(t *testing.T) {
	eval[bool](s.p, `(window.realMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices),
  navigator.mediaDevices.getUserMedia = (c) => new Promise((go) => { window.allow = () => go(window.realMedia(c)); }), true)`)
	s.p.click("call-video")
	s.p.waitTrue("the page says what the browser asks for", `document.querySelector("[data-testid=notice]").innerText`)
	s.see(t, "preparing", "state_preparing", "permission")
	eval[bool](s.p, `(navigator.mediaDevices.getUserMedia = window.realMedia, window.allow(), true)`)
	s.d.waitState("ringing", pageSoon)
	s.p.waitTrue("the page says that it rings", `document.querySelector("[data-state=ringing]")`)
	s.see(t, "ringing video", "state_ringing", "hangUp")
	ctl[any](s.d, "reject")
	s.p.waitVisible("end", pageSoon)
	s.see(t, "end declined", "end_rejected", "done")
	if focus := eval[string](s.p, `document.activeElement.dataset.testid ?? ""`); focus != "end-why" {
		t.Errorf("the focus is on %q", focus)
	}
	if title, why := eval[string](s.p, `document.title`), s.p.text("end-why"); title != why+" · callbox" {
		t.Errorf("the page's title is %q, want %q in it", title, why)
	}

	s.p.click("call-voice")
	s.d.waitState("ringing", pageSoon)
	s.p.waitTrue("the page says that it rings", `document.querySelector("[data-state=ringing]")`)
	s.see(t, "ringing voice", "state_ringing", "hangUp")
	s.p.click("hang-up")
	s.p.waitTrue("the page is at home", `document.documentElement.dataset.view === "home"`)
	s.see(t, "cancelled", "end_cancelled", "link_up")
	s.d.waitState("idle", pageSoon)
}

// talk begins a talk and waits until its picture is there.
func (s *pageTour) talk(t *testing.T, button string) (room string) {
	t.Helper()
	room = s.p.call(s.d, button)
	s.p.waitTrue("the other side has said how it is", `window.callbox.currentCall()?.remote`)
	if button == "call-video" {
		s.p.waitTrue("the picture is there", `document.querySelector(".has-picture")`)
	}
	return room
}

// endTalk ends a talk at the device and waits for its last page.
func (s *pageTour) endTalk(t *testing.T) {
	t.Helper()
	ctl[any](s.d, "hangup")
	s.p.waitVisible("end", pageSoon)
	s.d.waitState("idle", pageSoon)
}

// talking: what is shown in a talk, that it hides, keys, and the end.
func (s *pageTour) talking(t *testing.T) {
	room := s.talk(t, "call-video")
	s.p.run(pageSoon, moved())
	s.see(t, "talking video", "left", "mute", "openDoor")
	if shown := s.p.text("remaining"); !strings.Contains(shown, "1:") {
		t.Errorf("the page says %q of the time that is left", shown)
	}
	shows := 0
	for _, e := range s.p.events() {
		if e.EventName == "callPageOnShow" && e.RoomID == room {
			shows++
			if caller, _ := e.Data["callerId"].(string); !strings.HasPrefix(caller, "p.") || e.Data["listenerId"] != "d.e2e" {
				t.Errorf("callPageOnShow = %v", e.Data)
			}
		}
	}
	if shows != 1 {
		t.Errorf("the SDK has said %d times that the call page is shown, want once", shows)
	}
	s.wantFocusOrder(t)
	s.p.press("m")
	s.p.press("v")
	s.p.waitTrue("microphone and camera are off", `document.querySelector("[data-testid=mute].off") && document.querySelector("[data-testid=camera].off")`)
	s.see(t, "talking muted", "unmute")
	s.p.press("m")
	s.p.press("v")
	s.p.waitTrue("both are on again", `!document.querySelector(".round.off")`)
	eval[bool](s.p, `(document.elementFromPoint(...(({ x, y, width, height }) => [x + width / 2, y + height / 2])(document.querySelector("[data-testid=mute] + .caption").getBoundingClientRect())).click(), true)`)
	s.p.waitTrue("the word below a button is part of it", `document.querySelector("[data-testid=mute].off")`)
	s.p.press("m")
	s.p.waitTrue("it is on again", `!document.querySelector(".round.off")`)
	s.wantReadable(t)
	s.letters(t)
	s.whole(t)
	s.p.waitTrue("the controls hide", `document.querySelector("[data-testid=call].quiet")`)
	s.see(t, "talking quiet")
	s.p.run(pageSoon, moved())
	s.p.waitTrue("they show when something moves", `!document.querySelector("[data-testid=call].quiet")`)
	s.endTalk(t)
	s.see(t, "end talked", "end_manualDevice", "talked", "videoCall")
	if s.p.text("end-time") == "" {
		t.Error("the end does not say how long the talk was")
	}

	s.talk(t, "call-voice")
	s.see(t, "talking voice", "left", "mute")
	s.endTalk(t)
}

// letters: whoever does not want single letters to do something switches them off.
func (s *pageTour) letters(t *testing.T) {
	t.Helper()
	eval[bool](s.p, `(localStorage.setItem("callbox.letterKeys", "off"), true)`)
	s.p.press("m")
	time.Sleep(200 * time.Millisecond)
	if eval[bool](s.p, `Boolean(document.querySelector(".round.off"))`) {
		t.Error("a letter that was switched off does something")
	}
	eval[bool](s.p, `(localStorage.removeItem("callbox.letterKeys"), true)`)
}

// fitted is JavaScript: how the device's picture is shown.
const fitted = `getComputedStyle(document.querySelector("[data-testid=remote-video]")).objectFit`

// whole: on a phone that is held upright a wide picture is shown whole, on a desktop it
// fills the page; what a button or a key chooses stays for the call.
func (s *pageTour) whole(t *testing.T) {
	t.Helper()
	for _, l := range looks {
		s.p.show(l)
		want := "cover"
		if l.size == "phone" {
			want = "contain"
		}
		s.p.waitTrue("on a "+l.size+" the picture is shown by "+want, fitted+` === "`+want+`"`)
	}
	s.p.show(looks[0])
	s.p.waitTrue("the picture is whole", fitted+` === "contain"`)
	s.p.click("fit")
	s.p.waitTrue("the button changes it", fitted+` === "cover"`)
	s.p.press("w")
	s.p.waitTrue("the key changes it back", fitted+` === "contain"`)
	s.p.show(looks[1])
	s.p.waitTrue("what was chosen stays", fitted+` === "contain"`)
	s.p.show(looks[0])
	eval[bool](s.p, `(document.querySelector(".call").focus(), true)`)
}

// wantFocusOrder wants the tab key to lead through the controls from top to bottom,
// beginning at the call itself.
func (s *pageTour) wantFocusOrder(t *testing.T) {
	t.Helper()
	const focus = `document.activeElement?.dataset.testid ?? document.activeElement?.tagName`
	want := []string{"call", "fit", "speaker", "pip", "full", "door", "mute", "camera", "hang-up"}
	got := []string{eval[string](s.p, focus)}
	for len(got) < len(want) {
		s.p.press(kb.Tab)
		got = append(got, eval[string](s.p, focus))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the focus goes to %q, want %q", got, want)
	}
	eval[bool](s.p, `(document.querySelector(".call").focus(), true)`)
}

// door: the button asks the device, which says whether it was done.
func (s *pageTour) door(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var opened, refuse atomic.Int64
	local := client.New(s.d.socket)
	listening := make(chan struct{})
	go func() {
		_ = local.Watch(ctx, client.WatchOptions{Handle: true}, func(ev control.Event) error {
			switch ev.Name {
			case control.EventStatus:
				close(listening)
			case control.EventUnlock, control.EventData:
				var data struct {
					ID string `json:"id"`
				}
				if err := decode(ev, &data); err != nil {
					return err
				}
				if ev.Name == control.EventUnlock {
					opened.Add(1)
				}
				answer := control.DataAnswer{ID: data.ID}
				if refuse.Load() > 0 {
					answer.Error = "forbidden"
				}
				return local.AnswerData(ctx, answer)
			}
			return nil
		})
	}()
	<-listening
	s.talk(t, "call-video")
	s.p.click("door")
	s.p.waitTrue("the page says that it was done", `document.querySelector("[data-testid=door][data-state=done]")`)
	s.see(t, "door opened", "doorDone")
	if n := opened.Load(); n != 1 {
		t.Errorf("the door was opened %d times", n)
	}
	refuse.Store(1)
	s.p.waitTrue("the button can be pressed again", `document.querySelector("[data-testid=door][data-state=idle]")`)
	s.p.click("door")
	s.p.waitVisible("toast", pageSoon)
	s.see(t, "door refused", "door_forbidden")
	// No single letter opens a door or ends a call.
	before := opened.Load()
	for _, letter := range []string{"d", "D", "h", "H"} {
		s.p.press(letter)
	}
	time.Sleep(300 * time.Millisecond)
	if opened.Load() != before || !eval[bool](s.p, `document.documentElement.dataset.view === "call"`) {
		t.Error("a letter has opened the door or ended the call")
	}

	// The app's own button and its data, which needs no right; then none at all.
	refuse.Store(0)
	eval[any](s.p, `window.callbox.setCustomBtnText("Light", { payload: { light: true } })`)
	s.p.waitTrue("the button has the app's text", `document.querySelector("[data-testid=door]").innerText === "Light"`)
	s.p.click("door")
	s.p.waitTrue("the light is on", `document.querySelector("[data-testid=door][data-state=done]")`)
	eval[any](s.p, `window.callbox.setCustomBtnText("")`)
	s.p.waitTrue("there is no button", `document.querySelector(".door-box").hidden`)
	if n := opened.Load(); n != 2 {
		t.Errorf("the door was asked for %d times, want twice", n)
	}
	eval[any](s.p, `(sessionStorage.clear(), true)`)
	s.endTalk(t)
	s.p.click("done")
	s.p.waitTrue("the page is at home", `document.documentElement.dataset.view === "home"`)
	s.p.open(s.d.page()) // which has forgotten what the app said
	s.p.home()
	s.d.waitState("idle", pageSoon)
}
