package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// backedUp is a device with two contacts, one of them revoked, and one denial, and its
// backup.
func backedUp(t *testing.T) (dir string, backup []byte) {
	t.Helper()
	dir = t.TempDir()
	s := mustOpen(t, dir)
	for _, name := range []string{"Anna", "Eve"} {
		if _, err := s.Add(phone(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Revoke("Eve"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Deny(Denial{Issuer: "https://maker.example", Subject: "u1"}); err != nil {
		t.Fatal(err)
	}
	backup, err := Backup(dir, day) // while the daemon runs
	if err != nil {
		t.Fatal(err)
	}
	crash(s)
	return dir, backup
}

// is says of a directory whose it is and whom it trusts.
func is(t *testing.T, dir string) (jkt string, contacts string, epoch uint64) {
	t.Helper()
	s := mustOpen(t, dir)
	raw, err := os.ReadFile(filepath.Join(dir, identityFile))
	if err != nil {
		t.Fatal(err)
	}
	if jkt, err = thumbprintOf(raw); err != nil {
		t.Fatal(err)
	}
	for _, c := range s.List() {
		contacts += c.Name
		if c.Revoked {
			contacts += " revoked"
		}
		contacts += "; "
	}
	for _, d := range s.Denials() {
		contacts += "not " + d.String() + "; "
	}
	epoch = s.Epoch()
	crash(s)
	return jkt, contacts, epoch
}

const everybody = "Anna; Eve revoked; not subject u1 of https://maker.example; "

// TestRestoreOnAnotherMachine: empty, or where a fresh daemon has made a key that
// nobody knows.
func TestRestoreOnAnotherMachine(t *testing.T) {
	dir, backup := backedUp(t)
	want, _, before := is(t, dir)
	fresh := t.TempDir()
	crash(mustOpen(t, fresh))
	for name, to := range map[string]string{"not there": filepath.Join(t.TempDir(), "state"), "empty": t.TempDir(), "fresh": fresh} {
		r, err := Restore(to, backup, false)
		if err != nil || r.Thumbprint != want || r.Contacts != 2 || !r.Taken.Equal(day) {
			t.Errorf("%s: %+v, %v", name, r, err)
			continue
		}
		for _, file := range []string{identityFile, contactsFile, epochFile, deniedFile} {
			if info, err := os.Stat(filepath.Join(to, file)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %s: %v, %v", name, file, info, err)
			}
		}
		jkt, contacts, epoch := is(t, to)
		if jkt != want || contacts != everybody || epoch < before+epochLeap {
			t.Errorf("%s: %s, %s, epoch %d after %d", name, jkt, contacts, epoch, before)
		}
	}
}

// TestRestoreOverTheSameDevice: only by force, and nobody who was shut out meanwhile
// comes back.
func TestRestoreOverTheSameDevice(t *testing.T) {
	dir, backup := backedUp(t)
	s := mustOpen(t, dir)
	if _, err := s.Revoke("Anna"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(phone(t, "Bob")); err != nil {
		t.Fatal(err)
	}
	thief, err := s.Add(phone(t, "Thief"))
	if err == nil {
		_, err = s.Revoke(thief.JKT)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Deny(Denial{Issuer: "https://other.example"}); err != nil {
		t.Fatal(err)
	}
	crash(s)
	want, contacts, before := is(t, dir)
	if _, err := Restore(dir, backup, false); !errors.Is(err, ErrSame) {
		t.Errorf("without force: %v", err)
	}
	if jkt, now, epoch := is(t, dir); jkt != want || now != contacts || epoch != before+1 {
		t.Errorf("what was refused has changed %s, %s, %d", jkt, now, epoch)
	}
	if _, err := Restore(dir, backup, true); err != nil {
		t.Fatal(err)
	}
	jkt, contacts, epoch := is(t, dir)
	if jkt != want || epoch < before+epochLeap ||
		contacts != "Anna revoked; Eve revoked; Thief revoked; not subject u1 of https://maker.example; not issuer https://other.example; " {
		t.Errorf("by force: %s, epoch %d after %d", contacts, epoch, before)
	}
}

func TestRestoreOverAnotherDevice(t *testing.T) {
	other := t.TempDir()
	s := mustOpen(t, other)
	if _, err := s.Add(phone(t, "Zoe")); err != nil {
		t.Fatal(err)
	}
	crash(s)
	theirs, _, _ := is(t, other)
	_, backup := backedUp(t)
	if _, err := Restore(other, backup, false); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), theirs) {
		t.Errorf("without force: %v", err)
	}
	if jkt, contacts, _ := is(t, other); jkt != theirs || contacts != "Zoe; " {
		t.Errorf("what was refused has changed %s, %s", jkt, contacts)
	}
	if _, err := Restore(other, backup, true); err != nil {
		t.Fatal(err)
	}
	if jkt, contacts, _ := is(t, other); jkt == theirs || contacts != everybody {
		t.Errorf("by force: %s, %s", jkt, contacts)
	}
}

// TestRestoreRefuses: nothing of the directory changes.
func TestRestoreRefuses(t *testing.T) {
	_, backup := backedUp(t)
	_, other := backedUp(t)
	edited := func(change func(b map[string]any)) []byte {
		var b map[string]any
		if err := json.Unmarshal(backup, &b); err != nil {
			t.Fatal(err)
		}
		change(b)
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var theirs map[string]any
	if err := json.Unmarshal(other, &theirs); err != nil {
		t.Fatal(err)
	}
	contact := func(b map[string]any) map[string]any { return b["contacts"].([]any)[0].(map[string]any) }
	for name, tt := range map[string]struct {
		file []byte
		want error
	}{
		"nothing":                 {nil, ErrBackup},
		"a picture":               {[]byte("\xff\xd8\xff"), ErrBackup},
		"another JSON file":       {[]byte(`{"version":2,"contacts":[]}`), ErrBackup},
		"cut off":                 {backup[:len(backup)/2], ErrBackup},
		"two of them":             {append(bytes.Clone(backup), backup...), ErrBackup},
		"of a newer callbox":      {edited(func(b map[string]any) { b["version"] = 2 }), ErrNewer},
		"of no version":           {edited(func(b map[string]any) { delete(b, "version") }), ErrBackup},
		"a member too many":       {edited(func(b map[string]any) { b["x"] = 1 }), ErrBackup},
		"another device's key":    {edited(func(b map[string]any) { b["key"] = theirs["key"] }), ErrBackup},
		"no key":                  {edited(func(b map[string]any) { b["key"] = "" }), ErrBackup},
		"a contact's key changed": {edited(func(b map[string]any) { contact(b)["jkt"] = strings.Repeat("A", 43) }), ErrBackup},
		"a right too many":        {edited(func(b map[string]any) { contact(b)["rights"] = []string{"root"} }), ErrBackup},
		"a contact twice":         {edited(func(b map[string]any) { b["contacts"] = append(b["contacts"].([]any), contact(b)) }), ErrBackup},
		"a denial of nothing":     {edited(func(b map[string]any) { b["denied"] = []any{map[string]any{}} }), ErrBackup},
	} {
		dir := filepath.Join(t.TempDir(), "state")
		for _, force := range []bool{false, true} {
			if _, err := Restore(dir, tt.file, force); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: something was written: %v", name, err)
		}
	}
	dir := t.TempDir()
	s := mustOpen(t, dir)
	if _, err := Restore(dir, backup, true); !errors.Is(err, ErrLocked) {
		t.Errorf("under a running daemon: %v", err)
	}
	crash(s)
	if _, err := Backup(t.TempDir(), day); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a backup of nothing: %v", err)
	}
}
