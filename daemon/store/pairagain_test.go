package store

import (
	"reflect"
	"testing"
	"time"

	"callbox/signaling"
)

// TestPairingAgainKeepsRestrictions: rights come from the new window, everything that
// people have set stays.
func TestPairingAgainKeepsRestrictions(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	key := phone(t, "Anna")
	if _, _, err := s.Pair(key); err != nil {
		t.Fatal(err)
	}
	no, yes := false, true
	before, err := s.Edit("Anna", func(c *signaling.Contact) error {
		c.Name, c.Groups, c.Hours = "Oma", []string{"family"}, []string{"Mon-Fri 08:00-20:00"}
		c.MaxSeconds, c.DaySeconds, c.Camera, c.ThroughDND = 60, 600, &no, &yes
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	again := key
	again.Name, again.Added, again.SelfSigned = "Eve", day.Add(time.Hour), true
	again.Rights = []signaling.Right{signaling.RightBeCalled}
	want := before
	want.Rights, want.SelfSigned = again.Rights, true
	stored, fresh, err := s.Pair(again)
	if err != nil || fresh || !reflect.DeepEqual(stored, want) {
		t.Fatalf("paired again, fresh %v, %v:\n got %+v\nwant %+v", fresh, err, stored, want)
	}
	crash(s)
	if c, _ := mustOpen(t, dir).Contact(key.JKT); !reflect.DeepEqual(c, want) {
		t.Errorf("after a restart:\n got %+v\nwant %+v", c, want)
	}
}

// TestPairingARevokedKeyBeginsAnew: a person has decided about this key anew, under
// whatever name.
func TestPairingARevokedKeyBeginsAnew(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	key := phone(t, "Anna")
	if _, _, err := s.Pair(key); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Edit("Anna", func(c *signaling.Contact) error { c.Groups = []string{"family"}; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Revoke("Anna"); err != nil {
		t.Fatal(err)
	}
	if c, fresh, err := s.Pair(key); err != nil || !fresh || c.Groups != nil {
		t.Errorf("paired anew: %+v, fresh %v, %v", c, fresh, err)
	}
}
