package daemon

import (
	"path/filepath"
	"testing"

	"callbox/daemon/control/client"
)

// TestUsualSocket: under systemd a daemon with a socket of its own is found where programs
// look for it, and tells there how long an upgrade waits.
func TestUsualSocket(t *testing.T) {
	runtime := t.TempDir()
	t.Setenv("RUNTIME_DIRECTORY", runtime+":/run/another")
	d := runDaemon(t)
	status, err := client.New(filepath.Join(runtime, "control.sock")).Status(t.Context())
	if want := d.cfg.Call.UpgradeWait.Seconds(); err != nil || want == 0 || status.UpgradeWaitSeconds != want {
		t.Errorf("an upgrade waits %v s, want %v (%v)", status.UpgradeWaitSeconds, want, err)
	}
}
