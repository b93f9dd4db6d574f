package evdev

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/button/key"
	"callbox/hal/internal/ioctl"
)

// Event is a key that went down or up.
type Event struct {
	Code key.Code
	Down bool
	At   time.Duration // on clock.Boot
	// Lost says that the kernel's queue ran over: the key is down or up now, and
	// what happened before is not known.
	Lost bool
}

// File is an open input device. One goroutine reads.
type File struct {
	file  *os.File
	codes []key.Code
	buf   [64 * eventSize]byte
	dec   decoder
}

// Open opens the device for these keys. With exclusive, no other program gets any
// of its events as long as it is open; hal.ErrBusy means that another one has it
// so already.
func Open(path string, codes []key.Code, exclusive bool) (*File, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, refused(&fs.PathError{Op: "open", Path: path, Err: err})
	}
	if err := prepare(fd, codes, exclusive); err != nil {
		_ = unix.Close(fd)
		if errors.Is(err, unix.EBUSY) {
			err = hal.ErrBusy
		}
		return nil, fmt.Errorf("cannot use %s: %w", path, err)
	}
	f := &File{file: os.NewFile(uintptr(fd), path), codes: codes}
	f.dec = decoder{codes: codes, down: f.down}
	return f, nil
}

func prepare(fd int, codes []key.Code, exclusive bool) error {
	boot := clockBoot
	if err := ioctl.Call(fd, setClock, &boot); err != nil {
		return fmt.Errorf("cannot set the clock of its events: %w", err)
	}
	if exclusive {
		// The argument is a truth value, not a pointer.
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), grab, 1); errno != 0 {
			return errno
		}
	}
	var wanted, types Keys
	for _, c := range codes {
		wanted.Add(c)
	}
	types.Add(typeKey)
	var pin runtime.Pinner // the kernel gets the addresses as numbers, which keep nothing in place
	defer pin.Unpin()
	for typ, set := range map[uint32]*Keys{typeKey: &wanted, typeSync: &types} {
		pin.Pin(set)
		// A kernel before 4.4 has no masks and sends everything: the decoder drops
		// what is not wanted.
		err := ioctl.Call(fd, setMask, &inputMask{Type: typ, CodesSize: uint32(len(set)), CodesPtr: uint64(uintptr(unsafe.Pointer(set)))})
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTTY) {
			return err
		}
	}
	return nil
}

// Read waits for keys. It returns io.EOF after Close and hal.ErrGone after an
// unplug.
func (f *File) Read() ([]Event, error) {
	for {
		n, err := f.file.Read(f.buf[:])
		switch {
		case errors.Is(err, fs.ErrClosed):
			return nil, io.EOF
		case errors.Is(err, unix.ENODEV):
			return nil, hal.ErrGone
		case err != nil:
			return nil, err
		}
		events, err := f.dec.decode(f.buf[:n])
		if errors.Is(err, unix.ENODEV) {
			err = hal.ErrGone
		}
		if len(events) > 0 || err != nil {
			return events, err
		}
	}
}

// Close lets go of the device and wakes Read. It may be called twice.
func (f *File) Close() error {
	if err := f.file.Close(); !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}

// down asks which keys are down now. The kernel drops the key events that it has
// queued, for the answer is newer than they are.
func (f *File) down() (keys Keys, err error) {
	conn, err := f.file.SyscallConn()
	if err != nil {
		return keys, err
	}
	errControl := conn.Control(func(fd uintptr) { err = ioctl.Call(int(fd), getDown, &keys) })
	return keys, errors.Join(err, errControl)
}

// decoder makes keys of the kernel's events.
type decoder struct {
	codes   []key.Code
	down    func() (Keys, error)
	dropped bool // until the next report, nothing counts
}

// decode takes whole events; the kernel never splits one.
func (d *decoder) decode(p []byte) (events []Event, err error) {
	for ; len(p) >= eventSize; p = p[eventSize:] {
		raw := readEvent(p)
		at := time.Duration(raw.sec)*time.Second + time.Duration(raw.usec)*time.Microsecond
		switch {
		case raw.typ == typeSync && raw.code == syncDropped:
			d.dropped = true
		case raw.typ == typeSync && raw.code == syncReport && d.dropped:
			d.dropped = false
			down, err := d.down()
			if err != nil {
				return events, err
			}
			for _, c := range d.codes {
				events = append(events, Event{Code: c, Down: down.Has(c), At: at, Lost: true})
			}
		case raw.typ == typeKey && !d.dropped && (raw.value == valueUp || raw.value == valueDown) && d.wants(key.Code(raw.code)):
			events = append(events, Event{Code: key.Code(raw.code), Down: raw.value == valueDown, At: at})
		}
	}
	return events, nil
}

func (d *decoder) wants(c key.Code) bool {
	for _, w := range d.codes {
		if w == c {
			return true
		}
	}
	return false
}
