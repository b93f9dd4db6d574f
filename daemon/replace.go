package daemon

import (
	"context"
	"fmt"
	"slices"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/signaling"
	"callbox/signaling/key"
)

// ReplaceContact puts another key in the place of a contact's.
func (b *backend) ReplaceContact(ctx context.Context, who string, k control.NewKey) (control.Contact, error) {
	public, err := key.ParsePublic(k.JWK)
	if err != nil {
		return control.Contact{}, control.ErrBadRequest.With("cannot use the key: " + err.Error())
	}
	old, err := b.find(who)
	if err != nil {
		return control.Contact{}, err
	}
	stored, err := b.parts.store.Replace(old.JKT, signaling.Contact{JKT: public.JKT(), JWK: k.JWK}, nil)
	if err != nil {
		return control.Contact{}, contactError(err)
	}
	return follow(ctx, b.loop, func() control.Contact {
		b.parts.replaced(old.JKT, stored)
		return b.shown(stored)
	})
}

// replaced ends what the old key of a contact has with the device, in the loop. What
// that key has tried counts for the new one.
func (p *parts) replaced(old string, fresh signaling.Contact) {
	gone, _ := p.store.Contact(old)
	p.log.Info().Str("contact", fresh.Name).Str("jkt", fresh.JKT).Str("old_jkt", old).Msg("another key has taken the contact's place")
	p.loop.inheritTries(old, fresh.JKT)
	p.loop.endTrust(gone)
}

// inheritTries lets a key go on with what another one has tried: a new phone grants no
// new hour.
func (l *loop) inheritTries(from, to string) {
	tries, ok := l.tries[from]
	if !ok {
		return
	}
	l.tries[to] = tries
	l.records.set(settingTries+to, tries)
}

// replacement says whose place the phone that pairs takes.
func (b *backend) replacement(r control.PairRequest) (t signaling.PairingTerms, old signaling.Contact, err error) {
	if old, err = b.find(r.Replaces); err != nil {
		return t, old, err
	}
	if old.Revoked {
		return t, old, control.ErrBadRequest.With(fmt.Sprintf("cannot replace the key of %q: the contact is revoked; pair the new phone as a new contact", old.Name))
	}
	return signaling.PairingTerms{Name: old.Name, Rights: b.parts.book.Effective(old), Force: r.Force}, old, nil
}

// Pair adds a contact; through a window for the new phone of a contact it takes that
// one's place. Over a self-made certificate it takes over neither auto nor unlock,
// unless the window forces it.
func (b contactBook) Pair(c signaling.Contact) (stored signaling.Contact, fresh bool, err error) {
	jkt, forced := b.taking()
	if jkt == "" {
		return b.Store.Pair(c)
	}
	old, ok := b.Store.Contact(jkt)
	if ok && c.JKT == jkt && !old.Revoked { // it is that phone still
		return old, false, nil
	}
	var rights []signaling.Right
	if c.SelfSigned && !forced {
		rights = slices.DeleteFunc(b.Effective(old), guarded)
		if len(rights) == len(b.Effective(old)) {
			rights = nil // nothing to take away: it inherits what the other did
		} else if rights == nil {
			rights = []signaling.Right{}
		}
	}
	if stored, err = b.Replace(jkt, c, rights); err != nil {
		return stored, false, err
	}
	b.replaced(jkt, stored)
	return stored, true, nil
}

// guarded reports whether a right is not given over a self-made certificate.
func guarded(r signaling.Right) bool { return r == signaling.RightAuto || r == signaling.RightUnlock }

// endTrust ends what a phone has with the device.
func (l *loop) endTrust(contact signaling.Contact) {
	// The machine first: its bye still needs the room that forgetKey forgets.
	l.step(call.Revoked{Phone: contact.JKT})
	l.forgetKey(contact.JKT)
	l.events.Publish(control.EventRevoked, "", control.RevokedData{Name: contact.Name, JKT: contact.JKT})
}
