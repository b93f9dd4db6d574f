package store

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"callbox/signaling"
)

// everything is a contact with every member that people may set.
func everything(t *testing.T, name string) signaling.Contact {
	t.Helper()
	c, no := phone(t, name), false
	c.Rights = []signaling.Right{signaling.RightCall, signaling.RightUnlock}
	c.Groups, c.Hours, c.Camera = []string{"family", "Nachbarn links"}, []string{"Mon-Fri 08:00-20:00"}, &no
	c.MaxSeconds, c.DaySeconds, c.SelfSigned = 600, 1800, true
	return c
}

func TestContactComesBackWhole(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	want, err := s.Add(everything(t, "Anna"))
	if err != nil {
		t.Fatal(err)
	}
	inherits := phone(t, "Ben")
	inherits.Rights = nil
	none := phone(t, "Cem")
	none.Rights = []signaling.Right{}
	for _, c := range []signaling.Contact{inherits, none} {
		if _, err := s.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	crash(s)
	s = mustOpen(t, dir)
	if got, _ := s.Contact(want.JKT); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got, _ := s.Contact(inherits.JKT); got.Rights != nil {
		t.Errorf("inherited rights became %v", got.Rights)
	}
	if got, _ := s.Contact(none.JKT); got.Rights == nil || len(got.Rights) != 0 {
		t.Errorf("no rights became %v", got.Rights)
	}
}

func TestEdit(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	anna, err := s.Add(phone(t, "Anna"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(phone(t, "Ben")); err != nil {
		t.Fatal(err)
	}
	want := everything(t, "Oma")
	var kept *signaling.Contact
	got, err := s.Edit("anna", func(c *signaling.Contact) error {
		kept = c
		other := want
		*c = other // key, date and revocation too: they must not come through
		c.Revoked, c.RevokedTime = true, day
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want.JKT, want.JWK, want.Added, want.SelfSigned = anna.JKT, anna.JWK, anna.Added, false
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	kept.Groups[0], got.Hours[0], *want.Camera = "admins", "always", true
	refused := errors.New("no")
	for name, tt := range map[string]struct {
		who    string
		change func(*signaling.Contact) error
		want   error
		says   string
	}{
		"nobody":        {"Eve", func(*signaling.Contact) error { return nil }, ErrNotFound, "callboxctl contacts"},
		"a taken name":  {"Oma", func(c *signaling.Contact) error { c.Name = "BEN"; return nil }, ErrName, "another contact's"},
		"no name":       {"Oma", func(c *signaling.Contact) error { c.Name = ""; return nil }, ErrName, "1 to 64"},
		"a bad group":   {"Oma", func(c *signaling.Contact) error { c.Groups = []string{"a\x00"}; return nil }, ErrName, "group 1"},
		"a bad right":   {"Oma", func(c *signaling.Contact) error { c.Rights = []signaling.Right{"root"}; return nil }, nil, "beCalled"},
		"too long":      {"Oma", func(c *signaling.Contact) error { c.DaySeconds = 1e9; return nil }, nil, "86400"},
		"its own error": {"Oma", func(c *signaling.Contact) error { c.Name = "x"; return refused }, refused, "no"},
	} {
		_, err := s.Edit(tt.who, tt.change)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	crash(s)
	got, _ = mustOpen(t, dir).Contact(anna.JKT)
	if got.Name != "Oma" || got.Groups[0] != "family" || got.Hours[0] == "always" || *got.Camera || got.DaySeconds != 1800 {
		t.Errorf("after it: %+v", got)
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	old, err := s.Add(everything(t, "Anna"))
	if err != nil {
		t.Fatal(err)
	}
	ben, err := s.Add(phone(t, "Ben"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SaveBudget("contact:"+old.JKT, Budget{Day: "2026-05-04", UsedSeconds: 1700}); err != nil {
		t.Fatal(err)
	}
	fresh := phone(t, "whatever the phone calls itself")
	got, err := s.Replace("Anna", fresh, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := old
	want.JKT, want.JWK, want.SelfSigned = fresh.JKT, fresh.JWK, false
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	crash(s)
	s = mustOpen(t, dir)
	if now, ok := s.Contact(fresh.JKT); !ok || now.Revoked || now.Name != "Anna" || len(now.Rights) != 2 {
		t.Errorf("the new key: %+v", now)
	}
	if gone, ok := s.Contact(old.JKT); !ok || !gone.Revoked || gone.Name != "Anna (old)" || gone.RevokedTime.IsZero() {
		t.Errorf("the old key: %+v", gone)
	}
	if b, _ := s.LoadBudget("contact:" + fresh.JKT); b.UsedSeconds != 1700 {
		t.Errorf("a new phone grants today's minutes again: %+v", b)
	}
	for name, tt := range map[string]struct {
		who  string
		with signaling.Contact
		want error
	}{
		"nobody":              {"Eve", phone(t, "x"), ErrNotFound},
		"a revoked one":       {"Anna (old)", phone(t, "x"), ErrRevoked},
		"with another's key":  {"Anna", ben, ErrExists},
		"with its own":        {"Anna", fresh, ErrExists},
		"with a forged print": {"Anna", signaling.Contact{JKT: phone(t, "x").JKT, JWK: fresh.JWK}, nil},
	} {
		if _, err := s.Replace(tt.who, tt.with, nil); err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Back to the old phone, whose key is known and revoked: each key stays one contact.
	if _, err := s.Replace("Anna", old, nil); err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, c := range s.List() {
		names += c.Name
		if c.Revoked {
			names += " revoked"
		}
		names += "; "
	}
	if names != "Anna; Ben; Anna (old) revoked; " {
		t.Errorf("contacts: %s", names)
	}
	if c, _ := s.Contact(old.JKT); c.Revoked || c.Name != "Anna" {
		t.Errorf("the old phone: %+v", c)
	}
}

func TestLongNamesCanBeReplaced(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	long := strings.Repeat("ä", 64)
	if _, err := s.Add(phone(t, long)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Replace(long, phone(t, "new"), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range s.List() {
		if err := checkName(c.Name); err != nil {
			t.Error(err)
		}
	}
}

// TestReplaceWithFewerRights: those that are given take the place of what the contact
// had or inherited.
func TestReplaceWithFewerRights(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	heir := phone(t, "Anna")
	heir.Rights, heir.Groups = nil, []string{"family"}
	if _, err := s.Add(heir); err != nil {
		t.Fatal(err)
	}
	got, err := s.Replace("Anna", phone(t, "x"), []signaling.Right{signaling.RightCall})
	if err != nil || !slices.Equal(got.Rights, []signaling.Right{signaling.RightCall}) || got.Groups[0] != "family" {
		t.Errorf("with fewer rights: %+v, %v", got, err)
	}
	if got, err = s.Replace("Anna", phone(t, "x"), []signaling.Right{}); err != nil || got.Rights == nil || len(got.Rights) != 0 {
		t.Errorf("with no rights: %+v, %v", got, err)
	}
}
