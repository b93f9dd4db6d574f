package daemon

import (
	"fmt"
	"maps"
	"sync"

	"github.com/rs/zerolog"

	"callbox/daemon/store"
	"callbox/signaling"
	"callbox/signaling/push"
)

// settingPush is where the subscriptions survive a restart, by the phones' jkt.
const settingPush = "push"

// pushBook keeps how paired browsers are woken. A subscription lasts as long as its
// contact: whoever is removed or revoked is not woken, and is forgotten with the
// next change.
type pushBook struct {
	sender *push.Sender
	store  *store.Store
	log    zerolog.Logger

	writing sync.Mutex // one change at a time
	mu      sync.Mutex
	subs    map[string]signaling.PushSubscription
}

func newPushBook(sender *push.Sender, s *store.Store, log zerolog.Logger) *pushBook {
	b := &pushBook{sender: sender, store: s, log: log, subs: map[string]signaling.PushSubscription{}}
	if _, err := s.Setting(settingPush, &b.subs); err != nil || b.subs == nil {
		if err != nil {
			log.Warn().Err(err).Msg("cannot read the push subscriptions: phones leave them again when they connect")
		}
		b.subs = map[string]signaling.PushSubscription{}
	}
	return b
}

// Key is what browsers need to subscribe.
func (b *pushBook) Key() string { return b.sender.Key() }

// Subscribed reports whether the phone has a subscription.
func (b *pushBook) Subscribed(jkt string) bool {
	_, ok := b.find(jkt)
	return ok
}

// find returns the subscription of a phone that may still be woken.
func (b *pushBook) find(jkt string) (signaling.PushSubscription, bool) {
	b.mu.Lock()
	sub, ok := b.subs[jkt]
	b.mu.Unlock()
	return sub, ok && b.trusts(jkt)
}

func (b *pushBook) trusts(jkt string) bool {
	c, ok := b.store.Contact(jkt)
	return ok && !c.Revoked
}

// Subscribe keeps a subscription.
func (b *pushBook) Subscribe(jkt string, sub signaling.PushSubscription) error {
	if err := b.sender.Check(sub); err != nil {
		return err
	}
	return b.change(jkt, &sub)
}

// Unsubscribe forgets it.
func (b *pushBook) Unsubscribe(jkt string) error { return b.change(jkt, nil) }

// forget drops a subscription that is over, unless there is a new one already.
func (b *pushBook) forget(jkt string, sub signaling.PushSubscription) {
	if now, ok := b.find(jkt); !ok || now != sub {
		return
	}
	b.log.Info().Str("jkt", jkt).Msg("the browser has ended its push subscription")
	if err := b.Unsubscribe(jkt); err != nil {
		b.log.Warn().Err(err).Msg("cannot forget a push subscription")
	}
}

// change writes first, so that memory never holds what the disk does not.
func (b *pushBook) change(jkt string, sub *signaling.PushSubscription) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	old, had := b.subs[jkt]
	next := maps.Clone(b.subs)
	b.mu.Unlock()
	if had == (sub != nil) && (sub == nil || old == *sub) {
		return nil
	}
	if sub == nil {
		delete(next, jkt)
	} else {
		next[jkt] = *sub
	}
	maps.DeleteFunc(next, func(jkt string, _ signaling.PushSubscription) bool { return !b.trusts(jkt) })
	if err := b.store.SetSetting(settingPush, next); err != nil {
		return fmt.Errorf("cannot keep a push subscription: %w", err)
	}
	b.mu.Lock()
	b.subs = next
	b.mu.Unlock()
	return nil
}
