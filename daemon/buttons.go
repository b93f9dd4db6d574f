package daemon

import (
	"errors"
	"io"
	"slices"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/hal"
	"callbox/hal/button"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// buttons is the part of button.Buttons that the daemon uses.
type buttons interface {
	io.Closer
	Status() []button.Status
}

// press does what a button is for, and tells programs what became of it: the
// button of a device that has no screen is all that a person has.
func (l *loop) press(p hal.Press) {
	err := l.pressed(p)
	data := control.ButtonData{Name: p.Button, Action: string(p.Action), Done: err == nil}
	if err != nil {
		var told *control.Error
		if data.Reason = err.Error(); errors.As(err, &told) {
			data.Reason = told.Message
		}
	}
	log := l.room.log(l.log)
	log.Info().Str("button", p.Button).Str("action", string(p.Action)).Bool("held", p.Held).
		Bool("done", data.Done).Str("reason", data.Reason).Msg("button")
	l.events.Publish(control.EventButton, "", data)
}

func (l *loop) pressed(p hal.Press) error {
	gen, phase := l.state.Generation, l.state.Phase
	answer := func() { l.step(call.Answered{Gen: gen}) }
	hangUp := func() { l.step(call.LocalHangUp{Gen: gen, Origin: cause.Manual}) }
	switch p.Action {
	case hal.ActionAnswer:
		if phase != call.Ringing {
			return control.ErrNotRinging
		}
		answer()
	case hal.ActionHangup:
		if !phase.Active() {
			return control.ErrNoCall
		}
		hangUp()
	case hal.ActionToggle:
		switch {
		case phase == call.Ringing:
			answer()
		case phase.Active():
			hangUp()
		default:
			return control.ErrNoCall
		}
	case hal.ActionCall:
		_, err := l.place(control.CallRequest{To: []string{l.whom(p.Call)}})
		return err
	case hal.ActionEvent:
	}
	return nil
}

// whom is the contact or the group that a button calls; a contact of that name
// comes first.
func (l *loop) whom(name string) string {
	for _, c := range l.contacts.List() {
		if !c.Revoked && (c.Name == name || c.JKT == name) {
			return name
		}
	}
	inGroup := func(c signaling.Contact) bool { return slices.Contains(c.Groups, name) }
	if slices.ContainsFunc(l.contacts.List(), inGroup) {
		return control.GroupPrefix + name
	}
	return name
}
