package gpio

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"callbox/hal/internal/ioctl"
)

// kernel is the GPIO character device as this package uses it. Tests have their
// own: no machine of theirs has GPIO lines.
type kernel interface {
	// chips returns the paths of all chips.
	chips() ([]string, error)
	open(path string) (chip, error)
}

// chip is an open GPIO chip. Errors are plain errno values.
type chip interface {
	info() (chipInfo, error)
	line(offset uint32) (lineInfo, error)
	request(r *lineRequest) (handle, error)
	close()
}

// handle is a line that was given to us.
type handle interface {
	values(v *lineValues) error
	setValues(v *lineValues) error
	// Read waits for edges; Close wakes it.
	Read(p []byte) (int, error)
	Close() error
}

// devices is the real kernel.
type devices struct{}

func (devices) chips() ([]string, error) { return filepath.Glob("/dev/gpiochip*") }

func (devices) open(path string) (chip, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return chipFile(fd), nil
}

type chipFile int

func (c chipFile) info() (i chipInfo, err error) {
	err = ioctl.Call(int(c), getChipInfo, &i)
	return i, err
}

func (c chipFile) line(offset uint32) (lineInfo, error) {
	i := lineInfo{Offset: offset}
	err := ioctl.Call(int(c), getLineInfo, &i)
	return i, err
}

func (c chipFile) request(r *lineRequest) (handle, error) {
	if err := ioctl.Call(int(c), getLine, r); err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(int(r.FD), true); err != nil { // so that Close wakes Read
		_ = unix.Close(int(r.FD))
		return nil, err
	}
	return lineFile{os.NewFile(uintptr(r.FD), "gpio line")}, nil
}

func (c chipFile) close() { _ = unix.Close(int(c)) }

type lineFile struct{ *os.File }

func (l lineFile) values(v *lineValues) error    { return l.call(getValues, v) }
func (l lineFile) setValues(v *lineValues) error { return l.call(setValues, v) }

func (l lineFile) call(request uintptr, v *lineValues) error {
	conn, err := l.SyscallConn()
	if err != nil {
		return err
	}
	errControl := conn.Control(func(fd uintptr) { err = ioctl.Call(int(fd), request, v) })
	return errors.Join(err, errControl)
}
