//go:build device

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/hal/devices"
	"callbox/signaling/cause"
)

// debs is where make test-device puts the packages.
const debs = "../../../build/debs"

// releases are those of Debian that there are packages for.
var releases = []struct{ suite, suffix string }{{"bookworm", "~deb12u1"}, {"trixie", "~deb13u1"}}

// TestDevicePackage installs the package of each release in a machine with a camera and
// a sound card. systemd starts it at every boot, and a browser outside calls it: before
// and after an orderly reboot, to whose daemon camera and sound card come later, and
// after a power cut in a call.
func TestDevicePackage(t *testing.T) {
	for _, r := range releases {
		t.Run(r.suite, func(t *testing.T) {
			found, err := filepath.Glob(filepath.Join(debs, "callbox_*"+r.suffix+"_amd64.deb"))
			if err != nil || len(found) != 1 {
				t.Fatalf("there are the packages %v for %s (%v): make test-device builds one", found, r.suite, err)
			}
			forward := "127.0.0.1:" + freePort(t, "127.0.0.1")
			m := startMachine(t, machineOptions{suite: r.suite, packages: depends(t, found[0]), forward: forward})
			b := install(t, m, found[0], forward)
			b.outOfTheBox()
			b.stopped()
			b.configure()
			b.pairPhone()
			b.talk()
			b.hangUp()
			b.late()
			b.talk()
			b.hangUp()
			room := b.talk()
			b.restart("reset")
			b.wantDoctor("ok", "vivid", "Loopback,0") // after a talk with the virtual ones it would look the same
			b.whistle()
			if rec := b.record(room); rec.Cause != string(cause.Aborted) || rec.Detail != string(cause.Restarted) || rec.Contact != "Anna" {
				t.Errorf("of the call in which the power failed the record is %+v", rec)
			}
			b.talk()
			b.hangUp()
		})
	}
}

// depends are the packages that a package depends on, but those of which there is a
// choice: the machine's image has one.
func depends(t *testing.T, deb string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "dpkg-deb", "-f", deb, "Depends").Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for one := range strings.SplitSeq(string(out), ",") {
		if name, _, _ := strings.Cut(strings.TrimSpace(one), " "); !strings.Contains(one, "|") {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// boxed is the installed package in a machine, and the phone that calls it.
type boxed struct {
	*guest
	phone      *phone
	tone       string  // a file that the machine's microphone hears
	hears, hum float64 // what the phone is to hear, and what it sends, in Hz
}

// install installs the package.
func install(t *testing.T, m *machine, deb, forward string) *boxed {
	t.Helper()
	b := &boxed{guest: newGuest(t, m, forward)}
	b.remote = func(args ...string) ([]byte, error) {
		return m.run(patience, append([]string{"exec", "callboxctl", "--json"}, args...)...)
	}
	start := time.Now()
	m.must(5*time.Minute, "install", deb)
	t.Logf("installed in %v", time.Since(start).Round(time.Second))
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := m.run(patience, "exec", "journalctl", "--no-pager", "-o", "short-monotonic", "-u", "callbox") // all there is
			t.Logf("the journal:\n%s", out)
		}
	})
	b.waitAnswer()
	return b
}

// outOfTheBox: without a configuration the daemon has found the camera and the sound
// card, and of them doctor has nothing to say.
func (b *boxed) outOfTheBox() {
	b.t.Helper()
	out, _ := b.tryCtl("doctor") // exit code 6 where there is a problem, which the state of each finding tells
	var findings []control.Finding
	if err := json.Unmarshal(out, &findings); err != nil {
		b.t.Fatalf("doctor says no JSON: %v\n%s", err, out)
	}
	for kind, name := range map[devices.Kind]string{devices.Camera: "vivid", devices.Microphone: "Loopback", devices.Speaker: "Loopback"} {
		i := slices.IndexFunc(findings, func(f control.Finding) bool { return f.Name == string(kind) })
		if i < 0 || findings[i].State != control.StateOK || !strings.Contains(findings[i].Message, name) {
			b.t.Errorf("doctor does not say that %s is the %s: %+v", name, kind, findings)
		}
	}
	b.t.Logf("status: %s; %s", b.sh("systemctl show -P StatusText callbox"), b.sh(memory))
}

// stopped: of a daemon that does not run doctor says what it would choose, with the
// rights of its user.
func (b *boxed) stopped() {
	b.t.Helper()
	b.sh("systemctl stop callbox")
	b.wantDoctor("ok", "vivid", "Loopback,0 would be chosen")
	b.sh("systemctl start callbox")
	b.waitAnswer()
}

// late boots the machine without camera and sound card, which come when systemd has
// started the daemon: it takes them and goes on.
func (b *boxed) late() {
	b.t.Helper()
	b.sh("mv /etc/modules-load.d/rig.conf /root/")
	b.restart("reboot")
	b.wantDoctor("problem", "a virtual camera stands in", "stands in")
	// Drivers of GPIO chips may come late, too: the kernel has the name that the unit allows.
	b.sh("grep -qw gpiochip /proc/devices")
	pid := b.sh("systemctl show -P MainPID callbox")
	b.sh("mv /root/rig.conf /etc/modules-load.d/; modprobe vivid && modprobe snd-aloop")
	b.wantDoctor("ok", "vivid", "Loopback,0")
	if now := b.sh("systemctl show -P MainPID callbox"); now != pid {
		b.t.Errorf("with the devices came another daemon: %s, not %s", now, pid)
	}
	b.t.Logf("after the boot came: %s", b.sh("systemctl show -P StatusText callbox"))
	b.whistle()
}

// configure edits the one file.
func (b *boxed) configure() {
	b.t.Helper()
	dir := b.t.TempDir()
	file := filepath.Join(dir, "callbox.yaml")
	// The picture is as large as an emulated processor can encode.
	text := fmt.Sprintf(`device: {name: Rig door}
call: {ring_timeout: 5m} # each command takes its time there
signaling:
  direct: {names: [127.0.0.1], origins: ["https://%s"]}
hal:
  camera: {size: 320x180, frame_rate: 15}
media: {video_bitrate: 300kbit, sound: {echo: off, noise_suppression: false}} # the card is a wire, and what is played a tone
`, b.forward)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.hears, b.hum = twoTones()
	b.tone = "/root/tone.wav"
	writeTone(b.t, filepath.Join(dir, "tone.wav"), b.hears)
	b.m.must(patience, "put", filepath.Join(dir, "tone.wav"), file, "/root/")
	b.sh("cat /root/callbox.yaml >/etc/callbox/callbox.yaml && callboxctl check && systemctl restart callbox")
	b.waitAnswer()
	b.whistle()
}

// whistle lets the microphone hear the tone.
func (b *boxed) whistle() {
	b.t.Helper()
	b.sh("systemd-run --quiet --unit=tone sh -c 'while :; do aplay -q -D plughw:Loopback,1,0 " + b.tone + "; done'")
}

func (b *boxed) pairPhone() {
	b.t.Helper()
	b.phone = startPhone(b.t, phoneOptions{tone: b.hum})
	b.phone.openPastWarning("https://" + b.forward + "/")
	b.phone.pair(b.device, "Anna")
}

// talk lets the phone call, see and hear, and returns the room.
func (b *boxed) talk() (room string) {
	b.t.Helper()
	p := b.phone
	p.click("call-video")
	b.waitState("ringing", patience)
	room = b.status().Call.RoomID
	ctl[any](b.device, "answer")
	p.waitEventOf("startVoip", room, patience)
	b.waitState("talking", patience)
	p.listenForTones()
	// The codecs of an emulated processor need a moment, and it shares its own.
	const over, rate = 5 * time.Second, 4
	eventually(b.t, 2*patience, "the phone hears and sees what the device does", func() bool {
		right, loud, spectra := p.hearTone(b.hears)
		saw := p.watchPicture(over)
		b.t.Logf("%g Hz in %d of %d spectra (%d loud); %.1f pictures a second, %d of 9 samples changed",
			b.hears, right, spectra, loud, float64(saw.Pictures)/over.Seconds(), saw.Changed)
		return right >= audible && saw.moves(over, rate)
	})
	b.wantHum()
	return room
}

// wantHum records what the machine's card plays until it is the phone's tone, which the
// daemon has got through all that its unit forbids.
func (b *boxed) wantHum() {
	b.t.Helper()
	dir := b.t.TempDir()
	eventually(b.t, 2*patience, "the card plays the phone's tone", func() bool {
		b.sh("arecord -q -D plughw:Loopback,1,0 -f S16_LE -r 48000 -c 1 -d 4 /root/heard.wav")
		b.m.must(patience, "get", "/root/heard.wav", dir)
		share := toneShare(readWAV(b.t, filepath.Join(dir, "heard.wav"), 3), b.hum)
		b.t.Logf("of what the card plays the phone's %g Hz are %.0f %%", b.hum, 100*share)
		return share > 0.3
	})
}

func (b *boxed) hangUp() {
	b.t.Helper()
	b.phone.click("hang-up")
	b.waitState("idle", patience)
}

// restart boots the machine again, by reboot or by reset (the power fails), and waits
// until systemd has started the daemon and the phone has found it.
func (b *boxed) restart(verb string) {
	b.t.Helper()
	b.m.must(5*time.Minute, verb)
	if got := b.sh("systemctl is-active callbox; systemctl show -P NRestarts callbox"); got != "active\n0" {
		b.t.Errorf("after a %s the daemon is %q", verb, got)
	}
	b.t.Logf("%s: %s; %s", verb, b.sh(startTimes), b.sh(memory))
	b.waitAnswer()
	eventually(b.t, 2*patience, "the phone finds the device again", func() bool {
		s := ctl[control.Status](b.device, "status")
		return len(s.Transports) > 0 && s.Transports[0].Phones == 1
	})
}

// startTimes says when the daemon was started and when it was ready, in seconds since
// the boot.
const startTimes = `at() { systemctl show -P "$1" callbox | awk '{printf "%.2f s", $1/1e6}'; }
echo "started $(at ExecMainStartTimestampMonotonic) after the boot, ready after $(at ActiveEnterTimestampMonotonic)"`

// memory says how much of the daemon is resident, and how much of that is no file's.
const memory = `grep -E '^(VmRSS|RssAnon)' /proc/$(systemctl show -P MainPID callbox)/status | xargs`
