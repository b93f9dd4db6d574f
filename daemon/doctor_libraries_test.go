package daemon

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"callbox/daemon/control"
)

func TestDoctorOfLibraries(t *testing.T) {
	const maps = `55d0c0a00000-55d0c0b00000 r-xp 00000000 fe:01 100 /usr/bin/callboxd (deleted)
7f0000000000-7f0000100000 r-xp 00000000 fe:01 101 /usr/lib/x86_64-linux-gnu/libvpx.so.7.1.0 (deleted)
7f0000100000-7f0000200000 r--p 00100000 fe:01 101 /usr/lib/x86_64-linux-gnu/libvpx.so.7.1.0 (deleted)
7f0000200000-7f0000300000 r-xp 00000000 fe:01 102 /usr/lib/x86_64-linux-gnu/libopus.so.0.8.0
7f0000300000-7f0000400000 rw-s 00000000 00:01 103 /memfd:pulseaudio (deleted)
7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0 [stack]
`
	got := doctorLibraries(maps)
	if len(got) != 1 || got[0].State != control.StateWarning || !strings.HasSuffix(got[0].Message, ": libvpx.so.7.1.0") {
		t.Errorf("%+v", got)
	}
	if got := doctorLibraries(strings.ReplaceAll(maps, " (deleted)", "")); got != nil {
		t.Errorf("with nothing renewed: %+v", got)
	}
}

// TestTheKernelsWord: the form of /proc/PID/maps is as it is read.
func TestTheKernelsWord(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "libold.so.1")          // a program by the name of a library
	if err := os.WriteFile(file, program, 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), file, "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	maps, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "maps"))
	if err != nil {
		t.Fatal(err)
	}
	if got := doctorLibraries(string(maps)); len(got) != 1 || !strings.HasSuffix(got[0].Message, ": libold.so.1") {
		t.Errorf("%+v of\n%s", got, maps)
	}
}
