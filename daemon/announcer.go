package daemon

import (
	"context"

	"callbox/hal/devices"
	"callbox/media"
	"callbox/media/tone"
)

// announcer plays the announcement of an automatic answer.
type announcer struct {
	engine *media.Engine
}

// Announce plays the built-in chime.
func (a announcer) Announce(ctx context.Context) error {
	return a.engine.Announce(ctx, tone.AutoAnswer())
}

// hardwareOf says what of the device's parts phones are told.
func hardwareOf(d *devices.Set) hardware {
	return hardware{
		camera:     d.Camera != nil,
		microphone: d.Sound != nil && d.Sound.Microphone() != "",
		speaker:    d.Sound != nil && d.Sound.Speaker() != "",
	}
}
