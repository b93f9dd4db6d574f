package light

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
)

// nameGPIO is the light on a GPIO line.
const nameGPIO = "gpio"

// Open takes the light of the configuration and turns it off. A light that is not
// there is no error: Status tells of it, and every Acquire tries again. An error
// tells of options that daemon/config would have refused.
func Open(o hal.LightOptions, clk clock.Clock, log zerolog.Logger) (*Holder, error) {
	l, err := choose(o, ledRoot)
	if err != nil {
		return nil, err
	}
	if l != nil && o.Sense.Set() {
		l = &sensed{Light: l, sense: held{take: input(o.Sense)}}
	}
	return New(l, o.Required, clk, log), nil
}

// choose makes the driver, nil for none.
func choose(o hal.LightOptions, root string) (hal.Light, error) {
	switch o.Name {
	case "", hal.NameNone:
		return nil, nil
	case hal.NameVirtual:
		return &virtual{file: o.File}, nil
	case nameGPIO:
		if !o.GPIO.Set() {
			return nil, fmt.Errorf("cannot use light %q: it needs hal.light.gpio", o.Name)
		}
		return &lineLight{held{take: output(o.GPIO)}}, nil
	}
	if strings.ContainsAny(o.Name, "/\x00") || strings.HasPrefix(o.Name, ".") {
		return nil, fmt.Errorf("cannot use light %q: it is no name of an LED", o.Name)
	}
	return &led{root: root, name: o.Name}, nil
}

// virtual is a light that is a file, or nothing at all.
type virtual struct {
	file string
	on   bool // without a file
}

func (v *virtual) Name() string { return hal.NameVirtual }

// Set writes on or off and reads it back. A reader never sees half a word.
func (v *virtual) Set(on bool) error {
	if v.file == "" {
		v.on = on
		return nil
	}
	text := word(on) + "\n"
	next := filepath.Join(filepath.Dir(v.file), "."+filepath.Base(v.file)+".next")
	if err := os.WriteFile(next, []byte(text), 0o644); err != nil {
		return fmt.Errorf("cannot switch the virtual light: %w", err)
	}
	if err := os.Rename(next, v.file); err != nil {
		return fmt.Errorf("cannot switch the virtual light: %w", err)
	}
	got, err := os.ReadFile(v.file)
	if err == nil && string(got) != text {
		err = fmt.Errorf("%s says %q after %q was written", v.file, got, text)
	}
	if err != nil {
		return fmt.Errorf("cannot switch the virtual light: %w", err)
	}
	return nil
}

// Lit reads the file.
func (v *virtual) Lit() (bool, error) {
	if v.file == "" {
		return v.on, nil
	}
	got, err := os.ReadFile(v.file)
	if err != nil {
		return false, fmt.Errorf("cannot look at the virtual light: %w", err)
	}
	return string(got) == word(true)+"\n", nil
}

// Close leaves the file as it is.
func (v *virtual) Close() error { return nil }
