package v4l2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"callbox/hal/internal/ioctl"
	"callbox/hal/v4l2/internal/uapi"
)

// bufferCount is how many pictures the driver may fill ahead: one is being
// converted, one is being filled, and two ride out a late reader.
const bufferCount = 4

// filled is a buffer that the driver has filled.
type filled struct {
	index int
	bytes int
	bad   bool // the driver says that the picture is damaged
	// monotonic is when the picture was taken, on CLOCK_MONOTONIC; 0 when the
	// driver does not say.
	monotonic time.Duration
}

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

// kernelQueue is a node with memory-mapped buffers.
type kernelQueue struct {
	fd, wakeup int
	path       string
	wakeOnce   sync.Once
	maps       [][]byte
	streaming  bool
}

// start maps the buffers, hands all of them to the driver and starts it. On an
// error, close cleans up.
func (q *kernelQueue) start() ([][]byte, error) {
	var err error
	if q.wakeup, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		q.wakeup = -1
		return nil, fmt.Errorf("cannot create eventfd: %w", err)
	}
	r := uapi.RequestBuffers{Count: bufferCount, Type: uapi.BufTypeVideoCapture, Memory: uapi.MemoryMmap}
	if err := ioctl.Call(q.fd, uapi.ReqBufs, &r); err != nil {
		return nil, fmt.Errorf("cannot get buffers: %w", err)
	}
	if r.Count < 2 {
		return nil, fmt.Errorf("cannot get buffers: the driver gives %d, want %d", r.Count, bufferCount)
	}
	for i := range r.Count {
		b := uapi.Buffer{Index: i, Type: uapi.BufTypeVideoCapture, Memory: uapi.MemoryMmap}
		if err := ioctl.Call(q.fd, uapi.QueryBuf, &b); err != nil {
			return nil, fmt.Errorf("cannot find buffer %d: %w", i, err)
		}
		m, err := unix.Mmap(q.fd, int64(mmapOffset(&b)), int(b.Length), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return nil, fmt.Errorf("cannot map buffer %d: %w", i, err)
		}
		q.maps = append(q.maps, m)
		if err := q.enqueue(int(i)); err != nil {
			return nil, fmt.Errorf("cannot queue buffer %d: %w", i, err)
		}
	}
	kind := int32(uapi.BufTypeVideoCapture)
	if err := ioctl.Call(q.fd, uapi.StreamOn, &kind); err != nil {
		return nil, fmt.Errorf("cannot start streaming: %w", err)
	}
	q.streaming = true
	return q.maps, nil
}

// mmapOffset reads the first four bytes of the union, which are its low half on
// the little-endian machines that Linux cameras hang on.
func mmapOffset(b *uapi.Buffer) uint32 { return uint32(b.Offset) }

func (q *kernelQueue) wait(d time.Duration) (event, error) {
	deadline := time.Now().Add(d)
	for {
		fds := []unix.PollFd{
			{Fd: int32(q.fd), Events: unix.POLLIN},
			{Fd: int32(q.wakeup), Events: unix.POLLIN},
		}
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
	b := uapi.Buffer{Type: uapi.BufTypeVideoCapture, Memory: uapi.MemoryMmap}
	if err := ioctl.Call(q.fd, uapi.DQBuf, &b); err != nil {
		return filled{}, err
	}
	if int(b.Index) >= len(q.maps) {
		return filled{}, fmt.Errorf("cannot use buffer %d of %d", b.Index, len(q.maps))
	}
	f := filled{index: int(b.Index), bytes: int(b.BytesUsed), bad: b.Flags&uapi.BufFlagError != 0}
	if b.Flags&uapi.BufFlagTimestampMask == uapi.BufFlagTimestampMono {
		f.monotonic = time.Duration(b.Sec)*time.Second + time.Duration(b.Usec)*time.Microsecond
	}
	return f, nil
}

func (q *kernelQueue) enqueue(index int) error {
	b := uapi.Buffer{Index: uint32(index), Type: uapi.BufTypeVideoCapture, Memory: uapi.MemoryMmap}
	return ioctl.Call(q.fd, uapi.QBuf, &b)
}

// alive asks the driver and looks at the node: a driver that is being removed
// may answer a moment longer than its node exists, or the other way round.
func (q *kernelQueue) alive() bool {
	var c uapi.Capability
	if err := ioctl.Call(q.fd, uapi.QueryCap, &c); err != nil {
		return false
	}
	var open, now unix.Stat_t
	if unix.Fstat(q.fd, &open) != nil {
		return false
	}
	if err := unix.Stat(q.path, &now); err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	return open.Rdev == now.Rdev && open.Ino == now.Ino
}

func (q *kernelQueue) close() {
	if q.streaming {
		kind := int32(uapi.BufTypeVideoCapture)
		_ = ioctl.Call(q.fd, uapi.StreamOff, &kind) // close does it too
	}
	for _, m := range q.maps {
		_ = unix.Munmap(m)
	}
	q.maps = nil
	if q.wakeup >= 0 {
		_ = unix.Close(q.wakeup)
	}
	_ = unix.Close(q.fd)
}
