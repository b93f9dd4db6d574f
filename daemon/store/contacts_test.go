package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"callbox/signaling"
	"callbox/signaling/cause"
)

var _ signaling.ContactBook = (*Store)(nil)

func TestPairAndRevoke(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	anna := phone(t, "Anna")

	c, fresh, err := s.Pair(anna)
	if err != nil || !fresh || c.Name != "Anna" || !c.Added.Equal(day) {
		t.Fatalf("Pair = %+v, %v, %v", c, fresh, err)
	}
	other, _, err := s.Pair(phone(t, "ANNA"))
	if err != nil || other.Name != "ANNA 2" {
		t.Fatalf("taken name: %q, %v", other.Name, err)
	}
	if _, err := s.Rename("Anna", "Oma"); err != nil {
		t.Fatal(err)
	}
	anna.Name, anna.Rights = "Eve", []signaling.Right{signaling.RightCall, signaling.RightUnlock}
	c, fresh, err = s.Pair(anna)
	if err != nil || fresh || c.Name != "Oma" || len(c.Rights) != 2 {
		t.Fatalf("paired again: %+v, %v, %v", c, fresh, err)
	}

	c, err = s.Revoke("oma")
	if err != nil || !c.Revoked || !c.RevokedTime.Equal(day) {
		t.Fatalf("Revoke = %+v, %v", c, err)
	}
	if c, err = s.Revoke(anna.JKT); err != nil || !c.Revoked {
		t.Fatalf("Revoke again = %+v, %v", c, err)
	}
	_ = s.Close()
	s = mustOpen(t, dir)
	if c, ok := s.Contact(anna.JKT); !ok || !c.Revoked {
		t.Fatalf("a revoked contact came back: %+v, %v", c, ok)
	}
	c, fresh, err = s.Pair(anna)
	if err != nil || !fresh || c.Revoked || c.Name != "Eve" || !c.RevokedTime.IsZero() {
		t.Fatalf("paired anew: %+v, %v, %v", c, fresh, err)
	}
	if _, err := s.Remove(anna.JKT); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Contact(anna.JKT); ok || len(s.List()) != 1 {
		t.Errorf("removed contact is there: %+v", s.List())
	}
	for _, err := range []error{second(s.Revoke("nobody")), second(s.Remove("nobody")), second(s.Rename("nobody", "x"))} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAddAndRename(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	anna, ben := phone(t, "Anna"), phone(t, "Ben")
	for _, c := range []signaling.Contact{anna, ben} {
		if _, err := s.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Add(anna); !errors.Is(err, ErrExists) {
		t.Errorf("added twice: %v", err)
	}
	for _, name := range []string{"", " x", "a\u202eb", "BEN", strings.Repeat("x", 65), "ab\x00"} {
		if _, err := s.Rename("Anna", name); !errors.Is(err, ErrName) {
			t.Errorf("Rename to %q: %v", name, err)
		}
	}
	if c, err := s.Rename("Anna", "ANNA"); err != nil || c.Name != "ANNA" {
		t.Errorf("another case of the own name: %+v, %v", c, err)
	}
	if _, err := s.Add(phone(t, "ben")); !errors.Is(err, ErrName) {
		t.Errorf("a person gets no suffix: %v", err)
	}
}

func TestWhatMustNeverBeStored(t *testing.T) {
	s := openWith(t, t.TempDir(), Options{CheckHours: func(line string) error {
		if line != "Mon-Fri 08:00-20:00" {
			return errors.New("it is not written like Mon-Fri 08:00-20:00")
		}
		return nil
	}})
	for name, spoil := range map[string]func(*signaling.Contact){
		"another key's thumbprint": func(c *signaling.Contact) { c.JKT = phone(t, "x").JKT },
		"no key":                   func(c *signaling.Contact) { c.JWK = signaling.JWK{} },
		"a right that is none":     func(c *signaling.Contact) { c.Rights = []signaling.Right{"root"} },
		"a negative limit":         func(c *signaling.Contact) { c.MaxSeconds = -1 },
		"more than a day a day":    func(c *signaling.Contact) { c.DaySeconds = 86401 },
		"no number of seconds":     func(c *signaling.Contact) { c.DaySeconds = math.NaN() },
		"a group without a name":   func(c *signaling.Contact) { c.Groups = []string{""} },
		"a group with a long name": func(c *signaling.Contact) { c.Groups = []string{strings.Repeat("g", 65)} },
		"a group twice":            func(c *signaling.Contact) { c.Groups = []string{"family", "family"} },
		"too many groups":          func(c *signaling.Contact) { c.Groups = strings.Split(strings.Repeat("g", 17), "") },
		"hours that are none":      func(c *signaling.Contact) { c.Hours = []string{"always"} },
		"empty hours":              func(c *signaling.Contact) { c.Hours = []string{""} },
		"too many hours":           func(c *signaling.Contact) { c.Hours = make([]string, 33) },
	} {
		c := phone(t, "Eve")
		spoil(&c)
		if _, _, err := s.Pair(c); err == nil {
			t.Errorf("%s: stored", name)
		}
	}
	if len(s.List()) != 0 {
		t.Errorf("stored: %+v", s.List())
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"Anna":                   "Anna",
		"  Anna \t Lena\n":       "Anna Lena",
		"A\u202enn\u200ba\x07":   "Anna",
		"A\u2028B":               "A B",
		"\xff\xfe":               "Phone",
		"":                       "Phone",
		"e\u0301":                "é",
		"👩\u200d👧":               "👩👧",
		strings.Repeat("ä", 70):  strings.Repeat("ä", 64),
		strings.Repeat("x ", 40): strings.TrimSpace(strings.Repeat("x ", 32)),
		"<b>Anna</b>&\"'":        "<b>Anna</b>&\"'",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("cleanName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTakenNamesAreNumbered(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	long := strings.Repeat("n", 64)
	for _, want := range []string{"Anna", "Anna 2", "Anna 3"} {
		if c, _, err := s.Pair(phone(t, "Anna")); err != nil || c.Name != want {
			t.Errorf("got %q, %v; want %q", c.Name, err, want)
		}
	}
	for _, want := range []string{long, long[:62] + " 2"} {
		if c, _, err := s.Pair(phone(t, long)); err != nil || c.Name != want {
			t.Errorf("got %q, %v; want %q", c.Name, err, want)
		}
	}
}

func TestListCannotChangeTheStore(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	c, _, err := s.Pair(phone(t, "Anna"))
	if err != nil {
		t.Fatal(err)
	}
	s.List()[0].Rights[0] = signaling.RightUnlock
	c.Rights[0] = signaling.RightAuto
	if got, _ := s.Contact(c.JKT); !slices.Equal(got.Rights, []signaling.Right{signaling.RightCall}) {
		t.Errorf("rights are now %v", got.Rights)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 8 {
		c := phone(t, "Anna")
		wg.Go(func() {
			if _, _, err := s.Pair(c); err != nil {
				t.Error(err)
			}
			s.List()
			id, err := s.Begin(Record{RoomID: fmt.Sprint(i)})
			if err != nil {
				t.Error(err)
			}
			s.Records(Query{Limit: 1})
			s.Problems()
			err = s.UpdateWith(Record{ID: id, TalkSeconds: 1}, map[string]Budget{fmt.Sprint("contact:", i): {UsedSeconds: 1}})
			if err != nil {
				t.Error(err)
			}
			if err := s.SetSetting("volume", i); err != nil {
				t.Error(err)
			}
			if err := s.End(Record{ID: id, Cause: cause.Hangup}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(s.List()) != 8 || len(s.Records(Query{})) != 8 {
		t.Errorf("%d contacts, %d records", len(s.List()), len(s.Records(Query{})))
	}
}

func FuzzNames(f *testing.F) {
	for _, seed := range []string{"Anna", "\u202e", "a\u0300\u0300", "\xff", "K 2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		name := cleanName(in)
		if err := checkName(name); err != nil || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName {
			t.Fatalf("cleanName(%q) = %q: %v", in, name, err)
		}
		if again := freeName(name, func(n string) bool { return sameName(n, name) }); checkName(again) != nil {
			t.Fatalf("freeName(%q) = %q", name, again)
		}
	})
}
