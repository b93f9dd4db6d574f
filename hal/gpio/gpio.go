// Package gpio takes single lines of the kernel's GPIO character device, version 2
// of its interface (Linux user-space API, "GPIO Character Device Userspace API").
//
// "Active" is the logical level: the kernel turns it round for lines that are
// active low. A line belongs to its Line until Close; then the hardware decides
// what becomes of its level.
//
// It was tested against a fake of the kernel, never with real GPIO lines.
package gpio

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/sys/unix"

	"callbox/hal"
)

// consumer is what other programs see as the user of our lines (gpioinfo).
const consumer = "callbox"

// Line is a line that is ours. Value, Set and WaitEdge may run at the same time.
type Line struct {
	name   string
	handle handle
}

// Input takes a line as an input.
//
// Errors: hal.ErrNotFound, hal.ErrBusy, fs.ErrPermission with what to do about it.
func Input(g hal.GPIO) (*Line, error) { return take(devices{}, g, inputConfig(g, 0)) }

// Edges takes a line as an input for WaitEdge. Errors as Input, and one for a chip
// that has no interrupts.
func Edges(g hal.GPIO) (*Line, error) {
	return take(devices{}, g, inputConfig(g, flagEdgeRising|flagEdgeFalling))
}

// Output takes a line as an output that is not active. Errors as Input.
func Output(g hal.GPIO) (*Line, error) { return take(devices{}, g, outputConfig(g)) }

// Check says what would keep Input, Edges and Output from taking the line, and what the
// line is called. It takes nothing.
func Check(g hal.GPIO) (name string, err error) { return check(devices{}, g) }

func check(k kernel, g hal.GPIO) (string, error) {
	s, err := find(k, g)
	if err == nil && s.info.Flags&flagUsed != 0 && text(s.info.Consumer[:]) != consumer {
		err = busy(s)
	}
	if err != nil {
		return "", fmt.Errorf("cannot use GPIO %v: %w", g, err)
	}
	return s.String(), nil
}

func busy(s spot) error {
	who := text(s.info.Consumer[:])
	if who == "" {
		who = "the kernel"
	}
	return fmt.Errorf("%w: %s", hal.ErrBusy, who)
}

func inputConfig(g hal.GPIO, edges uint64) lineConfig {
	flags := map[hal.Bias]uint64{
		hal.BiasPullUp: flagBiasPullUp, hal.BiasPullDown: flagBiasPullDown, hal.BiasDisabled: flagBiasDisabled,
	}[g.Bias] | flagInput | edges
	if g.ActiveLow {
		flags |= flagActiveLow
	}
	return lineConfig{Flags: flags}
}

func outputConfig(g hal.GPIO) lineConfig {
	c := lineConfig{Flags: flagOutput, NumAttrs: 1}
	c.Attrs[0] = lineConfigAttribute{Attr: lineAttribute{ID: attrOutputValues, Value: 0}, Mask: 1}
	if g.ActiveLow {
		c.Flags |= flagActiveLow
	}
	return c
}

func take(k kernel, g hal.GPIO, config lineConfig) (*Line, error) {
	s, err := find(k, g)
	if err != nil {
		return nil, fmt.Errorf("cannot use GPIO %v: %w", g, err)
	}
	c, err := k.open(s.path)
	if err != nil {
		return nil, fmt.Errorf("cannot use GPIO %v: %w", g, err)
	}
	defer c.close()
	r := &lineRequest{NumLines: 1, Config: config}
	r.Offsets[0] = s.offset
	copy(r.Consumer[:], consumer)
	h, err := c.request(r)
	switch {
	case errors.Is(err, unix.EBUSY):
		err = busy(s)
	case errors.Is(err, unix.ENXIO):
		err = fmt.Errorf("%w: this line tells no edges (its chip has no interrupts), so that it cannot be a button", err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use GPIO %v: %w", g, err)
	}
	return &Line{name: s.String(), handle: h}, nil
}

// Name says which line it is, for people.
func (l *Line) Name() string { return l.name }

// Value reads whether the line is active; of an output, too, as far as its chip can
// read one back. It returns hal.ErrGone when the chip is gone.
func (l *Line) Value() (bool, error) {
	v := lineValues{Mask: 1}
	err := l.handle.values(&v)
	return v.Bits&1 != 0, l.wrap("read", err)
}

// Set makes an output active or not. It returns hal.ErrGone when the chip is gone.
func (l *Line) Set(active bool) error {
	v := lineValues{Mask: 1}
	if active {
		v.Bits = 1
	}
	return l.wrap("set", l.handle.setValues(&v))
}

// WaitEdge waits until the line has changed at least once since the last WaitEdge.
// It returns io.EOF after Close and hal.ErrGone when the chip is gone.
func (l *Line) WaitEdge() error {
	var events [16 * eventSize]byte
	if _, err := l.handle.Read(events[:]); err != nil {
		if errors.Is(err, fs.ErrClosed) {
			return io.EOF
		}
		return l.wrap("wait for", err)
	}
	return nil
}

// Close gives the line back and wakes WaitEdge. It may be called twice.
func (l *Line) Close() error {
	if err := l.handle.Close(); !errors.Is(err, fs.ErrClosed) {
		return l.wrap("close", err)
	}
	return nil
}

func (l *Line) wrap(what string, err error) error {
	if errors.Is(err, unix.ENODEV) {
		err = hal.ErrGone
	}
	if err != nil {
		return fmt.Errorf("cannot %s GPIO %s: %w", what, l.name, err)
	}
	return nil
}
