// Package gate is the device's side of call tokens: it verifies them in the order of
// docs/protocol.md by the keys of the configured issuers, says whether they are
// fresh, and lets each be used once.
//
// Times of files are the file system's; those of tokens are seconds since 1970;
// nonces live on clock.Boot, because a device may not know what time it is.
package gate

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal/clock"
	"callbox/signaling/token"
)

// NonceLife is how long a nonce that the device gave out is good in a token.
const NonceLife = 300 * time.Second

// Book is what the gate needs of the store. Its methods are called from several
// goroutines.
type Book interface {
	// Denied reports whether an issuer, one of its subjects, of its keys or of its
	// tokens is denied.
	Denied(issuer, subject, kid, id string) bool
	// Spend notes durably that a token was used, before it returns. Errors:
	// token.ErrSpent when it was before; others are of the disk, or mean that the
	// issuer's or the subject's share of what is remembered is full.
	Spend(issuer, subject, id string, expires time.Time) error
}

// Wall is the wall clock with its floor.
type Wall interface {
	Read() clock.Reading
	// Note is told the iat of a token that was accepted.
	Note(t time.Time)
}

// Options are what a Gate is made of. All of it but Issuers is needed.
type Options struct {
	SN, DKT string // of the device
	Issuers []Issuer
	Book    Book
	Boot    clock.Clock
	Wall    Wall
	Log     zerolog.Logger
}

// Gate verifies tokens. Its methods may be called from several goroutines.
type Gate struct {
	o       Options
	nonces  *nonces
	issuers *issuers
}

// New returns a Gate, with the keys that the issuers' files have now. A file that
// cannot be used keeps its issuer without keys until it can: Status tells.
func New(o Options) (*Gate, error) {
	if o.Book == nil || o.Boot == nil || o.Wall == nil {
		return nil, errors.New("cannot make a gate: Book, Boot and Wall are needed")
	}
	g := &Gate{o: o, nonces: newNonces(), issuers: newIssuers(o.Boot, o.Log)}
	g.issuers.configure(o.Issuers)
	return g, nil
}

// Verify looks at everything that makes a token one for this call, in the order of
// the protocol, and stops at the first that fails: its size, its form, issuer, key and
// signature, then aud, dkt, room and holder, its life, and whether it is denied. What
// is left is Fresh and Spend. Errors: those of package token.
func (g *Gate) Verify(text string, call token.Call) (*token.Pass, error) {
	call.SN, call.DKT = g.o.SN, g.o.DKT
	t, err := token.Parse(text)
	if err != nil {
		return nil, err
	}
	keys, ok := g.issuers.keys(t.Issuer, t.KID)
	if !ok {
		return nil, fmt.Errorf("cannot use token: iss is %q: %w; signaling.issuers lists those of the device", t.Issuer, token.ErrIssuer)
	}
	if err := t.Verify(keys); err != nil {
		return nil, err
	}
	if err := t.CheckCall(call); err != nil {
		return nil, err
	}
	if err := g.checkLife(&t.Claims); err != nil {
		return nil, err
	}
	if g.o.Book.Denied(t.Issuer, t.Subject, t.KID, t.ID) {
		return nil, fmt.Errorf("cannot use token of %s for %s: %w", t.Issuer, t.Subject, token.ErrDenied)
	}
	return &token.Pass{Claims: t.Claims, KID: t.KID}, nil
}

// checkLife asks the wall clock only while it is trusted. One that is far below the
// floor cannot say that a token comes from the future: Fresh asks for a nonce then.
func (g *Gate) checkLife(c *token.Claims) error {
	if err := c.CheckLife(); err != nil {
		return err
	}
	r := g.o.Wall.Read()
	if !r.Trusted {
		return nil
	}
	err := c.CheckTime(r.Now)
	if r.Behind && errors.Is(err, token.ErrAhead) {
		return nil
	}
	return err
}

// Fresh reports whether the token is of the present. A nonce that this device gave
// out in the last NonceLife proves it, whatever the clock says. Without one the clock
// must be trusted, and the token must not have expired before the floor: a clock that
// was put back would bring it to life again. Error: token.ErrNeedNonce.
func (g *Gate) Fresh(p *token.Pass) error {
	if g.nonces.check(p.Nonce, g.o.Boot.Now()) {
		return nil
	}
	r := g.o.Wall.Read()
	switch {
	case !r.Trusted:
		return fmt.Errorf("cannot tell how old the token is: the clock is not trusted: %w", token.ErrNeedNonce)
	case !p.Expires.Time().After(r.Floor):
		return fmt.Errorf("cannot tell how old the token is: it is from before %v: %w", r.Floor, token.ErrNeedNonce)
	case errors.Is(p.CheckTime(r.Now), token.ErrAhead): // the clock is behind the floor
		return fmt.Errorf("cannot tell how old the token is: the clock was put back from %v: %w", r.Floor, token.ErrNeedNonce)
	}
	return nil
}

// Nonce returns a nonce for tokens: for the presence and for reject needNonce. It
// says nothing and may be seen by anybody.
func (g *Gate) Nonce() string { return g.nonces.make(g.o.Boot.Now()) }

// Spend uses the token up, durably before it returns. It waits for the disk. Errors:
// token.ErrSpent; token.ErrDenied when it was denied meanwhile; others are of the
// disk, and then the token must not count.
func (g *Gate) Spend(p *token.Pass) error {
	if !g.Stands(p) {
		return fmt.Errorf("cannot use token of %s for %s: %w", p.Issuer, p.Subject, token.ErrDenied)
	}
	if err := g.o.Book.Spend(p.Issuer, p.Subject, p.ID, p.Expires.Time()); err != nil {
		return err
	}
	g.o.Wall.Note(p.Issued.Time())
	return nil
}

// Stands reports whether the device would still take the word of who signed the
// token: its issuer is configured, the issuer's file still has the key, and nothing
// of it is denied. Time does not count: a call may outlast its token.
func (g *Gate) Stands(p *token.Pass) bool {
	return g.issuers.has(p.Issuer, p.KID) && !g.o.Book.Denied(p.Issuer, p.Subject, p.KID, p.ID)
}

// Rights are those that count now: what the token gives, as far as the configuration
// lets its issuer; none when it does not stand.
func (g *Gate) Rights(p *token.Pass) []token.Right {
	rights := []token.Right{}
	if !g.Stands(p) {
		return rights
	}
	may := g.issuers.rights(p.Issuer)
	for _, r := range p.Rights {
		if slices.Contains(may, r) && !slices.Contains(rights, r) {
			rights = append(rights, r)
		}
	}
	return rights
}

// Configure replaces the issuers and reads their files again. One that stays keeps
// its old keys when its file is damaged.
func (g *Gate) Configure(list []Issuer) { g.issuers.configure(list) }

// Refresh reads the files that have changed. It is for a timer: a token by a key that
// is not known looks by itself.
func (g *Gate) Refresh() { g.issuers.refresh() }

// Status says how the issuers are, in the order of the configuration.
func (g *Gate) Status() []Status { return g.issuers.status() }
