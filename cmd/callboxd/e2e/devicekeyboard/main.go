//go:build device

// Devicekeyboard is a keyboard of the kernel's (uinput) for the tests in the virtual
// machine: devicekeyboard NAME FIFO KEY... makes one that is called NAME and has
// these keys, and presses each that is written to the FIFO, one name a line. It runs
// until it is killed; the keyboard is unplugged with it.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"callbox/hal/button/key"
)

// Ioctl numbers of linux/uinput.h, from a C program (Linux 6.1).
const (
	uiDevCreate = 0x5501
	uiDevSetup  = 0x405c5503
	uiSetEvBit  = 0x40045564
	uiSetKeyBit = 0x40045565
)

func main() {
	if len(os.Args) < 4 {
		fail(fmt.Errorf("usage: devicekeyboard NAME FIFO KEY"))
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func run(name, fifo string, keys []string) error {
	k, err := plug(name, keys)
	if err != nil {
		return fmt.Errorf("cannot make a keyboard: %w; load the module uinput, and be root", err)
	}
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		return fmt.Errorf("cannot make %s: %w", fifo, err)
	}
	// For both: a reader alone would see the end with each writer.
	f, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if err := press(k, lines.Text()); err != nil {
			return err
		}
	}
	return nil
}

// plug makes the keyboard; it lasts as long as the file is open.
func plug(name string, keys []string) (*os.File, error) {
	f, err := os.OpenFile("/dev/uinput", os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	var setup struct { // struct uinput_setup
		bus, vendor, product, version uint16
		name                          [80]byte
		effects                       uint32
	}
	setup.bus = 0x06 // BUS_VIRTUAL
	copy(setup.name[:], name)
	ioctls := [][2]uintptr{{uiSetEvBit, 0x01}} // EV_KEY
	for _, text := range keys {
		code, ok := key.Parse(text)
		if !ok {
			return nil, fmt.Errorf("%q is no key", text)
		}
		ioctls = append(ioctls, [2]uintptr{uiSetKeyBit, uintptr(code)})
	}
	ioctls = append(ioctls, [2]uintptr{uiDevSetup, uintptr(unsafe.Pointer(&setup))}, [2]uintptr{uiDevCreate, 0})
	for _, c := range ioctls {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), c[0], c[1]); errno != 0 {
			return nil, fmt.Errorf("ioctl %#x of uinput: %w", c[0], errno)
		}
	}
	return f, nil
}

// press presses a key and lets it go: four events, a state and a report each.
func press(f *os.File, text string) error {
	code, ok := key.Parse(text)
	if !ok {
		return fmt.Errorf("%q is no key", text)
	}
	var p []byte
	for _, e := range [][3]uint32{{1, uint32(code), 1}, {}, {1, uint32(code), 0}, {}} {
		p = append(p, make([]byte, 2*unsafe.Sizeof(uintptr(0)))...) // the kernel gives it its time
		p = binary.NativeEndian.AppendUint16(p, uint16(e[0]))
		p = binary.NativeEndian.AppendUint16(p, uint16(e[1]))
		p = binary.NativeEndian.AppendUint32(p, e[2])
	}
	_, err := f.Write(p)
	return err
}
