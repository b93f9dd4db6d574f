package v4l2

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"

	"callbox/hal/internal/ioctl"
	"callbox/hal/v4l2/internal/uapi"
)

// node is an open V4L2 node: what the kernel does for it.
type node interface {
	ioctl(request uintptr, arg unsafe.Pointer) error
	mmap(offset int64, length int) ([]byte, error)
	munmap(p []byte)
	descriptor() int // to poll
	// there reports whether path still is this node.
	there(path string) bool
	close()
}

// call calls an ioctl with its argument.
func call[T any](n node, request uintptr, arg *T) error { return n.ioctl(request, unsafe.Pointer(arg)) }

// kernelNode is a node by its file descriptor.
type kernelNode int

func openNode(path string) (node, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return kernelNode(fd), nil
}

func (n kernelNode) ioctl(request uintptr, arg unsafe.Pointer) error {
	return ioctl.Raw(int(n), request, arg)
}

func (n kernelNode) mmap(offset int64, length int) ([]byte, error) {
	return unix.Mmap(int(n), offset, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func (n kernelNode) munmap(p []byte) { _ = unix.Munmap(p) } // it was mapped

func (n kernelNode) descriptor() int { return int(n) }

func (n kernelNode) close() { _ = unix.Close(int(n)) }

func (n kernelNode) there(path string) bool {
	var open, now unix.Stat_t
	if unix.Fstat(int(n), &open) != nil {
		return false
	}
	if err := unix.Stat(path, &now); err != nil {
		return !errors.Is(err, unix.ENOENT)
	}
	return open.Rdev == now.Rdev && open.Ino == now.Ino
}

// device is a node whose API is known.
type device struct {
	node
	kind uint32 // BufTypeVideoCapture, or the multi-planar one
	id   identity
}

// ask finds out what a node is: errNoCamera when it is none that can be used.
func ask(n node) (device, error) {
	var c uapi.Capability
	if err := call(n, uapi.QueryCap, &c); err != nil {
		return device{}, err
	}
	caps := c.Capabilities
	if caps&uapi.CapDeviceCaps != 0 {
		caps = c.DeviceCaps // of this node, not of all nodes of the camera
	}
	d := device{node: n, id: identity{card: text(c.Card[:]), bus: text(c.BusInfo[:])}}
	switch {
	case caps&uapi.CapStreaming == 0:
		return device{}, errNoCamera
	case caps&uapi.CapVideoCapture != 0:
		d.kind = uapi.BufTypeVideoCapture
	case caps&uapi.CapVideoCaptureMplane != 0:
		d.kind = uapi.BufTypeVideoCaptureMplane
	default:
		return device{}, errNoCamera
	}
	return d, nil
}

func (d device) mplane() bool { return d.kind == uapi.BufTypeVideoCaptureMplane }

// control sets a control; most drivers know few of them.
func (d device) control(id uint32, value int32) error {
	return call(d.node, uapi.SetCtrl, &uapi.Control{ID: id, Value: value})
}
