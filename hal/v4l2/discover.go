// Package v4l2 drives V4L2 cameras (Linux media subsystem documentation, part I,
// "Video for Linux API") through the kernel's ioctls, single- and multi-planar, with
// memory-mapped buffers.
//
// It takes YU12, NV12, YUYV and MJPEG, and delivers I420 in the colours of hal's zero
// value. The pictures of cameras that encode H.264 are handed on as they are.
package v4l2

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"callbox/hal"
)

// Device is a camera that was found.
type Device struct {
	// Name is the name of the udev link by id, else that by path, else made from the
	// card's name and its bus.
	Name string
	// Also are other names of it: those of all udev's links (/dev/v4l/by-id, then
	// /dev/v4l/by-path).
	Also []string
	// Stable is one of Also, by the socket, where Name may be that of an equal camera
	// after the next start; "" where that cannot be.
	Stable string
	// Card is what the driver calls the camera, for people.
	Card string
	// Path is the node at the moment, for example /dev/video0.
	Path string
}

// List finds the cameras whose formats this package takes. It asks each node for
// its abilities and starts none. The error tells of nodes that could not be
// asked; the list is right for the others all the same.
func List() ([]Device, error) { return list("/dev", probe) }

// identity is what a node says of itself.
type identity struct{ card, bus string }

// errNoCamera means that a node is not a camera that this package takes.
var errNoCamera = errors.New("no usable camera")

func list(root string, probe func(path string) (identity, error)) ([]Device, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("cannot look for cameras: %w", err)
	}
	type node struct {
		number int
		path   string
	}
	var nodes []node
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "video")
		if n, err := strconv.Atoi(digits); ok && err == nil && n >= 0 {
			nodes = append(nodes, node{n, filepath.Join(root, e.Name())})
		}
	}
	slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.number, b.number) })

	byID := links(filepath.Join(root, "v4l", "by-id"))
	byPath := links(filepath.Join(root, "v4l", "by-path"))
	var found []Device
	var cameras []camera // as found
	var problems []error
	for _, n := range nodes {
		id, err := probe(n.path)
		switch {
		case err == nil:
			c := camera{identity: id, byID: byID[n.path], byPath: byPath[n.path]}
			cameras = append(cameras, c)
			found = append(found, Device{Name: unused(c.name(), found), Also: c.also(), Card: id.card, Path: n.path})
		case errors.Is(err, errNoCamera), errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
			// not a camera, or gone since the directory was read
		case errors.Is(err, fs.ErrPermission):
			problems = append(problems, fmt.Errorf("cannot ask %s: %w", n.path, refused(err)))
		default:
			problems = append(problems, fmt.Errorf("cannot ask %s: %w", n.path, err))
		}
	}
	for i := range found {
		if slices.ContainsFunc(cameras, cameras[i].mayLose) {
			found[i].Stable = first(cameras[i].byPath)
		}
	}
	return found, errors.Join(problems...)
}

// Named reports whether the camera has that name, among others.
func (d Device) Named(name string) bool { return name == d.Name || slices.Contains(d.Also, name) }

// camera is a node, with the names of udev's links to it, sorted.
type camera struct {
	identity
	byID, byPath []string
}

// name is what the camera is called.
func (c camera) name() string { return cmp.Or(first(c.byID), first(c.byPath), madeName(c.identity)) }

// also are the names of its links but for that one.
func (c camera) also() []string {
	return slices.DeleteFunc(slices.Concat(c.byID, c.byPath), func(name string) bool { return name == c.name() })
}

// mayLose says that the link by id may lead to another camera tomorrow: to an equal one in
// another socket, without such a link. Two cameras without serial numbers claim one, and
// udev gives it to either.
func (c camera) mayLose(other camera) bool {
	return len(c.byID) > 0 && len(other.byID) == 0 && len(other.byPath) > 0 && other.card == c.card && other.bus != c.bus
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// refused adds what to do to an error about permissions: the kernel says EACCES for the
// mode of the node, EPERM for the device filter of the unit.
func refused(err error) error {
	return hal.Refused(err, "video", "char-81 rw")
}

// links maps the nodes that the links of a udev directory lead to to the links' names,
// sorted.
func links(dir string) map[string][]string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // no udev, no links: names are made then
	}
	names := map[string][]string{}
	for _, e := range entries {
		if target, err := filepath.EvalSymlinks(filepath.Join(dir, e.Name())); err == nil {
			names[target] = append(names[target], e.Name())
		}
	}
	return names
}

// madeName joins card and bus, with "_" for what would need quotes in YAML or a
// shell.
func madeName(id identity) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:@", r) {
			return r
		}
		return '_'
	}, strings.Trim(id.card+"-"+id.bus, "- "))
}

// unused adds a number to name when another device has it already.
func unused(name string, found []Device) string {
	try := name
	for i := 2; slices.ContainsFunc(found, func(d Device) bool { return d.Name == try }); i++ {
		try = fmt.Sprintf("%s-%d", name, i)
	}
	return try
}

// probe asks one node who it is.
func probe(path string) (identity, error) {
	n, err := openNode(path)
	if err != nil {
		return identity{}, err
	}
	defer n.close()
	d, err := ask(n)
	if errors.Is(err, unix.ENOTTY) {
		err = errNoCamera
	}
	if err == nil && len(d.formats(costs)) == 0 && len(d.formats(encoded)) == 0 {
		err = errNoCamera
	}
	return d.id, err
}

// text returns a C string.
func text(p []byte) string {
	s, _, _ := strings.Cut(string(p), "\x00")
	return strings.TrimSpace(s)
}
