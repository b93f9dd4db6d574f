package signaling

import (
	"errors"
	"slices"
	"time"

	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/token"
)

// Tokens verifies call tokens: gate.Gate. Its methods are called from several
// goroutines; only Spend may take long.
type Tokens interface {
	// Verify looks at all that makes a token one for this call but its freshness; of
	// the call SN and DKT are filled in.
	Verify(text string, call token.Call) (*token.Pass, error)
	// Fresh returns token.ErrNeedNonce when it cannot be told how old the token is.
	Fresh(p *token.Pass) error
	// Nonce returns a nonce with which Fresh can tell.
	Nonce() string
	// Spend uses the token up, durably before it returns. Errors: token.ErrSpent,
	// token.ErrDenied, or of the disk.
	Spend(p *token.Pass) error
	// Stands reports whether issuer, key, subject and token are still accepted.
	Stands(p *token.Pass) bool
	// Rights are those that the token gives now.
	Rights(p *token.Pass) []Right
}

// holder is a phone that has shown a good token: it has a budget of its own, as a
// contact has.
type holder struct {
	pass  *token.Pass
	until time.Duration // on clock.Boot
}

// maxHolders bounds their memory. Who finds no place in it is as any stranger.
const maxHolders = 256

// tokenReasons say under what a refused token is counted.
var tokenReasons = []struct {
	err    error
	reason Reason
}{
	{token.ErrTooLarge, RefusedTokenShape}, {token.ErrMalformed, RefusedTokenShape}, {token.ErrIssuer, RefusedTokenIssuer},
	{token.ErrKey, RefusedTokenIssuer}, {token.ErrSignature, RefusedTokenSignature}, {token.ErrDevice, RefusedTokenDevice},
	{token.ErrRoom, RefusedTokenRoom}, {token.ErrHolder, RefusedTokenHolder}, {token.ErrLife, RefusedTokenLife},
	{token.ErrExpired, RefusedTokenLife}, {token.ErrAhead, RefusedTokenLife}, {token.ErrDenied, RefusedTokenDenied},
	{token.ErrNeedNonce, RefusedTokenNonce}, {token.ErrSpent, RefusedTokenSpent},
}

// tokenReason is the reason for an error; one that is not of the token is the disk's.
func tokenReason(err error) Reason {
	for _, r := range tokenReasons {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	return RefusedTokenStore
}

// byToken finds out what allows a sender that is no contact: the token that its room
// began with, or the one in its invite. why is "" when something does. The message's
// signature is still to be checked.
func (d *Device) byToken(m *message.Message) (c caller, why Reason) {
	if d.o.Tokens == nil {
		return c, RefusedStranger
	}
	if holder := d.holderOf(m); holder != nil {
		if m.Type != message.TypeAck && !d.o.Tokens.Stands(holder.pass) {
			return c, RefusedTokenDenied
		}
		return *holder, ""
	}
	text, roomType := m.Token()
	if text == "" {
		return c, RefusedStranger
	}
	if m.JWK == nil {
		return c, RefusedSender
	}
	pass, err := d.verifyToken(m, text, roomType)
	if err != nil {
		return c, tokenReason(err)
	}
	k, err := key.ParsePublic(*m.JWK) // ownKey has seen that it is the sender's
	if err != nil {
		return c, RefusedSender
	}
	contact := Contact{JKT: k.JKT(), Name: pass.CallerName, JWK: k.JWK(), Rights: d.o.Tokens.Rights(pass)}
	return caller{contact: contact, key: k, pass: pass, byToken: true}, ""
}

// holderOf is who made the room of m by a token; nil when nobody has.
func (d *Device) holderOf(m *message.Message) *caller {
	d.mu.Lock()
	defer d.unlock()
	if r := d.rooms[RoomKey{ID: m.RoomID, Phone: m.KID()}]; r != nil {
		return r.holder
	}
	return nil
}

// contactsToken verifies the token of a contact that has sent one: it must be good,
// because what it says makes the call stricter. nil, nil: there is none.
func (d *Device) contactsToken(m *message.Message) (*token.Pass, error) {
	text, roomType := m.Token()
	if text == "" {
		return nil, nil
	}
	if d.o.Tokens == nil {
		return nil, token.ErrIssuer
	}
	return d.verifyToken(m, text, roomType)
}

func (d *Device) verifyToken(m *message.Message, text string, t RoomType) (*token.Pass, error) {
	pass, err := d.o.Tokens.Verify(text, token.Call{Phone: m.KID(), RoomID: m.RoomID, RoomType: t})
	if err != nil {
		d.o.Log.Debug().Err(err).Str("room_id", m.RoomID).Msg("call token refused")
	}
	return pass, err
}

// tokenTrouble says what an allowed caller is told of a token that does not count:
// a contact's that is wrong, and anybody's of which nobody can tell how old it is. A
// token that counts gives its holder a budget.
func (d *Device) tokenTrouble(p Peer, c caller) (reject message.Reject, bad bool) {
	switch {
	case c.refused != nil:
		d.refuse(p, tokenReason(c.refused))
		return message.Reject{Cause: cause.BadRequest}, true
	case c.pass == nil:
		return message.Reject{}, false
	}
	if err := d.o.Tokens.Fresh(c.pass); err != nil {
		d.refuse(p, tokenReason(err))
		return message.Reject{Cause: cause.NeedNonce, Nonce: d.o.Tokens.Nonce()}, true
	}
	if now := d.o.Clock.Now(); c.byToken {
		for jkt, h := range d.holders {
			if now >= h.until {
				delete(d.holders, jkt)
			}
		}
		if len(d.holders) < maxHolders {
			d.holders[c.contact.JKT] = holder{c.pass, now + token.MaxLife}
		}
	}
	return message.Reject{}, false
}

// holds reports whether the phone has lately shown a good token. The mutex is held.
func (d *Device) holds(jkt string) bool {
	h, ok := d.holders[jkt]
	return ok && d.o.Clock.Now() < h.until
}

// spend hands an offer on; one with a token when that is used up. The disk is not
// waited for with the mutex held, so the phone may have given up meanwhile.
func (d *Device) spend(p Peer, r *room, c caller, e Offer) {
	r.pass = c.pass
	if c.byToken {
		r.holder = &c
	}
	if c.pass == nil {
		d.emit(e)
		return
	}
	if r.ring != nil {
		e.TimeLimit = shorter(e.TimeLimit, c.pass.TimeLimit)
	}
	r.spending = true
	d.timers.Add(1)
	go func() {
		defer d.timers.Done()
		err := d.o.Tokens.Spend(c.pass)
		d.mu.Lock()
		defer d.unlock()
		d.spent(p, r, e, err)
	}()
}

// spent goes on with an offer whose token is used up, or could not be.
func (d *Device) spent(p Peer, r *room, e Offer, err error) {
	r.spending = false
	switch {
	case d.closed || r.phase == over:
	case err == nil:
		d.emit(e)
	case errors.Is(err, token.ErrSpent), errors.Is(err, token.ErrDenied):
		d.rejectOffer(p, r, tokenReason(err), cause.Forbidden)
	default:
		d.o.Log.Error().Err(err).Str("room_id", r.key.ID).Msg("cannot write down that a call token is used: the call is refused")
		d.rejectOffer(p, r, RefusedTokenStore, cause.Aborted)
	}
}

// TokenNonce returns a nonce that a call token may carry, for the presence that
// transports publish; "" when no tokens are accepted.
func (d *Device) TokenNonce() string {
	if d.o.Tokens == nil {
		return ""
	}
	return d.o.Tokens.Nonce()
}

// RecheckTokens ends what phones may still say in rooms whose token does not stand
// any more: an issuer, a key or a subject was denied. The daemon sends the bye.
func (d *Device) RecheckTokens() {
	if d.o.Tokens == nil {
		return
	}
	d.mu.Lock()
	defer d.unlock()
	for _, r := range d.rooms {
		if r.pass != nil && !r.revoked && !d.o.Tokens.Stands(r.pass) {
			r.revoked = true
		}
	}
	for jkt, h := range d.holders {
		if !d.o.Tokens.Stands(h.pass) {
			delete(d.holders, jkt)
		}
	}
}

// allowed reports whether the phone has the right that its data needs, now: by its
// contact and by the token that the room began with, where there are both.
func (d *Device) allowed(r *room, right Right) bool {
	if right == "" {
		return true
	}
	c, known := d.o.Contacts.Contact(r.key.Phone)
	switch {
	case right != RightUnlock, c.Revoked, d.suspended[r.key.Phone]:
		return false
	case known && !slices.Contains(c.Rights, right), !known && r.holder == nil:
		return false
	}
	return r.pass == nil || slices.Contains(d.o.Tokens.Rights(r.pass), right)
}
