package daemon

import (
	"time"

	"callbox/daemon/call"
	"callbox/daemon/policy"
	"callbox/daemon/store"
)

const (
	// checkpoint is how often a talk is written down. So much is charged ahead each
	// time, so that a crash never gives a contact time back.
	checkpoint = 10 * time.Second
	// ageing is how often budgets are looked at while the clock is not trusted:
	// only running time that is on the disk survives a restart.
	ageing = 10 * time.Minute
)

// allowances knows what contacts have talked of their talk a day.
type allowances interface {
	LoadBudget(key string) (store.Budget, bool)
}

// budgets is how the loop uses allowances.
type budgets struct{ allowances }

func budgetKey(jkt string) string { return "contact:" + jkt }

func (b budgets) load(jkt string) policy.Budget { return b.loadKey(budgetKey(jkt)) }

func (b budgets) loadKey(key string) policy.Budget {
	stored, _ := b.LoadBudget(key)
	return stored
}

// account is what the running talk costs those who have a budget for it.
type account struct {
	budgets map[string]policy.Budget // exact, by key
	until   policy.Clock             // up to which they are
	stop    func() bool              // of the next checkpoint
}

// openAccount begins to charge the contact and the issuer of the token for the talk,
// from the moment at which media could flow.
func (l *loop) openAccount() {
	c := l.cur
	now := l.now()
	begin := now.Add(c.leg.startedAt - now.Boot)
	c.account = &account{budgets: map[string]policy.Budget{}, until: begin}
	if !c.offer.ByToken && !l.tester.is(c.offer.Contact.JKT) {
		key := budgetKey(c.offer.Contact.JKT)
		c.account.budgets[key] = l.allowances.loadKey(key).At(begin)
	}
	if c.offer.Token != nil {
		key := issuerBudget(c.offer.Token.Issuer)
		c.account.budgets[key] = l.allowances.loadKey(key).At(begin)
	}
	l.writeCheckpoint()
}

// charge brings the account up to the present, at most to the deadline.
func (l *loop) charge() {
	c := l.cur
	now := l.now()
	if c.leg.deadline > 0 && now.Boot > c.leg.deadline {
		now = now.Add(c.leg.deadline - now.Boot)
	}
	for key, b := range c.account.budgets {
		c.account.budgets[key] = b.Spend(c.account.until, now)
	}
	c.account.until = now
}

// ahead are the budgets with d more used, for the store.
func (a *account) ahead(d time.Duration) map[string]store.Budget {
	out := map[string]store.Budget{}
	for key, b := range a.budgets {
		out[key] = b.Ahead(d)
	}
	return out
}

// writeCheckpoint writes the talk down, and what it will cost until the next time.
func (l *loop) writeCheckpoint() {
	c := l.cur
	l.charge()
	c.record.TalkSeconds = l.talked().Seconds()
	l.records.update(c.record, c.account.ahead(checkpoint))
	gen := c.gen
	c.account.stop = l.clock.AfterFunc(checkpoint, func() {
		l.box.put(request(func() {
			if l.cur.gen == gen && l.state.Phase.Active() && l.cur.account != nil {
				l.writeCheckpoint()
			}
		}))
	})
}

// closeAccount returns what is to be saved with the record: nothing when there was
// no talk.
func (l *loop) closeAccount() map[string]store.Budget {
	a := l.cur.account
	if a == nil {
		return nil
	}
	a.stop()
	l.charge()
	l.cur.account = nil
	return a.ahead(0)
}

// age writes down that running time has passed, for budgets that wait for it.
func (l *loop) age() {
	l.ageStop = l.clock.AfterFunc(ageing, func() { l.box.put(request(l.age)) })
	if l.trusted() || l.state.Phase != call.Idle {
		return
	}
	now := l.now()
	var keys []string
	for _, c := range l.contacts.List() {
		keys = append(keys, budgetKey(c.JKT))
	}
	for _, one := range l.settings.issuers {
		keys = append(keys, issuerBudget(one.Issuer))
	}
	for _, key := range keys {
		before := l.allowances.loadKey(key)
		if after := before.At(now); before != (policy.Budget{}) && after.UsedSeconds > 0 {
			l.records.save(key, after)
		}
	}
}
