package drm

import (
	"fmt"
	"sync"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/screen"
)

// Options choose a screen and say how pictures are shown on it.
type Options struct {
	// Name is that of a connector, with its card's or without, or auto: the first one
	// that a screen is connected to.
	Name   string
	Rotate hal.Rotation
	// Fonts are for the caption; nil: there is none.
	Fonts *screen.Fonts
	Clock clock.Clock
}

// Display is a screen; it implements hal.Display. It is looked for anew at each Open, so
// that one that was unplugged is found again.
type Display struct {
	opts Options
	list func() ([]Device, error)
	node func(path string) (node, error)

	mu    sync.Mutex
	shown int // open streams
}

// New returns the screen, which need not be there yet.
func New(o Options) *Display { return &Display{opts: o, list: List, node: openNode} }

// Name returns the name of the options.
func (d *Display) Name() string { return d.opts.Name }

// Open takes the screen and makes it black. Errors wrap hal.ErrNotFound, hal.ErrBusy,
// hal.ErrGone (also when no screen is connected) or the kernel's error.
func (d *Display) Open() (hal.DisplayStream, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	device, h, err := d.claim()
	if err != nil {
		return nil, err
	}
	s, err := d.start(h)
	if err != nil {
		h.close()
		return nil, fmt.Errorf("cannot use display %q (%s): %w", device.Name, device.Card, err)
	}
	d.shown++
	return s, nil
}

// Problem says why the screen could not be opened now; nil when it could, or is open. It
// takes the screen for a moment and changes nothing on it.
func (d *Display) Problem() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shown > 0 {
		return nil
	}
	_, h, err := d.claim()
	if err != nil {
		return err
	}
	h.close()
	return nil
}

// claim finds the screen and takes its card.
func (d *Display) claim() (Device, *head, error) {
	found, err := d.list()
	if err != nil {
		return Device{}, nil, err
	}
	device, err := pick(found, d.opts.Name)
	if err != nil {
		return Device{}, nil, fmt.Errorf("cannot use display %q: %w", d.opts.Name, err)
	}
	n, err := d.node(device.Card)
	if err == nil {
		var h *head
		if h, err = claim(n, device.Connector); err == nil {
			return device, h, nil
		}
	}
	return Device{}, nil, fmt.Errorf("cannot use display %q (%s): %w", device.Name, device.Card, err)
}

// closed notes that a stream has ended.
func (d *Display) closed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shown--
}
