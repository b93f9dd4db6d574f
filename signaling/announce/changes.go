package announce

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// watcher hears from the kernel that links or addresses have changed.
type watcher struct {
	fd     int // netlink
	wake   int // an eventfd that ends read
	buffer []byte
}

func newWatcher() (*watcher, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("cannot watch the network interfaces: %w", err)
	}
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR)
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups})
	wake := -1
	if err == nil {
		wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot watch the network interfaces: %w", err), unix.Close(fd))
	}
	return &watcher{fd: fd, wake: wake, buffer: make([]byte, 64<<10)}, nil
}

// run calls changed for each burst of changes until stop. What has changed does not
// matter: the interfaces are listed anew. So a message that is lost for want of
// buffers (ENOBUFS) is a change like any other.
func (w *watcher) run(changed func()) {
	fds := []unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}, {Fd: int32(w.wake), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if fds[1].Revents != 0 {
			return
		}
		if fds[0].Revents == 0 {
			continue
		}
		for {
			if _, _, err := unix.Recvfrom(w.fd, w.buffer, 0); err != nil && !errors.Is(err, unix.ENOBUFS) {
				break // EAGAIN: all is read
			}
		}
		changed()
	}
}

// stop ends run.
func (w *watcher) stop() {
	_, _ = unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // cannot fail: nobody else writes
}

// close gives the descriptors back, after run has ended.
func (w *watcher) close() error { return errors.Join(unix.Close(w.fd), unix.Close(w.wake)) }
