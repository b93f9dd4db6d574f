// Package ioctl calls ioctls with a pointer argument.
package ioctl

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Directions of the data, as in asm-generic/ioctl.h, which x86 and ARM use.
const (
	Write = 1
	Read  = 2
)

// Code is _IOC(dir, typ, nr, size).
func Code(dir, typ, nr, size uintptr) uintptr { return dir<<30 | size<<16 | typ<<8 | nr }

// Raw is Call for whoever has no type of the argument at hand.
func Raw(fd int, request uintptr, arg unsafe.Pointer) error { return Call(fd, request, (*byte)(arg)) }

// Call calls request with arg, again when a signal interrupts it. The errors are
// plain errno values.
func Call[T any](fd int, request uintptr, arg *T) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(arg)))
		runtime.KeepAlive(arg)
		if errno == 0 {
			return nil
		}
		if errno != unix.EINTR {
			return errno
		}
	}
}
