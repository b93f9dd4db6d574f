package daemon

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"callbox/daemon/control"
)

// TestDoctorOfTheClock: a clock that is not set is told, and is a problem where a rule
// depends on it.
func TestDoctorOfTheClock(t *testing.T) {
	wall := time.Date(2026, 11, 24, 18, 30, 5, 0, time.UTC)
	for name, tt := range map[string]struct {
		trusted, needed bool
		state, message  string
		remedy          string // part of it; "" for none
	}{
		"set":                 {true, false, control.StateOK, "2026-11-24 18:30:05 UTC, synchronised", ""},
		"set, and needed":     {true, true, control.StateOK, "2026-11-24 18:30:05 UTC, synchronised", ""},
		"not set":             {false, false, control.StateWarning, "2026-11-24 18:30:05 UTC, not synchronised", "NTP client"},
		"not set, and needed": {false, true, control.StateProblem, "2026-11-24 18:30:05 UTC, not synchronised: hours and do-not-disturb fall to their safe side", "NTP client"},
	} {
		f := doctorClock(control.Clock{Wall: wall, Trusted: tt.trusted}, tt.needed)
		if f.Name != "clock" || f.State != tt.state || f.Message != tt.message || !strings.Contains(f.Remedy, tt.remedy) || (tt.remedy == "") != (f.Remedy == "") {
			t.Errorf("%s: %+v, want %+v", name, f, tt)
		}
	}
}

// TestDoctorOfTheDisk: little room is told, and a disk that does not answer.
func TestDoctorOfTheDisk(t *testing.T) {
	const block = 4096
	for name, tt := range map[string]struct {
		free           uint64 // bytes
		err            error
		state, message string
		remedy         string // part of it; "" for none
	}{
		"much":          {1 << 30, nil, control.StateOK, "1024 MiB free in /state", ""},
		"just enough":   {littleSpace, nil, control.StateOK, "16 MiB free in /state", ""},
		"a little less": {littleSpace - block, nil, control.StateProblem, "15 MiB free in /state", "make room"},
		"full":          {0, nil, control.StateProblem, "0 MiB free in /state", "make room"},
		"dead":          {0, unix.EIO, control.StateProblem, "cannot look at the state directory: input/output error", "is the disk alive?"},
	} {
		f := doctorSpace("/state", func(dir string, s *unix.Statfs_t) error {
			if dir != "/state" {
				t.Errorf("%s: it looks at %s", name, dir)
			}
			s.Bsize, s.Bavail, s.Bfree = block, tt.free/block, 1<<40 // Bfree is root's
			return tt.err
		})
		if f.Name != "disk" || f.State != tt.state || f.Message != tt.message || !strings.Contains(f.Remedy, tt.remedy) || (tt.remedy == "") != (f.Remedy == "") {
			t.Errorf("%s: %+v, want %+v", name, f, tt)
		}
	}
}
