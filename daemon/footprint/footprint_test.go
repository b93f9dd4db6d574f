package footprint

import (
	"os"
	"slices"
	"strconv"
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
	const file = " 00004000 fe:00 1234                       /usr/bin/callboxd"
	all := []span{{0x404000, 0xd93000}}
	for name, tt := range map[string]struct {
		smaps string
		want  []span
	}{
		"code":                {mapping("00404000-00d93000 r-xp"+file, "0", "0"), all},
		"constants":           {mapping("00404000-00d93000 r--p"+file, "0", "0"), all},
		"variables":           {mapping("00404000-00d93000 rw-p"+file, "0", "0"), nil},
		"relocated":           {mapping("00404000-00d93000 r--p"+file, "4", "0"), nil},
		"relocated, swapped":  {mapping("00404000-00d93000 r--p"+file, "0", "4"), nil},
		"with a breakpoint":   {mapping("00404000-00d93000 r-xp"+file, "8", "0"), nil},
		"shared":              {mapping("00404000-00d93000 r--s"+file, "0", "0"), nil},
		"of no file":          {mapping("00404000-00d93000 r--p 00000000 00:00 0 ", "0", "0"), nil},
		"of the kernel":       {mapping("00404000-00d93000 r-xp 00000000 00:00 0                [vdso]", "0", "0"), nil},
		"code behind written": {mapping("00400000-00404000 r--p"+file, "4", "0") + mapping("00404000-00d93000 r-xp"+file, "0", "0"), all},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := clean(strings.NewReader(tt.smaps))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%x, want %x", got, tt.want)
			}
		})
	}
	if got, err := clean(strings.NewReader("something else\n")); err == nil {
		t.Errorf("what is no map gives %x and no error", got)
	}
}

// constant is text of the program that lies among its constants.
const constant = "among the constants of the program"

// TestTrim: the program runs on with fewer pages; another mapping of its file, clean as
// it is, is none of its code and stays. Of its pages the kernel may move or take some at
// any time, so that one alone tells nothing.
func TestTrim(t *testing.T) {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := unix.Mmap(int(f.Fd()), 0, mapped*os.Getpagesize(), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(data) }()
	if string(data[1:4]) != "ELF" {
		t.Fatal("no program")
	}
	seen := byte(0)
	for at := 0; at < len(data); at += os.Getpagesize() {
		seen |= data[at] // maps the page
	}
	text := constant
	if had := resident(t, data); had < mapped/2 || seen == 0 {
		t.Fatalf("%d of %d pages are there that were just read", had, mapped)
	}
	before := filePages(t)
	if err := Trim(); err != nil {
		t.Fatal(err)
	}
	if now := filePages(t); now > before*9/10 {
		t.Errorf("%d pages of files are there, before it there were %d", now, before)
	}
	if has := resident(t, data); has < mapped/2 {
		t.Errorf("a mapping that is no code of the program was touched: %d of %d pages are there", has, mapped)
	}
	if text != constant {
		t.Error("a constant has changed")
	}
}

// mapped is how many pages of its file the test maps.
const mapped = 64

// resident counts the pages of m that are mapped.
func resident(t *testing.T, m []byte) (n int) {
	t.Helper()
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entries := make([]byte, 8*len(m)/os.Getpagesize())
	page := uintptr(unsafe.Pointer(unsafe.SliceData(m))) / uintptr(os.Getpagesize())
	if _, err := f.ReadAt(entries, int64(page)*8); err != nil {
		t.Fatal(err)
	}
	for i := 7; i < len(entries); i += 8 {
		n += int(entries[i] >> 7) // bit 63; little endian
	}
	return n
}

// filePages counts the pages of files that are mapped.
func filePages(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssFile:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kib * 1024 / os.Getpagesize()
		}
	}
	t.Fatal("no RssFile in /proc/self/status")
	return 0
}
