package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"

	"callbox/daemon/policy"
)

// Budget is how much of its talk a day somebody has used. The rules are those of
// daemon/policy; here it is only kept.
type Budget = policy.Budget

// LoadBudget returns what was saved under key: "contact:" and the thumbprint of a
// contact's key, or "issuer:" and its name. ok is false when nothing was.
func (s *Store) LoadBudget(key string) (b Budget, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok = s.budgets[key]
	return b, ok
}

// SaveBudget saves b under key. What is talked is saved by UpdateWith and EndWith.
// After an error the budget is in memory, and the next write that succeeds puts
// it on the disk.
func (s *Store) SaveBudget(key string, b Budget) error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	err := s.putBudgets(map[string]Budget{key: b})
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.commit()
}

// DeleteBudget forgets what was saved under key.
func (s *Store) DeleteBudget(key string) error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	delete(s.budgets, key)
	s.pending.budgets[key] = true
	s.mu.Unlock()
	return s.commit()
}

// putBudgets takes over those whose key the file can hold.
func (s *Store) putBudgets(budgets map[string]Budget) error {
	var errs []error
	for key, b := range budgets {
		if err := checkKey(key); err != nil {
			errs = append(errs, fmt.Errorf("cannot keep a budget: %w", err))
			continue
		}
		b.UsedSeconds, b.WindowSeconds = whole(b.UsedSeconds), whole(b.WindowSeconds)
		s.budgets[key] = b
		s.pending.budgets[key] = true
	}
	return errors.Join(errs...)
}

const maxKey = 1024 // bytes; the file could hold keys of 32 KiB

func checkKey(key string) error {
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("its key has %d bytes; allowed: 1 to %d", len(key), maxKey)
	}
	return nil
}

// whole makes a number of seconds one that JSON can hold. What is no number is as
// much as can be: a broken sum must not grant time.
func whole(x float64) float64 {
	switch {
	case math.IsNaN(x) || x > math.MaxUint32:
		return math.MaxUint32
	case x < 0:
		return 0
	}
	return x
}

// SetSetting keeps v, which JSON must be able to hold, under name: small things
// that people set and a restart must not undo (volume, do not disturb).
func (s *Store) SetSetting(name string, v any) error {
	if err := checkKey(name); err != nil {
		return fmt.Errorf("cannot keep a setting: %w", err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot keep the setting %s: %w", name, err)
	}
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	s.settings[name] = text
	s.pending.settings[name] = true
	s.mu.Unlock()
	return s.commit()
}

// Setting reads what was kept under name into v, a pointer. found is false, and v
// as it was, when nothing was kept.
func (s *Store) Setting(name string, v any) (found bool, err error) {
	s.mu.Lock()
	text, found := s.settings[name]
	s.mu.Unlock()
	if !found {
		return false, nil
	}
	if err := json.Unmarshal(text, v); err != nil {
		return true, fmt.Errorf("cannot read the setting %s: %w", name, err)
	}
	return true, nil
}

// DeleteSetting forgets what was kept under name.
func (s *Store) DeleteSetting(name string) error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	delete(s.settings, name)
	s.pending.settings[name] = true
	s.mu.Unlock()
	return s.commit()
}

// Settings lists the names under which something is kept, in no order.
func (s *Store) Settings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.settings))
	for name := range maps.Keys(s.settings) {
		names = append(names, name)
	}
	return names
}
