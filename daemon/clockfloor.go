package daemon

import (
	"context"
	"time"

	"callbox/daemon/control"
	"callbox/hal/clock"
)

// wallTime is what the device believes of the time of day.
type wallTime struct {
	now     func() time.Time
	trusted func() bool // whether it is right, as far as the kernel knows
}

func machineTime() wallTime { return wallTime{time.Now, clock.Trusted} }

// openFloor is the earliest time that it can be, as the store has kept it.
func (p *parts) openFloor() *clock.Floor {
	return clock.NewFloor(clock.FloorOptions{Wall: p.wall, Trusted: p.trusted, Built: clock.Built(), Store: p.store})
}

// saveFloor writes the floor down when it has risen by an hour.
func (p *parts) saveFloor() {
	if err := p.floor.Save(); err != nil {
		p.log.Warn().Err(err).Msg("cannot write down what time it is at least")
	}
}

func (b *backend) ResetClock(ctx context.Context) (control.Clock, error) {
	if err := b.parts.floor.Reset(); err != nil {
		return control.Clock{}, err
	}
	b.parts.log.Warn().Msg("what the device knew of the past of its clock was reset")
	return b.Clock(ctx)
}
