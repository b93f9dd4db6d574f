//go:build e2e

package e2e

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"callbox/daemon/control"
)

// maxGap is the longest pause between two presented pictures of a call that is
// not to be disturbed, without what other machines take (see starved).
const maxGap = 200 * time.Millisecond

// call places a call and answers it on the device once it rings.
func (p *phone) call(d *device, button string) (roomID string) {
	p.t.Helper()
	p.click(button)
	d.waitState("ringing", 15*time.Second)
	roomID = d.status().Call.RoomID
	if _, err := d.tryCtl("answer"); err != nil {
		p.t.Fatal(err)
	}
	p.waitEvent("startVoip", 15*time.Second)
	d.waitState("talking", 5*time.Second)
	return roomID
}

// checkCall wants the video call that has just begun to carry 5 s of moving
// picture, and sound, each way.
func checkCall(t *testing.T, d *device, p *phone, deviceTone, phoneTone float64) {
	t.Helper()
	p.watchVideo()
	p.listenForTones()
	time.Sleep(7 * time.Second) // and what is still on its way
	p.screenshot("talking")
	t.Run("picture both ways", func(t *testing.T) {
		checkSeen(t, p.seen(), 5, 0)
		checkShown(t, d, 5)
	})
	t.Run("sound both ways", func(t *testing.T) {
		if share := toneShare(d.recorded(3), phoneTone); share < 0.5 {
			t.Errorf("the phone's tone of %g Hz has %.0f %% of what the device plays", phoneTone, 100*share)
		}
		p.wantTone(t, deviceTone, true)
	})
}

// checkLink wants the record of a talk on one machine, with pictures both ways, to say
// so.
func checkLink(t *testing.T, l *control.TalkLink) {
	t.Helper()
	switch {
	case l == nil:
		t.Error("the record says nothing of the media")
	case l.SendBitrate < 100e3 || l.ReceiveBitrate < 20e3 || l.RTTMilliseconds <= 0 || l.RTTMilliseconds > l.RTTMillisecondsWorst,
		l.FramesSent < 100 || l.FramesShown < 20 || l.SendCodec == "" || l.ReceiveCodec == "" || l.CPU <= 0 || l.CPU > 2,
		l.SendJitterMilliseconds <= 0 || l.ReceiveJitterMilliseconds <= 0 || l.SendLossWorst < l.SendLoss || l.ReceiveLoss > 0.2,
		l.LocalCandidate != "host" || (l.RemoteCandidate != "host" && l.RemoteCandidate != "prflx"):
		t.Errorf("the record says of the media: %+v", *l)
	}
}

// TestCall is one phone's day: it pairs, calls, sees and hears, is seen and heard,
// mutes, and hangs up; then the device hangs up; then the page is opened twice.
func TestCall(t *testing.T) {
	deviceTone, phoneTone := twoTones()
	d := startDevice(t, deviceOptions{tone: deviceTone})
	p := startPhone(t, phoneOptions{tone: phoneTone})
	p.pair(d, "Anna")
	p.screenshot("home")

	room := p.call(d, "call-video")
	checkCall(t, d, p, deviceTone, phoneTone)
	t.Run("the phone mutes", func(t *testing.T) {
		p.click("mute")
		time.Sleep(2500 * time.Millisecond)
		if loud := loudness(d.recorded(1)); loud > 100 {
			t.Errorf("the device still plays sound of the muted phone: RMS %.0f", loud)
		}
		p.click("mute")
		time.Sleep(2500 * time.Millisecond)
		if share := toneShare(d.recorded(1.5), phoneTone); share < 0.4 {
			t.Errorf("the phone's tone does not come back: %.0f %%", 100*share)
		}
	})
	t.Run("the device mutes", func(t *testing.T) {
		ctl[any](d, "mute", "on")
		time.Sleep(1500 * time.Millisecond)
		p.wantTone(t, deviceTone, false)
		ctl[any](d, "mute", "off")
		time.Sleep(1500 * time.Millisecond)
		p.wantTone(t, deviceTone, true)
	})
	t.Run("the page is opened again with the same room", func(t *testing.T) {
		p.watchVideo() // anew
		machine := watchStarved(t)
		time.Sleep(time.Second)
		second := p.newTab(eval[string](p, `new URL(window.callbox.CALL_PAGE_PATH + "?roomId=`+room+`", location.href).href`))
		second.wantSeesCall(t, room)
		time.Sleep(3 * time.Second)
		second.screenshot("second tab")
		checkSeen(t, machine.tell(p.seen()), 4, maxGap)
		second.closeTab()
		if s := d.status(); s.State != "talking" || s.Call.RoomID != room {
			t.Fatalf("the call was disturbed: the device is %s", s.State)
		}
		if here := eval[bool](p, `window.callbox.currentCall().here`); !here {
			t.Error("the call has left the tab in which it began")
		}
	})
	t.Run("hang-up on the phone", func(t *testing.T) {
		p.click("hang-up")
		d.waitState("idle", 5*time.Second)
		if r := d.lastCall(); r.RoomID != room || r.Cause != "hangup" || r.Origin != "manual" || r.Contact != "Anna" || r.TalkSeconds < 6 {
			t.Errorf("record = %+v", r)
		}
		checkLink(t, d.lastCall().Link)
		if e := p.waitEvent("endVoip", 5*time.Second); e.RoomID != room {
			t.Errorf("endVoip is of room %s", e.RoomID)
		}
	})
	t.Run("hang-up on the device", func(t *testing.T) {
		p.home()
		again := p.call(d, "call-voice")
		if again == room {
			t.Fatal("two calls have the same room")
		}
		ctl[any](d, "hangup")
		e := p.waitEventOf("hangUpVoip", again, 5*time.Second)
		if e.Data["origin"] != "manual" || e.Data["status"] != "endByListener" {
			t.Errorf("hangUpVoip = %v", e.Data)
		}
		if r := d.lastCall(); r.Cause != "hangup" || r.Origin != "manual" {
			t.Errorf("record = %+v", r)
		}
	})
	t.Run("the device declines", func(t *testing.T) {
		p.home()
		p.click("call-voice")
		d.waitState("ringing", 10*time.Second)
		declined := d.status().Call.RoomID
		ctl[any](d, "reject")
		p.waitEventOf("rejectVoip", declined, 5*time.Second)
		if r := d.lastCall(); r.Cause != "rejected" {
			t.Errorf("record = %+v", r)
		}
	})
	t.Run("the caller gives up", func(t *testing.T) {
		p.home()
		p.click("call-video")
		d.waitState("ringing", 10*time.Second)
		p.click("hang-up")
		d.waitState("idle", 5*time.Second)
		if r := d.lastCall(); r.Cause != "cancelled" {
			t.Errorf("record = %+v", r)
		}
	})
}

// wantSeesCall wants a second tab to look on at the call of the first.
func (p *phone) wantSeesCall(t *testing.T, room string) {
	t.Helper()
	type view struct {
		RoomID string `json:"roomId"`
		Phase  string `json:"phase"`
		Here   bool   `json:"here"`
	}
	var call view
	eventually(t, 5*time.Second, "the second tab sees the call", func() bool {
		call = eval[view](p, `window.callbox.currentCall() ?? {}`)
		return call.RoomID != ""
	})
	if call.RoomID != room || call.Here || call.Phase != "talking" {
		t.Errorf("the second tab sees %+v, want the call %s in the other tab", call, room)
	}
}

// TestBusy: a second phone calls during a call. It is told busy, and the first
// call goes on without a gap.
func TestBusy(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440})
	first := startPhone(t, phoneOptions{tone: 600})
	first.pair(d, "Anna")
	second := startPhone(t, phoneOptions{tone: 700})
	second.pair(d, "Bert")
	room := first.call(d, "call-video")
	time.Sleep(2 * time.Second) // past the first keyframe
	first.watchVideo()
	decoded, machine := d.watchDecoded(), watchStarved(t)
	decoded.starved = machine
	time.Sleep(time.Second)
	before := d.status()
	second.click("call-video")
	e := second.waitEvent("busy", 15*time.Second)
	second.screenshot("busy")
	time.Sleep(2 * time.Second)
	gap := checkSeen(t, machine.tell(first.seen()), 3, maxGap)
	still := decoded.check(t, 3, maxGap)
	after := d.status()
	if after.State != "talking" || after.Call.RoomID != room {
		t.Errorf("the first call was disturbed: the device is %s", after.State)
	}
	if after.Refused["busy"] != before.Refused["busy"]+1 {
		t.Errorf("busy was counted %d times", after.Refused["busy"]-before.Refused["busy"])
	}
	if r := d.lastCall(); r.RoomID != e.RoomID || r.Cause != "busy" || r.Contact != "Bert" {
		t.Errorf("record = %+v", r)
	}
	t.Logf("largest gap between two presented pictures: %v; longest stand-still of the device's decoder: %v", gap, still)
}

// TestUnpaired: a phone that the device does not know is refused, counted, and
// never rings; so is one that was revoked.
func TestUnpaired(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440})
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(d, "Anna")
	t.Run("revoked", func(t *testing.T) {
		ctl[any](d, "contacts", "revoke", "Anna")
		p.refusedAndSilent(t, d, "call-video")
	})
	t.Run("unknown", func(t *testing.T) {
		// The same device without any contact: what the page holds is worth nothing.
		d.restart(func() {
			if err := os.Remove(d.dir + "/state/contacts.json"); err != nil {
				t.Fatal(err)
			}
		})
		if contacts := ctl[[]any](d, "contacts"); len(contacts) > 0 {
			t.Fatalf("the device knows %v", contacts)
		}
		p.open(d.page())
		p.refusedAndSilent(t, d, "call-voice")
	})
	if calls := ctl[[]record](d, "calls"); len(calls) > 0 {
		t.Errorf("records of calls that never were: %+v", calls)
	}
}

// refusedAndSilent calls, wants a refusal to be counted, and nothing to ring in 5 s.
func (p *phone) refusedAndSilent(t *testing.T, d *device, button string) {
	t.Helper()
	before := d.status().refusals()
	p.click(button)
	eventually(t, 10*time.Second, "the refusal is counted", func() bool { return d.status().refusals() > before })
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if s := d.status(); s.State != "idle" {
			t.Fatalf("a phone that is not trusted made the device %s", s.State)
		}
	}
	p.home()
}

// TestHTTPS: the same call over https with the certificate that the device makes
// for itself, on an address of this machine that is not loopback.
func TestHTTPS(t *testing.T) {
	host := ownAddress(t)
	deviceTone, phoneTone := twoTones()
	d := startDevice(t, deviceOptions{tone: deviceTone, listen: net.JoinHostPort(host, freePort(t, host))})
	p := startPhone(t, phoneOptions{tone: phoneTone})
	if page := d.page(); !strings.HasPrefix(page, "https://") {
		t.Fatalf("the page is at %s", page)
	}
	p.openPastWarning(d.page())
	p.pair(d, "Anna")
	room := p.call(d, "call-video")
	checkCall(t, d, p, deviceTone, phoneTone)
	p.click("hang-up")
	d.waitState("idle", 5*time.Second)
	if r := d.lastCall(); r.RoomID != room || r.Cause != "hangup" || r.Origin != "manual" || r.TalkSeconds < 6 {
		t.Errorf("record = %+v", r)
	}
}

// ownAddress is an IPv4 address of this machine that is not loopback.
func ownAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return ip.IP.String()
		}
	}
	t.Fatal("this machine has no IPv4 address but loopback: give it one, for example with ip link add dummy0 type dummy")
	return ""
}
