package devices

import (
	"cmp"
	"slices"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/drm"
	"callbox/hal/screen"
	"callbox/hal/virtual"
)

// Reasons why auto has not chosen a screen.
const (
	noScreen    = "no screen is connected"
	noConnector = "there is no connector for a screen"
)

// chooseDisplay finds the display for a configured name; "" means none. Nothing stands
// in for a screen: where auto finds connectors and no screen, and where there is none of
// the name, each call looks again.
func chooseDisplay(o hal.DisplayOptions, find func() ([]Found, error)) Choice {
	wanted := cmp.Or(o.Name, hal.NameNone)
	found, problems := find()
	if wanted != hal.NameAuto {
		return choose(Display, wanted, found, problems)
	}
	c := Choice{Kind: Display, Wanted: wanted, Chosen: hal.NameNone, Reason: noConnector}
	screens := slices.DeleteFunc(slices.Clone(found), func(f Found) bool { return f.Kind != Display })
	if i := slices.IndexFunc(screens, func(f Found) bool { return !f.unused }); i >= 0 {
		c.Chosen, c.Reason = screens[i].Name, ""
	} else if len(screens) > 0 {
		c.Chosen, c.Reason = hal.NameAuto, noScreen
	}
	return c
}

// openDisplay makes the driver of the chosen display.
func (s *Set) openDisplay(o hal.DisplayOptions, c Choice, clk clock.Clock, log zerolog.Logger) (err error) {
	switch {
	case c.Virtual:
		s.Display = virtual.NewDisplay(o.Record)
	case c.Chosen != hal.NameNone:
		if o.Caption {
			if s.fonts, err = screen.OpenFonts(o.Font); err != nil && o.Font != "" {
				log.Warn().Err(err).Msg("the built-in font is used for the caption")
				s.fonts, err = screen.OpenFonts("")
			}
			if err != nil {
				return err
			}
		}
		s.Display = drm.New(drm.Options{Name: c.Chosen, Rotate: o.Rotate, Fonts: s.fonts, Clock: clk})
	}
	return nil
}
