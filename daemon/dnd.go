package daemon

import (
	"context"

	"callbox/daemon/control"
	"callbox/daemon/policy"
)

// settingDND is where the switch survives a restart.
const settingDND = "dnd"

func (b *backend) DND(ctx context.Context) (control.DND, error) {
	return ask(ctx, b.loop, func() (control.DND, error) { return b.loop.showDND(), nil })
}

func (b *backend) SetDND(ctx context.Context, d control.DND) (control.DND, error) {
	return ask(ctx, b.loop, func() (control.DND, error) {
		l := b.loop
		if d.On && !d.Until.IsZero() && !d.Until.After(l.wall()) {
			return control.DND{}, control.ErrBadRequest.With("do-not-disturb cannot end in the past")
		}
		l.switchDND(policy.DND(d))
		l.records.set(settingDND, l.dnd)
		return l.showDND(), nil
	})
}

// showDND is the switch as it holds now.
func (l *loop) showDND() control.DND {
	if l.dnd.On && !l.dnd.Until.IsZero() && !l.dnd.Until.After(l.wall()) {
		return control.DND{}
	}
	return control.DND(l.dnd)
}

// switchDND takes the switch over and says so; when it has an end, it says that
// too.
func (l *loop) switchDND(d policy.DND) {
	if !d.On {
		d = policy.DND{}
	}
	l.dndStop()
	l.dndStop = func() bool { return true }
	l.dnd = d
	l.log.Info().Bool("on", d.On).Time("until", d.Until).Msg("do not disturb")
	l.events.Publish(control.EventDND, "", l.showDND())
	if d.On && !d.Until.IsZero() {
		l.dndStop = l.clock.AfterFunc(d.Until.Sub(l.wall()), func() { l.box.put(request(l.endDND)) })
	}
}

// endDND is called when the time should be over; a clock that was put back says
// otherwise.
func (l *loop) endDND() {
	if !l.dnd.On || l.dnd.Until.IsZero() {
		return
	}
	if left := l.dnd.Until.Sub(l.wall()); left > 0 {
		l.dndStop = l.clock.AfterFunc(left, func() { l.box.put(request(l.endDND)) })
		return
	}
	l.switchDND(policy.DND{})
	l.records.set(settingDND, l.dnd)
}
