//go:build device

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"callbox/daemon/control"
)

// guestPackages are the shared libraries that callboxd needs on Debian 12, or opens for
// H.264, beyond what the machine's image has.
const guestPackages = "libvpx7 libopenh264-7 libopus0 libturbojpeg0 libyuv0 libspeexdsp1 libwebrtc-audio-processing1"

// machine is a virtual machine with a V4L2 camera (vivid) and an ALSA card
// (snd-aloop), driven by a script that the variable RIG names.
type machine struct {
	t      *testing.T
	script string
	env    []string
}

// run runs one verb of the script and returns what it printed.
func (m *machine) run(within time.Duration, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, m.script, args...)
	cmd.Env = append(os.Environ(), m.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("%s: %w: %s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.Bytes(), nil
}

func (m *machine) must(within time.Duration, args ...string) []byte {
	m.t.Helper()
	out, err := m.run(within, args...)
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

// of is the machine for a test of its own.
func (m *machine) of(t *testing.T) *machine { return &machine{t, m.script, m.env} }

// machineOptions are the parts in which machines differ.
type machineOptions struct {
	suite    string // of Debian
	packages string // beyond those of the image
	forward  string // the host:port on this machine that leads to the daemon's
	qemu     string // further arguments of the emulator
}

// startMachine boots the machine and takes it down again with the test.
func startMachine(t *testing.T, o machineOptions) *machine {
	t.Helper()
	script := os.Getenv("RIG")
	if script == "" {
		t.Fatal("set RIG to the script that drives the virtual machine: make test-device RIG=…")
	}
	// A name of its own: another run's machine is not ours to take down.
	name := fmt.Sprintf("callbox-%s-%d", o.suite, os.Getpid())
	m := &machine{t: t, script: script, env: []string{
		"RIG_NAME=" + name, "RIG_SUITE=" + o.suite, "RIG_PKGS=" + o.packages, "RIG_WARM=0", "RIG_HOSTFWD=tcp:" + o.forward + "-:8443",
		"RIG_QEMU=" + o.qemu,
	}}
	start := time.Now()
	m.must(10*time.Minute, "build")
	t.Logf("image: %v", time.Since(start).Round(time.Second))
	t.Cleanup(func() {
		if _, err := m.run(2*time.Minute, "down"); err != nil {
			t.Errorf("the machine does not go down: %v", err)
		}
		out, err := m.run(time.Minute, "path")
		if dir := strings.TrimSpace(string(out)); err == nil && filepath.Base(dir) == name {
			_ = os.RemoveAll(dir) // its disk: what is left costs only space
		}
	})
	start = time.Now()
	m.must(5*time.Minute, "up")
	t.Logf("boot: %v", time.Since(start).Round(time.Second))
	return m
}

// TestDevice boots one machine for all its tests.
func TestDevice(t *testing.T) {
	forward := "127.0.0.1:" + freePort(t, "127.0.0.1")
	m := startMachine(t, machineOptions{suite: "bookworm", packages: guestPackages, forward: forward, qemu: guestScreens()})
	t.Run("drivers", func(t *testing.T) { testDrivers(t, m.of(t)) })
	t.Run("buttons", func(t *testing.T) { testButtons(t, m.of(t)) })
	t.Run("rules", func(t *testing.T) { testRules(t, m.of(t), forward) })
	t.Run("faults", func(t *testing.T) { testFaults(t, m.of(t), forward) })
	t.Run("screens", func(t *testing.T) { testScreens(t, m.of(t), forward) })
	t.Run("call", func(t *testing.T) { testDeviceCall(t, m.of(t), forward) })
}

// testDeviceCall: callboxd with the camera and the sound card of the machine's
// kernel, which come when it runs already, called by a browser outside it.
func testDeviceCall(t *testing.T, m *machine, forward string) {
	deviceTone, phoneTone := twoTones()
	dir := t.TempDir()
	writeTone(t, filepath.Join(dir, "tone.wav"), deviceTone)
	config := fmt.Sprintf(`
device: {sn: rig, name: Rig door, state_dir: /var/lib/callbox}
control: {socket: /run/callbox/control.sock}
signaling:
  direct: {listen: ":8443", names: [127.0.0.1], origins: ["https://%s"]}
hal:
  camera: {name: auto, size: 320x180, frame_rate: 15}
  microphone: {name: "Loopback,0"}
  speaker: {name: "Loopback,0"}
media: {video_bitrate: 300kbit, sound: {echo: off, noise_suppression: false}} # the card is a wire, and what is played a steady tone
log: {level: info, format: json}
`, forward)
	if err := os.WriteFile(filepath.Join(dir, "callbox.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	m.must(time.Minute, "put", filepath.Join(binaries, "callboxd"), filepath.Join(binaries, "callboxctl"), filepath.Join(dir, "tone.wav"), filepath.Join(dir, "callbox.yaml"), "/opt/")
	m.must(time.Minute, "cam", "off")
	m.must(time.Minute, "snd", "off")
	m.must(time.Minute, "exec", "systemd-run", "--unit=callboxd", "/opt/callboxd", "run", "--config", "/opt/callbox.yaml")
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := m.run(time.Minute, "exec", "journalctl", "--no-pager", "-o", "cat", "-u", "callboxd") // all there is
			t.Logf("log of callboxd:\n%s", out)
		}
	})
	d := &device{t: t, dir: dir, forward: forward, remote: func(args ...string) ([]byte, error) {
		return m.run(time.Minute, append([]string{"exec", "/opt/callboxctl", "--json"}, args...)...)
	}}
	eventually(t, time.Minute, "callboxd answers in the machine", func() bool { _, err := d.tryCtl("status"); return err == nil })
	d.wantDoctor("problem", "a virtual camera stands in", `"Loopback,0" is not there`)
	m.must(time.Minute, "cam", "on")
	m.must(time.Minute, "snd", "on")
	d.wantDoctor("ok", "vivid", "Loopback,0")
	t.Logf("devices: %s", m.must(time.Minute, "exec", "/opt/callboxctl", "status", "--devices"))
	m.must(time.Minute, "exec", "systemd-run", "--unit=tone", "sh", "-c", "while :; do aplay -q -D plughw:Loopback,1,0 /opt/tone.wav; done")

	p := startPhone(t, phoneOptions{tone: phoneTone})
	p.openPastWarning("https://" + forward + "/")
	p.pair(d, "Anna")
	p.click("call-video")
	d.waitState("ringing", 30*time.Second)
	ctl[any](d, "answer")
	p.waitEvent("startVoip", 30*time.Second)
	d.waitState("talking", 30*time.Second)
	p.listenForTones()
	time.Sleep(5 * time.Second) // the codecs of an emulated processor need a moment

	m.must(time.Minute, "exec", "arecord", "-q", "-D", "plughw:Loopback,1,0", "-f", "S16_LE", "-r", "48000", "-c", "1", "-d", "6", "/opt/heard.wav")
	m.must(time.Minute, "get", "/opt/heard.wav", dir)
	if share := toneShare(readWAV(t, filepath.Join(dir, "heard.wav"), 5), phoneTone); share < 0.3 {
		t.Errorf("the phone's tone of %g Hz has %.0f %% of what the card plays", phoneTone, 100*share)
	}
	p.wantTone(t, deviceTone, true)
	p.wantMovingPicture(t, 5*time.Second, 4)
	p.screenshot("vivid")
	p.click("hang-up")
	d.waitState("idle", 30*time.Second)
	if r := d.lastCall(); r.Cause != "hangup" || r.Contact != "Anna" {
		t.Errorf("record = %+v", r)
	}
	log := string(m.must(time.Minute, "exec", "journalctl", "--no-pager", "-o", "cat", "-u", "callboxd"))
	if !regexp.MustCompile(`"camera":"[^"]*vivid.*camera open`).MatchString(log) || strings.Contains(log, `"camera":"virtual"`) {
		t.Errorf("the call has not shown the camera that came:\n%s", log)
	}
}

// wantDoctor waits until doctor finds camera, microphone and speaker in a state, with
// words for the camera and for the other two.
func (d *device) wantDoctor(state, camera, sound string) {
	d.t.Helper()
	words := map[string]string{"camera": camera, "microphone": sound, "speaker": sound}
	var findings []control.Finding
	defer func() {
		if d.t.Failed() {
			d.t.Logf("doctor: %+v", findings)
		}
	}()
	eventually(d.t, time.Minute, "doctor finds "+state, func() bool {
		out, _ := d.tryCtl("doctor") // exit code 6: something is wrong
		n := 0
		findings = nil
		_ = json.Unmarshal(out, &findings) // what is no JSON has no findings
		for _, f := range findings {
			if w, ok := words[f.Name]; ok && f.State == state && strings.Contains(f.Message, w) {
				n++
			}
		}
		return n == len(words)
	})
}

// pictureWatcher is JavaScript that looks at the remote video for a while: how many
// pictures were presented, how many of ten samples differ from the one before,
// and how bright the brightest was.
const pictureWatcher = `(async (ms) => {
  const video = document.querySelector('[data-testid="remote-video"]');
  const canvas = new OffscreenCanvas(64, 36);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let pictures = 0, going = true;
  const next = () => { pictures++; if (going) video.requestVideoFrameCallback(next); };
  video.requestVideoFrameCallback(next);
  let changed = 0, bright = 0, before = "";
  for (let i = 0; i < 10; i++) {
    await new Promise((done) => setTimeout(done, ms / 10));
    context.drawImage(video, 0, 0, 64, 36);
    const { data } = context.getImageData(0, 0, 64, 36);
    for (let k = 0; k < data.length; k += 4) bright = Math.max(bright, data[k] + data[k + 1] + data[k + 2]);
    const now = data.join();
    if (i > 0 && now !== before) changed++;
    before = now;
  }
  going = false;
  return { pictures, changed, bright };
})`

// watched is what pictureWatcher saw.
type watched struct{ Pictures, Changed, Bright int }

func (p *phone) watchPicture(over time.Duration) watched {
	p.t.Helper()
	return eval[watched](p, fmt.Sprintf("%s(%d)", pictureWatcher, over.Milliseconds()))
}

// moves reports whether there were so many pictures a second that differ and are not
// black.
func (w watched) moves(over time.Duration, rate float64) bool {
	return float64(w.Pictures) >= rate*over.Seconds() && w.Changed >= 7 && w.Bright >= 150
}

// wantMovingPicture wants so many pictures a second that differ and are not black.
func (p *phone) wantMovingPicture(t *testing.T, over time.Duration, rate float64) {
	t.Helper()
	saw := p.watchPicture(over)
	t.Logf("%.1f pictures a second, %d of 9 samples changed", float64(saw.Pictures)/over.Seconds(), saw.Changed)
	if !saw.moves(over, rate) {
		t.Errorf("the camera's picture does not move: %+v in %v", saw, over)
	}
}
