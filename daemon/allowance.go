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

func (b budgets) load(jkt string) policy.Budget {
	stored, _ := b.LoadBudget(budgetKey(jkt))
	return stored
}

// account is what the running talk costs its contact.
type account struct {
	key    string
	budget policy.Budget // exact
	until  policy.Clock  // up to which it is
	stop   func() bool   // of the next checkpoint
}

// openAccount begins to charge the contact for the talk, from the moment at which
// media could flow.
func (l *loop) openAccount() {
	c := l.cur
	now := l.now()
	begin := now.Add(c.leg.startedAt - now.Boot)
	jkt := c.offer.Contact.JKT
	c.account = &account{key: budgetKey(jkt), budget: l.allowances.load(jkt).At(begin), until: begin}
	l.writeCheckpoint()
}

// charge brings the account up to the present, at most to the deadline.
func (l *loop) charge() {
	c := l.cur
	now := l.now()
	if c.leg.deadline > 0 && now.Boot > c.leg.deadline {
		now = now.Add(c.leg.deadline - now.Boot)
	}
	c.account.budget = c.account.budget.Spend(c.account.until, now)
	c.account.until = now
}

// writeCheckpoint writes the talk down, and what it will cost until the next time.
func (l *loop) writeCheckpoint() {
	c := l.cur
	l.charge()
	c.record.TalkSeconds = l.talked().Seconds()
	l.records.update(c.record, map[string]store.Budget{c.account.key: c.account.budget.Ahead(checkpoint)})
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
	return map[string]store.Budget{a.key: a.budget}
}

// age writes down that running time has passed, for budgets that wait for it.
func (l *loop) age() {
	l.ageStop = l.clock.AfterFunc(ageing, func() { l.box.put(request(l.age)) })
	if l.trusted() || l.state.Phase != call.Idle {
		return
	}
	now := l.now()
	for _, c := range l.contacts.List() {
		before := l.allowances.load(c.JKT)
		if after := before.At(now); before != (policy.Budget{}) && after.UsedSeconds > 0 {
			l.records.save(budgetKey(c.JKT), after)
		}
	}
}
