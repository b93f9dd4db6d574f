package pairing

import (
	"crypto/rand"
	"slices"
	"time"

	"callbox/signaling/base64url"
)

// DefaultLife is how long a window stays open; opening again renews it.
const DefaultLife = 5 * time.Minute

// Window is an open window.
type Window struct {
	SN, DKT string
	Secret  []byte        // SecretSize random bytes
	Until   time.Duration // on clock.Boot
}

// Link is the window as a person carries it to the phone.
func (w Window) Link(endpoints []string) Link {
	return Link{SN: w.SN, DKT: w.DKT, Secret: base64url.Encode(w.Secret), Endpoints: endpoints}
}

// Verdict is what a pair message's MAC is worth.
type Verdict int

// The verdicts.
const (
	Wrong  Verdict = iota // of no window that is known
	Right                 // of the open window
	Again                 // of a window that this very key has used
	Second                // of a window that another key has used: an alarm
)

// spent is a window that was used, kept for its life so that a second phone with
// the same secret is noticed.
type spent struct {
	Window
	first   string // jkt
	alarmed bool
}

// Desk knows the open window and those that were used. One goroutine at a time.
type Desk struct {
	sn, dkt string
	open    *Window
	spent   []*spent
}

// NewDesk returns the desk of a device, with no window open.
func NewDesk(sn, dkt string) *Desk { return &Desk{sn: sn, dkt: dkt} }

// Open opens a window for life; an open one is replaced and its secret is dead.
func (d *Desk) Open(now, life time.Duration) Window {
	w := Window{SN: d.sn, DKT: d.dkt, Secret: make([]byte, SecretSize), Until: now + life}
	_, _ = rand.Read(w.Secret) // never fails
	d.open = &w
	return w
}

// Close closes the open window.
func (d *Desk) Close() { d.open = nil }

// Known reports whether any MAC can be right at now.
func (d *Desk) Known(now time.Duration) bool {
	d.forget(now)
	return d.open != nil || len(d.spent) > 0
}

// Judge compares the MAC of the phone with thumbprint jkt and that name. It
// returns the secret, for the answer, and the key that used the window before.
func (d *Desk) Judge(now time.Duration, jkt, name, mac string) (v Verdict, secret []byte, first string) {
	d.forget(now)
	if d.open != nil && equal(mac, PhoneMAC(d.open.Secret, jkt, d.dkt, name)) {
		return Right, d.open.Secret, ""
	}
	for _, s := range d.spent {
		if !equal(mac, PhoneMAC(s.Secret, jkt, d.dkt, name)) {
			continue
		}
		if s.first == jkt && !s.alarmed {
			return Again, s.Secret, jkt
		}
		s.alarmed = true
		return Second, s.Secret, s.first
	}
	return Wrong, nil, ""
}

// Use closes the open window because the phone with thumbprint jkt was paired
// through it.
func (d *Desk) Use(jkt string) {
	d.spent = append(d.spent, &spent{Window: *d.open, first: jkt})
	d.open = nil
}

func (d *Desk) forget(now time.Duration) {
	if d.open != nil && now >= d.open.Until {
		d.open = nil
	}
	d.spent = slices.DeleteFunc(d.spent, func(s *spent) bool { return now >= s.Until })
}
