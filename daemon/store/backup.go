package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"callbox/signaling"
	"callbox/signaling/key"
)

const (
	backupKind    = "identity backup"
	backupVersion = 1
	// epochLeap is what a restored epoch lies above the larger of those that are
	// known: the device may have started often since the backup, and phones ignore
	// what is not above what they have seen. One start a minute uses it up in two
	// years; a number of 2^53, the largest that phones read, is out of reach.
	epochLeap = 1_000_000
)

// Errors of Restore.
var (
	// ErrBackup means that a file is no backup of an identity, or a damaged one.
	ErrBackup = errors.New("not a backup of an identity")
	// ErrForeign means that the directory is another device's, which phones know.
	ErrForeign = errors.New("the directory belongs to another device")
	// ErrSame means that the directory is that of the same device, with what has
	// changed since the backup.
	ErrSame = errors.New("the directory belongs to this device already")
)

// backupJSON is a backup: what makes the device the one that phones know.
type backupJSON struct {
	Kind       string              `json:"callbox"`
	Version    int                 `json:"version"`
	Thumbprint string              `json:"thumbprint"` // of the key: what phones hold
	Taken      time.Time           `json:"taken"`      // by the wall clock, for people
	Epoch      uint64              `json:"epoch"`
	Key        string              `json:"key"` // PKCS#8 in PEM
	Contacts   []signaling.Contact `json:"contacts"`
	Denied     []Denial            `json:"denied"`
}

// Restored is what Restore has done.
type Restored struct {
	Thumbprint string    `json:"thumbprint"`
	Contacts   int       `json:"contacts"` // revoked ones included
	Taken      time.Time `json:"taken"`
	Epoch      uint64    `json:"epoch"`
}

// Backup returns the identity of a state directory as a file: the key, the contacts,
// the denials of call tokens and the epoch. Whoever has it is the device. A daemon may
// be running. Errors: ErrDamaged, ErrNewer, or of the file system.
func Backup(dir string, now time.Time) ([]byte, error) {
	d := files{dir: dir}
	raw, err := os.ReadFile(d.path(identityFile))
	if err != nil {
		return nil, fmt.Errorf("cannot read the device's key: %w", err)
	}
	b := backupJSON{Kind: backupKind, Version: backupVersion, Taken: now.UTC().Round(time.Second), Key: string(raw)}
	s := &Store{files: d}
	if s.key, err = parseKey(raw); err != nil {
		return nil, d.damaged(identityFile, err, newDevice)
	}
	k, err := key.FromECDSA(s.key)
	if err != nil {
		return nil, fmt.Errorf("cannot use the device's key: %w", err)
	}
	if err := errors.Join(s.loadContacts(), s.loadDenied()); err != nil {
		return nil, err
	}
	if b.Epoch, err = d.epoch(); err != nil {
		return nil, err
	}
	b.Thumbprint, b.Contacts, b.Denied = k.JKT(), s.contacts, s.denied
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot write the backup: %w", err)
	}
	return append(text, '\n'), nil
}

// epoch is the one of the last start; 0 before the first.
func (f files) epoch() (uint64, error) {
	var e epochJSON
	if err := f.readJSON(epochFile, &e, epochVersion, epochRemedy); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	return e.Epoch, nil
}

// Restore makes a state directory that of the device in the backup; no daemon may use
// it. Its epoch is above every one that phones have seen. Records, settings and
// subscriptions are not in a backup: those of the directory stay.
//
// A directory that phones know is not overwritten without force: ErrForeign, ErrSame.
// With it, what is revoked or denied in the directory of the same device stays so.
// Others: ErrBackup, ErrNewer, ErrLocked, or of the file system.
func Restore(dir string, backup []byte, force bool) (r Restored, err error) {
	b, err := parseBackup(backup)
	if err != nil {
		return r, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return r, fmt.Errorf("cannot make the state directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	d := files{dir: dir}
	if err := b.merge(d, force); err != nil {
		return r, err
	}
	// The key last: what a crash leaves before it is no device, or still the old one.
	for _, write := range []func() error{
		func() error { return d.writeJSON(epochFile, epochJSON{epochVersion, b.Epoch}) },
		func() error { return d.writeJSON(contactsFile, contactsJSON{contactsVersion, b.Contacts}) },
		func() error { return d.writeJSON(deniedFile, deniedJSON{1, b.Denied}) },
		func() error { return d.replace(identityFile, []byte(b.Key)) },
	} {
		if err := write(); err != nil {
			return r, err
		}
	}
	return Restored{Thumbprint: b.Thumbprint, Contacts: len(b.Contacts), Taken: b.Taken, Epoch: b.Epoch}, d.giveToOwner()
}

// parseBackup reads a backup and checks all that a start would refuse.
func parseBackup(data []byte) (*backupJSON, error) {
	fail := func(why any) (*backupJSON, error) {
		return nil, fmt.Errorf("cannot restore: %w (%v); callboxctl identity backup writes one", ErrBackup, why)
	}
	var head struct {
		Kind string `json:"callbox"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return fail(err)
	}
	if head.Kind != backupKind {
		return fail(fmt.Sprintf("its callbox is %q", head.Kind))
	}
	var b backupJSON
	if err := decode(data, &b, backupVersion); errors.Is(err, ErrNewer) {
		return nil, fmt.Errorf("cannot restore: %w; install that version", err)
	} else if err != nil {
		return fail(err)
	}
	parsed, err := parseKey([]byte(b.Key))
	if err != nil {
		return fail(err)
	}
	k, err := key.FromECDSA(parsed)
	if err != nil {
		return fail(err)
	}
	if k.JKT() != b.Thumbprint {
		return fail(fmt.Sprintf("its key has the thumbprint %s, and it says %s", k.JKT(), b.Thumbprint))
	}
	book := &Store{}
	for _, c := range b.Contacts {
		if err := book.checkContact(c); err != nil {
			return fail(fmt.Sprintf("contact %q: %v", c.Name, err))
		}
		if book.byKey(c.JKT) >= 0 || book.nameTaken(c.Name, c.JKT) {
			return fail(fmt.Sprintf("it has %q twice", c.Name))
		}
		book.contacts = append(book.contacts, c)
	}
	for i, one := range b.Denied {
		if err := one.check(); err != nil {
			return fail(err)
		}
		if slices.ContainsFunc(b.Denied[:i], one.same) {
			return fail(fmt.Sprintf("it has the %v twice", one))
		}
	}
	return &b, nil
}

// merge looks at what is in the directory, and keeps of it what must not be undone.
func (b *backupJSON) merge(d files, force bool) error {
	before, err := d.epoch()
	if err != nil && !force {
		return err
	}
	b.Epoch = max(b.Epoch, before) + epochLeap
	there := &Store{files: d}
	if err := errors.Join(there.loadContacts(), there.loadDenied()); err != nil && !force {
		return err
	}
	raw, err := os.ReadFile(d.path(identityFile))
	if errors.Is(err, fs.ErrNotExist) { // nothing was there, or the key of what was is lost
		b.keepRevoked(there)
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the key that is there: %w", err)
	}
	old, err := thumbprintOf(raw)
	switch {
	case err != nil && !force:
		return d.damaged(identityFile, err, "restore with --force")
	case err != nil:
		return nil
	case old == b.Thumbprint && !force:
		return fmt.Errorf("cannot restore into %s: %w; what has changed since the backup would be lost: --force restores it all the same, and what was revoked stays so", d.dir, ErrSame)
	case old != b.Thumbprint && len(there.contacts) > 0 && !force:
		return fmt.Errorf("cannot restore into %s: %w, %s, which %d contacts know; --force gives that one up", d.dir, ErrForeign, old, len(there.contacts))
	case old != b.Thumbprint:
		return nil // another device's trust does not count
	}
	b.keepRevoked(there)
	return nil
}

// keepRevoked takes over what was revoked or denied since the backup.
func (b *backupJSON) keepRevoked(there *Store) {
	book := &Store{contacts: b.Contacts}
	for _, c := range there.contacts {
		if !c.Revoked {
			continue
		}
		if i := book.byKey(c.JKT); i >= 0 {
			book.contacts[i].Revoked, book.contacts[i].RevokedTime = true, c.RevokedTime
			continue
		}
		c.Name = freeName(c.Name, func(n string) bool { return book.nameTaken(n, c.JKT) })
		book.contacts = append(book.contacts, c)
	}
	b.Contacts = book.contacts
	for _, one := range there.denied {
		if !slices.ContainsFunc(b.Denied, one.same) {
			b.Denied = append(b.Denied, one)
		}
	}
}

func thumbprintOf(pem []byte) (string, error) {
	parsed, err := parseKey(pem)
	if err != nil {
		return "", err
	}
	k, err := key.FromECDSA(parsed)
	if err != nil {
		return "", err
	}
	return k.JKT(), nil
}

// giveToOwner hands what root has written to whom the directory belongs: the user of
// the daemon.
func (f files) giveToOwner() error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(f.dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	for _, name := range []string{identityFile, epochFile, contactsFile, deniedFile, lockFile} {
		if err := os.Chown(f.path(name), int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("cannot give %s to the user of the daemon: %w", f.path(name), err)
		}
	}
	return nil
}
