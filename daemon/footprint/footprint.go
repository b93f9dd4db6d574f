// Package footprint gives memory back that only a beginning has needed: that of the
// daemon or of a call. Both run much code once and make much garbage, and Go by itself
// collects that when as much again has been allocated, which in a talk takes a while.
package footprint

// #include "drop.h"
import "C"

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"unsafe"
)

// Trim collects garbage, gives free heap back, and lets go of the pages of code and
// constants, the program's and its libraries': the kernel takes those first when it needs
// room, and what still runs has its pages back at its next step, from the page cache,
// without a disk. It takes some 10 ms of processor time.
func Trim() error {
	debug.FreeOSMemory()
	if err := dropCode(); err != nil {
		return fmt.Errorf("cannot let go of the program's pages: %w", err)
	}
	return nil
}

func dropCode() error {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer f.Close()
	list, err := clean(f)
	if err != nil || len(list) == 0 {
		return err
	}
	if n := C.callbox_drop((*C.callbox_span)(unsafe.Pointer(&list[0])), C.size_t(len(list))); n != 0 {
		return syscall.Errno(n)
	}
	return nil
}

// span is a mapping; C.callbox_span looks the same.
type span struct{ from, to uintptr }

// clean returns the mappings of files that cannot be written and hold the file's pages
// only. One that was written before, for relocations or by a debugger, must stay.
func clean(smaps io.Reader) ([]span, error) {
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
			candidate = (rights == "r-xp" || rights == "r--p") && strings.Contains(rest, "/")
		case key == "Anonymous:", key == "Swap:":
			candidate = candidate && strings.TrimSpace(value) == "0 kB"
		case key == "VmFlags:" && candidate: // the last line of each
			list = append(list, s)
		}
	}
	return list, lines.Err()
}
