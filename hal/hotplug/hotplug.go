// Package hotplug tells when devices are plugged in or pulled out, by the uevents of the
// kernel and of udev (netlink(7), NETLINK_KOBJECT_UEVENT). The kernel's come first; udev's
// come when the links are there by which devices are found, and the rights are set.
//
// One Monitor hears them all; each of its Listeners hears of the kinds that it names.
package hotplug

import (
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

// Monitor hears of devices that come and go, and tells its listeners.
type Monitor struct {
	socket io.ReadCloser
	done   sync.WaitGroup

	mu        sync.Mutex
	listeners []*Listener
}

// Open listens to the kernel and to udev. Close it at the end.
func Open() (*Monitor, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err == nil {
		if err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groupKernel | groupUdev}); err != nil {
			_ = unix.Close(fd)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen for devices that are plugged in: %w; in a systemd unit, let RestrictAddressFamilies contain AF_NETLINK", err)
	}
	return New(os.NewFile(uintptr(fd), "uevents")), nil
}

// New is Open with a socket that gives one event for each Read: tests have their own.
func New(socket io.ReadCloser) *Monitor {
	m := &Monitor{socket: socket}
	m.done.Go(m.read)
	return m
}

// Close ends the listening; listeners that are left hear nothing more. It may be called
// twice.
func (m *Monitor) Close() error {
	err := m.socket.Close()
	m.done.Wait()
	if err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("cannot stop listening for devices: %w", err)
	}
	return nil
}

// Listen begins to hear of devices of these kinds that are plugged in. Close the listener
// at the end. That of a nil Monitor hears nothing.
func (m *Monitor) Listen(kinds ...Kind) *Listener { return m.listen(false, kinds) }

// ListenBoth is Listen, where devices that are pulled out count, too.
func (m *Monitor) ListenBoth(kinds ...Kind) *Listener { return m.listen(true, kinds) }

func (m *Monitor) listen(both bool, kinds []Kind) *Listener {
	l := &Listener{monitor: m, both: both, kinds: kinds, heard: make(chan time.Time, 1)}
	if m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.listeners = append(m.listeners, l)
	}
	return l
}

func (m *Monitor) forget(l *Listener) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listeners = slices.DeleteFunc(m.listeners, func(other *Listener) bool { return other == l })
}

func (m *Monitor) read() {
	buf := make([]byte, 16<<10) // udev's are at most 8 KiB
	for {
		n, err := m.socket.Read(buf)
		switch {
		case errors.Is(err, unix.ENOBUFS): // events were lost: perhaps one of ours
			m.tell(func(*Listener) bool { return true })
		case err != nil:
			return
		default:
			e := parse(buf[:n])
			m.tell(func(l *Listener) bool { return l.counts(e) })
		}
	}
}

// tell wakes the listeners that something counts for.
func (m *Monitor) tell(counts func(*Listener) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.listeners {
		if counts(l) {
			l.wake()
		}
	}
}
