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
	"strconv"
	"strings"
	"syscall"
	"testing"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/daemon/selftest"
	"callbox/signaling/cause"
	"callbox/signaling/phonepeer"
)

// looseBars are for a machine that builds and tests other things meanwhile.
var looseBars = []string{
	"--bar", "ring=8000", "--bar", "connect=8000", "--bar", "first_sound=8000", "--bar", "first_picture=8000",
	"--bar", "latency=2000", "--bar", "jitter=200", "--bar", "gap=3000", "--bar", "rate=2", "--bar", "limit=500",
	"--bar", "limit_phone=2000", "--bar", "round_trip=1000", "--bar", "loss_up=20",
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
	for _, name := range []string{"call", "ring", "connect", "first_sound", "first_picture", "loss_down", "rate", "latency", "sound", "limit", "packets_after"} {
		if row := rowOf(r, name); row.State != selftest.OK && row.State != selftest.Warning {
			t.Errorf("%s: %+v", name, row)
		}
	}
	if row := rowOf(r, "echo"); row.State != selftest.OK || !strings.HasPrefix(row.Says, "no echo heard") {
		t.Errorf("echo: %+v", row)
	}
	f := r.Figures
	if f.Device.SN != "e2e" || f.Limit != 6 || f.Down.Width != 640 || f.Down.Height != 360 || f.Latency.Count < 20 || f.End.After != 0 {
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
