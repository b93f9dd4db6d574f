package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

// TestIdle: it returns when the call that runs is over, and not before.
func TestIdle(t *testing.T) {
	d, socket := startDoor(t)
	t.Setenv("CALLBOX_CONTROL_SOCKET", socket)
	over := make(chan struct{})
	go func() {
		defer close(over)
		d.events.Publish(control.EventFinishVoip, "another", json.RawMessage("{}")) // the call still runs
		d.idle.Store(true)
		d.events.Publish(control.EventFinishVoip, "kR3v9", json.RawMessage("{}"))
	}()
	code, out, errs := ctl(t, "", "idle", "--for", "1m")
	<-over
	if code != exitOK || out != "no call is running\n" || !d.idle.Load() {
		t.Errorf("%d %q %q", code, out, errs)
	}
}

// TestIdleAsConfigured: without --for the daemon's configuration counts, as the daemon has it.
func TestIdleAsConfigured(t *testing.T) {
	d, socket := startDoor(t)
	t.Setenv("CALLBOX_CONTROL_SOCKET", socket)
	d.impatient = true
	code, _, errs := ctl(t, "", "idle")
	if code != exitNotNow || !strings.Contains(errs, "a call still runs after 0s") {
		t.Errorf("%d %q", code, errs)
	}
}

// TestIdleWithoutDaemon: who is not there has no call, and the exit code says so.
func TestIdleWithoutDaemon(t *testing.T) {
	if code, _, errs := ctl(t, "", "--socket", filepath.Join(t.TempDir(), "none"), "idle", "--for", "1s"); code != exitUnreachable {
		t.Errorf("%d %q", code, errs)
	}
}

// TestManualPages: each verb that the help shows has its page, and nothing else but the
// exit codes has one.
func TestManualPages(t *testing.T) {
	dir := t.TempDir()
	if code, out, errs := ctl(t, "", "manual", dir, "--date", "2026-01-02"); code != exitOK || !strings.HasSuffix(out, " pages written\n") {
		t.Fatalf("%d %q %q", code, out, errs)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	want := shownPages(newRoot(&app{}))
	slices.Sort(want)
	if !slices.Contains(want, "callboxctl-contacts-add.1") || !slices.Equal(files, want) {
		t.Errorf("the pages are %v,\nwant %v", files, want)
	}
	page, err := os.ReadFile(filepath.Join(dir, "callboxctl.1"))
	if err != nil || !strings.Contains(string(page), "EXIT STATUS") || !strings.Contains(string(page), "2026\\-01\\-02") {
		t.Errorf("%v\n%s", err, page)
	}
}

// shownPages names the pages of a command and of all below it that the help shows.
func shownPages(c *cobra.Command) (names []string) {
	names = append(names, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			names = append(names, shownPages(sub)...)
		}
	}
	return names
}
