package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/daemon/store"
	"callbox/signaling"
	"callbox/signaling/key"
)

func (b *backend) Contacts(context.Context) ([]control.Contact, error) {
	stored := b.parts.store.List()
	contacts := make([]control.Contact, len(stored))
	for i, c := range stored {
		contacts[i] = b.shown(c)
	}
	return contacts, nil
}

func (b *backend) AddContact(_ context.Context, c control.NewContact) (control.Contact, error) {
	k, err := key.ParsePublic(c.JWK)
	if err != nil {
		return control.Contact{}, control.ErrBadRequest.With("cannot use the key: " + err.Error())
	}
	stored, err := b.parts.store.Add(signaling.Contact{
		JKT: k.JKT(), JWK: c.JWK, Name: c.Name, Rights: rightsOf(c.Rights), Groups: c.Groups,
		MaxSeconds: c.MaxSeconds, DaySeconds: c.DaySeconds, Hours: c.Hours, Camera: c.Camera, ThroughDND: c.ThroughDND,
	})
	if err != nil {
		return control.Contact{}, contactError(err)
	}
	return b.shown(stored), nil
}

func (b *backend) ChangeContact(ctx context.Context, who string, change control.ContactChange) (control.Contact, error) {
	stored, err := b.parts.store.Edit(who, func(c *signaling.Contact) error {
		set(&c.Name, change.Name)
		set(&c.Groups, change.Groups)
		set(&c.MaxSeconds, change.MaxSeconds)
		set(&c.DaySeconds, change.DaySeconds)
		set(&c.Hours, change.Hours)
		if change.Rights.Set {
			c.Rights = nil
			if !change.Rights.Null {
				c.Rights = append([]signaling.Right{}, rightsOf(change.Rights.Value)...)
			}
		}
		setFlag(&c.Camera, change.Camera)
		setFlag(&c.ThroughDND, change.ThroughDND)
		return nil
	})
	if err != nil {
		return control.Contact{}, contactError(err)
	}
	return follow(ctx, b.loop, func() control.Contact {
		b.loop.contactChanged(stored)
		return b.shown(stored)
	})
}

// set takes a member of a change over; null gives the zero value.
func set[T any](to *T, m control.Member[T]) {
	if m.Set {
		*to = m.Value
	}
}

func setFlag(to **bool, m control.Member[bool]) {
	switch {
	case m.Set && m.Null:
		*to = nil
	case m.Set:
		*to = &m.Value
	}
}

func (b *backend) Revoke(ctx context.Context, who string) (control.Contact, error) {
	contact, err := b.parts.store.Revoke(who)
	if err != nil {
		return control.Contact{}, contactError(err)
	}
	return b.endTrust(ctx, contact)
}

func (b *backend) Forget(ctx context.Context, who string) (control.Contact, error) {
	contact, err := b.parts.store.Remove(who)
	if err != nil {
		return control.Contact{}, contactError(err)
	}
	return b.endTrust(ctx, contact)
}

// endTrust ends what a phone has with the device.
func (b *backend) endTrust(ctx context.Context, contact signaling.Contact) (control.Contact, error) {
	return follow(ctx, b.loop, func() control.Contact {
		b.loop.endTrust(contact)
		return b.shown(contact)
	})
}

func contactError(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return control.ErrNoContact.With(err.Error())
	case errors.Is(err, store.ErrExists), errors.Is(err, store.ErrName):
		return control.ErrExists.With(err.Error())
	}
	var disk *fs.PathError
	if errors.As(err, &disk) {
		return err
	}
	return control.ErrBadRequest.With(err.Error())
}

func rightsOf(texts []string) []signaling.Right {
	if texts == nil {
		return nil
	}
	rights := make([]signaling.Right, len(texts))
	for i, text := range texts {
		rights[i] = signaling.Right(text)
	}
	return rights
}

func (b *backend) shown(c signaling.Contact) control.Contact {
	shown := control.Contact{
		Name: c.Name, Thumbprint: c.JKT, EffectiveRights: []string{}, Groups: c.Groups,
		MaxSeconds: c.MaxSeconds, DaySeconds: c.DaySeconds, Hours: c.Hours, Camera: c.Camera, ThroughDND: c.ThroughDND,
		Added: c.Added, SelfSigned: c.SelfSigned, Revoked: c.Revoked, RevokedTime: c.RevokedTime,
	}
	if c.Rights != nil {
		shown.Rights = texts(c.Rights)
	}
	if !c.Revoked {
		shown.EffectiveRights = texts(b.parts.book.Effective(c))
		shown.Reach = b.parts.reach(c.JKT)
	}
	return shown
}

func (b *backend) ExplainPolicy(ctx context.Context, q control.PolicyQuery) (control.PolicyExplanation, error) {
	c, err := b.find(q.Contact)
	if err != nil {
		return control.PolicyExplanation{}, err
	}
	return ask(ctx, b.loop, func() (control.PolicyExplanation, error) { return b.loop.explain(c, q), nil })
}

// find returns the contact with this name or thumbprint, a revoked one too.
func (b *backend) find(who string) (signaling.Contact, error) {
	if c, ok := b.loop.contacts.Contact(who); ok {
		return c, nil
	}
	for _, c := range b.loop.contacts.List() {
		if strings.EqualFold(c.Name, who) {
			return c, nil
		}
	}
	return signaling.Contact{}, control.ErrNoContact.With(fmt.Sprintf("there is no contact %q", who))
}

// explain says what policy would decide, by the code that decides.
func (l *loop) explain(c signaling.Contact, q control.PolicyQuery) control.PolicyExplanation {
	now := l.now()
	if !q.At.IsZero() {
		now = l.settings.rules.In(now.Add(q.At.Sub(now.Wall)))
	}
	direction := policy.Incoming
	if q.Direction == control.Out {
		direction = policy.Outgoing
	}
	e := l.settings.rules.Explain(policy.Request{
		Contact: policyContact(c), Direction: direction, Video: q.RoomType == string(signaling.Video),
		Now: now, DND: l.dnd, Budget: l.allowances.load(c.JKT), Attempts: l.tries[c.JKT],
	})
	if c.Revoked {
		e = revoked(c, e)
	}
	out := control.PolicyExplanation{
		Contact: c.Name, At: now.Wall, Direction: string(direction), RoomType: q.RoomType, Allowed: e.Allowed,
		Cause: string(e.Cause), Camera: e.Camera.Allowed, Unlock: e.Unlock.Allowed, ClockTrusted: now.Trusted, Rule: e.Rule,
	}
	if e.Allowed && direction == policy.Incoming {
		out.Answer = string(policy.AnswerRing)
		if e.Auto.Allowed {
			out.Answer = string(policy.AnswerAuto)
		}
	}
	if e.Limit.Set {
		out.LimitSeconds = e.Limit.Duration.Seconds()
	}
	if left := l.settings.rules.Left(policyContact(c), l.allowances.load(c.JKT), now); left.Set {
		seconds := left.Duration.Round(time.Millisecond).Seconds()
		out.DayLeftSeconds = &seconds
	}
	for _, s := range e.Steps {
		out.Rules = append(out.Rules, control.PolicyRule{Name: string(s.Check), Says: s.Rule, Outcome: string(s.Outcome)})
	}
	return out
}

// checkTrust is what signaling asks before policy: a phone that is not trusted gets
// no answer, and is not called.
const checkTrust policy.Check = "trust"

// revoked is what is left of an explanation for a contact that is revoked.
func revoked(c signaling.Contact, e policy.Explanation) policy.Explanation {
	rule := fmt.Sprintf("contact %s: revoked", c.Name)
	return policy.Explanation{
		Decision: policy.Decision{Rule: rule},
		Steps:    slices.Insert(e.Steps, 0, policy.Step{Check: checkTrust, Outcome: policy.No, Rule: rule}),
	}
}

// contactBook shows signaling each contact with the rights that count now, whoever
// gives them: the contact itself, its groups or the default.
type contactBook struct {
	*store.Store
	rules  func() *policy.Rules
	tester *tester
	// taking says whose place the phone that pairs takes: a key, "" for nobody's; and
	// whether it takes over what is not given over a self-made certificate.
	taking func() (jkt string, forced bool)
	// replaced is told of a key that another one has replaced.
	replaced func(old string, fresh signaling.Contact)
}

// Contact is the store's, with the effective rights.
func (b contactBook) Contact(jkt string) (signaling.Contact, bool) {
	if c, ok := b.tester.contact(jkt); ok {
		return c, true
	}
	c, ok := b.Store.Contact(jkt)
	if ok {
		c.Rights = b.Effective(c)
	}
	return c, ok
}

// Effective returns the rights that count now.
func (b contactBook) Effective(c signaling.Contact) []signaling.Right {
	rules, contact := b.rules(), policyContact(c)
	var rights []signaling.Right
	for _, r := range []signaling.Right{signaling.RightCall, signaling.RightBeCalled, signaling.RightAuto, signaling.RightUnlock} {
		if rules.Has(contact, policy.Right(r)) {
			rights = append(rights, r)
		}
	}
	return slices.Clip(rights)
}
