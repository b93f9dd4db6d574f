package daemon

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"callbox/daemon/call"
	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/logging"
	"callbox/daemon/store"
)

// settingsOf is what the loop needs of a configuration.
func settingsOf(cfg *config.Config) settings {
	s := settings{
		deviceName: cfg.Device.Name, rules: cfg.Rules(), issuers: cfg.Signaling.Issuers, dialInTurn: cfg.Call.DialMode == config.DialInTurn,
		ring: cfg.Call.RingTimeout, connect: cfg.Call.ConnectTimeout, reconnect: cfg.Call.ReconnectTimeout,
		preconnect: cfg.Media.Preconnect, tones: cfg.Call.Tones,
	}
	longestFirst := slices.SortedFunc(slices.Values(cfg.Call.Warnings), func(a, b time.Duration) int { return cmp.Compare(b, a) })
	copy(s.warnings[:], longestFirst)
	return s
}

// Reload reads the configuration again. A bad one changes nothing; of a good one
// counts what can change without a restart. A running call keeps the limit and the
// timers that it began with; a right that is gone ends it, or turns its camera off.
func (b *backend) Reload(ctx context.Context) (control.ReloadResult, error) {
	p := b.parts
	p.reloading.Lock()
	defer p.reloading.Unlock()
	defer p.notifier.reloading()()
	next, err := p.reload()
	if err != nil {
		p.log.Error().Err(err).Msg("the configuration was not taken: the old one goes on")
		return control.ReloadResult{}, reloadError(err)
	}
	result := control.ReloadResult{Changed: []string{}, NeedRestart: []string{}}
	for _, key := range config.Diff(p.live.Load(), next) {
		if config.EffectOf(key) == config.AtReload {
			result.Changed = append(result.Changed, key)
		} else {
			result.NeedRestart = append(result.NeedRestart, key)
		}
	}
	if err := p.store.Configure(store.People(next.Records.People), retention(next)); err != nil {
		// It counts, and the store writes it with what comes next: no reason to leave all the rest old.
		p.log.Warn().Err(err).Msg("the old call records are gone from memory, but not yet from the disk")
	}
	if err := p.announcer.load(next.Call.Announcement); err != nil {
		p.log.Warn().Err(err).Msg("cannot use the announcement: the built-in chime is played")
	}
	logging.SetLevel(next.Log.Level)
	p.gate.Configure(gateIssuers(next)) // not in the loop: it reads files
	_, err = follow(ctx, b.loop, func() struct{} {
		l := b.loop
		s := settingsOf(next)
		s.deviceName, s.preconnect = l.settings.deviceName, l.settings.preconnect // those of the sections that need a restart
		l.settings = s
		p.rules.Store(s.rules)
		l.recheck()
		l.rulesChanged()
		p.live.Store(config.Reloaded(p.live.Load(), next))
		l.events.Publish(control.EventReloaded, "", result)
		return struct{}{}
	})
	if err != nil {
		p.log.Error().Err(err).Msg("the configuration was read again; its rules and time-outs count as soon as the daemon gets to them")
		return control.ReloadResult{}, err
	}
	p.log.Info().Strs("changed", result.Changed).Strs("need_restart", result.NeedRestart).Msg("configuration read again")
	return result, nil
}

// reloadOnHangup reads the configuration again at each SIGHUP, as daemons do, until
// stop is called: without it the signal would end the process, in a call, too.
func (b *backend) reloadOnHangup() (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-hangups:
				ctx, cancel := context.WithTimeout(context.Background(), reloadTimeout)
				_, _ = b.Reload(ctx) // it has logged what came of it
				cancel()
			case <-quit:
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(quit)
		<-done
	}
}

// reloadTimeout bounds a reload by signal, which nobody waits for.
const reloadTimeout = 10 * time.Second

// reloadError tells every mistake of the file.
func reloadError(err error) error {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return control.ErrBadConfig.With(err.Error())
	}
	bad := control.ErrBadConfig.With(control.ErrBadConfig.Message)
	for _, p := range problems {
		bad.Problems = append(bad.Problems, control.Problem{Source: p.Source, Line: p.Line, Column: p.Column, Key: p.Key, Text: p.Text})
	}
	return bad
}

func retention(cfg *config.Config) store.Retention {
	return store.Retention{Keep: cfg.Records.Keep, MaxAge: cfg.Records.KeepFor}
}

func (b *backend) ReportParts(ctx context.Context) (control.ReportParts, error) {
	people := b.parts.live.Load().Records.PeopleInBugreport
	records, err := b.Calls(ctx, control.CallQuery{Limit: reportRecords})
	if err != nil {
		return control.ReportParts{}, err
	}
	for i := range records {
		records[i] = stripped(records[i], people)
	}
	raw, err := b.parts.live.Load().Redacted(people == config.PeopleFull)
	return control.ReportParts{People: people == config.PeopleFull, Config: raw, Records: records}, err
}

// reportRecords is how many calls a bug report tells of.
const reportRecords = 100

func stripped(r control.Record, people config.People) control.Record {
	if people != config.PeopleFull {
		r.Contact = ""
	}
	if people == config.PeopleNone {
		r.Phone = ""
	}
	r.Rings = slices.Clone(r.Rings)
	for i := range r.Rings {
		ring := &r.Rings[i]
		if people != config.PeopleFull {
			ring.Contact = ""
		}
		if people == config.PeopleNone {
			ring.Phone = ""
		}
	}
	return r
}

var _ = [1]struct{}{}[call.MaxWarnings-config.MaxWarnings] // the machine has room for every warning

// restore brings back what survives a restart: the volume and do-not-disturb.
func (d *daemon) restore() {
	d.restoreAttempts()
	percent := 0
	if found, err := d.store.Setting(settingVolume, &percent); err != nil {
		d.log.Warn().Err(err).Msg("cannot read the volume")
	} else if found {
		d.engine.SetVolume(percent)
	}
	if found, err := d.store.Setting(settingDND, &d.loop.dnd); err != nil {
		d.log.Warn().Err(err).Msg("cannot read do-not-disturb")
	} else if found && d.loop.dnd.On {
		until := d.loop.dnd.Until
		if !until.IsZero() {
			d.loop.dndStop = d.clock.AfterFunc(time.Until(until), func() { d.loop.box.put(request(d.loop.endDND)) })
		}
	}
}
