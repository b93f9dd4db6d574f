//go:build e2e && bench

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mappedFiles are the regular files that a process has mapped.
func mappedFiles(t *testing.T, pid int) []string {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		_, path, named := strings.Cut(lines.Text(), "/")
		path = "/" + path
		if info, err := os.Stat(path); named && err == nil && info.Mode().IsRegular() && (len(list) == 0 || list[len(list)-1] != path) {
			list = append(list, path)
		}
	}
	return list
}

// asAfterBoot takes files that no process uses out of the page cache. What was just
// written, by a linker or a package manager, lies there in pieces of up to 2 MB, and Linux
// maps a whole piece for one page of it; what was read from a disk lies in small ones.
func asAfterBoot(t *testing.T, files []string) {
	t.Helper()
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			t.Fatal(err)
		}
	}
}

// startMeasured is startDevice for a daemon whose memory counts.
func startMeasured(t *testing.T, o deviceOptions) *device {
	t.Helper()
	d := startDevice(t, o)
	files := mappedFiles(t, d.pid())
	d.restart(func() { asAfterBoot(t, files) })
	return d
}
