// Package hotplug tells when a device was plugged in, by the uevents of the kernel and
// of udev (netlink(7), NETLINK_KOBJECT_UEVENT). The kernel's come first; udev's come
// when the links are there by which devices are found.
package hotplug

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The multicast groups.
const (
	groupKernel = 1
	groupUdev   = 2
)

// settle is how long a device gets from its event on: one plug makes several, and
// whoever looks for it shall not look for each of them.
const settle = 100 * time.Millisecond

// Monitor hears of devices that are plugged in, or also pulled out.
type Monitor struct {
	socket     io.ReadCloser
	subsystems []string
	actions    []string
	plugged    chan struct{} // one that was not waited for yet
	done       sync.WaitGroup
}

// Open listens for devices of the subsystems, for example video4linux, that are plugged
// in. Close it at the end.
func Open(subsystems ...string) (*Monitor, error) { return open([]string{"add"}, subsystems) }

// OpenBoth is Open, where devices that are pulled out count, too.
func OpenBoth(subsystems ...string) (*Monitor, error) {
	return open([]string{"add", "remove"}, subsystems)
}

func open(actions, subsystems []string) (*Monitor, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err == nil {
		if err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groupKernel | groupUdev}); err != nil {
			_ = unix.Close(fd)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen for devices that are plugged in: %w; in a systemd unit, let RestrictAddressFamilies contain AF_NETLINK", err)
	}
	return listen(os.NewFile(uintptr(fd), "uevents"), actions, subsystems), nil
}

func listen(socket io.ReadCloser, actions, subsystems []string) *Monitor {
	m := &Monitor{socket: socket, actions: actions, subsystems: subsystems, plugged: make(chan struct{}, 1)}
	m.done.Go(m.read)
	return m
}

// Close ends the listening. It may be called twice.
func (m *Monitor) Close() error {
	err := m.socket.Close()
	m.done.Wait()
	if err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("cannot stop listening for devices: %w", err)
	}
	return nil
}

// Wait waits until a device was plugged in, d has passed, or ctx has ended. What was
// plugged in since the last Wait counts. One goroutine at a time.
func (m *Monitor) Wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return
	case <-t.C:
		return
	case <-m.plugged:
	}
	t.Reset(min(settle, d))
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (m *Monitor) read() {
	buf := make([]byte, 16<<10) // udev's are at most 8 KiB
	for {
		n, err := m.socket.Read(buf)
		switch {
		case errors.Is(err, unix.ENOBUFS): // events were lost: perhaps one of ours
		case err != nil:
			return
		case !m.counts(buf[:n]):
			continue
		}
		select {
		case m.plugged <- struct{}{}:
		default:
		}
	}
}

// counts says whether an event is of a device of ours, and one that is listened for.
func (m *Monitor) counts(event []byte) bool {
	action, subsystem := parse(event)
	return slices.Contains(m.actions, action) && slices.Contains(m.subsystems, subsystem)
}

// parse reads an event. udev's begin with a header of its own (struct
// monitor_netlink_header of systemd), which says where the properties begin.
func parse(event []byte) (action, subsystem string) {
	if p, ok := bytes.CutPrefix(event, []byte("libudev\x00")); ok {
		if len(p) < 12 {
			return "", ""
		}
		offset := binary.NativeEndian.Uint32(p[8:])
		if uint64(offset) > uint64(len(event)) {
			return "", ""
		}
		event = event[offset:]
	}
	for property := range bytes.SplitSeq(event, []byte{0}) {
		if v, ok := bytes.CutPrefix(property, []byte("ACTION=")); ok {
			action = string(v)
		}
		if v, ok := bytes.CutPrefix(property, []byte("SUBSYSTEM=")); ok {
			subsystem = string(v)
		}
	}
	return action, subsystem
}
