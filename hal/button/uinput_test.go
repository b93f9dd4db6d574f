//go:build device

package button

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"callbox/hal/button/key"
)

// Ioctl numbers of linux/uinput.h, from a C program (Linux 6.1).
const (
	uiDevCreate  = 0x5501
	uiDevDestroy = 0x5502
	uiDevSetup   = 0x405c5503
	uiSetEvBit   = 0x40045564
	uiSetKeyBit  = 0x40045565
	uiGetSysname = 0x8040552c // of 64 bytes
)

// keyboard is a keyboard that the kernel has because we say so.
type keyboard struct {
	t    *testing.T
	file *os.File
	path string // of its event node
}

// plug makes a keyboard with auto-repeat. It is unplugged with the test.
func plug(t *testing.T, name string, keys ...key.Code) *keyboard {
	t.Helper()
	f, err := os.OpenFile("/dev/uinput", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	k := &keyboard{t: t, file: f}
	k.ioctl(uiSetEvBit, 0x01) // EV_KEY
	k.ioctl(uiSetEvBit, 0x14) // EV_REP
	for _, c := range keys {
		k.ioctl(uiSetKeyBit, uintptr(c))
	}
	var setup struct { // struct uinput_setup
		bus, vendor, product, version uint16
		name                          [80]byte
		effects                       uint32
	}
	setup.bus = 0x06 // BUS_VIRTUAL
	copy(setup.name[:], name)
	k.ioctl(uiDevSetup, uintptr(unsafe.Pointer(&setup)))
	k.ioctl(uiDevCreate, 0)
	t.Cleanup(k.unplug)

	var sysname [64]byte
	k.ioctl(uiGetSysname, uintptr(unsafe.Pointer(&sysname)))
	dir, _, _ := strings.Cut(string(sysname[:]), "\x00")
	nodes, err := filepath.Glob("/sys/devices/virtual/input/" + dir + "/event*")
	if err != nil || len(nodes) != 1 {
		t.Fatalf("the keyboard %s has the nodes %q, %v", dir, nodes, err)
	}
	k.path = "/dev/input/" + filepath.Base(nodes[0])
	return k
}

func (k *keyboard) ioctl(request, arg uintptr) {
	k.t.Helper()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, k.file.Fd(), request, arg); errno != 0 {
		k.t.Fatalf("ioctl %#x of uinput: %v", request, errno)
	}
}

// unplug may be called twice.
func (k *keyboard) unplug() {
	if k.file != nil {
		k.ioctl(uiDevDestroy, 0)
		_ = k.file.Close()
		k.file = nil
	}
}

// events makes raw events, each a type, a code and a value; the kernel gives them
// their time.
func (k *keyboard) events(raw ...[3]int) {
	k.t.Helper()
	var p []byte
	for _, e := range raw {
		p = append(p, make([]byte, 2*unsafe.Sizeof(uintptr(0)))...)
		p = binary.NativeEndian.AppendUint16(p, uint16(e[0]))
		p = binary.NativeEndian.AppendUint16(p, uint16(e[1]))
		p = binary.NativeEndian.AppendUint32(p, uint32(e[2]))
	}
	if _, err := k.file.Write(p); err != nil {
		k.t.Fatal(err)
	}
}

func (k *keyboard) down(c key.Code) { k.events([3]int{1, int(c), 1}, [3]int{0, 0, 0}) }
func (k *keyboard) up(c key.Code)   { k.events([3]int{1, int(c), 0}, [3]int{0, 0, 0}) }
