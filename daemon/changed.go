package daemon

import (
	"callbox/daemon/call"
	"callbox/daemon/policy"
	"callbox/signaling"
)

// contactChanged takes from the running call what its contact may not do any more:
// the camera, or the call itself. Limits, hours and do-not-disturb are asked when a
// call begins; what is given back does not come by itself.
func (l *loop) contactChanged(c signaling.Contact) {
	if !l.state.Phase.Active() {
		return
	}
	in, right := l.cur.room().Phone == c.JKT, policy.RightCall
	var rung *ring
	if dial := l.cur.dial; dial != nil {
		rung, right = dial.ringOf(c.JKT), policy.RightBeCalled
		in = in && dial.joined
	}
	if in || rung != nil {
		l.allowStill(c.JKT, policyContact(c), right, rung, in)
	}
}

// rulesChanged does so after a reload, for everybody in the running call: groups, the
// default and an issuer's section give rights, too.
func (l *loop) rulesChanged() {
	if !l.state.Phase.Active() {
		return
	}
	for _, c := range l.contacts.List() {
		if !c.Revoked {
			l.contactChanged(c)
		}
	}
	if !l.state.Phase.Active() || l.cur.offer.Token == nil {
		return
	}
	if caller, ok := l.tokenCaller(l.cur.offer.Token); ok { // else the token stands no more: recheckTokens
		l.allowStill(l.cur.room().Phone, caller, policy.RightCall, nil, true)
	}
}

// contactsStill looks at what the store says of everybody in the running call: whatever
// has become of the word of a change, it does not outlast this.
func (l *loop) contactsStill() {
	if !l.state.Phase.Active() {
		return
	}
	phone, known := l.cur.room().Phone, false
	for _, c := range l.contacts.List() {
		known = known || c.JKT == phone
		if c.Revoked {
			l.step(call.Revoked{Phone: c.JKT})
		} else {
			l.contactChanged(c)
		}
		if !l.state.Phase.Active() {
			return
		}
	}
	known = known || l.tester.is(phone)
	if !known && !l.cur.offer.ByToken && (l.cur.dial == nil || l.cur.dial.joined) {
		l.step(call.Revoked{Phone: phone})
	}
}

// allowStill asks the rules again about one who is rung or, with in, talked to.
func (l *loop) allowStill(jkt string, contact policy.Contact, right policy.Right, rung *ring, in bool) {
	rules := l.settings.rules
	if !rules.Has(contact, right) {
		l.cur.log.Info().Str("changed", contact.Name).Str("right", string(right)).Msg("the right to the running call was taken away")
		l.step(call.Revoked{Phone: jkt})
		return
	}
	camera := rules.Camera(contact)
	if camera.Allowed {
		return
	}
	if rung != nil {
		rung.camera = false
	}
	if in && l.cur.cameraAllowed {
		l.cur.log.Info().Str("rule", camera.Rule).Msg("the phone may not see the camera any more")
		l.cur.cameraAllowed = false
		l.switchCamera(false)
	}
}
