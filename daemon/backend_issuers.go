package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/signaling/token/gate"
)

func (b *backend) Issuers(ctx context.Context) (control.Issuers, error) {
	p := b.parts
	out := control.Issuers{Issuers: []control.Issuer{}, Denied: []control.Denial{}}
	for _, d := range p.store.Denials() {
		out.Denied = append(out.Denied, control.Denial(d))
	}
	status := p.gate.Status()
	return ask(ctx, b.loop, func() (control.Issuers, error) {
		l := b.loop
		now := l.now()
		for _, s := range status {
			i := control.Issuer{Issuer: s.Issuer, File: s.File, Keys: append([]string{}, s.Keys...), Problem: s.Problem, Rights: []string{}}
			for _, one := range l.settings.issuers {
				if one.Issuer != s.Issuer {
					continue
				}
				i.AttemptsAnHour = one.Attempts()
				for _, r := range one.May() {
					i.Rights = append(i.Rights, string(r))
				}
			}
			i.Attempts = len(l.attempts[s.Issuer].At(now).Ages)
			i.TalkedSeconds = time.Duration(l.allowances.loadKey(issuerBudget(s.Issuer)).At(now).UsedSeconds * float64(time.Second)).Round(time.Millisecond).Seconds()
			out.Issuers = append(out.Issuers, i)
		}
		return out, nil
	})
}

func (b *backend) Deny(ctx context.Context, d control.Denial) (control.Denial, error) {
	stored, err := b.parts.store.Deny(store.Denial(d))
	if errors.Is(err, store.ErrDenial) {
		return control.Denial{}, control.ErrBadRequest.With("cannot deny: " + err.Error())
	}
	if err != nil {
		return control.Denial{}, err
	}
	b.parts.log.Info().Stringer("denied", stored).Msg("call tokens are denied")
	return follow(ctx, b.loop, func() control.Denial {
		b.loop.recheck()
		return control.Denial(stored)
	})
}

func (b *backend) Allow(_ context.Context, d control.Denial) (control.Denial, error) {
	old, err := b.parts.store.Allow(store.Denial(d))
	if errors.Is(err, store.ErrNotDenied) {
		return control.Denial{}, control.ErrNoDenial.With(err.Error())
	}
	if err != nil {
		return control.Denial{}, err
	}
	b.parts.log.Info().Stringer("allowed", old).Msg("call tokens are allowed again")
	return control.Denial(old), nil
}

// doctorIssuers says of each issuer whether its tokens can be verified.
func doctorIssuers(list []gate.Status) (findings []control.Finding) {
	for _, s := range list {
		f := control.Finding{Name: "issuer " + s.Issuer, State: control.StateOK, Message: fmt.Sprintf("%d keys in %s", len(s.Keys), s.File)}
		switch {
		case s.Problem != "" && len(s.Keys) == 0:
			f.State, f.Message = control.StateProblem, s.Problem+": none of its tokens is accepted"
			f.Remedy = "put its JWK Set there; it is read again by itself"
		case s.Problem != "":
			f.State, f.Message = control.StateWarning, s.Problem+": the keys that it had stay in use"
			f.Remedy = "put a good JWK Set there; it is read again by itself"
		}
		findings = append(findings, f)
	}
	return findings
}
