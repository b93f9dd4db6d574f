package gpio

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"callbox/hal"
)

// spot is where a line is.
type spot struct {
	chip   string // its name, for people
	path   string
	offset uint32
	info   lineInfo
}

func (s spot) String() string {
	name := text(s.info.Name[:])
	if name == "" {
		return fmt.Sprintf("%s line %d", s.chip, s.offset)
	}
	return fmt.Sprintf("%s line %d (%s)", s.chip, s.offset, name)
}

// find looks for the line. A chip that is known under several paths counts once.
func find(k kernel, g hal.GPIO) (spot, error) {
	paths, err := k.chips()
	if err != nil {
		return spot{}, err
	}
	var names []string
	var spots []spot
	var refused []error
	chips := 0 // that were meant
	for _, path := range paths {
		c, err := k.open(path)
		if errors.Is(err, fs.ErrPermission) {
			refused = append(refused, err)
		}
		if err != nil {
			continue // gone, or no permission
		}
		info, err := c.info()
		name, label := text(info.Name[:]), text(info.Label[:])
		if err == nil && !slices.Contains(names, name) {
			names = append(names, name)
			if g.Chip == "" || g.Chip == name || g.Chip == label || g.Chip == filepath.Base(path) {
				chips++
				var found []spot
				if found, err = search(c, info, g.Line); err == nil {
					for _, s := range found {
						s.chip, s.path = name, path
						spots = append(spots, s)
					}
				}
			}
		}
		c.close()
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTTY) {
			return spot{}, fmt.Errorf("%s does not know version 2 of the GPIO interface: needs Linux 5.10 or newer", path)
		}
	}
	switch {
	case len(spots) == 1:
		return spots[0], nil
	case len(spots) > 1:
		return spot{}, fmt.Errorf("%v and %v are both meant; set chip to one of: %s", spots[0], spots[1], strings.Join(names, ", "))
	case len(refused) > 0:
		return spot{}, hal.Refused(refused[0], "gpio, or write a udev rule for the chip", "char-gpiochip rw")
	case chips > 0:
		return spot{}, fmt.Errorf("%w: no chip that was meant has it", hal.ErrNotFound)
	case len(names) == 0:
		return spot{}, fmt.Errorf("%w: this machine has no GPIO chip; is its driver loaded?", hal.ErrNotFound)
	}
	return spot{}, fmt.Errorf("%w; set chip to one of: %s", hal.ErrNotFound, strings.Join(names, ", "))
}

// search returns the lines of a chip that have this name, or the one that has this
// number.
func search(c chip, info chipInfo, line hal.Line) ([]spot, error) {
	if n, err := strconv.ParseUint(string(line), 10, 32); err == nil {
		if n >= uint64(info.Lines) {
			return nil, nil
		}
		i, err := c.line(uint32(n))
		return []spot{{offset: uint32(n), info: i}}, err
	}
	var found []spot
	for n := range info.Lines {
		i, err := c.line(n)
		if err != nil {
			return nil, err
		}
		if text(i.Name[:]) == string(line) {
			found = append(found, spot{offset: n, info: i})
		}
	}
	return found, nil
}
