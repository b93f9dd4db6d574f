package v4l2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"callbox/hal/v4l2/internal/uapi"
)

// bufferCount is how many pictures the driver may fill ahead: one is being
// converted, one is being filled, and two ride out a late reader.
const bufferCount = 4

// filled is a buffer that the driver has filled.
type filled struct {
	index int
	bytes [maxPlanes]span // of each plane
	bad   bool            // the driver says that the picture is damaged
	key   bool            // it needs no picture before it
	// sequence counts the pictures of the camera, those too for which there was no buffer;
	// some drivers leave it at 0.
	sequence uint32
	// monotonic is when the picture was taken, on CLOCK_MONOTONIC; 0 when the
	// driver does not say.
	monotonic time.Duration
}

// span is what is used of a plane.
type span struct{ begin, end int }

// maxPlanes of the formats that this package takes.
const maxPlanes = 3

// event is why a wait ended.
type event int

const (
	timedOut event = iota
	woken
	ready
	failed // the queue is in error, or the device is going
)

// queue is the part of the kernel that a stream uses.
type queue interface {
	// wait waits until a buffer is filled, wake was called, or d has passed.
	wait(d time.Duration) (event, error)
	// wake ends wait for good, from any goroutine.
	wake()
	// dequeue returns a filled buffer, or EAGAIN when there is none.
	dequeue() (filled, error)
	// enqueue gives a buffer back to the driver.
	enqueue(index int) error
	// alive reports whether the device still exists.
	alive() bool
	// close stops the driver and frees all; wait must have returned.
	close()
}

// kernelQueue is a device with memory-mapped buffers.
type kernelQueue struct {
	device
	wakeup    int
	path      string
	wakeOnce  sync.Once
	maps      [][][]byte // planes of buffers
	streaming bool

	// What ioctls and polls get is made once: their arguments are on the heap.
	scratch uapi.Buffer
	planes  [uapi.MaxPlanes]uapi.Plane
	fds     [2]unix.PollFd
}

func newKernelQueue(d device, path string) *kernelQueue {
	return &kernelQueue{device: d, wakeup: -1, path: path}
}

// buffer is what an ioctl gets of buffer i; of the multi-planar API with room for its
// planes.
func (q *kernelQueue) buffer(i uint32) *uapi.Buffer {
	b := &q.scratch
	*b = uapi.Buffer{Index: i, Type: q.kind, Memory: uapi.MemoryMmap}
	if q.mplane() {
		q.planes = [uapi.MaxPlanes]uapi.Plane{}
		// The kernel gets an address in a struct: what is on the heap stays where it is.
		b.Offset, b.Length = uintptr(unsafe.Pointer(&q.planes)), uint32(len(q.planes))
	}
	return b
}

// start maps the buffers, hands all of them to the driver and starts it. On an
// error, close cleans up.
func (q *kernelQueue) start() ([][][]byte, error) {
	var err error
	if q.wakeup, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		q.wakeup = -1
		return nil, fmt.Errorf("cannot create eventfd: %w", err)
	}
	r := uapi.RequestBuffers{Count: bufferCount, Type: q.kind, Memory: uapi.MemoryMmap}
	if err := call(q.node, uapi.ReqBufs, &r); err != nil {
		return nil, fmt.Errorf("cannot get buffers: %w", err)
	}
	if r.Count < 2 {
		return nil, fmt.Errorf("cannot get buffers: the driver gives %d, want %d", r.Count, bufferCount)
	}
	for i := range r.Count {
		if err := q.mapBuffer(i); err != nil {
			return nil, err
		}
		if err := q.enqueue(int(i)); err != nil {
			return nil, fmt.Errorf("cannot queue buffer %d: %w", i, err)
		}
	}
	kind := int32(q.kind)
	if err := call(q.node, uapi.StreamOn, &kind); err != nil {
		return nil, fmt.Errorf("cannot start streaming: %w", err)
	}
	q.streaming = true
	return q.maps, nil
}

// mapBuffer maps all planes of a buffer.
func (q *kernelQueue) mapBuffer(i uint32) error {
	b := q.buffer(i)
	if err := call(q.node, uapi.QueryBuf, b); err != nil {
		return fmt.Errorf("cannot find buffer %d: %w", i, err)
	}
	planes := []uapi.Plane{{Length: b.Length, Offset: b.Offset}}
	if q.mplane() {
		if b.Length < 1 || b.Length > maxPlanes {
			return fmt.Errorf("cannot use buffer %d of %d planes", i, b.Length)
		}
		planes = q.planes[:b.Length]
	}
	q.maps = append(q.maps, nil)
	for _, p := range planes {
		// The offset is the low half of the union, on the little-endian machines that
		// Linux cameras hang on.
		m, err := q.mmap(int64(uint32(p.Offset)), int(p.Length))
		if err != nil {
			return fmt.Errorf("cannot map buffer %d: %w", i, err)
		}
		q.maps[i] = append(q.maps[i], m)
	}
	return nil
}

func (q *kernelQueue) wait(d time.Duration) (event, error) {
	deadline := time.Now().Add(d)
	for {
		fds := q.fds[:]
		fds[0] = unix.PollFd{Fd: int32(q.descriptor()), Events: unix.POLLIN}
		fds[1] = unix.PollFd{Fd: int32(q.wakeup), Events: unix.POLLIN}
		left := max(time.Until(deadline), 0)
		n, err := unix.Poll(fds, int((left+time.Millisecond-1)/time.Millisecond))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return failed, err
		case n == 0:
			return timedOut, nil
		case fds[1].Revents != 0:
			return woken, nil
		case fds[0].Revents&unix.POLLIN != 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) == 0:
			return ready, nil
		}
		return failed, nil
	}
}

func (q *kernelQueue) wake() {
	q.wakeOnce.Do(func() {
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		// The counter is 0 and nobody else writes: there is room.
		_, _ = unix.Write(q.wakeup, one[:])
	})
}

func (q *kernelQueue) dequeue() (filled, error) {
	b := q.buffer(0)
	if err := call(q.node, uapi.DQBuf, b); err != nil {
		return filled{}, err
	}
	if int(b.Index) >= len(q.maps) {
		return filled{}, fmt.Errorf("cannot use buffer %d of %d", b.Index, len(q.maps))
	}
	f := filled{index: int(b.Index), bad: b.Flags&uapi.BufFlagError != 0, key: b.Flags&uapi.BufFlagKeyframe != 0, sequence: b.Sequence}
	for i, m := range q.maps[b.Index] {
		used := span{0, int(b.BytesUsed)}
		if q.mplane() {
			used = span{int(q.planes[i].DataOffset), int(q.planes[i].BytesUsed)}
		}
		used.end = min(used.end, len(m))
		used.begin = min(used.begin, used.end)
		f.bytes[i] = used
	}
	if b.Flags&uapi.BufFlagTimestampMask == uapi.BufFlagTimestampMono {
		f.monotonic = time.Duration(b.Sec)*time.Second + time.Duration(b.Usec)*time.Microsecond
	}
	return f, nil
}

func (q *kernelQueue) enqueue(index int) error {
	b := q.buffer(uint32(index))
	if q.mplane() && index < len(q.maps) {
		b.Length = uint32(len(q.maps[index]))
	}
	return call(q.node, uapi.QBuf, b)
}

// alive asks the driver and looks at the node: a driver that is being removed
// may answer a moment longer than its node exists, or the other way round.
func (q *kernelQueue) alive() bool {
	var c uapi.Capability
	return call(q.node, uapi.QueryCap, &c) == nil && q.there(q.path)
}

func (q *kernelQueue) close() {
	if q.streaming {
		kind := int32(q.kind)
		_ = call(q.node, uapi.StreamOff, &kind) // close does it too
	}
	for _, planes := range q.maps {
		for _, m := range planes {
			q.munmap(m)
		}
	}
	q.maps = nil
	if q.wakeup >= 0 {
		_ = unix.Close(q.wakeup)
	}
	q.node.close()
}
