//go:build e2e

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDoorUnanswered: the door's button is there in the talk only, and says when no
// program at the device takes it, and when no answer comes.
func TestDoorUnanswered(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, noDisplay: true})
	p := startPhone(t, phoneOptions{tone: 600})
	window := ctl[struct {
		URL string `json:"url"`
	}](d, "pair", "--name", "Anna", "--rights", "call,unlock")
	p.open(window.URL)
	p.click("pair-confirm")
	p.waitTrue("the page knows that it may open the door", `document.querySelectorAll(".rights .yes").length === 2`)
	says := func(key string) {
		t.Helper()
		p.saysToast(t, strings.ReplaceAll(pageWords(t, key), "{action}", pageWords(t, "openDoor")))
	}

	p.click("call-voice")
	d.waitState("ringing", 15*time.Second)
	p.waitTrue("the page says that it rings", `document.querySelector("[data-state=ringing]")`)
	if eval[bool](p, `document.querySelector("[data-testid=door]").offsetParent !== null`) {
		t.Error("the button is shown before anybody has answered")
	}
	ctl[any](d, "answer")
	d.waitState("talking", 15*time.Second)
	p.watchToasts()
	p.click("door")
	says("door_noHandler")
	p.screenshot("no handler")

	if err := d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer d.cmd.Process.Signal(syscall.SIGCONT)
	p.click("door")
	p.waitTrue("the page says that it waits", `document.querySelector("[data-testid=door][data-state=sending][aria-busy=true]")`)
	if text := p.text("door"); text != pageWords(t, "doorSending") {
		t.Errorf("the button says %q", text)
	}
	p.screenshot("sending")
	says("door_unreachable")
	p.screenshot("unreachable")
	if err := d.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.waitTrue("the talk goes on, and the button can be pressed again", `document.querySelector("[data-state=talking]") && document.querySelector("[data-testid=door][data-state=idle]")`)
	p.click("hang-up")
	d.waitState("idle", 10*time.Second)
}
