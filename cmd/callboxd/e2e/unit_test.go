//go:build e2e || device

package e2e

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// unitFile is what systemd starts callboxd by.
const unitFile = "../../../systemd/callbox.service"

// startAsUnit starts a command with the environment and the slack of timers that the
// unit gives callboxd: both tell in what it uses.
func startAsUnit(t testing.TB, cmd *exec.Cmd) error {
	t.Helper()
	text, err := os.ReadFile(unitFile)
	if err != nil {
		return err
	}
	var slack time.Duration
	cmd.Env = os.Environ()
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if v, ok := strings.CutPrefix(line, "Environment="); ok {
			cmd.Env = append(cmd.Env, v)
		}
		if v, ok := strings.CutPrefix(line, "TimerSlackNSec="); ok {
			if slack, err = time.ParseDuration(v); err != nil {
				return err
			}
		}
	}
	// A process has the slack of the thread that starts it; 0 is the usual one.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack.Nanoseconds()), 0, 0, 0); err != nil {
		return err
	}
	defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) }() // it worked above
	return cmd.Start()
}
