package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"callbox/daemon/control"
	"callbox/signaling"
)

// reach says how a call of the device gets to a phone now.
func (p *parts) reach(jkt string) string {
	switch {
	case p.device.Connected(jkt):
		return control.ReachConnected
	case p.waker.wakes(jkt):
		return control.ReachPush
	case p.device.Reachable(jkt):
		return control.ReachPerhaps
	}
	return control.ReachNone
}

// wakes reports whether there is a way to wake the phone: its own subscription, or the
// maker's backend, which is told of every ring.
func (w *waker) wakes(jkt string) bool {
	return w != nil && (w.hook != nil || (w.book != nil && w.book.Subscribed(jkt)))
}

// doctorPeople looks at why nothing would ring, here or at a phone. It names nobody:
// doctor's findings stand in bug reports.
func (b *backend) doctorPeople(ctx context.Context) ([]control.Finding, error) {
	contacts, err := b.Contacts(ctx)
	if err != nil {
		return nil, err
	}
	ever := len(contacts) > 0
	findings := doctorContacts(slices.DeleteFunc(contacts, func(c control.Contact) bool { return c.Revoked }), ever, len(b.parts.gate.Status()))
	return ask(ctx, b.loop, func() ([]control.Finding, error) {
		l := b.loop
		return append(findings, doctorQuiet(l.showDND(), l.settings.rules.Quiet(l.now()))...), nil
	})
}

// doctorQuiet says that do-not-disturb holds calls back; no finding when it is off.
func doctorQuiet(dnd control.DND, hours bool) []control.Finding {
	f := control.Finding{Name: "do not disturb", State: control.StateWarning}
	switch {
	case dnd.On:
		f.Message, f.Remedy = "it is on: only calls of contacts with through_dnd ring here", "callboxctl dnd off"
	case hours:
		f.Message = "it is on by policy.do_not_disturb at this hour: only calls of contacts with through_dnd ring here"
		f.Remedy = "callboxctl policy explain --contact NAME says which rule counts; correct policy.do_not_disturb, then callboxctl reload"
	default:
		return nil
	}
	return []control.Finding{f}
}

// doctorContacts looks at the phones that are trusted: who may call and be called, and
// who can be reached now. A device with which no phone was ever paired is new, and
// nothing is wrong with it.
func doctorContacts(trusted []control.Contact, ever bool, issuers int) []control.Finding {
	f := control.Finding{Name: "contacts", State: control.StateOK}
	switch {
	case len(trusted) == 0 && issuers > 0:
		f.Message = "no phone is paired: only callers with a token can call"
		return []control.Finding{f}
	case len(trusted) == 0 && !ever:
		f.State, f.Message, f.Remedy = control.StateWarning, "no phone is paired yet: nobody can call", "callboxctl pair"
		return []control.Finding{f}
	case len(trusted) == 0:
		f.State, f.Message, f.Remedy = control.StateProblem, "no phone is paired: nobody can call", "callboxctl pair"
		return []control.Finding{f}
	}
	having := func(right signaling.Right) (n int) {
		for _, c := range trusted {
			if slices.Contains(c.EffectiveRights, string(right)) {
				n++
			}
		}
		return n
	}
	call, called := having(signaling.RightCall), having(signaling.RightBeCalled)
	f.Message = fmt.Sprintf("%d paired, of whom %d may call and %d may be called", len(trusted), call, called)
	switch {
	case call == 0 && issuers == 0:
		f.State, f.Remedy = control.StateProblem, "callboxctl contacts set NAME --rights call,beCalled"
		f.Message += ": nobody rings here"
	case called == 0: // as a doorbell may be wanted
		f.Message += ": the device can call nobody"
	}
	findings := []control.Finding{f}
	if called > 0 {
		findings = append(findings, doctorReach(trusted))
	}
	return findings
}

// doctorReach says whether the phones that may be called would ring now.
func doctorReach(trusted []control.Contact) control.Finding {
	counts := map[string]int{}
	for _, c := range trusted {
		if slices.Contains(c.EffectiveRights, string(signaling.RightBeCalled)) {
			counts[c.Reach]++
		}
	}
	var says []string
	for _, one := range []struct{ reach, text string }{
		{control.ReachConnected, "connected"},
		{control.ReachPush, "can be woken"},
		{control.ReachPerhaps, "perhaps at the broker or the relay, which does not say"},
		{control.ReachNone, "cannot be reached now"},
	} {
		if n := counts[one.reach]; n > 0 {
			says = append(says, fmt.Sprintf("%d %s", n, one.text))
		}
	}
	f := control.Finding{Name: "phones", State: control.StateOK, Message: strings.Join(says, ", ")}
	if counts[control.ReachNone] > 0 {
		f.State = control.StateWarning
		f.Remedy = "open the call page there, or let it be woken (" + control.Guide("push.md") + "); callboxctl contacts shows which; " + control.Guide("no-ring.md") + " goes on"
	}
	return f
}
