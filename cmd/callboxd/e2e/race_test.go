//go:build e2e

package e2e

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestRaces leads a daemon that was built with the race detector through what a
// device does at the same time: calls that end in three ways, a second caller,
// switches, and clients of the local API that look on. When it stops, stop looks
// for what the detector has found. Nothing is timed here.
func TestRaces(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, race: true})
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(d, "Anna")
	second := startPhone(t, phoneOptions{tone: 700})
	second.pair(d, "Bert")
	d.watch()
	decoded := d.watchDecoded() // asks for the status of the call all the time
	call := func(options string) (room string) {
		p.home()
		room = eval[string](p, fmt.Sprintf(`window.callbox.callDevice({ roomType: "video", %s }).then((r) => r.roomId)`, options))
		d.waitState("ringing", 20*time.Second)
		ctl[any](d, "answer")
		p.waitEventOf("startVoip", room, 20*time.Second)
		return room
	}

	room := call("payload: [1]")
	var switches sync.WaitGroup
	for _, name := range []string{"mute", "camera"} {
		switches.Go(func() {
			for _, word := range []string{"on", "off", "on", "off"} {
				if _, err := d.tryCtl(name, word); err != nil {
					t.Errorf("%s %s: %v", name, word, err)
				}
			}
		})
	}
	second.click("call-voice")
	second.waitEvent("busy", 20*time.Second)
	switches.Wait()
	ctl[any](d, "hangup")
	p.waitEventOf("finishVoip", room, 10*time.Second)
	decoded.stop()

	room = call("timeLimit: 1.5")
	e := p.waitEventOf("hangUpVoip", room, 15*time.Second)
	if e.Data["origin"] != "timeLimit" {
		t.Errorf("hangUpVoip = %v", e.Data)
	}

	room = call("timeLimit: 60")
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.waitEventOf("abortVoip", room, 10*time.Second)
	select {
	case <-d.exited: // before stop: a second SIGTERM would end it at once
	case <-time.After(20 * time.Second):
		t.Error("callboxd runs on 20 s after SIGTERM")
	}
}
