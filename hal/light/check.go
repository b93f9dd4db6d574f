package light

import "time"

// checkEvery is how often the light is looked at while somebody needs it: for about
// so long a camera may be open in the dark.
const checkEvery = time.Second

// checks are the looks at a light that is needed.
type checks struct {
	number   int         // of the timer that counts: an old one does nothing
	stop     func() bool // it
	switched bool        // it was logged that somebody else has switched the light off
}

// startChecks has the light looked at until stopChecks. The turn is taken.
func (h *Holder) startChecks() {
	if h.light == nil {
		return
	}
	h.checks.switched = false
	h.checkLater()
}

func (h *Holder) checkLater() {
	h.checks.number++
	number := h.checks.number
	h.checks.stop = h.clock.AfterFunc(checkEvery, func() { h.check(number) })
}

func (h *Holder) stopChecks() {
	if h.checks.stop != nil {
		h.checks.stop()
		h.checks.stop = nil
		h.checks.number++
	}
}

// check looks at the light, and sets it again when it is not on. When that does not
// help, those who may not do without it are told.
func (h *Holder) check(number int) {
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	if number != h.checks.number {
		return
	}
	lit, err := h.light.Lit()
	if err != nil || !lit || !h.on {
		if h.on && err == nil && !h.checks.switched {
			h.checks.switched = true
			h.log.Warn().Str("light", h.light.Name()).Msg("the light went off while it was needed: it is set again")
		}
		if err := h.set(true); err != nil {
			h.tellDark(err)
		}
	}
	h.checkLater()
}

// tellDark tells all who need the light that it is not on, each once.
func (h *Holder) tellDark(err error) {
	if !h.required {
		return
	}
	for u := range h.users {
		if dark := u.dark; dark != nil {
			u.dark = nil
			dark(err)
		}
	}
}

// gone remembers whether the light works, as far as Set has shown. That a light can
// be turned off does not show that it can be turned on.
type gone struct{ is, on bool }

// after takes note of a Set, and reports whether that is news.
func (g *gone) after(on bool, err error) (news bool) {
	before := g.is
	switch {
	case err != nil:
		g.is, g.on = true, g.on || on
	case on || !g.on:
		*g = gone{}
	}
	return g.is != before
}
