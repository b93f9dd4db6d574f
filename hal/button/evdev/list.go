// Package evdev reads keys from the kernel's input devices, /dev/input/event*
// (Linux input documentation, "Event interface"), and finds these devices.
//
// A File asks the kernel for its keys only: nothing else that is typed on a
// keyboard reaches the process. Times are on clock.Boot.
package evdev

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/internal/ioctl"
)

// Device is an input device with keys, or one that may not be opened.
type Device struct {
	// Path is the node at the moment, for example /dev/input/event3.
	Path string
	// Names are all names that the configuration may use for it: those of the
	// links by id, by path and in /dev/input itself (a maker's udev rule), and the
	// one that the device reports.
	Names []string
	// Keys are the keys that it has; empty when Err is set.
	Keys Keys
	// Err says why the device cannot be opened, and what to do about it;
	// fs.ErrPermission is the usual one.
	Err error
}

// Name is the most stable of the names, else the path.
func (d Device) Name() string {
	if len(d.Names) == 0 {
		return d.Path
	}
	return d.Names[0]
}

// places is where the system keeps what List reads.
type places struct {
	dev   string                                  // /dev/input
	sys   string                                  // /sys/class/input
	probe func(path string) (string, Keys, error) // name and keys
}

// List finds the input devices that have keys, and those that may not be opened.
func List() ([]Device, error) { return places{"/dev/input", "/sys/class/input", probe}.list() }

func (p places) list() ([]Device, error) {
	entries, err := os.ReadDir(p.dev)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a machine without any input device
	}
	if err != nil {
		return nil, err
	}
	type node struct {
		number int
		path   string
	}
	var nodes []node
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "event")
		if n, err := strconv.Atoi(digits); ok && err == nil && n >= 0 {
			nodes = append(nodes, node{n, filepath.Join(p.dev, e.Name())})
		}
	}
	slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.number, b.number) })
	byID, byPath, own := links(filepath.Join(p.dev, "by-id")), links(filepath.Join(p.dev, "by-path")), links(p.dev)
	var found []Device
	for _, n := range nodes {
		name, keys, err := p.probe(n.path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
			continue // gone since the directory was read
		}
		if err == nil && keys == (Keys{}) {
			continue // a sensor, a lid switch
		}
		if err != nil { // what it is called may be read all the same
			text, _ := os.ReadFile(filepath.Join(p.sys, filepath.Base(n.path), "device", "name")) // "" without
			name = strings.TrimSpace(string(text))
		}
		d := Device{Path: n.path, Names: slices.Concat(byID[n.path], byPath[n.path], own[n.path]), Keys: keys, Err: refused(err)}
		if name != "" {
			d.Names = append(d.Names, name)
		}
		found = append(found, d)
	}
	return found, nil
}

// links maps nodes to the names of the links in dir that lead to them.
func links(dir string) map[string][]string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // no udev, no links
	}
	names := map[string][]string{}
	for _, e := range entries {
		if e.Type() != fs.ModeSymlink {
			continue
		}
		if target, err := filepath.EvalSymlinks(filepath.Join(dir, e.Name())); err == nil {
			names[target] = append(names[target], e.Name())
		}
	}
	return names
}

// probe asks one node for its name and its keys.
func probe(path string) (string, Keys, error) {
	var keys Keys
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", keys, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var name [nameSize]byte
	if err := ioctl.Call(fd, getName, &name); err != nil && !errors.Is(err, unix.ENOENT) { // ENOENT: it has none
		return "", keys, &fs.PathError{Op: "EVIOCGNAME", Path: path, Err: err}
	}
	if err := ioctl.Call(fd, getKeys, &keys); err != nil {
		return "", keys, &fs.PathError{Op: "EVIOCGBIT", Path: path, Err: err}
	}
	text, _, _ := strings.Cut(string(name[:]), "\x00")
	return strings.TrimSpace(text), keys, nil
}

// refused adds what to do to an error about permissions.
func refused(err error) error { return hal.Refused(err, "input", "char-input r") }
