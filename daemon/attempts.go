package daemon

import (
	"strings"

	"callbox/daemon/policy"
)

// settingTries is under what the attempts of a contact survive a restart.
const settingTries = "attempts:contact:"

// noteTry counts one attempt of a contact's to call. The policy was asked before:
// it decides by the earlier ones.
func (l *loop) noteTry(jkt string) {
	allowed := l.settings.rules.AttemptsAnHour
	if _, known := l.contacts.Contact(jkt); !known || allowed == 0 {
		return
	}
	next, ok := l.tries[jkt].Try(l.now(), allowed)
	if !ok {
		return // it is not kept, so that nobody wears the disk out by trying on
	}
	if l.tries == nil {
		l.tries = map[string]policy.Attempts{}
	}
	l.tries[jkt] = next
	l.records.set(settingTries+jkt, next)
}

// restoreTries brings back what contacts have tried in the last hour, and forgets
// what was earlier.
func (d *daemon) restoreTries() {
	d.loop.tries = map[string]policy.Attempts{}
	now := d.loop.now()
	for _, name := range d.store.Settings() {
		jkt, ok := strings.CutPrefix(name, settingTries)
		if !ok {
			continue
		}
		var a policy.Attempts
		if _, err := d.store.Setting(name, &a); err != nil {
			d.log.Warn().Err(err).Str("jkt", jkt).Msg("cannot read how often a contact has tried to call")
			continue
		}
		if a = a.At(now); len(a.Ages) > 0 {
			d.loop.tries[jkt] = a
			continue
		}
		if err := d.store.DeleteSetting(name); err != nil {
			d.log.Warn().Err(err).Str("jkt", jkt).Msg("cannot forget how often a contact has tried to call")
		}
	}
}
