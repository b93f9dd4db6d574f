package button

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/button/evdev"
	"callbox/hal/button/key"
	"callbox/hal/gpio"
)

// system is what this package uses of the machine.
type system interface {
	inputs() ([]evdev.Device, error)
	openInput(path string, codes []key.Code, grab bool) (keyStream, error)
	openLine(g hal.GPIO) (line, error)
	checkLine(g hal.GPIO) (name string, err error)
	watch() (watcher, error)
}

// keyStream is an open input device.
type keyStream interface {
	// Read waits for keys; io.EOF after Close, hal.ErrGone after an unplug.
	Read() ([]evdev.Event, error)
	Close() error
}

// line is a GPIO line that is ours.
type line interface {
	Name() string
	Value() (bool, error)
	// WaitEdge waits for a change; io.EOF after Close, hal.ErrGone without the chip.
	WaitEdge() error
	Close() error
}

// watcher notices that devices come, go or change their mode.
type watcher interface {
	// refresh watches directories that were made since the last time.
	refresh() error
	// wait returns after a change; io.EOF after close.
	wait() error
	close() error
}

// machine is the real system.
type machine struct{}

func (machine) inputs() ([]evdev.Device, error) { return evdev.List() }

func (machine) openInput(path string, codes []key.Code, grab bool) (keyStream, error) {
	f, err := evdev.Open(path, codes, grab)
	if err != nil {
		return nil, err // not a nil File in the interface
	}
	return f, nil
}

func (machine) openLine(g hal.GPIO) (line, error) {
	l, err := gpio.Edges(g)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (machine) checkLine(g hal.GPIO) (string, error) { return gpio.Check(g) }

// watched are the directories in which nodes and udev's links appear.
var watched = []string{"/dev", "/dev/input", "/dev/input/by-id", "/dev/input/by-path"}

func (machine) watch() (watcher, error) { return newDirWatcher(watched) }

// dirWatcher watches directories by inotify(7), those that are there. What changed
// is not told: the system is looked through anew in any case.
type dirWatcher struct {
	file *os.File
	dirs []string
}

func newDirWatcher(dirs []string) (*dirWatcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot watch %s: %w; a higher fs.inotify.max_user_instances may help", dirs[0], err)
	}
	w := &dirWatcher{file: os.NewFile(uintptr(fd), "inotify"), dirs: dirs}
	if err := w.refresh(); err != nil {
		_ = w.file.Close()
		return nil, err
	}
	return w, nil
}

func (w *dirWatcher) refresh() error {
	conn, err := w.file.SyscallConn()
	if err != nil {
		return err
	}
	for _, dir := range w.dirs {
		errControl := conn.Control(func(fd uintptr) {
			// The same directory again changes nothing. IN_ATTRIB: udev sets the mode
			// of a node after it was made.
			_, err = unix.InotifyAddWatch(int(fd), dir, unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_ATTRIB|unix.IN_DELETE|unix.IN_ONLYDIR)
		})
		if err = errors.Join(err, errControl); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot watch %s: %w; a higher fs.inotify.max_user_watches may help", dir, err)
		}
	}
	return nil
}

func (w *dirWatcher) wait() error {
	var events [4096]byte
	if _, err := w.file.Read(events[:]); err != nil {
		if errors.Is(err, fs.ErrClosed) {
			return io.EOF
		}
		return fmt.Errorf("cannot watch for devices: %w", err)
	}
	return nil
}

func (w *dirWatcher) close() error { return w.file.Close() }
