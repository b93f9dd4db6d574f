//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/daemon/selftest"
	"callbox/hal/haltest"
	"callbox/signaling/cause"
	"callbox/signaling/phonepeer"
)

// looseBars are for a machine that builds and tests other things meanwhile.
var looseBars = []string{
	"--bar", "ring=8000", "--bar", "connect=8000", "--bar", "first_sound=8000", "--bar", "first_picture=8000",
	"--bar", "latency=2000", "--bar", "jitter=200", "--bar", "gap=3000", "--bar", "rate=2", "--bar", "limit=500",
	"--bar", "limit_phone=2000", "--bar", "round_trip=1000", "--bar", "loss_up=20",
	"--bar", "sound_gap=3000",
}

// selftest runs callboxctl selftest --json and returns its report and its exit code.
func (d *device) selftest(args ...string) (selftest.Report, int, string) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), filepath.Join(binaries, "callboxctl"),
		append([]string{"selftest", "--socket", d.socket, "--json"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	var r selftest.Report
	if out.Len() > 0 {
		dec := json.NewDecoder(&out)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&r); err != nil {
			d.t.Fatalf("the report is no report: %v", err)
		}
	}
	return r, cmd.ProcessState.ExitCode(), errs.String()
}

// rowOf is the row of a report with a name.
func rowOf(r selftest.Report, name string) selftest.Row {
	for _, row := range r.Rows {
		if row.Name == name {
			return row
		}
	}
	return selftest.Row{Says: fmt.Sprintf("there is no row %s in %+v", name, r.Rows)}
}

// TestSelftest: the real command against the real daemon, with a phone that is callboxd
// itself.
func TestSelftest(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, width: 640, height: 360, rate: 20, noDisplay: true})
	r, code, errs := d.selftest(append(looseBars, "--for", "6s")...)
	for _, row := range r.Rows {
		t.Logf("%-7s %s: %s", row.State, row.Name, row.Says)
	}
	if code != 0 || errs != "" {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	for _, kind := range selftest.Kinds()[:3] {
		if row := rowOf(r, kind); row.State != selftest.Warning || !strings.HasPrefix(row.Says, "virtual, by hal."+kind) {
			t.Errorf("%s: %+v", kind, row)
		}
	}
	for _, name := range []string{"call", "ring", "connect", "first_sound", "first_picture", "loss_down", "rate", "latency", "sound_gap", "sound", "limit", "packets_after"} {
		if row := rowOf(r, name); row.State != selftest.OK && row.State != selftest.Warning {
			t.Errorf("%s: %+v", name, row)
		}
	}
	// The virtual microphone does not hear the virtual speaker, and the call carries none back.
	f := r.Figures
	if row := rowOf(r, "echo"); row.State != selftest.Off || !f.Echo.Measured || f.Echo.Heard || f.Echo.Floor < 20 {
		t.Errorf("echo: %+v, %+v", row, f.Echo)
	}
	if f.Down.Picture.Codec != "H264" {
		t.Errorf("the pictures are %s, want what the device prefers", f.Down.Picture.Codec)
	}
	if f.Device.SN != "e2e" || f.Limit != 6 || f.Down.Width != 640 || f.Down.Height != 360 || f.Latency == nil || f.Latency.Count < 20 || f.End.After != 0 {
		t.Errorf("figures = %+v", f)
	}
	if f.Level.Peak < -20 || f.Level.Peak > -5 { // the virtual microphone gives a tone of -12 dB
		t.Errorf("the device's sound has %+v", f.Level)
	}
	d.waitState("idle", soon)
	if last := d.lastCall(); last.Contact != "selftest" || last.Origin != "timeLimit" || last.RoomID != f.RoomID {
		t.Errorf("record = %+v", last)
	}
	if contacts := ctl[[]control.Contact](d, "contacts"); len(contacts) > 0 {
		t.Errorf("contacts = %+v", contacts)
	}

	t.Run("voice", func(t *testing.T) {
		r, code, errs := d.selftest(append(looseBars, "--for", "1s", "--voice")...)
		if row := rowOf(r, "rate"); code != 0 || row.State != selftest.Off || rowOf(r, "echo").State != selftest.Off {
			t.Errorf("exit code %d, %s%+v", code, errs, r.Rows)
		}
	})
	t.Run("a codec", func(t *testing.T) {
		r, code, errs := d.selftest(append(looseBars, "--for", "2s", "--codec", "vp8")...)
		if f := r.Figures; code != 0 || f.Down.Picture.Codec != "VP8" || f.Codec != "vp8" || f.Latency == nil {
			t.Errorf("exit code %d, %s%+v", code, errs, r)
		}
	})
	t.Run("what is required", func(t *testing.T) {
		r, code, _ := d.selftest(append(looseBars, "--for", "1s", "--require", "camera,speaker,display")...)
		for kind, want := range map[string]selftest.State{"camera": selftest.Failed, "microphone": selftest.Warning, "speaker": selftest.Failed, "display": selftest.Failed} {
			if row := rowOf(r, kind); code != 6 || row.State != want {
				t.Errorf("exit code %d, %s: %+v", code, kind, row)
			}
		}
	})
	t.Run("a volume of 0", func(t *testing.T) {
		ctl[any](d, "volume", "0")
		defer ctl[any](d, "volume", "70")
		r, code, errs := d.selftest(append(looseBars, "--for", "5s")...)
		if row := rowOf(r, "echo"); code != 0 || row.State != selftest.Off || !strings.Contains(row.Says, "the volume is 0") {
			t.Errorf("exit code %d, %s%+v", code, errs, row)
		}
	})
	t.Run("a bar that is too high", func(t *testing.T) {
		if r, code, _ := d.selftest(append(looseBars, "--for", "1s", "--bar", "rate=200")...); code != 6 || rowOf(r, "rate").State != selftest.Failed || r.Verdict != selftest.Failed {
			t.Errorf("exit code %d, %+v", code, r)
		}
	})
	t.Run("do not disturb", func(t *testing.T) {
		ctl[any](d, "dnd", "on")
		defer ctl[any](d, "dnd", "off")
		r, code, errs := d.selftest("--for", "1s")
		if r.Figures.End.Cause != cause.DND || r.Verdict != selftest.Failed || code == 0 || code == 6 {
			t.Errorf("exit code %d, %s%+v", code, errs, r)
		}
	})
	t.Run("busy", func(t *testing.T) {
		h := &household{device: d, t: t, ctx: t.Context(), api: client.New(d.socket), phone: map[string]string{}}
		p, err := phonepeer.New(phonepeer.Options{Name: "Anna", Loopback: true})
		h.must(err)
		defer p.Close()
		h.pair(p)
		h.must(p.Connect(h.ctx))
		c, err := p.Call(h.ctx, phonepeer.CallOptions{})
		h.must(err)
		d.waitState("ringing", soon)
		if _, code, errs := d.selftest("--for", "1s"); code != 5 || !strings.Contains(errs, `"busy"`) {
			t.Errorf("exit code %d, %s", code, errs)
		}
		if d.status().State != "ringing" {
			t.Error("the call that rang is disturbed")
		}
		c.Cancel()
		d.waitState("idle", soon)
	})
}

// TestSelftestOfH264: a device whose encoder or camera knows H.264 only is tested with it.
func TestSelftestOfH264(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, width: 320, height: 240, rate: 15, noDisplay: true, media: "  video_codecs: [h264]"})
	r, code, errs := d.selftest(append(looseBars, "--for", "3s")...)
	if f := r.Figures; code != 0 || f.Down.Picture.Codec != "H264" || f.Down.Width != 320 || f.Down.Height != 240 || f.Down.Rate < 5 || f.Latency == nil || f.Latency.Count < 10 {
		t.Errorf("exit code %d, %s%+v", code, errs, r)
	}
	r, code, errs = d.selftest("--for", "1s", "--codec", "vp8")
	if row := rowOf(r, "call"); code == 0 || row.State != selftest.Failed || !strings.Contains(row.Remedy, "--codec") {
		t.Errorf("exit code %d, %s%+v", code, errs, row)
	}
}

// TestSelftestOfMissingParts: a device whose hardware is not there does not pass.
func TestSelftestOfMissingParts(t *testing.T) {
	for _, kind := range selftest.Kinds()[:3] {
		t.Run(kind, func(t *testing.T) {
			d := startDevice(t, deviceOptions{tone: 440, width: 160, height: 120, rate: 10, noDisplay: true})
			d.restart(func() {
				file := filepath.Join(d.dir, "callbox.yaml")
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				text = regexp.MustCompile(`(?m)^  `+kind+`: .*$`).ReplaceAll(text, []byte("  "+kind+": {name: usb-Nowhere}"))
				if err := os.WriteFile(file, text, 0o600); err != nil {
					t.Fatal(err)
				}
			})
			r, code, errs := d.selftest(append(looseBars, "--for", "1s")...)
			if row := rowOf(r, kind); code != 6 || row.State != selftest.Failed || !strings.Contains(row.Says, `"usb-Nowhere" is not there`) {
				t.Errorf("exit code %d, %s%+v", code, errs, row)
			}
			if row := rowOf(r, "echo"); row.State == selftest.OK {
				t.Errorf("echo: %+v", row)
			}
		})
	}
}

// TestSelftestScript runs the script of docs/selftest.md as it is printed there.
func TestSelftestScript(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		haltest.Missing(t, "jq")
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "selftest.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := bytes.Cut(text, []byte("```sh\n#!/bin/sh\n"))
	script, _, closed := bytes.Cut(text, []byte("```"))
	if !ok || !closed {
		t.Fatal("docs/selftest.md has no script")
	}
	d := startDevice(t, deviceOptions{tone: 440, width: 160, height: 120, rate: 10, noDisplay: true})
	line := func(within string) (string, int) {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(string(script), "--for 10s", "--for 1s", 1))
		cmd.Env = append(os.Environ(), "PATH="+binaries+":"+os.Getenv("PATH"), "CALLBOX_CONTROL_SOCKET="+within)
		out, err := cmd.CombinedOutput()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := line(d.socket); code != 6 || !strings.HasPrefix(out, "e2e FAIL 6\n") || !strings.Contains(out, "  camera: virtual") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if out, code := line(filepath.Join(d.dir, "nothing")); code != 3 || !strings.HasPrefix(out, "unknown FAIL 3\n") || !strings.Contains(out, "cannot reach callboxd") {
		t.Errorf("exit code %d: %s", code, out)
	}
	ctl[any](d, "dnd", "on")
	if out, code := line(d.socket); code == 0 || !strings.HasPrefix(out, "e2e FAIL ") || !strings.Contains(out, "  call: no talk came about") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// TestSelftestWithoutItsDaemon: one that is killed in the test is noticed at once.
func TestSelftestWithoutItsDaemon(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, width: 160, height: 120, rate: 10, noDisplay: true})
	killed := make(chan time.Time, 1)
	go func() {
		defer close(killed)
		for range 400 {
			if out, err := d.tryCtl("status"); err == nil && bytes.Contains(out, []byte(`"talking"`)) {
				killed <- time.Now()
				_ = d.cmd.Process.Kill() // it has not ended
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	_, code, errs := d.selftest("--for", "1m")
	ended := time.Now()
	at, talked := <-killed
	if !talked {
		t.Fatalf("there was no talk: exit code %d, %s", code, errs)
	}
	if took := ended.Sub(at); code != 3 || took > 10*time.Second || !strings.Contains(errs, "callboxd has stopped") {
		t.Errorf("exit code %d after %v, %s", code, took, errs)
	}
	<-d.exited
	d.start(filepath.Join(d.dir, "callbox.yaml")) // what was killed is not to be stopped
}

// TestSelftestOfSilence: a microphone that gives nothing is found out.
func TestSelftestOfSilence(t *testing.T) {
	quiet := filepath.Join(t.TempDir(), "silence.wav")
	writeTone(t, quiet, 0)
	d := startDevice(t, deviceOptions{tone: 440, voice: quiet, width: 160, height: 120, rate: 10, noDisplay: true})
	r, code, errs := d.selftest(append(looseBars, "--for", "5s")...)
	if row := rowOf(r, "sound"); code != 6 || row.State != selftest.Failed || !strings.HasPrefix(row.Says, "the microphone gives silence") {
		t.Errorf("exit code %d, %s%+v", code, errs, row)
	}
}

// TestSelftestWithoutAListener: what is missing is named.
func TestSelftestWithoutAListener(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, noDirect: true, ways: "  relay: {enabled: true}", noDisplay: true})
	if _, code, errs := d.selftest("--for", "1s"); code != 5 || !strings.Contains(errs, "signaling.direct.enabled: true") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestSelftestKilled: whichever of its two programs dies, nothing is left of a test.
func TestSelftestKilled(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, width: 160, height: 120, rate: 10, noDisplay: true})
	for _, who := range []string{"the command", "its phone"} {
		t.Run(who, func(t *testing.T) {
			cmd := exec.Command(filepath.Join(binaries, "callboxctl"), "selftest", "--socket", d.socket, "--for", "5m")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			phone := 0
			eventually(t, soon, "the phone runs", func() bool { phone = childOf(cmd.Process.Pid); return phone != 0 })
			d.waitState("talking", 2*soon)
			victim := cmd.Process.Pid
			if who == "its phone" {
				victim = phone
			}
			if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it was killed, or its phone was
			d.waitState("idle", soon)
			eventually(t, soon, "the phone has ended", func() bool { return syscall.Kill(phone, 0) != nil })
			if last := d.lastCall(); last.Contact != "selftest" || last.Origin == "timeLimit" || last.Ended.IsZero() {
				t.Errorf("record = %+v", last)
			}
			// The next one is let in: no right is left.
			if _, code, errs := d.selftest(append(looseBars, "--for", "1s")...); code != 0 {
				t.Errorf("the next test: exit code %d, %s", code, errs)
			}
		})
	}
}

// childOf is a child of a process; 0: it has none.
func childOf(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return 0
	}
	for _, task := range childTasks(pid) {
		more, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task))
		text = append(text, more...)
	}
	child, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	n, _ := strconv.Atoi(child)
	return n
}

// childTasks are the threads of a process: a child belongs to the one that began it.
func childTasks(pid int) []string {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
