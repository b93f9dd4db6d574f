package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"callbox/signaling"
)

const (
	contactsFile = "contacts.json"
	maxContacts  = 1000 // revoked ones included; a person cannot look after more
	// contactsVersion 2 has groups, hours, minutes a day and the camera; no rights
	// means those of the groups there, and none in version 1.
	contactsVersion = 2
)

type contactsJSON struct {
	Version  int                 `json:"version"`
	Contacts []signaling.Contact `json:"contacts"`
}

// Contact returns the contact with this key; a revoked one too, marked so.
func (s *Store) Contact(jkt string) (signaling.Contact, bool) {
	s.bookMu.Lock()
	defer s.bookMu.Unlock()
	if i := s.byKey(jkt); i >= 0 {
		return clone(s.contacts[i]), true
	}
	return signaling.Contact{}, false
}

// List returns all contacts in the order in which they were added, revoked ones
// too.
func (s *Store) List() []signaling.Contact {
	s.bookMu.Lock()
	defer s.bookMu.Unlock()
	out := make([]signaling.Contact, len(s.contacts))
	for i, c := range s.contacts {
		out[i] = clone(c)
	}
	return out
}

// Pair adds a contact, or makes a known key current again, with the rights of c,
// which are those of the pairing window. The name of a new contact is cleaned, and
// numbered when it is taken. One that is known and not revoked keeps what people
// chose: its name, groups, hours and limits, whether it may see the camera and
// whether it comes through do-not-disturb. A phone must not shed a restriction by
// being paired again. fresh is false when the key was already paired.
func (s *Store) Pair(c signaling.Contact) (stored signaling.Contact, fresh bool, err error) {
	s.bookMu.Lock()
	defer s.bookMu.Unlock()
	i := s.byKey(c.JKT)
	fresh = i < 0 || s.contacts[i].Revoked
	if i >= 0 && !s.contacts[i].Revoked {
		old := s.contacts[i]
		c.Name, c.Added, c.Groups, c.Hours = old.Name, old.Added, old.Groups, old.Hours
		c.MaxSeconds, c.DaySeconds, c.Camera, c.ThroughDND = old.MaxSeconds, old.DaySeconds, old.Camera, old.ThroughDND
	}
	stored, err = s.put(c, i)
	return stored, fresh, err
}

// Add adds a contact that a person vouches for. ErrExists when the key is a
// contact that is not revoked; ErrName when the name is taken or cannot be used.
func (s *Store) Add(c signaling.Contact) (signaling.Contact, error) {
	s.bookMu.Lock()
	defer s.bookMu.Unlock()
	i := s.byKey(c.JKT)
	if i >= 0 && !s.contacts[i].Revoked {
		return signaling.Contact{}, fmt.Errorf("cannot add %q: %w, named %q", c.Name, ErrExists, s.contacts[i].Name)
	}
	if err := s.checkFree(c.Name, c.JKT); err != nil {
		return signaling.Contact{}, err
	}
	return s.put(c, i)
}

// Rename gives a contact another name. Errors: ErrNotFound, ErrName.
func (s *Store) Rename(nameOrJKT, name string) (signaling.Contact, error) {
	s.bookMu.Lock()
	defer s.bookMu.Unlock()
	i, err := s.find(nameOrJKT)
	if err != nil {
		return signaling.Contact{}, err
	}
	if err := s.checkFree(name, s.contacts[i].JKT); err != nil {
		return signaling.Contact{}, err
	}
	c := clone(s.contacts[i])
	c.Name = name
	return c, s.save(replaced(s.contacts, i, c))
}

// Revoke marks a contact: its key stays known and refused until it is paired
// anew. Revoking twice is no error. ErrNotFound when there is none.
func (s *Store) Revoke(nameOrJKT string) (signaling.Contact, error) {
	s.bookMu.Lock()
	defer s.bookMu.Unlock()
	i, err := s.find(nameOrJKT)
	if err != nil || s.contacts[i].Revoked {
		return s.at(i), err
	}
	c := clone(s.contacts[i])
	c.Revoked, c.RevokedTime = true, s.now().UTC()
	return c, s.save(replaced(s.contacts, i, c))
}

// Remove forgets a contact as if it had never been: its key is a stranger's. To
// keep a key out, Revoke it. ErrNotFound when there is none.
func (s *Store) Remove(nameOrJKT string) (signaling.Contact, error) {
	s.bookMu.Lock()
	defer s.bookMu.Unlock()
	i, err := s.find(nameOrJKT)
	if err != nil {
		return signaling.Contact{}, err
	}
	c := s.contacts[i]
	return c, s.save(slices.Delete(slices.Clone(s.contacts), i, i+1))
}

// put stores c at i, or at the end for i < 0.
func (s *Store) put(c signaling.Contact, i int) (signaling.Contact, error) {
	c = clone(c)
	c.Revoked, c.RevokedTime = false, time.Time{}
	if c.Added.IsZero() {
		c.Added = s.now().UTC()
	}
	c.Name = freeName(cleanName(c.Name), func(n string) bool { return sameName(n, SelftestName) || s.nameTaken(n, c.JKT) })
	if err := s.checkContact(c); err != nil {
		return signaling.Contact{}, fmt.Errorf("cannot store the contact %q: %w", c.Name, err)
	}
	next := slices.Clone(s.contacts)
	if i >= 0 {
		next[i] = c
	} else {
		if len(next) >= maxContacts {
			return signaling.Contact{}, fmt.Errorf("cannot store the contact %q: there are %d already; remove some", c.Name, maxContacts)
		}
		next = append(next, c)
	}
	return clone(c), s.save(next)
}

// save writes first, so that memory never holds what the disk does not.
func (s *Store) save(next []signaling.Contact) error {
	if err := s.files.writeJSON(contactsFile, contactsJSON{contactsVersion, next}); err != nil {
		return err
	}
	s.contacts = next
	return nil
}

func (s *Store) loadContacts() error {
	const remedy = "remove it to start with no contacts"
	var f contactsJSON
	err := s.files.readJSON(contactsFile, &f, contactsVersion, remedy)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, c := range f.Contacts {
		if f.Version == 1 && c.Rights == nil {
			c.Rights = []signaling.Right{}
		}
		if err := s.checkContact(c); err != nil {
			return s.files.damaged(contactsFile, err, remedy)
		}
		if s.byKey(c.JKT) >= 0 || s.nameTaken(c.Name, c.JKT) {
			return s.files.damaged(contactsFile, fmt.Errorf("it has %q twice", c.Name), remedy)
		}
		s.contacts = append(s.contacts, c)
	}
	return nil
}

func (s *Store) byKey(jkt string) int {
	return slices.IndexFunc(s.contacts, func(c signaling.Contact) bool { return c.JKT == jkt })
}

// find looks for a key first: a phone that names itself like another's key gains
// nothing by it.
func (s *Store) find(nameOrJKT string) (int, error) {
	if i := s.byKey(nameOrJKT); i >= 0 {
		return i, nil
	}
	i := slices.IndexFunc(s.contacts, func(c signaling.Contact) bool { return sameName(c.Name, nameOrJKT) })
	if i < 0 {
		return i, fmt.Errorf("cannot find %q: %w; callboxctl contacts lists them", nameOrJKT, ErrNotFound)
	}
	return i, nil
}

func (s *Store) at(i int) signaling.Contact {
	if i < 0 {
		return signaling.Contact{}
	}
	return clone(s.contacts[i])
}

func (s *Store) nameTaken(name, byOtherThan string) bool {
	return slices.ContainsFunc(s.contacts, func(c signaling.Contact) bool {
		return c.JKT != byOtherThan && sameName(c.Name, name)
	})
}

func (s *Store) checkFree(name, jkt string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if sameName(name, SelftestName) {
		return fmt.Errorf("%w: %q stands in the records for callboxctl selftest", ErrName, name)
	}
	if s.nameTaken(name, jkt) {
		return fmt.Errorf("%w: %q is another contact's", ErrName, name)
	}
	return nil
}

func clone(c signaling.Contact) signaling.Contact {
	c.Rights, c.Groups, c.Hours = slices.Clone(c.Rights), slices.Clone(c.Groups), slices.Clone(c.Hours)
	c.Camera, c.ThroughDND = cloneFlag(c.Camera), cloneFlag(c.ThroughDND)
	return c
}

func cloneFlag(f *bool) *bool {
	if f == nil {
		return nil
	}
	flag := *f
	return &flag
}

func replaced(list []signaling.Contact, i int, c signaling.Contact) []signaling.Contact {
	next := slices.Clone(list)
	next[i] = c
	return next
}
