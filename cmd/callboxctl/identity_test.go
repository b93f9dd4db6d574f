package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callbox/daemon/store"
)

// stateOf makes a state directory as a daemon that has run leaves it.
func stateOf(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestIdentity(t *testing.T) {
	from, to := stateOf(t), stateOf(t)
	file := filepath.Join(t.TempDir(), "door.backup")
	socket := filepath.Join(t.TempDir(), "none")
	do := func(in string, args ...string) (code int, out string) {
		t.Helper()
		code, out, errs := ctl(t, in, append([]string{"--socket", socket, "identity"}, args...)...)
		return code, out + errs
	}
	code, out := do("", "backup", file, "--state-dir", from)
	info, err := os.Stat(file)
	if code != exitOK || !strings.HasPrefix(out, file) || err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("backup = %d, %s; %v, %v", code, out, info, err)
	}
	before, _ := os.ReadFile(file)
	code, out = do("", "backup", file, "--state-dir", to)
	after, err := os.ReadFile(file)
	if code != exitFailed || !strings.Contains(out, "--force") || err != nil || string(after) != string(before) {
		t.Errorf("a second backup took the place of the first: %d, %s; %v", code, out, err)
	}
	if code, out = do("", "backup", file, "--state-dir", from, "--force"); code != exitOK {
		t.Errorf("backup by force = %d, %s", code, out)
	}
	code, text := do("", "backup", "-", "--state-dir", from)
	if code != exitOK || !strings.Contains(text, `"callbox": "identity backup"`) {
		t.Fatalf("backup - = %d, %s", code, text)
	}
	key := func(dir string) string {
		raw, err := os.ReadFile(filepath.Join(dir, "identity.pem"))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if code, out := do("", "restore", file, "--state-dir", to); code != exitOK || !strings.Contains(out, "with 0 contacts") || key(to) != key(from) {
		t.Errorf("restore = %d, %s", code, out)
	}
	if code, out := do(text, "restore", "-", "--state-dir", to); code != exitFailed || !strings.Contains(out, "--force") {
		t.Errorf("restore again = %d, %s", code, out)
	}
	if code, out := do(text, "restore", "-", "--state-dir", to, "--force", "--json"); code != exitOK || !strings.Contains(out, `"thumbprint"`) {
		t.Errorf("restore again, by force = %d, %s", code, out)
	}
	if code, out := do("hello", "restore", "-", "--state-dir", to, "--force"); code != exitFailed || !strings.Contains(out, "not a backup of an identity") || key(to) != key(from) {
		t.Errorf("restore of something else = %d, %s", code, out)
	}
	if code, out := do("", "restore", filepath.Join(t.TempDir(), "x"), "--state-dir", to); code != exitFailed || !strings.Contains(out, "cannot read the backup") {
		t.Errorf("restore of nothing = %d, %s", code, out)
	}
	s, err := store.Open(to, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if code, out := do(text, "restore", "-", "--state-dir", to, "--force"); code != exitFailed || !strings.Contains(out, "in use") || !strings.Contains(out, "stop it") {
		t.Errorf("restore under a daemon = %d, %s", code, out)
	}
	if code, _ := do("", "backup"); code != exitUsage {
		t.Errorf("backup of nowhere = %d", code)
	}
}

// TestIdentityOfADaemon: it is the daemon's own directory that is saved, whatever its
// environment has made of the configuration.
func TestIdentityOfADaemon(t *testing.T) {
	d, socket := startDoor(t)
	d.state = stateOf(t)
	code, out, errs := ctl(t, "", "--socket", socket, "identity", "backup", "-")
	if code != exitOK || !strings.Contains(out, `"callbox": "identity backup"`) {
		t.Errorf("backup = %d, %s%s", code, out, errs)
	}
	code, _, errs = ctl(t, "", "--socket", socket, "identity", "backup", "-", "--state-dir", t.TempDir())
	if code != exitFailed || !strings.Contains(errs, "--state-dir") {
		t.Errorf("backup of an empty directory = %d, %s", code, errs)
	}
}
