package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSystemsAge: packaging/chroot.sh keeps a system for a week, and then makes it anew
// and says so.
func TestSystemsAge(t *testing.T) {
	dir := t.TempDir()
	// Stands in for the program that fetches a Debian: the folder is its last argument but one.
	stub := "#!/bin/bash\nmkdir -p \"${@: -2:1}\"\necho made >>" + dir + "/calls\n"
	if err := os.WriteFile(filepath.Join(dir, "mmdebstrap"), []byte(stub), 0o700); err != nil {
		t.Fatal(err)
	}
	system := func(days string, packages string) (folder, said string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "-euc", `. packaging/chroot.sh; system device trixie "" "$0"`, packages)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "CALLBOX_CACHE="+filepath.Join(dir, "cache"), "CALLBOX_MIRROR=http://mirror.example", "CALLBOX_DAYS="+days)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s", err, &errs)
		}
		return strings.TrimSpace(out.String()), errs.String()
	}
	calls := func() int {
		data, _ := os.ReadFile(filepath.Join(dir, "calls")) // there is none before the first
		return bytes.Count(data, []byte("\n"))
	}
	old := func(folder string, days int) {
		t.Helper()
		at := time.Now().Add(-time.Duration(days)*24*time.Hour - time.Minute)
		if err := os.Chtimes(filepath.Join(filepath.Dir(folder), "made"), at, at); err != nil {
			t.Fatal(err)
		}
	}
	folder, said := system("", "dbus")
	if calls() != 1 || said != "" {
		t.Fatalf("the first is made %d times: %s", calls(), said)
	}
	old(folder, 6)
	if again, said := system("", "dbus"); again != folder || calls() != 1 || said != "" {
		t.Errorf("after six days: %s, %d times: %s", again, calls(), said)
	}
	old(folder, 7)
	if again, said := system("", "dbus"); again != folder || calls() != 2 || !strings.Contains(said, "made anew") {
		t.Errorf("after seven days: %s, %d times: %s", again, calls(), said)
	}
	if _, said := system("", "dbus"); calls() != 2 || said != "" {
		t.Errorf("the new one is not kept: %d times: %s", calls(), said)
	}
	old(folder, 30)
	if _, said := system("31", "dbus"); calls() != 2 || said != "" {
		t.Errorf("within CALLBOX_DAYS: %d times: %s", calls(), said)
	}
	if other, said := system("", "dbus,procps"); other == folder || calls() != 3 || said != "" {
		t.Errorf("with other packages: %s, %d times: %s", other, calls(), said)
	}
}
