package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"callbox/daemon/config"
)

// TestWithRights: what root can read and the daemon cannot is found, by its group too, and
// the rest of the program keeps its rights.
func TestWithRights(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can take the rights of another")
	}
	dir, err := os.MkdirTemp("", "rights") // t.TempDir is of root alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	const uid, gid, other = 64001, 64002, 64003
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // it must be entered
		t.Fatal(err)
	}
	as := config.Reader{User: daemonUser, Do: func(f func()) {
		withRights(&syscall.Credential{Uid: uid, Gid: gid, Groups: []uint32{other}}, f)
	}}
	for name, tt := range map[string]struct {
		uid, gid int
		mode     os.FileMode
		good     bool
	}{
		"its own":           {uid, 0, 0o600, true},
		"of its group":      {0, gid, 0o640, true},
		"of a second group": {0, other, 0o640, true},
		"of root":           {0, 0, 0o600, false},
		"of root's group":   {0, 0, 0o640, false},
		"of everybody":      {0, 0, 0o644, true},
		"of somebody":       {64009, 64009, 0o600, false},
		"its own to write":  {uid, gid, 0o200, false},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(file, tt.uid, tt.gid); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, tt.mode); err != nil {
				t.Fatal(err)
			}
			draft := filepath.Join(t.TempDir(), "draft.yaml") // which only root may read
			if err := os.WriteFile(draft, []byte("media: {ice: {turn_secret_file: "+file+", servers: [{urls: [turn:t.example]}]}}"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, err := config.Check(draft, as)
			if (err == nil) != tt.good || err != nil && !strings.Contains(err.Error(), "the daemon's user callbox may not read it") {
				t.Errorf("Check = %v", err)
			}
			err = daemonOpens(file, file, as)
			if (err == nil) != tt.good || err != nil && exitCode(err) != exitConfig {
				t.Errorf("as its configuration: %v", err)
			}
			if err := daemonOpens(file, "/of/another", as); err != nil {
				t.Errorf("as a draft: %v", err)
			}
			if _, err := os.ReadFile(file); err != nil {
				t.Errorf("root may not read it any more: %v", err)
			}
		})
	}
}
