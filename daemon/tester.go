package daemon

import (
	"context"
	"sync"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/daemon/store"
	"callbox/signaling"
	"callbox/signaling/key"
)

// tester knows the phone inside callboxctl selftest: a key that may call for as long as
// the program that brought it stays connected. It is no contact: it stands in no list
// and on no disk, cannot be called or woken, opens no door, and costs nobody's budget.
type tester struct {
	mu    sync.Mutex
	phone signaling.Contact // without a key: none
}

// is reports whether a key is that phone's.
func (t *tester) is(jkt string) bool {
	_, ok := t.contact(jkt)
	return ok
}

// contact returns the phone as signaling wants to see it.
func (t *tester) contact(jkt string) (signaling.Contact, bool) {
	if t == nil {
		return signaling.Contact{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.phone, jkt != "" && t.phone.JKT == jkt
}

// admit lets a phone in; false when there is one already.
func (t *tester) admit(k *key.Public) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.phone.JKT != "" {
		return false
	}
	t.phone = signaling.Contact{JKT: k.JKT(), JWK: k.JWK(), Name: store.SelftestName, Rights: []signaling.Right{signaling.RightCall}}
	return true
}

func (t *tester) dismiss() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.phone = signaling.Contact{}
}

// decideTest asks what holds for a test, too. Its attempts are not counted.
func (l *loop) decideTest(o signaling.Offer, q policy.Request) decision {
	q.Contact, q.Now, q.DND = policy.Contact{Name: o.Contact.Name}, l.now(), l.dnd
	return l.decided(o.Room.ID, q, l.settings.rules.Selftest(q))
}

// Selftest implements control.Upkeep.
func (b *backend) Selftest(ctx context.Context, r control.SelftestRequest) (control.SelftestTerms, func(), error) {
	p := b.parts
	k, err := key.ParsePublic(r.JWK)
	if err != nil {
		return control.SelftestTerms{}, nil, control.ErrBadRequest.With("cannot use the key: " + err.Error())
	}
	if p.direct == nil || len(p.direct.Endpoints()) == 0 {
		return control.SelftestTerms{}, nil, control.ErrNoTransport.With("the test calls over the device's own listener, which is off").
			WithRemedy("set signaling.direct.enabled: true")
	}
	terms := control.SelftestTerms{
		Name: p.cfg.Device.Name, SN: p.sn, Thumbprint: p.key.JKT(), Endpoints: p.direct.Endpoints(),
		Loopback: p.cfg.Media.ICE.Loopback, Contact: store.SelftestName, Silent: !b.loop.has.speaker,
	}
	if _, err := ask(ctx, b.loop, func() (struct{}, error) {
		switch {
		case b.loop.state.Phase.Active():
			return struct{}{}, control.ErrBusy
		case isContact(p, k.JKT()):
			return struct{}{}, control.ErrExists.With("the key is a contact's; a test needs one of its own")
		case !p.tester.admit(k):
			return struct{}{}, control.ErrBusy.With("another test is running").WithRemedy("try again in a moment")
		}
		return struct{}{}, nil
	}); err != nil {
		return control.SelftestTerms{}, nil, err
	}
	p.log.Info().Str("jkt", k.JKT()).Msg("a test may call")
	return terms, func() { b.endSelftest(k.JKT()) }, nil
}

func isContact(p *parts, jkt string) bool {
	_, known := p.store.Contact(jkt)
	return known
}

// endSelftest ends the test and what is left of its call. It does not wait for the loop.
func (b *backend) endSelftest(jkt string) {
	p := b.parts
	p.log.Info().Str("jkt", jkt).Msg("the test is over")
	b.loop.box.put(request(func() {
		p.tester.dismiss()
		b.loop.step(call.Revoked{Phone: jkt}) // before forgetKey: its bye still needs the room
		b.loop.forgetKey(jkt)
	}))
}
