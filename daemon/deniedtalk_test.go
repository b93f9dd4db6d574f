package daemon

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/phonepeer"
	"callbox/signaling/signalingtest"
)

// TestTokensTakenBackInATalk: whatever is taken back of a token, the call that began
// with it ends at once, on both ends and with the same word.
func TestTokensTakenBackInATalk(t *testing.T) {
	deny := func(d control.Denial) func(r *remote, _ *signalingtest.Issuer, _ string) error {
		return func(r *remote, _ *signalingtest.Issuer, _ string) error {
			d.Issuer = theIssuer
			_, err := r.api.Deny(r.t.Context(), d)
			return err
		}
	}
	reload := func(change func(c *config.Config)) func(r *remote, _ *signalingtest.Issuer, _ string) error {
		return func(r *remote, _ *signalingtest.Issuer, _ string) error {
			next := *r.cfg
			change(&next)
			r.d.reload = func() (*config.Config, error) { return &next, nil }
			_, err := r.api.Reload(r.t.Context())
			return err
		}
	}
	for name, take := range map[string]func(r *remote, maker *signalingtest.Issuer, file string) error{
		"the issuer is denied":        deny(control.Denial{}),
		"the subject is denied":       deny(control.Denial{Subject: "user-17"}),
		"the token itself is denied":  deny(control.Denial{Token: "the-token"}),
		"the issuer is taken out":     reload(func(c *config.Config) { c.Signaling.Issuers = nil }),
		"the issuer may give nothing": reload(func(c *config.Config) { c.Signaling.Issuers = withRights(c, policy.RightUnlock) }),
		"its key is taken out of the file": func(r *remote, _ *signalingtest.Issuer, file string) error {
			signalingtest.NewIssuer(r.t, theIssuer).Publish(file)
			_, err := r.api.Reload(r.t.Context()) // else within lookInterval
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			maker := signalingtest.NewIssuer(t, theIssuer)
			file := filepath.Join(t.TempDir(), "maker.json")
			maker.Publish(file)
			r := newRemote(t, func(c *config.Config) {
				c.Signaling.Relay.Enabled = true
				c.Signaling.Issuers = []config.Issuer{{Issuer: theIssuer, JWKS: file}}
			}, overTheAPI)
			if _, err := r.api.Forget(t.Context(), "Anna"); err != nil { // only the token allows the call
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			p := &signalingtest.Phone{Key: r.key, SN: r.cfg.Device.SN, DKT: r.d.key.JKT()}
			token := maker.Token(p, message.NewID(), with("nonce", r.d.gate.Nonce()), with("jti", "the-token"))
			c, err := r.phone.Call(ctx, phonepeer.CallOptions{RoomType: message.Video, Token: token})
			if err != nil {
				t.Fatal(err)
			}
			r.eventually("it rings", func() bool { return r.status().State == "ringing" })
			if err := r.api.Answer(ctx, ""); err != nil {
				t.Fatal(err)
			}
			r.eventually("they talk", r.isTalking)
			began := time.Now()
			if err := take(r, maker, file); err != nil {
				t.Fatal(err)
			}
			r.ended(c, cause.End{Cause: cause.Aborted, Detail: cause.Revoked}, true)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it ended after %v", took)
			}
		})
	}
}

// withRights are the issuers, which may give these rights only.
func withRights(c *config.Config, rights ...policy.Right) []config.Issuer {
	one := c.Signaling.Issuers[0]
	one.Rights = rights
	return []config.Issuer{one}
}
