package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callbox/daemon/config"
)

// TestTheDaemonsFile: doctor and check look at the file that the daemon reads.
func TestTheDaemonsFile(t *testing.T) {
	dir := t.TempDir()
	good, bad, missing := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yaml"), filepath.Join(dir, "missing.yaml")
	for file, text := range map[string]string{good: "device: {name: Door}\n", bad: "call: {rng_timeout: 5s}\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		daemons string
		args    []string
		want    string
	}{
		"the daemon's":                {good, []string{"doctor"}, "ok       configuration   " + good + " is in order\n"},
		"the daemon's, with mistakes": {bad, []string{"doctor"}, bad + " has 1 mistake"},
		"the daemon's, gone":          {missing, []string{"doctor"}, "cannot read the configuration: open " + missing},
		"a missing file's remedy":     {good, []string{"doctor", "--config", missing}, "→ bring it back, or name the one that is meant: callboxctl doctor --config FILE"},
		"the named one":               {good, []string{"doctor", "--config", bad}, bad + " has 1 mistake"},
		"another one":                 {bad, []string{"doctor", "--config", good}, good + " is in order; the daemon reads " + bad + "\n"},
		"the same one":                {good, []string{"doctor", "--config", good}, good + " is in order\n"},
		"a daemon that does not say":  {"", []string{"doctor", "--config", good}, good + " is in order\n"},
		"check":                       {good, []string{"check"}, good + " is in order\n"},
		"check, with mistakes":        {bad, []string{"check"}, bad + ":1:8: call.rng_timeout: unknown key"},
		"check of another one":        {bad, []string{"check", good}, good + " is in order\n"},
	} {
		t.Run(name, func(t *testing.T) {
			d, socket := startDoor(t)
			d.file = tt.daemons
			_, out, errs := ctl(t, "", append(tt.args, "--socket", socket)...)
			if !strings.Contains(out+errs, tt.want) {
				t.Errorf("want %q in\n%s%s", tt.want, out, errs)
			}
		})
	}
	if _, err := os.Stat(config.DefaultFile); err == nil {
		t.Skip("this machine has a configuration")
	}
	d, socket := startDoor(t)
	d.file = config.DefaultFile
	if _, out, _ := ctl(t, "", "doctor", "--socket", socket); !strings.Contains(out, "there is no "+config.DefaultFile+": the defaults count\n") {
		t.Errorf("without a file:\n%s", out)
	}
	if code, out, errs := ctl(t, "", "check", "--socket", socket); code != exitOK || out != config.DefaultFile+" does not exist: the defaults count\n" {
		t.Errorf("check without a file: %d %s%s", code, out, errs)
	}
	if code, out, errs := ctl(t, "", "check", config.DefaultFile, "--socket", socket); code == exitOK {
		t.Errorf("check of a named file that is not there: %s%s", out, errs)
	}
}

// TestTheDaemonTellsItsFile: a real one.
func TestTheDaemonTellsItsFile(t *testing.T) {
	socket := startDaemon(t, func(*config.Config) {})
	want := filepath.Join(filepath.Dir(socket), "c.yaml")
	if _, out, _ := ctl(t, "", "doctor", "--socket", socket); !strings.Contains(out, "cannot read the configuration: open "+want) {
		t.Errorf("doctor did not look at %s:\n%s", want, out)
	}
}

// TestNoRecordYet: an empty device is no search without a result.
func TestNoRecordYet(t *testing.T) {
	socket := startDaemon(t, func(*config.Config) {})
	for want, args := range map[string][]string{
		"There is no call record yet.\n": {"calls"},
		"There is no such call.\n":       {"calls", "--cause", "timeout"},
		"There is no such call with \"Anna\"; callboxctl contacts lists the contacts.\n": {"calls", "--contact", "Anna"},
	} {
		if code, out, errs := ctl(t, "", append(args, "--socket", socket)...); code != exitOK || out != want {
			t.Errorf("%v = %d %q%s, want %q", args, code, out, errs, want)
		}
	}
}

// TestTheDaemonTellsItsStateDirectory: backup takes that of the daemon which it was told,
// whatever the default configuration says.
func TestTheDaemonTellsItsStateDirectory(t *testing.T) {
	socket := startDaemon(t, func(*config.Config) {})
	file := filepath.Join(t.TempDir(), "door.backup")
	if code, out, errs := ctl(t, "", "identity", "backup", file, "--socket", socket); code != exitOK {
		t.Fatalf("%d, %s%s", code, out, errs)
	}
	_, want, _ := ctl(t, "", "status", "--json", "--socket", socket)
	var status struct{ Thumbprint string }
	if err := json.Unmarshal([]byte(want), &status); err != nil || status.Thumbprint == "" {
		t.Fatal(want, err)
	}
	to := stateOf(t)
	none := filepath.Join(t.TempDir(), "none")
	if _, out, errs := ctl(t, "", "identity", "restore", file, "--force", "--state-dir", to, "--socket", none); !strings.Contains(out, status.Thumbprint) {
		t.Errorf("restored: %s%s, want the device %s", out, errs, status.Thumbprint)
	}
}
