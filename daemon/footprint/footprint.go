// Package footprint gives memory back that only a beginning has needed: that of the
// daemon or of a call. Both run much code once and make much garbage, and Go by itself
// collects that when as much again has been allocated, which in a talk takes minutes.
package footprint

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// Trim collects garbage, gives free heap back, and lets go of the pages of the program's
// own code and constants: the kernel takes those first when it needs room, and what still
// runs has its pages back at its next step, from the page cache, without a disk. It takes
// some 10 ms of processor time.
func Trim() error {
	debug.FreeOSMemory()
	if err := dropCode(); err != nil {
		return fmt.Errorf("cannot let go of the program's pages: %w", err)
	}
	return nil
}

func dropCode() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer f.Close()
	list, err := clean(f, program)
	for _, s := range list {
		// Linux before 5.4 does not know MADV_COLD, and need not.
		for _, advice := range []uintptr{unix.MADV_COLD, unix.MADV_DONTNEED} {
			_, _, n := unix.Syscall(unix.SYS_MADVISE, s.from, s.to-s.from, advice)
			if n != 0 && advice == unix.MADV_DONTNEED {
				err = errors.Join(err, n)
			}
		}
	}
	return err
}

// span is a mapping.
type span struct{ from, to uintptr }

// clean returns the mappings of the program's file that cannot be written and hold the
// file's pages only. One that was written before, for relocations or by a debugger, must
// stay. Libraries stay, too: one of them may be put away meanwhile, and its place be
// taken by something else.
func clean(smaps io.Reader, program string) ([]span, error) {
	var list []span
	var s span
	candidate := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), " ")
		switch {
		case !strings.HasSuffix(key, ":"): // 00400000-00d93000 r-xp 00004000 fe:00 1234    /usr/bin/callboxd
			if _, err := fmt.Sscanf(key, "%x-%x", &s.from, &s.to); err != nil {
				return nil, fmt.Errorf("%q: %w", lines.Text(), err)
			}
			rights, rest, _ := strings.Cut(value, " ")
			_, path, _ := strings.Cut(rest, "/")
			candidate = (rights == "r-xp" || rights == "r--p") && "/"+path == program
		case key == "Anonymous:", key == "Swap:":
			candidate = candidate && strings.TrimSpace(value) == "0 kB"
		case key == "VmFlags:" && candidate: // the last line of each
			list = append(list, s)
		}
	}
	return list, lines.Err()
}
