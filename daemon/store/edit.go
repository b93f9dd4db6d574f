package store

import (
	"errors"
	"fmt"
	"slices"

	"callbox/signaling"
)

// ErrRevoked means that a contact is revoked.
var ErrRevoked = errors.New("the contact is revoked")

// Edit changes what people may change of a contact: name, rights, groups and
// limits. change gets a copy; what it does to key, dates and revocation does not
// count. An error of change is returned as it is, and nothing is changed. Others:
// ErrNotFound, ErrName, or what is wrong with a value.
func (s *Store) Edit(nameOrJKT string, change func(*signaling.Contact) error) (signaling.Contact, error) {
	s.bookMu.Lock()
	defer s.bookMu.Unlock()
	i, err := s.find(nameOrJKT)
	if err != nil {
		return signaling.Contact{}, err
	}
	old := s.contacts[i]
	c := clone(old)
	if err := change(&c); err != nil {
		return signaling.Contact{}, err
	}
	c = clone(c) // change may have kept what it was given
	c.JKT, c.JWK, c.Added, c.SelfSigned = old.JKT, old.JWK, old.Added, old.SelfSigned
	c.Revoked, c.RevokedTime = old.Revoked, old.RevokedTime
	if err := s.checkFree(c.Name, c.JKT); err != nil {
		return signaling.Contact{}, err
	}
	if err := s.checkContact(c); err != nil {
		return signaling.Contact{}, fmt.Errorf("cannot change the contact %q: %w", old.Name, err)
	}
	return clone(c), s.save(replaced(s.contacts, i, c))
}

// Replace puts the key of c in the place of a contact's: a person has a new phone.
// Name, rights, groups, limits and what is left of today's minutes stay; the old
// key becomes a revoked contact named "… (old)". Both happen in one write. rights,
// when they are not nil, take the place of the contact's. Errors:
// ErrNotFound; ErrRevoked for a contact that is revoked, whose rights must not come
// back so; ErrExists when the new key is a contact already.
func (s *Store) Replace(nameOrJKT string, c signaling.Contact, rights []signaling.Right) (signaling.Contact, error) {
	s.bookMu.Lock()
	defer s.bookMu.Unlock()
	i, err := s.find(nameOrJKT)
	if err != nil {
		return signaling.Contact{}, err
	}
	old := s.contacts[i]
	if old.Revoked {
		return signaling.Contact{}, fmt.Errorf("cannot replace the key of %q: %w; pair the new phone as a new contact", old.Name, ErrRevoked)
	}
	other := s.byKey(c.JKT)
	if other >= 0 && !s.contacts[other].Revoked {
		return signaling.Contact{}, fmt.Errorf("cannot replace the key of %q: %w, named %q", old.Name, ErrExists, s.contacts[other].Name)
	}
	fresh := clone(old)
	fresh.JKT, fresh.JWK, fresh.SelfSigned, fresh.Added = c.JKT, c.JWK, c.SelfSigned, c.Added
	if rights != nil {
		fresh.Rights = slices.Clone(rights)
	}
	if fresh.Added.IsZero() {
		fresh.Added = s.now().UTC()
	}
	if err := s.checkContact(fresh); err != nil {
		return signaling.Contact{}, fmt.Errorf("cannot replace the key of %q: %w", old.Name, err)
	}
	if len(s.contacts) >= maxContacts && other < 0 {
		return signaling.Contact{}, fmt.Errorf("cannot replace the key of %q: there are %d contacts already; remove some", old.Name, maxContacts)
	}
	// First, so that no crash in between grants the minutes anew.
	if b, found := s.LoadBudget(contactBudget(old.JKT)); found {
		_ = s.SaveBudget(contactBudget(c.JKT), b) // a failure is in Problems, and memory has it
	}
	gone := clone(old)
	gone.Revoked, gone.RevokedTime = true, s.now().UTC()
	next := replaced(s.contacts, i, fresh)
	if other >= 0 {
		next = slices.Delete(next, other, other+1)
	}
	gone.Name = freeName(cut(old.Name, maxName-len(oldMark))+oldMark, func(n string) bool {
		return slices.ContainsFunc(next, func(c signaling.Contact) bool { return sameName(c.Name, n) })
	})
	return clone(fresh), s.save(append(next, gone))
}

const oldMark = " (old)"

// contactBudget is the key of a contact's budget.
func contactBudget(jkt string) string { return "contact:" + jkt }
