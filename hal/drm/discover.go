// Package drm shows pictures on a screen through the kernel's mode setting interface
// (DRM/KMS, drm-kms(7)), with two dumb buffers of XRGB8888 and page flips. It needs no
// library of the graphics stack, and no graphics processor.
//
// A screen is known by its connector, such as HDMI-A-1. It belongs to one program at a
// time (the DRM master): a call takes it, and gives it back as it was.
package drm

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"callbox/hal"
)

// Device is a connector that was found.
type Device struct {
	// Name is the kernel's name of the connector, for example HDMI-A-1; where a card
	// before this one has a connector of that name, the card's stands before it:
	// card1-HDMI-A-1.
	Name string
	// Connector is the same without the card.
	Connector string
	// Card is the node of its card at the moment, for example /dev/dri/card0.
	Card string
	// Connected says that the kernel sees a screen there.
	Connected bool
	// Mode is the size that this one likes best, for example 1920x1080; "" when the
	// kernel knows none.
	Mode string
}

// Full is the name with the card's: card0-HDMI-A-1.
func (d Device) Full() string { return filepath.Base(d.Card) + "-" + d.Connector }

// List finds the connectors, connected or not, in the order of their cards. It opens no
// card and needs no permission.
func List() ([]Device, error) { return list("/sys/class/drm", "/dev/dri") }

func list(sys, dev string) ([]Device, error) {
	entries, err := os.ReadDir(sys)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a kernel without screens
	}
	if err != nil {
		return nil, fmt.Errorf("cannot look for displays: %w", err)
	}
	type place struct {
		card int
		Device
	}
	var places []place
	for _, e := range entries {
		card, connector, ok := strings.Cut(e.Name(), "-")
		digits, isCard := strings.CutPrefix(card, "card")
		n, err := strconv.Atoi(digits)
		if !ok || !isCard || err != nil || n < 0 || strings.HasPrefix(connector, "Writeback-") {
			continue
		}
		d := Device{Connector: connector, Card: filepath.Join(dev, card)}
		status, err := os.ReadFile(filepath.Join(sys, e.Name(), "status"))
		if err != nil {
			continue // gone since the directory was read
		}
		d.Connected = string(bytes.TrimSpace(status)) == "connected"
		modes, _ := os.ReadFile(filepath.Join(sys, e.Name(), "modes")) // none is no error
		first, _, _ := strings.Cut(string(modes), "\n")
		d.Mode = strings.TrimSpace(first)
		places = append(places, place{n, d})
	}
	slices.SortStableFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.card, b.card), cmp.Compare(a.Connector, b.Connector))
	})
	var found []Device
	for _, p := range places {
		p.Name = p.Connector
		if slices.ContainsFunc(found, func(d Device) bool { return d.Name == p.Name }) {
			p.Name = p.Full()
		}
		found = append(found, p.Device)
	}
	return found, nil
}

// Named reports whether the device has that name, with the card's or without.
func (d Device) Named(name string) bool { return name == d.Name || name == d.Full() }

// pick finds the device that a name of the configuration means: auto is the first that
// a screen is connected to.
func pick(found []Device, name string) (Device, error) {
	if name == hal.NameAuto {
		i := slices.IndexFunc(found, func(d Device) bool { return d.Connected })
		if i < 0 {
			return Device{}, fmt.Errorf("%w: no screen is connected to %s", hal.ErrGone, cmp.Or(strings.Join(names(found), " or "), "this device"))
		}
		return found[i], nil
	}
	i := slices.IndexFunc(found, func(d Device) bool { return d.Named(name) })
	if i >= 0 {
		return found[i], nil
	}
	if len(found) == 0 {
		return Device{}, fmt.Errorf("%w; there is none: is the driver of the graphics card loaded?", hal.ErrNotFound)
	}
	return Device{}, fmt.Errorf("%w; set hal.display.name to one of: %s", hal.ErrNotFound, strings.Join(names(found), ", "))
}

func names(found []Device) []string {
	var all []string
	for _, d := range found {
		all = append(all, d.Name)
	}
	return all
}
