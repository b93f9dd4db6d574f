package media

import (
	"cmp"
	"context"

	"callbox/hal"
)

// halves says of which halves of the sound something is true.
type halves struct{ microphone, speaker bool }

func halvesOf(d hal.Sound) halves { return halves{d.Microphone() != "", d.Speaker() != ""} }

func (h halves) none() bool { return h == halves{} }

func (h halves) without(o halves) halves {
	return halves{h.microphone && !o.microphone, h.speaker && !o.speaker}
}

func (h halves) with(o halves) halves {
	return halves{h.microphone || o.microphone, h.speaker || o.speaker}
}

// lostHalves are those that were told gone.
type lostHalves struct {
	halves
	whole bool // both were told as one
}

// betterStream is a hal.SoundStream that ends also because a better device has come: one
// that was missing, or for which another one stands in.
type betterStream interface{ Better() bool }

// surpassed says that a stream has not ended because its device went away.
func surpassed(s hal.SoundStream) bool {
	b, ok := s.(betterStream)
	return ok && b.Better()
}

// tellGone tells what is lost of a device that was used, or could not be: the halves for
// which there is nothing now, or something else; else all that it has. rest says that what
// there is now was not tried yet.
func (d *soundDevice) tellGone(ctx context.Context, used hal.Sound, err error) (rest bool) {
	lost := halvesOf(used)
	if lost.without(d.lost.halves).none() {
		return false
	}
	now := d.look(ctx)
	changed := halves{
		lost.microphone && now.Microphone() != used.Microphone(),
		lost.speaker && now.Speaker() != used.Speaker(),
	}
	if rest = !changed.none(); rest {
		lost = changed
	}
	d.lose(lost, used, err)
	return rest
}

// lose tells which halves are gone, by the names that a device gives them, each once. Two
// that are one device go as "sound", and so does the only half that there is.
func (d *soundDevice) lose(lost halves, named hal.Sound, err error) {
	has := halvesOf(d.device)
	lost = lost.without(d.lost.halves)
	d.lost.halves = d.lost.with(lost)
	one := has.microphone != has.speaker || named.Microphone() == named.Speaker()
	switch {
	case lost.none():
	case lost == has && one:
		d.lost.whole = true
		d.s.deviceGone("sound", cmp.Or(named.Microphone(), named.Speaker()), err)
	default:
		d.deviceGone(lost, named, err)
	}
}

func (d *soundDevice) deviceGone(lost halves, named hal.Sound, err error) {
	if lost.microphone {
		d.s.deviceGone("microphone", named.Microphone(), err)
	}
	if lost.speaker {
		d.s.deviceGone("speaker", named.Speaker(), err)
	}
}

// regain tells which halves work again of those that were told gone. When they went as one
// and one is still away, that is told for itself first.
func (d *soundDevice) regain(works halves) {
	back := d.lost.without(d.lost.without(works))
	d.lost.halves = d.lost.without(works)
	microphone, speaker := d.device.Microphone(), d.device.Speaker()
	switch {
	case back.none():
	case d.lost.whole && back.microphone:
		d.regainWhole(microphone)
	case d.lost.whole:
		d.regainWhole(speaker)
	default:
		if back.microphone {
			d.s.deviceBack("microphone", microphone)
		}
		if back.speaker {
			d.s.deviceBack("speaker", speaker)
		}
	}
}

func (d *soundDevice) regainWhole(name string) {
	d.lost.whole = false
	d.deviceGone(d.lost.halves, d.device, hal.ErrNotFound)
	d.s.deviceBack("sound", name)
}
