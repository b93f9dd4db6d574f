//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPageStates shows what TestPage's one device and one phone cannot: several
// devices and tabs, ends that take their time, and networks that are not well.
func TestPageStates(t *testing.T) {
	for _, tour := range stateTours {
		t.Run(tour.language, func(t *testing.T) { pageStates(t, tour.language) })
	}
}

func pageStates(t *testing.T, language string) {
	// Somebody looks at a page that rings, in all looks, before it is answered.
	d := startDevice(t, deviceOptions{tone: 440, ring: "12s"})
	gate := startDevice(t, deviceOptions{tone: 440, sn: "gate", name: "Garden gate", origin: strings.TrimSuffix(d.page(), "/"), noDisplay: true})
	p := startPhone(t, phoneOptions{tone: 600, cameras: 2, language: language})
	s := &pageTour{screens: &screens{p: p, language: language, found: map[string]int{}, open: map[string]int{}}, d: d, p: p}
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"an iPhone that pairs", s.iPhone},
		{"a link that is over", s.overLink},
		{"a device of another version", s.otherVersion},
		{"two devices", func(t *testing.T) { s.twoDevices(t, gate) }},
		{"a call comes in while a name is typed", s.whilePairing},
		{"another tab", s.otherTab},
		{"two cameras, a weak network and a device without sound", s.twoCameras},
		{"nothing to speak into", s.nothingPlugged},
		{"nobody answers", s.nobody},
		{"busy", s.busy},
		{"media never connects", s.noMedia},
		{"the device restarts", s.deviceRestarts},
		{"the connection is lost", s.lost},
	} {
		if !t.Run(part.name, part.run) {
			break // what follows begins where this ends
		}
	}
	s.report()
}

// asIPhone is JavaScript that makes the page believe that it is open in Safari on one.
const asIPhone = `Object.defineProperty(navigator, "userAgent", { get: () => "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1" })`

// iPhone: the page has to be put on the home screen before it is paired.
func (s *pageTour) iPhone(t *testing.T) {
	undo := s.p.before(asIPhone)
	s.p.open(s.pairLink("Anna"))
	s.p.waitVisible("install-first", pageSoon)
	s.see(t, "pairing on an iPhone", "installTitle", "installText", "copyLink", "pairConfirm")
	undo()
	s.p.open("about:blank")
}

// versions is JavaScript that makes each device say that it speaks another version.
const versions = `(() => {
  const parse = JSON.parse;
  JSON.parse = (...a) => {
    const value = parse(...a);
    if (Array.isArray(value?.versions)) value.versions = ["callbox/9"];
    return value;
  };
})()`

// otherVersion: the page says who has to be renewed, and offers no call.
func (s *pageTour) otherVersion(t *testing.T) {
	undo := s.p.before(versions)
	s.p.open(s.d.page())
	s.p.waitTrue("the page says that the device speaks another version", `document.querySelector("[data-link=unsupported]")`)
	s.see(t, "home another version", "link_unsupported")
	if eval[bool](s.p, `document.querySelector("[data-testid=call-video]").offsetParent !== null`) {
		t.Error("the page offers a call that cannot be")
	}
	undo()
	s.p.open(s.d.page())
	s.p.home()
}

// callFirst presses a button of the first device.
func (s *pageTour) callFirst() {
	s.p.t.Helper()
	s.p.clickCall(s.d, "call-video") // shown when the device is connected
}

// overLink: a pairing link works until there is another.
func (s *pageTour) overLink(t *testing.T) {
	over, now := s.pairLink("Anna"), s.pairLink("Anna")
	s.p.open(over)
	s.p.click("pair-confirm")
	s.p.waitVisible("toast", 2*pageSoon)
	s.see(t, "pairing refused", "error_pairRefused", "pairConfirm")
	s.p.open("about:blank")
	s.p.open(now)
	s.p.click("pair-confirm")
	s.p.home()
}

// pairLink opens a pairing window on the device, in place of any other.
func (s *pageTour) pairLink(name string) string {
	s.p.t.Helper()
	return ctl[struct {
		URL string `json:"url"`
	}](s.d, "pair", "--name", name, "--force").URL
}

func (s *pageTour) twoDevices(t *testing.T, gate *device) {
	s.p.pairOn(s.d.page(), gate, "Anna")
	s.p.waitTrue("both are connected", `document.querySelectorAll("[data-link=up]").length === 2`)
	s.p.waitTrue("the toast has gone", `!document.querySelector(".toast")`)
	s.see(t, "home two devices", "homeMany", "link_up")
}

// whilePairing: what was typed is there again when the call is over.
func (s *pageTour) whilePairing(t *testing.T) {
	link := s.pairLink("Bert")
	s.p.open("about:blank")
	s.p.open(link)
	s.p.waitVisible("pair-name", pageSoon)
	eval[bool](s.p, `(document.querySelector("[data-testid=pair-name]").value = "Bert's old phone", true)`)
	room := s.d.dial("voice", "Anna").RoomID
	s.p.waitIncoming(room)
	ctl[any](s.d, "hangup")
	s.p.waitVisible("pair-name", pageSoon)
	if typed := eval[string](s.p, `document.querySelector("[data-testid=pair-name]").value`); typed != "Bert's old phone" {
		t.Errorf("after the call the name is %q", typed)
	}
	s.d.waitState("idle", pageSoon)
	s.p.open("about:blank")
	s.p.open(s.d.page())
	s.p.home()
}

// otherTab: a second tab says which one is connected, and where a call would run.
func (s *pageTour) otherTab(t *testing.T) {
	s.p.waitTrue("the device is connected", `document.querySelector("[data-link=up]")`)
	tab := s.p.newTab(s.d.page())
	defer tab.closeTab()
	other := &screens{p: tab, language: s.language, found: s.found, open: s.open}
	tab.waitTrue("the second tab says that the first is connected", `document.querySelectorAll("[data-link=closed]").length === 2`)
	other.see(t, "home connected in another tab", "link_closed")
	room := s.d.dial("video", "Anna").RoomID
	s.p.waitIncoming(room)
	tab.waitVisible("answer", pageSoon)
	other.see(t, "incoming in another tab", "ringsElsewhere", "incomingVideo", "answer")
	tab.click("decline")
	s.d.waitState("idle", pageSoon)
	s.seen += other.seen
}

// weaken is JavaScript that makes each word of the other side say that its connection is
// very weak, and that it cannot hear.
const weaken = `(() => {
  const parse = JSON.parse;
  JSON.parse = (...a) => {
    const value = parse(...a);
    if (value && typeof value === "object" && "quality" in value) Object.assign(value, { quality: 1, speaker: false });
    return value;
  };
})()`

// twoCameras: the other one is shown when the button is pressed; and the page says
// that the connection is weak, and that the device is deaf.
func (s *pageTour) twoCameras(t *testing.T) {
	undo := s.p.before(weaken)
	s.p.open(s.d.page())
	s.callFirst()
	s.d.waitState("ringing", pageSoon)
	ctl[any](s.d, "answer")
	s.p.waitTrue("the picture is there", `document.querySelector(".has-picture")`)
	s.p.waitVisible("flip", pageSoon)
	s.p.waitTrue("the page says that the connection is weak", `document.querySelector("[data-testid=quality]")?.dataset.quality === "1"`)
	s.p.run(pageSoon, moved())
	s.see(t, "talking two cameras weak network", "flip", "weak", "remoteDeaf")
	const camera = `(window.callbox.localStream()?.getVideoTracks()[0]?.getSettings().deviceId ?? "")`
	before := eval[string](s.p, camera)
	s.p.click("flip")
	s.p.waitTrue("another camera is open", camera+` !== "" && `+camera+` !== "`+before+`"`)
	undo()
	s.endTalk(t)
	s.p.open(s.d.page())
}

// nothingPlugged: a computer without microphone and camera calls all the same.
func (s *pageTour) nothingPlugged(t *testing.T) {
	undo := s.p.before(`navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotFoundError"); }`)
	s.p.open(s.d.page())
	s.callFirst()
	s.d.waitState("ringing", pageSoon)
	ctl[any](s.d, "answer")
	s.p.waitTrue("the picture is there", `document.querySelector(".has-picture")`)
	s.p.run(pageSoon, moved())
	s.see(t, "talking without microphone", "micMissing", "cameraMissing")
	s.endTalk(t)
	undo()
	s.p.open(s.d.page())
}

func (s *pageTour) nobody(t *testing.T) {
	s.callFirst()
	s.p.waitVisible("end", 2*pageSoon)
	s.see(t, "end nobody answered", "end_timeout", "videoCall", "done")
	s.d.waitState("idle", pageSoon)
	s.p.click("done")
}

// busy: somebody else is in a call with the device.
func (s *pageTour) busy(t *testing.T) {
	other := startPhone(t, phoneOptions{tone: 700})
	other.pair(s.d, "Clara")
	other.call(s.d, "call-voice")
	s.callFirst()
	s.p.waitVisible("end", pageSoon)
	s.see(t, "end busy", "end_busy", "done")
	other.click("hang-up")
	s.d.waitState("idle", pageSoon)
	s.p.click("done")
}

// onlyRelays is JavaScript of a network on which no two ends find each other.
const onlyRelays = `window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(how) { super({ ...how, iceTransportPolicy: "relay", iceServers: [] }); }
}`

// noMedia: the device answers, but nothing gets through.
func (s *pageTour) noMedia(t *testing.T) {
	undo := s.p.before(onlyRelays)
	s.p.open(s.d.page())
	s.callFirst()
	s.d.waitState("ringing", pageSoon)
	ctl[any](s.d, "answer")
	s.p.waitTrue("the page says that it connects", `document.querySelector("[data-state=connecting]")`)
	s.see(t, "connecting", "state_connecting", "hangUp")
	eventually(t, 40*time.Second, "the call ends", func() bool { return eval[string](s.p, `document.documentElement.dataset.view`) == "end" })
	s.see(t, "end join failed", "end_joinFailed")
	undo()
	s.d.waitState("idle", pageSoon)
	s.p.open(s.d.page())
}

// deviceRestarts: the power of the device fails in a talk, and comes back.
func (s *pageTour) deviceRestarts(t *testing.T) {
	s.callFirst()
	s.d.waitState("ringing", pageSoon)
	ctl[any](s.d, "answer")
	s.p.waitTrue("they have talked", `document.querySelector(".has-picture") && window.callbox.currentCall().elapsed > 1`)
	if err := s.d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.d.exited
	s.d.start(filepath.Join(s.d.dir, "callbox.yaml"))
	eventually(t, 2*pageSoon, "the phone knows that the call is over", func() bool { return eval[string](s.p, `document.documentElement.dataset.view`) == "end" })
	s.see(t, "end device restarted", "end_restarted", "talked")
	s.p.click("done")
	s.p.home()
}

// lost: the device stands still until the phone gives up.
func (s *pageTour) lost(t *testing.T) {
	s.callFirst()
	s.d.waitState("ringing", pageSoon)
	ctl[any](s.d, "answer")
	s.p.waitTrue("the picture is there", `document.querySelector(".has-picture")`)
	if err := s.d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer s.d.cmd.Process.Signal(syscall.SIGCONT)
	eventually(t, 60*time.Second, "the phone gives up", func() bool { return eval[string](s.p, `document.documentElement.dataset.view`) == "end" })
	s.see(t, "end media lost", "end_mediaLost", "talked")
}
