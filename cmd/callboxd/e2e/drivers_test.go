//go:build device

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testDrivers runs the drivers' tests where there are devices: the conformance
// suites, and what happens when one is pulled out or in somebody else's hands.
func testDrivers(t *testing.T, m *machine) {
	dir := t.TempDir()
	for _, driver := range []string{"v4l2", "sound"} {
		build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags=device", "-o", filepath.Join(dir, driver+".test"), "callbox/hal/"+driver)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("cannot build the tests of hal/%s: %v\n%s", driver, err, out)
		}
	}
	m.must(time.Minute, "put", filepath.Join(dir, "v4l2.test"), filepath.Join(dir, "sound.test"), "/opt/")
	test := func(name, binary, pattern string) {
		t.Run(name, func(t *testing.T) {
			m.of(t).wantPass(5*time.Minute, "/opt/"+binary, "-test.v", "-test.run", pattern)
		})
	}
	test("camera", "v4l2.test", "^TestDevice")
	test("sound card", "sound.test", "^TestDevice$")

	t.Run("the camera is pulled out", func(t *testing.T) {
		m.of(t).pullOut("cam", "/dev/video0", "/opt/v4l2.test", "CALLBOX_TEST_UNPLUG=1")
	})
	t.Run("the sound card is pulled out", func(t *testing.T) {
		m.of(t).pullOut("snd", "/dev/snd/pcm", "/opt/sound.test", "CALLBOX_TEST_UNPLUG=1")
	})
	t.Run("other programs have the speaker", func(t *testing.T) {
		sub := m.of(t)
		for _, substream := range []string{"0", "1"} { // all that it has
			unit := "busy" + substream
			sub.must(time.Minute, "exec", "systemd-run", "--unit="+unit, "aplay", "-q", "-D", "hw:Loopback,0,"+substream, "-f", "S16_LE", "-r", "48000", "-c", "2", "/dev/zero")
			defer sub.must(time.Minute, "exec", "systemctl", "stop", unit)
		}
		sub.must(time.Minute, "exec", "sh", "-c", waitOpen("/dev/snd/pcmC0D0p", 2))
		sub.wantPass(time.Minute, "env", "CALLBOX_TEST_BUSY=Loopback,0", "/opt/sound.test", "-test.v", "-test.run", "^TestBusy$")
	})
}

// wantPass runs a test binary in the machine, which must run tests and pass.
func (m *machine) wantPass(within time.Duration, command ...string) {
	m.t.Helper()
	out, err := m.run(within, append([]string{"exec"}, command...)...)
	m.wantPassed(out, err)
}

func (m *machine) wantPassed(out []byte, err error) {
	m.t.Helper()
	m.t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		m.t.Errorf("the driver's tests did not pass: %v", err)
	}
}

// waitOpen is a shell command that waits until a file whose name begins so is open
// at least so many times.
func waitOpen(prefix string, times int) string {
	return fmt.Sprintf("for i in $(seq 150); do [ $(ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c -- '-> %s') -ge %d ] && exit 0; sleep 0.2; done; exit 1", prefix, times)
}

// pullOut runs a driver's TestUnplug and takes the device away once it is open.
func (m *machine) pullOut(verb, device, binary string, env string) {
	m.t.Helper()
	type result struct {
		out []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		out, err := m.run(2*time.Minute, "exec", "env", env, binary, "-test.v", "-test.run", "^TestUnplug$")
		done <- result{out, err}
	}()
	m.must(time.Minute, "exec", "sh", "-c", waitOpen(device, 1))
	m.must(time.Minute, verb, "off")
	r := <-done
	m.must(time.Minute, verb, "on")
	m.wantPassed(r.out, r.err)
}
