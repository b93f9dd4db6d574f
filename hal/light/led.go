package light

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"callbox/hal"
)

// ledRoot is where the kernel's LED class has its LEDs (Linux documentation,
// "LED handling under Linux").
const ledRoot = "/sys/class/leds"

// LEDs returns the names of the LEDs that the kernel knows.
func LEDs() []string { return leds(ledRoot) }

func leds(root string) []string {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil // a kernel without the class
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// led is an LED of the LED class. Nothing of it is kept open, so that it may come
// and go.
type led struct{ root, name string }

func (l *led) Name() string { return l.name }

// Set switches the LED at full brightness, or off, and reads the brightness back.
func (l *led) Set(on bool) error {
	if all := leds(l.root); !slices.Contains(all, l.name) {
		if len(all) == 0 {
			return fmt.Errorf("cannot use LED %q: %w: %s has none; is the driver loaded?", l.name, hal.ErrNotFound, l.root)
		}
		return fmt.Errorf("cannot use LED %q: %w; set hal.light.name to one of: %s", l.name, hal.ErrNotFound, strings.Join(all, ", "))
	}
	if err := l.set(on); err != nil {
		return fmt.Errorf("cannot switch LED %q: %w", l.name, err)
	}
	return nil
}

func (l *led) set(on bool) error {
	level := 0
	if on {
		highest, err := l.read("max_brightness")
		if err != nil {
			return err
		}
		level = highest
	}
	if l.triggered() {
		if err := l.write("trigger", "none"); err != nil {
			return l.denied(err)
		}
	}
	if err := l.write("brightness", strconv.Itoa(level)); err != nil {
		return l.denied(err)
	}
	got, err := l.read("brightness")
	if err == nil && (got > 0) != on {
		err = fmt.Errorf("its brightness is %d after %d was written", got, level)
	}
	return err
}

// triggered reports whether a trigger (heartbeat, disk activity) switches the LED
// after us. The active one stands in brackets.
func (l *led) triggered() bool {
	text, err := os.ReadFile(filepath.Join(l.root, l.name, "trigger"))
	return err == nil && strings.Contains(string(text), "[") && !strings.Contains(string(text), "[none]")
}

// Lit reads the brightness; an LED that a trigger switches is not reliably on.
func (l *led) Lit() (bool, error) {
	level, err := l.read("brightness")
	if err != nil {
		return false, fmt.Errorf("cannot look at LED %q: %w", l.name, err)
	}
	return level > 0 && !l.triggered(), nil
}

// denied adds what to do: sysfs is the owner's (EACCES), and read-only under
// ProtectKernelTunables= (EROFS).
func (l *led) denied(err error) error {
	return fmt.Errorf("%w; let the daemon's user write to %s (a udev rule), and add ReadWritePaths= for it to the unit", err, filepath.Join(l.root, l.name))
}

func (l *led) write(file, text string) error {
	f, err := os.OpenFile(filepath.Join(l.root, l.name, file), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	return err
}

func (l *led) read(file string) (int, error) {
	text, err := os.ReadFile(filepath.Join(l.root, l.name, file))
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is %q, no number", file, text)
	}
	return n, nil
}

// Close leaves the LED as it is.
func (l *led) Close() error { return nil }
