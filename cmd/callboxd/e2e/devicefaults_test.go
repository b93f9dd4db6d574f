//go:build device

package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callbox/cmd/callboxd/e2e/delay"
	"callbox/daemon/control"
	"callbox/signaling/message"
	"callbox/signaling/phonepeer"
)

// longTalk is how long the call is in which the delay of the sound must not grow.
var longTalk = flag.Duration("device.talk", 2*time.Minute, "length of the call in which the delay of the sound is measured")

const (
	// backWithin is what a device that is plugged in again may take until the phone sees
	// or hears it.
	backWithin = 3 * time.Second
	// delayGrowth is by how much the sound may come later at the end of a long call.
	delayGrowth = 40 * time.Millisecond
	// delayShrink is by how much it may come earlier: so much a call does not have to spare
	// at its start.
	delayShrink = 500 * time.Millisecond
	// delayStep is by how much one way may change from a window to the next, so that it can
	// be followed: half of what could be taken for a change the other way.
	delayStep = 500 * time.Millisecond
	// delayWindow is how long the delay is measured each time.
	delayWindow = 30 * time.Second
)

// Of the person at the device.
const (
	guestPerson = "/run/callbox-person"
	personUnit  = "callbox-person"
)

// testFaults: in calls with picture and sound, what can happen to the devices on the
// way, and what a long call does.
func testFaults(t *testing.T, m *machine, forward string) {
	g := startGuest(t, m, forward)
	program := filepath.Join(t.TempDir(), "devicesound")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags=device", "-o", program, "./devicesound")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build the person at the device: %v\n%s", err, out)
	}
	m.must(patience, "put", program, "/opt/")
	// The emulator has to translate what runs for the first time.
	p := startGoPhone(t, g, "Ruth")
	k := p.talkAs(newPerson(t, fastBeeps))
	time.Sleep(5 * time.Second)
	p.hangUp(k)
	_ = p.Close()
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *guest)
	}{{"camera", testCameraFault}, {"sound", testSoundFault}, {"long", testLongTalk}} {
		t.Run(sub.name, func(t *testing.T) { sub.run(t, g.of(t)) })
	}
}

// talkAs is a talk with picture and sound of that person.
func (p *goPhone) talkAs(who *person) *talking {
	p.t.Helper()
	c := p.ringWith(phonepeer.CallOptions{RoomType: message.Video, Sound: who.speak, OnPacket: who.perceive})
	p.g.answer(c)
	return p.started(c)
}

// testCameraFault: while the camera is away the phone sees the slate, then its picture.
func testCameraFault(t *testing.T, g *guest) {
	p, who := startGoPhone(t, g, "Clara"), newPerson(t, fastBeeps)
	g.startPerson(fastBeeps)
	k := p.talkAs(who)
	begun := time.Now()
	eventually(t, patience, "the camera's picture moves", func() bool { return who.different(cameraPicture, begun) > 5 })

	off := time.Now()
	g.m.must(patience, "cam", "off")
	g.wantDevice(control.EventDeviceLost, "camera", k)
	eventually(t, patience, "the phone sees the slate", func() bool { _, ok := who.first(slatePicture, off); return ok })
	slate, _ := who.first(slatePicture, off)
	t.Logf("the slate is seen %v after the camera is pulled out", slate.Sub(off).Round(time.Millisecond))

	on, boot := g.plugIn("cam", "/dev/video0")
	eventually(t, patience, "the phone sees the camera", func() bool { return who.different(cameraPicture, slate) > 5 })
	seen, _ := who.first(cameraPicture, slate)
	g.wantBack("camera", "the phone sees the camera", seen.Sub(on), boot, k)
	if at, wrong := who.first(slatePicture, seen); wrong {
		t.Errorf("the slate is seen again %v after the camera is back", at.Sub(seen))
	}
	eventually(t, patience, "the phone hears the device", func() bool { _, ok := who.firstTone(seen); return ok })
	g.goesOn(p, k)
}

// testSoundFault: the card is pulled out, and is heard again on both ways.
func testSoundFault(t *testing.T, g *guest) {
	p, who := startGoPhone(t, g, "Sonja"), newPerson(t, fastBeeps)
	g.startPerson(fastBeeps)
	k := p.talkAs(who)
	begun, start := time.Now(), g.boot()
	eventually(t, patience, "both hear one another", func() bool {
		_, outside := who.firstTone(begun)
		_, inside := g.firstBeep(start)
		return outside && inside
	})

	g.m.must(patience, "snd", "off")
	g.wantDevice(control.EventDeviceLost, "sound", k)
	quiet, seen := time.Now().Add(time.Second), time.Now()
	eventually(t, patience, "the picture goes on", func() bool { return who.different(cameraPicture, seen) > 5 })
	if at, heard := who.firstTone(quiet); heard {
		t.Errorf("without a card something is heard, %v after it was gone", at.Sub(quiet)+time.Second)
	}
	on, boot := g.plugIn("snd", "/dev/snd/pcmC0D1c")
	var outside time.Time
	var inside float64
	eventually(t, patience, "both hear one another again", func() bool {
		var a, b bool
		outside, a = who.firstTone(on)
		inside, b = g.firstBeep(boot)
		return a && b
	})
	g.wantBack("sound", "the phone hears the device", outside.Sub(on), boot, k)
	g.wantBack("sound", "the device plays the phone", time.Duration((inside-boot)*float64(time.Second)), boot, k)
	eventually(t, patience, "the picture moves", func() bool { return who.different(cameraPicture, outside) > 5 })
	g.goesOn(p, k)
}

// testLongTalk: the sound does not come later and later. The delay is that of both ways
// together, followed from window to window; package delay says what beeps tell.
func testLongTalk(t *testing.T, g *guest) {
	p, who := startGoPhone(t, g, "Lara"), newPerson(t, slowBeeps)
	g.startPerson(slowBeeps)
	k := p.talkAs(who)
	if k.limit.Set && k.limit.Duration < *longTalk {
		t.Fatalf("the call may last %v, want %v", k.limit.Duration, *longTalk)
	}
	var begun time.Time
	eventually(t, patience, "the phone hears beeps", func() bool { var ok bool; begun, ok = who.firstTone(time.Time{}); return ok })
	boot := g.boot()
	clock := g.outside(boot).Add(-time.Duration(boot * float64(time.Second))) // when the machine began
	var all []delay.Ways
	var before delay.Ways
	for at := time.Duration(0); at < *longTalk; at += delayWindow {
		select {
		case <-k.Done():
			ended, _ := k.Ended()
			t.Fatalf("the call has ended after %v: %+v", time.Since(begun), ended)
		case <-time.After(time.Until(begun.Add(at + delayWindow))):
		}
		now := g.delays(who, clock, begun.Add(at), begun.Add(at+delayWindow), before)
		t.Logf("from %v on: %v", at, now)
		if few := int(delayWindow/slowBeeps.every) * 2 / 3; now.Fewest() < few {
			t.Fatalf("too few beeps were heard from %v on: %v, want %d", at, now, few)
		}
		all, before = append(all, now), now
	}
	grown := delay.Grown(all)
	first := (all[0].Sum()%slowBeeps.every + slowBeeps.every) % slowBeeps.every
	t.Logf("both ways from mouth to ear: %d ms in the first half minute, %d ms in the last of %v: %+d ms; one way changed by at most %d ms from one half minute to the next",
		first.Milliseconds(), (first + grown.Total).Milliseconds(), *longTalk, grown.Total.Milliseconds(), grown.Step.Milliseconds())
	if grown.Step > delayStep {
		t.Errorf("from one half minute to the next the sound of one way moved by %v, want at most %v: how far it has come cannot be told", grown.Step, delayStep)
	}
	if grown.Total > delayGrowth || grown.Total < -delayShrink {
		t.Errorf("the sound comes %v later at the end, want at most %v, and no more than %v earlier", grown.Total, delayGrowth, delayShrink)
	}
	g.goesOn(p, k)
}

// delays are those of the beeps that were heard from one time to another, and before those
// of the time before it, if there are any. clock is when the boot clock began.
func (g *guest) delays(who *person, clock, from, to time.Time, before delay.Ways) delay.Ways {
	g.t.Helper()
	outside := func(all []float64) (times []time.Time) {
		for _, at := range all {
			times = append(times, clock.Add(time.Duration(at*float64(time.Second))))
		}
		return times
	}
	spoken, heard := g.beeps()
	outSpoken, outHeard := who.beeps()
	return delay.Ways{
		ToDevice: delay.Of(outSpoken, outside(heard), from, to, slowBeeps.every, before.ToDevice),
		ToPhone:  delay.Of(outside(spoken), outHeard, from, to, slowBeeps.every, before.ToPhone),
	}
}

// startPerson lets a person be at the device for the rest of the test.
func (g *guest) startPerson(b beeps) {
	g.t.Helper()
	g.sh("rm -f " + guestPerson)
	g.m.must(patience, "exec", "systemd-run", "--collect", "--unit="+personUnit, "sh", "-c", fmt.Sprintf("exec /opt/devicesound %v %v >>%s", b.every, b.long, guestPerson))
	g.t.Cleanup(func() {
		if g.t.Failed() {
			out, _ := g.m.run(patience, "exec", "journalctl", "--no-pager", "-o", "short-monotonic", "-n", "50", "-u", personUnit) // all there is
			g.t.Logf("log of the person at the device:\n%s", out)
		}
		if _, err := g.m.run(patience, "exec", "systemctl", "stop", personUnit); err != nil {
			g.t.Errorf("%s does not stop: %v", personUnit, err)
		}
	})
}

// beeps are when the person at the device began to beep, and heard one begin, in seconds
// on the boot clock.
func (g *guest) beeps() (spoken, heard []float64) {
	g.t.Helper()
	for line := range strings.Lines(g.sh("cat " + guestPerson)) {
		what, at, whole := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case !whole:
		case what == "spoke":
			spoken = append(spoken, g.seconds(at))
		case what == "heard":
			heard = append(heard, g.seconds(at))
		}
	}
	return spoken, heard
}

// firstBeep is when the person at the device first heard one after some time; false: not
// yet.
func (g *guest) firstBeep(after float64) (float64, bool) {
	g.t.Helper()
	_, heard := g.beeps()
	for _, at := range heard {
		if at > after {
			return at, true
		}
	}
	return 0, false
}

// plugIn plugs a device in that was pulled out, and returns when its file was there: on
// this machine's clock, and in seconds on the guest's boot clock.
func (g *guest) plugIn(verb, file string) (on time.Time, boot float64) {
	g.t.Helper()
	if got := g.sh("ls " + file + " 2>&1 || true"); got == file {
		g.t.Fatalf("%s is still there", file)
	}
	type result struct {
		out []byte
		err error
	}
	appeared := make(chan result, 1)
	go func() {
		out, err := g.m.run(patience, "exec", "bash", "-c", "until [ -e "+file+" ]; do sleep 0.02; done; read -r up _ </proc/uptime; echo $up")
		appeared <- result{out, err}
	}()
	g.m.must(patience, verb, "on")
	r := <-appeared
	if r.err != nil {
		g.t.Fatal(r.err)
	}
	boot = g.seconds(strings.TrimSpace(string(r.out)))
	return g.outside(boot), boot
}

// outside is the time on this machine's clock when the boot clock said so, as exact as
// the quickest of several looks at both.
func (g *guest) outside(boot float64) (at time.Time) {
	g.t.Helper()
	quickest := patience
	for range 5 {
		before := time.Now()
		now := g.boot()
		if took := time.Since(before); took < quickest {
			quickest = took
			at = before.Add(took/2 - time.Duration((now-boot)*float64(time.Second)))
		}
	}
	return at
}

// wantDevice waits for an event about a kind of device, and returns it.
func (g *guest) wantDevice(event, kind string, k *talking) bootEvent {
	g.t.Helper()
	ev := g.event(event, k.Room)
	var data control.DeviceData
	if err := json.Unmarshal(ev.Data, &data); err != nil {
		g.t.Fatal(err)
	}
	if data.Kind != kind {
		g.t.Errorf("%s of %+v, want the %s", event, data, kind)
	}
	return ev
}

// wantBack wants a device to be back in time, beside the noise of the machine, as it is
// perceived: so long after the device's file is there.
func (g *guest) wantBack(kind, what string, after time.Duration, boot float64, k *talking) {
	g.t.Helper()
	told := g.happened(g.wantDevice(control.EventDeviceBack, kind, k)) - boot
	most := backWithin.Seconds() + g.noise(k, g.boot())
	g.t.Logf("after the device's file is there, %s after %.2f s; deviceBack after %.2f s", what, after.Seconds(), told)
	if after.Seconds() > most {
		g.t.Errorf("%s after %.2f s, want at most %.2f s", what, after.Seconds(), most)
	}
}

// goesOn wants the talk to go on, and ends it.
func (g *guest) goesOn(p *goPhone, k *talking) {
	g.t.Helper()
	if ended, over := k.Ended(); over {
		g.t.Fatalf("the call has ended: %+v", ended)
	}
	if now := g.status().State; now != "talking" {
		g.t.Errorf("the device is %s", now)
	}
	p.hangUp(k)
	if r := g.record(k.Room); r.Cause != "hangup" || r.Origin != "manual" {
		g.t.Errorf("record = %+v", r)
	}
}
