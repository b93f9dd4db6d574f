package drm

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/internal/ioctl"
)

// node is an open card: what the kernel does for it.
type node interface {
	ioctl(request uintptr, arg unsafe.Pointer) error
	mmap(offset int64, length int) ([]byte, error)
	munmap(p []byte)
	// read waits for events and reads them; 0 bytes when none has come after d.
	read(p []byte, d time.Duration) (int, error)
	close()
}

// call calls an ioctl with its argument.
func call[T any](n node, request uintptr, arg *T) error { return n.ioctl(request, unsafe.Pointer(arg)) }

// kernelNode is a card by its file descriptor.
type kernelNode int

func openNode(path string) (node, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, unopened(path, err)
	}
	return kernelNode(fd), nil
}

// unopened says why a card could not be opened.
func unopened(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) { // of the file: an open card says so of another program
		return fmt.Errorf("cannot open %s: %w", path, hal.Refused(err, "video", "char-226 rw"))
	}
	return fmt.Errorf("cannot open %s: %w", path, meaning(err))
}

func (n kernelNode) ioctl(request uintptr, arg unsafe.Pointer) error {
	return ioctl.Raw(int(n), request, arg)
}

func (n kernelNode) mmap(offset int64, length int) ([]byte, error) {
	return unix.Mmap(int(n), offset, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func (n kernelNode) munmap(p []byte) { _ = unix.Munmap(p) } // it was mapped

func (n kernelNode) close() { _ = unix.Close(int(n)) }

func (n kernelNode) read(p []byte, d time.Duration) (int, error) {
	until := time.Now().Add(d)
	for {
		fds := []unix.PollFd{{Fd: int32(n), Events: unix.POLLIN}}
		ready, err := unix.Poll(fds, int(max(time.Until(until), 0)/time.Millisecond))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case ready == 0:
			return 0, nil
		case fds[0].Revents&unix.POLLIN == 0:
			return 0, unix.ENODEV // the card is gone
		}
		if got, err := unix.Read(int(n), p); !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return got, err
		}
	}
}

// meaning adds our sentinel to an error of the kernel.
func meaning(err error) error {
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w: %w; end what draws on this graphics card: a desktop, a splash screen, another player", hal.ErrBusy, err)
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO), errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EIO):
		return fmt.Errorf("%w: %w", hal.ErrGone, err)
	}
	return err
}
