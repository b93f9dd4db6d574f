package phonepeer

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"callbox/signaling/key"
)

// linkHandler gets what happens on a link, from one goroutine.
type linkHandler interface {
	linkUp(epoch uint64)
	linkDown()
	linkText(device *key.Public, text string)
	// linkStops says that the device cannot be spoken with any more: ErrKeyChanged,
	// ErrUnsupported.
	linkStops(err error)
}

// link keeps one connection to the device open, and opens it again with jitter when
// it ends.
type link struct {
	dialer  *dialer
	urls    []string
	handler linkHandler
	log     zerolog.Logger

	stop    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	current *wire // nil: down
	stopped bool
}

func newLink(d *dialer, urls []string, h linkHandler, log zerolog.Logger) *link {
	return &link{dialer: d, urls: urls, handler: h, log: log, stop: make(chan struct{})}
}

// bound returns a context that ends with the link, too.
func (l *link) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	l.running.Go(func() {
		select {
		case <-l.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, cancel
}

// start serves first, which is open, and its successors until close.
func (l *link) start(first *wire) {
	l.running.Go(func() { l.run(first) })
}

func (l *link) run(w *wire) {
	ctx, cancel := l.bound(context.Background())
	defer cancel()
	for w != nil {
		l.serve(w)
		w = l.again(ctx)
	}
}

// again dials until it is answered; nil when the link is closed or has to stop.
func (l *link) again(ctx context.Context) *wire {
	for pause := firstBackoff; ; pause = min(2*pause, lastBackoff) {
		wait := time.Duration(float64(pause) * (0.25 + 0.75*rand.Float64()))
		select {
		case <-l.stop:
			return nil
		case <-time.After(wait):
		}
		w, err := l.dialer.dial(ctx, l.urls)
		switch {
		case err == nil:
			return w
		case errors.Is(err, ErrKeyChanged), errors.Is(err, ErrUnsupported):
			l.handler.linkStops(err)
			return nil
		}
		l.log.Debug().Err(err).Msg("not connected")
	}
}

// serve speaks on w until it ends.
func (l *link) serve(w *wire) {
	var writer sync.WaitGroup
	writer.Go(w.write)
	if l.take(w) {
		l.handler.linkUp(w.epoch)
		for {
			text, ok := w.read()
			if !ok {
				break
			}
			l.handler.linkText(w.device, text)
		}
		l.take(nil)
		l.handler.linkDown()
	}
	w.end()
	writer.Wait()
}

// take makes w the current connection; false when the link is closed.
func (l *link) take(w *wire) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = w
	return !l.stopped
}

// send hands one message over; false when the link is down.
func (l *link) send(text string) bool {
	l.mu.Lock()
	w := l.current
	l.mu.Unlock()
	return w != nil && w.send(text)
}

// suspect closes a connection that looks dead, so that another is opened.
func (l *link) suspect() {
	l.mu.Lock()
	w := l.current
	l.mu.Unlock()
	if w != nil {
		w.cut()
	}
}

// close ends the link: quietly as a dead battery does, else after what is queued.
func (l *link) close(quiet bool) {
	l.mu.Lock()
	first := !l.stopped
	l.stopped = true
	w := l.current
	l.mu.Unlock()
	if !first {
		return
	}
	close(l.stop)
	switch {
	case w == nil:
	case quiet:
		w.cut()
	default:
		w.end()
	}
}

// wait returns when no goroutine of the link is left.
func (l *link) wait() {
	l.running.Wait()
	l.dialer.http.CloseIdleConnections()
}
