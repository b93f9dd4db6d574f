package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/config"
	"callbox/signaling"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/push"
)

// doubt is how long a phone that a transport seems to reach may take to answer its
// ring: a phone that sleeps leaves a connection behind that looks alive for a minute,
// and a broker does not say who is there; one that is awake answers within its round
// trip.
const doubt = 3 * time.Second

// waker wakes phones that are rung and that no transport reaches. A nil one wakes
// nobody.
type waker struct {
	sender    *push.Sender  // nil: no Web Push
	book      *pushBook     // of sender
	hook      *push.Webhook // nil: none
	reachable func(jkt string) bool
	log       zerolog.Logger

	ctx    context.Context //nolint:containedctx // the life of its goroutines, ended by close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	running map[signaling.RoomKey]context.CancelFunc
}

// newWaker makes what the configuration asks for. reachable is set before the loop
// runs.
func newWaker(p *parts) (*waker, error) {
	o := p.cfg.Signaling.Push
	w := &waker{log: p.log, running: map[signaling.RoomKey]context.CancelFunc{}}
	if o.Enabled {
		vapid, err := push.VAPIDKey(p.store.Key())
		if err != nil {
			return nil, err
		}
		if w.sender, err = push.NewSender(push.SenderOptions{Key: vapid, Hosts: o.Hosts, Contact: o.Contact, Private: o.AllowPrivate, Wall: p.floor.Time}); err != nil {
			return nil, err
		}
		w.book = newPushBook(w.sender, p.store, p.log)
	}
	if o.Webhook.URL != "" {
		secret, err := config.ReadSecret(o.Webhook.SecretFile)
		if err == nil {
			w.hook, err = push.NewWebhook(push.WebhookConfig{
				URL: o.Webhook.URL, Secret: secret, AllowPrivate: o.Webhook.AllowPrivate, Device: key.DeviceAddress(p.sn), Wall: p.floor.Time,
			})
		}
		if err != nil {
			return nil, fmt.Errorf("signaling.push.webhook: %w", err)
		}
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w, nil
}

// pushBookOf is what signaling gets: nil when there is no Web Push.
func (w *waker) pushBookOf() signaling.PushBook {
	if w.book == nil {
		return nil
	}
	return w.book
}

// ring wakes the phone of a room that is rung for life: the ring waits for it in
// signaling. One that a transport reaches is given time to answer first. It does not
// block.
func (w *waker) ring(room signaling.RoomKey, life time.Duration) {
	if w == nil {
		return
	}
	var wait time.Duration
	if w.reachable(room.Phone) {
		wait = doubt
	}
	ctx, cancel := context.WithTimeout(w.ctx, life)
	w.mu.Lock()
	w.running[room] = cancel
	w.mu.Unlock()
	w.wg.Go(func() {
		defer w.stop(room)
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			w.wake(ctx, room, life-wait)
		case <-ctx.Done():
		}
	})
}

// wake goes all ways at once, and returns when they have come to an end.
func (w *waker) wake(ctx context.Context, room signaling.RoomKey, life time.Duration) {
	var work sync.WaitGroup
	if w.book != nil {
		if sub, ok := w.book.find(room.Phone); ok {
			work.Go(func() { w.push(ctx, room, sub, life) })
		}
	}
	if w.hook != nil {
		work.Go(func() {
			w.told(room, "webhook", w.hook.Ring(ctx, message.NewID(), room.ID, room.Phone, life))
		})
	}
	work.Wait()
}

func (w *waker) push(ctx context.Context, room signaling.RoomKey, sub signaling.PushSubscription, life time.Duration) {
	err := w.sender.Wake(ctx, sub, room.ID, life)
	if errors.Is(err, push.ErrGone) {
		w.book.forget(room.Phone, sub)
	}
	w.told(room, "push", err)
}

// told logs what became of it. A ring that is over before is no failure.
func (w *waker) told(room signaling.RoomKey, way string, err error) {
	line := w.log.Info()
	if err != nil && !errors.Is(err, context.Canceled) {
		line = w.log.Warn().Err(err)
	}
	line.Str("room_id", room.ID).Str("jkt", room.Phone).Str("way", way).Bool("taken", err == nil).Msg("wake-up of a phone")
}

// stop ends the tries for a room: the phone is there, or is not rung any more.
func (w *waker) stop(room signaling.RoomKey) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if cancel := w.running[room]; cancel != nil {
		cancel()
		delete(w.running, room)
	}
}

// close ends all tries and waits. No ring may come after it.
func (w *waker) close() {
	if w == nil {
		return
	}
	w.cancel()
	w.wg.Wait()
	if w.sender != nil {
		w.sender.Close()
	}
	if w.hook != nil {
		w.hook.Close()
	}
}
