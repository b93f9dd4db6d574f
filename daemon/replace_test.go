package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/signaling"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/pairing"
)

// contact is the contact with this key.
func (h *house) contact(jkt string) control.Contact {
	h.t.Helper()
	list, err := h.api.Contacts(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, c := range list {
		if c.Thumbprint == jkt {
			return c
		}
	}
	h.t.Fatalf("there is no contact %s in %+v", jkt, list)
	return control.Contact{}
}

// tookOver wants p in the place of Anna's phone, whose call was ringing.
func (h *house) tookOver(p *handset) {
	h.t.Helper()
	h.endedRevoked()
	now, old := h.contact(p.JKT()), h.contact(h.anna.JKT())
	if now.Name != "Anna" || now.Revoked || !slices.Equal(now.Rights, []string{"call", "unlock"}) || now.DaySeconds != 600 || !slices.Equal(now.Groups, []string{"family"}) {
		h.t.Errorf("the new key: %+v", now)
	}
	if old.Name != "Anna (old)" || !old.Revoked {
		h.t.Errorf("the old key: %+v", old)
	}
	before := h.refused()
	h.anna.say(h.anna.Invite(message.NewID()))
	h.eventually("the old key is refused", func() bool {
		return h.refused()[string(signaling.RefusedRevoked)] == before[string(signaling.RefusedRevoked)]+1
	})
	p.contact = true
	p.say(p.Invite(message.NewID()))
	p.expect("challenge")
	h.eventually("it is told whose trust is gone", func() bool { return h.named("revoked") == 1 })
}

// replaceHouse is a house where Anna's phone has what a new one must not lose, and
// where its call rings.
func replaceHouse(t *testing.T) *house {
	h := newHouse(t, func(c *config.Config) {
		c.Policy.Groups = []config.Group{{Name: "family", Rule: config.Rule{Rights: []policy.Right{policy.RightCall}}}}
	})
	if _, err := h.api.ChangeContact(t.Context(), "Anna", control.ContactChange{
		Rights: control.Value([]string{"call", "unlock"}), Groups: control.Value([]string{"family"}), DaySeconds: control.Value(600.0),
	}); err != nil {
		t.Fatal(err)
	}
	h.anna.rings()
	return h
}

// TestReplaceByPairing: the phone that the code is shown to takes Anna's place.
func TestReplaceByPairing(t *testing.T) {
	h := replaceHouse(t)
	w, err := h.api.OpenPairing(t.Context(), control.PairRequest{Replaces: "anna"})
	if err != nil || w.Replaces != "Anna" || w.Name != "Anna" || !slices.Equal(w.Rights, []string{"call", "unlock"}) {
		t.Fatalf("window = %+v, %v", w, err)
	}
	if s := h.status(); s.Pairing == nil || s.Pairing.Replaces != "Anna" {
		t.Errorf("status shows the window %+v", s.Pairing)
	}
	link, err := pairing.ParseLink(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := h.stranger()
	p.pair(link, "whatever it calls itself")
	if b := p.expect("paired").Body.(message.Paired); !slices.Equal(b.Rights, []message.Right{"call", "unlock"}) {
		t.Errorf("the phone was told %+v", b)
	}
	h.tookOver(p)

	// The next window is for another phone again.
	bob := h.paired("Bob", signaling.RightCall)
	if c := h.contact(bob.JKT()); c.Name != "Bob" || len(c.Groups) != 0 {
		t.Errorf("the next phone: %+v", c)
	}
	// And a phone that is asked to replace itself stays what it is.
	if w, err = h.api.OpenPairing(t.Context(), control.PairRequest{Replaces: "Anna"}); err != nil {
		t.Fatal(err)
	}
	if link, err = pairing.ParseLink(w.URL); err != nil {
		t.Fatal(err)
	}
	p.pair(link, "x")
	p.expect("paired")
	if c := h.contact(p.JKT()); c.Name != "Anna" || c.Revoked || c.DaySeconds != 600 {
		t.Errorf("the same phone: %+v", c)
	}
}

// TestReplaceByKey: somebody vouches for the new key.
func TestReplaceByKey(t *testing.T) {
	h := replaceHouse(t)
	p := h.stranger()
	c, err := h.api.ReplaceContact(t.Context(), "Anna", control.NewKey{JWK: p.Key.Public().JWK()})
	if err != nil || c.Thumbprint != p.JKT() {
		t.Fatalf("contact = %+v, %v", c, err)
	}
	h.tookOver(p)
	h.restart()
	h.anna.connect()
	p.connect()
	before := h.refused()
	h.anna.say(h.anna.Invite(message.NewID()))
	h.eventually("the old key is refused after a restart", func() bool {
		return h.refused()[string(signaling.RefusedRevoked)] > before[string(signaling.RefusedRevoked)]
	})
	p.say(p.Invite(message.NewID()))
	p.expect("challenge")
}

func TestReplaceRefuses(t *testing.T) {
	h := newHouse(t)
	bob := h.paired("Bob", signaling.RightCall)
	h.revoke("Bob")
	carl := h.paired("Carl", signaling.RightCall)
	fresh := h.stranger().Key.Public().JWK()
	for name, tt := range map[string]struct {
		who  string
		jwk  key.JWK
		want error
		says string
	}{
		"nobody":              {"Zoe", fresh, control.ErrNoContact, "Zoe"},
		"a revoked contact":   {"Bob", fresh, control.ErrBadRequest, "revoked"},
		"by another contact":  {"Anna", carl.Key.Public().JWK(), control.ErrExists, "Carl"},
		"by itself":           {"Anna", h.anna.Key.Public().JWK(), control.ErrExists, "Anna"},
		"by what is no key":   {"Anna", key.JWK{Kty: "EC", Crv: "P-256", X: fresh.X, Y: fresh.X}, control.ErrBadRequest, "key"},
		"a revoked one by it": {"Bob", bob.Key.Public().JWK(), control.ErrBadRequest, "revoked"},
	} {
		if _, err := h.api.ReplaceContact(t.Context(), tt.who, control.NewKey{JWK: tt.jwk}); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, r := range map[string]control.PairRequest{
		"nobody": {Replaces: "Zoe"}, "a revoked contact": {Replaces: "Bob"}, "with a name": {Replaces: "Anna", Name: "x"}, "with rights": {Replaces: "Anna", Rights: []string{"call"}},
	} {
		if _, err := h.api.OpenPairing(t.Context(), r); err == nil {
			t.Errorf("a window for %s was opened", name)
		}
	}
	if c := h.contact(h.anna.JKT()); c.Revoked || c.Name != "Anna" {
		t.Errorf("Anna: %+v", c)
	}
}

// TestReplaceOverASelfMadeCertificate: auto and unlock stay behind, unless the window
// forces them; what a contact inherits it goes on inheriting.
func TestReplaceOverASelfMadeCertificate(t *testing.T) {
	for name, tt := range map[string]struct {
		rights, group []signaling.Right
		secure, force bool
		want          []signaling.Right // nil: inherited
	}{
		"its own":             {rights: []signaling.Right{"call", "unlock"}, want: []signaling.Right{"call"}},
		"only those":          {rights: []signaling.Right{"auto", "unlock"}, want: []signaling.Right{}},
		"its group's":         {group: []signaling.Right{"call", "auto"}, want: []signaling.Right{"call"}},
		"its group's, plain":  {group: []signaling.Right{"call"}},
		"forced":              {rights: []signaling.Right{"call", "unlock"}, force: true, want: []signaling.Right{"call", "unlock"}},
		"over a secure line":  {rights: []signaling.Right{"call", "unlock"}, secure: true, want: []signaling.Right{"call", "unlock"}},
		"nothing to be taken": {rights: []signaling.Right{"call"}, want: []signaling.Right{"call"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			var family []policy.Right
			for _, r := range tt.group {
				family = append(family, policy.Right(r))
			}
			rules := &policy.Rules{Groups: []policy.Group{{Name: "family", Rule: policy.Rule{Rights: family}}}}
			if _, err := h.d.store.Edit("Anna", func(c *signaling.Contact) error {
				c.Rights, c.Groups = tt.rights, []string{"family"}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			told := ""
			book := contactBook{
				Store: h.d.store, rules: func() *policy.Rules { return rules },
				taking:   func() (string, bool) { return h.anna.JKT(), tt.force },
				replaced: func(old string, _ signaling.Contact) { told = old },
			}
			k, err := key.New()
			if err != nil {
				t.Fatal(err)
			}
			got, fresh, err := book.Pair(signaling.Contact{
				JKT: k.JKT(), JWK: k.Public().JWK(), Name: "x", Rights: []signaling.Right{"call"}, SelfSigned: !tt.secure,
			})
			if err != nil || !fresh || told != h.anna.JKT() {
				t.Fatalf("paired: %+v, %v, %v, told of %q", got, fresh, err, told)
			}
			if !slices.Equal(got.Rights, tt.want) || (got.Rights == nil) != (tt.want == nil) {
				t.Errorf("rights %v, want %v", got.Rights, tt.want)
			}
		})
	}
}
