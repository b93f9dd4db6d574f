package footprint

import (
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mapping is an entry of smaps, without the lines that nobody reads.
func mapping(head, anonymous, swap string) string {
	return head + "\nSize:   4 kB\nRss:    4 kB\nAnonymous:      " + anonymous + " kB\nSwap:           " + swap +
		" kB\nVmFlags: rd ex mr mw me sd \n"
}

func TestClean(t *testing.T) {
	const place = " 00004000 fe:00 1234                       "
	for name, tt := range map[string]struct {
		smaps string
		want  []span
	}{
		"code":                {mapping("00404000-00d93000 r-xp"+place+"/usr/bin/callboxd", "0", "0"), []span{{0x404000, 0xd93000}}},
		"constants":           {mapping("7f00d93000-7f017e1000 r--p"+place+"/usr/bin/callboxd", "0", "0"), []span{{0x7f00d93000, 0x7f017e1000}}},
		"variables":           {mapping("00404000-00d93000 rw-p"+place+"/usr/bin/callboxd", "0", "0"), nil},
		"relocated":           {mapping("00404000-00d93000 r--p"+place+"/usr/bin/callboxd", "4", "0"), nil},
		"relocated, swapped":  {mapping("00404000-00d93000 r--p"+place+"/usr/bin/callboxd", "0", "4"), nil},
		"with a breakpoint":   {mapping("00404000-00d93000 r-xp"+place+"/usr/bin/callboxd", "8", "0"), nil},
		"shared":              {mapping("00404000-00d93000 r--s"+place+"/usr/bin/callboxd", "0", "0"), nil},
		"of a library":        {mapping("00404000-00d93000 r-xp"+place+"/usr/lib/libvpx.so.7", "0", "0"), nil},
		"of no file":          {mapping("00404000-00d93000 r--p 00000000 00:00 0 ", "0", "0"), nil},
		"of a longer name":    {mapping("00404000-00d93000 r-xp"+place+"/old/usr/bin/callboxd", "0", "0"), nil},
		"two":                 {mapping("00400000-00404000 r--p"+place+"/usr/bin/callboxd", "0", "0") + mapping("00404000-00d93000 r-xp"+place+"/usr/bin/callboxd", "0", "0"), []span{{0x400000, 0x404000}, {0x404000, 0xd93000}}},
		"code behind written": {mapping("00400000-00404000 r--p"+place+"/usr/bin/callboxd", "4", "0") + mapping("00404000-00d93000 r-xp"+place+"/usr/bin/callboxd", "0", "0"), []span{{0x404000, 0xd93000}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := clean(strings.NewReader(tt.smaps), "/usr/bin/callboxd")
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%x, want %x", got, tt.want)
			}
		})
	}
	if got, err := clean(strings.NewReader("something else\n"), "/usr/bin/callboxd"); err == nil {
		t.Errorf("what is no map gives %x and no error", got)
	}
}

// TestTrim maps the program's file again: its pages are given back, and those that were
// written stay as they are.
func TestTrim(t *testing.T) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const pages = 64
	size := pages * os.Getpagesize()
	open := func(offset int64) []byte {
		t.Helper()
		m, err := unix.Mmap(int(f.Fd()), offset, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Munmap(m) })
		return m
	}
	read, written := open(0), open(int64(2*size)) // not side by side: the kernel would make one of them
	written[0], written[size-1] = 'x', 'y'
	for _, m := range [][]byte{read, written} {
		if err := unix.Mprotect(m, unix.PROT_READ); err != nil {
			t.Fatal(err)
		}
	}
	sum := 0
	for i := range read {
		sum += int(read[i])
	}
	if n := resident(t, read); n != pages {
		t.Fatalf("%d of %d pages are there although they were read", n, pages)
	}
	if err := Trim(); err != nil {
		t.Fatal(err)
	}
	if n := resident(t, read); n != 0 {
		t.Errorf("%d of %d pages are still there", n, pages)
	}
	if written[0] != 'x' || written[size-1] != 'y' {
		t.Error("what was written is lost")
	}
	for i := range read {
		sum -= int(read[i])
	}
	if sum != 0 {
		t.Error("the pages came back as others")
	}
}

// resident counts the pages of m that are mapped.
func resident(t *testing.T, m []byte) int {
	t.Helper()
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entries := make([]byte, 8*len(m)/os.Getpagesize())
	if _, err := f.ReadAt(entries, int64(uintptr(unsafe.Pointer(unsafe.SliceData(m)))/uintptr(os.Getpagesize())*8)); err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := 7; i < len(entries); i += 8 {
		n += int(entries[i] >> 7) // bit 63: the page is present; little endian
	}
	return n
}
