package daemon

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"callbox/daemon/call"
	"callbox/daemon/config"
	"callbox/daemon/policy"
	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/token"
	"callbox/signaling/token/gate"
)

// lookInterval is how often issuers' files are looked at, and the floor of the clock.
const lookInterval = 10 * time.Second

// tokenGate is the part of gate.Gate that the loop asks about a token.
type tokenGate interface {
	Stands(p *token.Pass) bool
	Rights(p *token.Pass) []signaling.Right
	Refresh()
}

// gateIssuers are the issuers of the configuration as the gate knows them.
func gateIssuers(cfg *config.Config) []gate.Issuer {
	list := make([]gate.Issuer, len(cfg.Signaling.Issuers))
	for i, one := range cfg.Signaling.Issuers {
		list[i] = gate.Issuer{Name: one.Issuer, File: one.JWKS}
		for _, r := range one.May() {
			list[i].Rights = append(list[i].Rights, signaling.Right(r))
		}
	}
	return list
}

func issuerBudget(name string) string { return "issuer:" + name }

// settingAttempts is under what the attempts of an issuer survive a restart.
const settingAttempts = "attempts:issuer:"

// tokenCaller is what the policy knows of who calls by a token: the rights that its
// issuer gives now, within the issuer's section of the configuration.
func (l *loop) tokenCaller(p *token.Pass) (policy.Contact, bool) {
	i := slices.IndexFunc(l.settings.issuers, func(one config.Issuer) bool { return one.Issuer == p.Issuer })
	if i < 0 {
		return policy.Contact{}, false
	}
	var rights []policy.Right
	for _, r := range l.tokens.Rights(p) {
		rights = append(rights, policy.Right(r))
	}
	return l.settings.issuers[i].Caller(fmt.Sprintf("%s, by a token of %s", p.CallerName, p.Issuer), rights), true
}

// decideByToken asks whether a caller with a token may call. One that is a contact,
// too, needs a yes from both sides, and gets of each answer the stricter one.
func (l *loop) decideByToken(o signaling.Offer, q policy.Request) decision {
	caller, ok := l.tokenCaller(o.Token)
	if !ok {
		return decision{cause: cause.Forbidden, rule: "signaling.issuers has no " + o.Token.Issuer}
	}
	if rule, ok := l.tryIssuer(o.Token.Issuer, o.Token.Subject); !ok {
		return decision{cause: cause.Forbidden, rule: rule}
	}
	q.Token = policy.Limit(o.Token.TimeLimit)
	d := l.judge(o.Room.ID, caller, l.allowances.loadKey(issuerBudget(o.Token.Issuer)), q)
	if o.ByToken {
		return d
	}
	return strictest(l.ask(o.Room.ID, o.Contact, q), d)
}

// strictest is what both sides allow.
func strictest(contact, token decision) decision {
	switch {
	case !contact.allowed:
		return contact
	case !token.allowed:
		return token
	}
	d := contact
	if token.limit.Set && (!d.limit.Set || token.limit.Duration < d.limit.Duration) {
		d.limit = token.limit
	}
	d.auto, d.camera = d.auto && token.auto, d.camera && token.camera
	return d
}

// tryIssuer counts one call of an issuer's subject, and says no when there were too many
// in the last hour: of the subject, which may use half of its issuer's, or of all. What
// is too many is not kept, so that nobody wears the disk out by trying on.
func (l *loop) tryIssuer(name, subject string) (rule string, ok bool) {
	i := slices.IndexFunc(l.settings.issuers, func(one config.Issuer) bool { return one.Issuer == name })
	allowed := l.settings.issuers[i].Attempts()
	caller := [2]string{name, subject}
	half := (allowed + 1) / 2
	own, ok := l.callers[caller].Try(l.now(), half)
	if !ok {
		return fmt.Sprintf("issuer %s: its subject %s has used its %d of the %d attempts_an_hour", name, subject, half, allowed), false
	}
	next, ok := l.attempts[name].Try(l.now(), allowed)
	if !ok {
		return fmt.Sprintf("issuer %s: its %d attempts_an_hour are used up", name, allowed), false
	}
	if l.attempts == nil {
		l.attempts = map[string]policy.Attempts{}
	}
	l.attempts[name] = next
	l.records.set(settingAttempts+name, next)
	l.keepCaller(caller, own)
	return "", true
}

// keepCaller keeps what one subject of an issuer has tried, in memory alone: a restart
// forgets it, and not what all of them have tried.
func (l *loop) keepCaller(caller [2]string, tries policy.Attempts) {
	if l.callers == nil {
		l.callers = map[[2]string]policy.Attempts{}
	}
	for other, a := range l.callers { // no more than there are attempts an hour
		if len(a.At(l.now()).Ages) == 0 {
			delete(l.callers, other)
		}
	}
	l.callers[caller] = tries
}

// tokenUnlocks reports whether the token lets its holder open the door now.
func (l *loop) tokenUnlocks(p *token.Pass) bool {
	caller, ok := l.tokenCaller(p)
	return ok && l.settings.rules.Unlock(caller).Allowed
}

// recheckTokens ends a running call whose token does not stand any more: something of
// it was denied, or its issuer or key is gone.
func (l *loop) recheckTokens() {
	if l.cur == nil || !l.state.Phase.Active() || l.cur.offer.Token == nil || l.tokens.Stands(l.cur.offer.Token) {
		return
	}
	p := l.cur.offer.Token
	l.cur.log.Warn().Str("issuer", p.Issuer).Str("subject", p.Subject).Str("key", p.KID).Msg("the token of the running call was revoked")
	l.step(call.Revoked{Phone: l.cur.room().Phone})
}

// look has issuers' files and the clock looked at now and then.
func (l *loop) look() {
	if l.tokens == nil {
		return
	}
	l.lookStop = l.clock.AfterFunc(lookInterval, func() { l.box.put(request(l.look)) })
	l.async(func() { // files may be on a disk that is slow
		l.tokens.Refresh()
		l.saveFloor()
		l.box.put(request(l.recheck))
	})
}

// restoreAttempts brings back what issuers have tried in the last hour.
func (d *daemon) restoreAttempts() {
	d.loop.attempts = map[string]policy.Attempts{}
	for _, key := range d.store.Settings() {
		name, ok := strings.CutPrefix(key, settingAttempts)
		if !ok {
			continue
		}
		var a policy.Attempts
		if _, err := d.store.Setting(key, &a); err != nil {
			d.log.Warn().Err(err).Str("issuer", name).Msg("cannot read how often an issuer's callers have tried")
			continue
		}
		d.loop.attempts[name] = a
	}
}
