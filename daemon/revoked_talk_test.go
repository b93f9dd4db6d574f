package daemon

import (
	"context"
	"testing"
	"time"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/signaling/cause"
	"callbox/signaling/key"
)

// TestTrustTakenInATalk: whatever takes it away, a call that is being talked in ends at
// once, on both ends and with the same word.
func TestTrustTakenInATalk(t *testing.T) {
	revoked := cause.End{Cause: cause.Aborted, Detail: cause.Revoked}
	for name, take := range map[string]func(r *remote) error{
		"revoked": func(r *remote) error { _, err := r.api.Revoke(r.t.Context(), "Anna"); return err },
		"revoked by somebody who does not wait": func(r *remote) error {
			_, _ = (&backend{loop: r.d.loop, parts: r.d.parts}).Revoke(gone(r), "Anna") // the answer is for nobody
			return nil
		},
		"revoked in the store, and nobody says so": func(r *remote) error {
			_, err := r.d.store.Revoke("Anna")
			return err
		},
		"forgotten in the store, and nobody says so": func(r *remote) error {
			_, err := r.d.store.Remove("Anna")
			return err
		},
		"its right changed by somebody who does not wait": func(r *remote) error {
			_, _ = (&backend{loop: r.d.loop, parts: r.d.parts}).ChangeContact(gone(r), "Anna", control.ContactChange{Rights: control.Value([]string{"beCalled"})})
			return nil
		},
		"its group's right gone, at a reload that nobody waits for": func(r *remote) error {
			next := *r.cfg
			next.Policy.Groups = []config.Group{{Name: "family", Rule: config.Rule{Rights: []policy.Right{policy.RightBeCalled}}}}
			r.d.reload = func() (*config.Config, error) { return &next, nil }
			_, _ = (&backend{loop: r.d.loop, parts: r.d.parts}).Reload(gone(r))
			return nil
		},
		"forgotten": func(r *remote) error { _, err := r.api.Forget(r.t.Context(), "Anna"); return err },
		"replaced": func(r *remote) error {
			k, err := key.New()
			if err != nil {
				return err
			}
			_, err = r.api.ReplaceContact(r.t.Context(), "Anna", control.NewKey{JWK: k.Public().JWK()})
			return err
		},
		"its right changed": func(r *remote) error {
			_, err := r.api.ChangeContact(r.t.Context(), "Anna", control.ContactChange{Rights: control.Value([]string{"beCalled"})})
			return err
		},
		"its group's right gone, at a reload": func(r *remote) error {
			next := *r.cfg
			next.Policy.Groups = []config.Group{{Name: "family", Rule: config.Rule{Rights: []policy.Right{policy.RightBeCalled}}}}
			r.d.reload = func() (*config.Config, error) { return &next, nil }
			_, err := r.api.Reload(r.t.Context())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, func(c *config.Config) {
				c.Signaling.Relay.Enabled = true
				c.Policy.Groups = []config.Group{{Name: "family", Rule: config.Rule{Rights: []policy.Right{policy.RightCall}}}}
			}, overTheAPI)
			if _, err := r.api.ChangeContact(t.Context(), "Anna", control.ContactChange{
				Rights: control.Null[[]string](), Groups: control.Value([]string{"family"}),
			}); err != nil {
				t.Fatal(err)
			}
			c := r.talk()
			began := time.Now()
			if err := take(r); err != nil {
				t.Fatal(err)
			}
			r.ended(c, revoked, true)
			if took := time.Since(began); took > lookInterval+5*time.Second {
				t.Errorf("it ended after %v", took)
			}
		})
	}
}

// gone is the context of a request that was given up.
func gone(r *remote) context.Context {
	ctx, cancel := context.WithCancel(r.t.Context())
	cancel()
	return ctx
}

// TestReloadInATalk: what nobody took away goes on; the camera that may not be seen any
// more is turned off.
func TestReloadInATalk(t *testing.T) {
	r := newRemote(t, func(c *config.Config) { c.Signaling.Relay.Enabled = true }, overTheAPI)
	c := r.talk()
	if !r.status().Call.Camera {
		t.Fatal("the camera is off")
	}
	next := *r.cfg
	next.Call.RingTimeout = time.Minute + time.Second
	r.d.reload = func() (*config.Config, error) { n := next; return &n, nil }
	if _, err := r.api.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := r.status(); s.State != "talking" || !s.Call.Camera {
		t.Fatalf("after a reload: %+v", s)
	}
	next.Policy.Default.Camera = new(bool)
	if _, err := r.api.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := r.status(); s.State != "talking" || s.Call.Camera {
		t.Errorf("after a reload that hides the camera: %+v", s)
	}
	c.HangUp(cause.Manual)
	r.ended(c, cause.End{Cause: cause.Hangup, Origin: cause.Manual}, false)
}
