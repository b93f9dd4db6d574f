package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSocketOf: a daemon with a socket of its own is found by its configuration file.
func TestSocketOf(t *testing.T) {
	t.Setenv(socketVariable, "")
	for name, tt := range map[string]struct {
		text    string // of the file; "" for none
		sockets []string
		want    string
	}{
		"its own":                       {"control:\n  socket: DIR/own", []string{"own", "usual"}, "own"},
		"its own, and no daemon":        {"control:\n  socket: DIR/own", nil, "own"},
		"changed, and not yet used":     {"control:\n  socket: DIR/own", []string{"usual"}, "usual"},
		"no file":                       {"", []string{"own", "usual"}, "usual"},
		"a file with another mistake":   {"control:\n  socket: DIR/own\ncall: {answer: maybe}", []string{"usual"}, "usual"},
		"a file that is no YAML at all": {"{{", nil, "usual"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "callbox.yaml")
			write := func(file, text string) {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if tt.text != "" {
				write(file, strings.ReplaceAll(tt.text, "DIR", dir))
			}
			for _, s := range tt.sockets {
				write(filepath.Join(dir, s), "")
			}
			if got := socketOf(file, filepath.Join(dir, "usual")); got != filepath.Join(dir, tt.want) {
				t.Errorf("it is %s, want %s", got, tt.want)
			}
		})
	}
}

// TestNamedSocket: --socket counts more than the environment, and that more than the
// configuration file.
func TestNamedSocket(t *testing.T) {
	_, socket := startDoor(t)
	none := filepath.Join(t.TempDir(), "none")
	for name, tt := range map[string]struct {
		variable string
		args     []string
		code     int
	}{
		"by the flag":        {none, []string{"--socket", socket, "status"}, exitOK},
		"by the environment": {socket, []string{"status"}, exitOK},
		"by both":            {socket, []string{"--socket", none, "status"}, exitUnreachable},
	} {
		t.Setenv(socketVariable, tt.variable)
		if code, _, errs := ctl(t, "", tt.args...); code != tt.code {
			t.Errorf("%s: %d %q", name, code, errs)
		}
	}
}
