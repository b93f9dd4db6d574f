package clock

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Trusted reports whether the kernel holds the wall clock for synchronised: some
// NTP client has set it and keeps it (adjtimex(2), STA_UNSYNC).
func Trusted() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

// BootID names this boot of the machine: readings of the boot-time clock are
// comparable within one only.
func BootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("cannot tell which boot this is: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
