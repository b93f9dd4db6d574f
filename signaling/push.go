package signaling

import (
	"crypto/sha256"
	"errors"

	"callbox/signaling/challenge"
	"callbox/signaling/message"
)

// PushSubscription says how a browser is woken.
type PushSubscription = message.Subscription

// ErrBadSubscription means that a subscription cannot be used, ErrPushService that
// the device does not speak to its push service.
var (
	ErrBadSubscription = errors.New("bad push subscription")
	ErrPushService     = errors.New("push service not allowed")
)

// PushBook keeps the subscriptions of phones. Its methods are called from several
// goroutines, without the mutex of Device, and may take as long as a disk.
type PushBook interface {
	// Key is what browsers need to subscribe: the applicationServerKey, base64url.
	Key() string
	// Subscribed reports whether the phone with this key has a subscription.
	Subscribed(jkt string) bool
	// Subscribe keeps the phone's subscription, durably, in the place of an older
	// one. Errors: ErrBadSubscription, ErrPushService, or the disk's.
	Subscribe(jkt string, s PushSubscription) error
	// Unsubscribe forgets it; none is no error.
	Unsubscribe(jkt string) error
}

// pushSubject is what a nonce for a change is bound to: the phone, and nothing that
// changes from one message to the next.
func pushSubject(jkt string) challenge.Subject {
	return challenge.Subject{JKT: jkt, Invite: sha256.Sum256([]byte("callbox/1 push"))}
}

// push tells a contact how it can be woken, and takes a change of that when it holds
// a fresh nonce: an old message that is played again changes nothing. The mutex is
// held.
func (d *Device) push(p Peer, m *message.Message) {
	book := d.o.Push
	if book == nil {
		d.reply(p, m, message.Pushed{})
		return
	}
	now := d.o.Clock.Now()
	b, ok := m.Body.(message.Push)
	answer := message.Pushed{Nonce: d.nonces.Nonce(pushSubject(m.KID()), now)}
	var change func() error
	switch {
	case !ok:
		d.refuse(p, RefusedValue)
		answer.Error = ErrorBadRequest
	case b.Subscription == nil && !b.Remove:
	case d.nonces.Check(b.Nonce, pushSubject(m.KID()), now, challenge.Life) != nil:
		d.refuse(p, RefusedNonce)
		answer.Error = ErrorBadRequest
	case b.Remove:
		change = func() error { return book.Unsubscribe(m.KID()) }
	default:
		change = func() error { return book.Subscribe(m.KID(), *b.Subscription) }
	}
	// The book may need the disk: outside of the mutex, in its turn.
	d.queue = append(d.queue, func() {
		if change != nil {
			answer.Error = d.pushError(m, change())
		}
		answer.Key, answer.Subscribed = book.Key(), book.Subscribed(m.KID())
		d.mu.Lock()
		d.reply(p, m, answer)
		d.unlock()
	})
}

// pushError is the word for what became of a change.
func (d *Device) pushError(m *message.Message, err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrPushService):
		d.o.Log.Warn().Err(err).Str("jkt", m.KID()).Msg("push subscription refused")
		return ErrorForbidden
	case errors.Is(err, ErrBadSubscription):
		d.o.Log.Info().Err(err).Str("jkt", m.KID()).Msg("push subscription refused")
		return ErrorBadRequest
	default:
		d.o.Log.Error().Err(err).Str("jkt", m.KID()).Msg("cannot keep a push subscription")
		return ErrorNoHandler
	}
}
