package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callbox/daemon/store"
)

// TestExitCodes: systemd's RestartPreventExitStatus= is built on them.
func TestExitCodes(t *testing.T) {
	state := t.TempDir()
	s, err := store.Open(state, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "contacts.json"), []byte(`{"version":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "callbox.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"the version":     {[]string{"--version"}, exitOK, "callboxd version "},
		"an unknown verb": {[]string{"start"}, exitUsage, "unknown command"},
		"an unknown flag": {[]string{"run", "--conf", "x"}, exitUsage, "unknown flag"},
		"no such file":    {[]string{"run", "--config", "/nonexistent"}, exitConfig, "cannot read the configuration"},
		"two mistakes":    {[]string{"run", "--config", file("cal: {}\nlog: {level: loud}\n")}, exitConfig, `:2:14: log.level: "loud"`},
		"a newer callbox": {[]string{"run", "--config", file("device: {state_dir: " + state + "}")}, exitConfig, "newer callbox"},
		"no state at all": {[]string{"run", "--config", file("device: {state_dir: /proc/callbox}")}, exitFailed, "callboxd has failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("JOURNAL_STREAM", "")
			var out, errs bytes.Buffer
			code := run(t.Context(), tt.args, &out, &errs)
			if said := out.String() + errs.String(); code != tt.code || !strings.Contains(said, tt.says) {
				t.Errorf("exit code %d, want %d; it says\n%s", code, tt.code, said)
			}
		})
	}
}
