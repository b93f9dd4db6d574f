//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

// lateEvent is how long an event may be on its way, on a machine that has much else
// to do. The daemon's wall clock is the one here, and an event never comes early.
const lateEvent = 2 * time.Second

// stream is one view of a daemon's events, from the moment at which it was opened
// until the daemon ends. It keeps all, and finds out whether one is missing.
type stream struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the view has ended

	mu     sync.Mutex
	all    []control.Event
	rooms  map[string][]control.Event // by group
	broken error                      // events are missing, or the stream ended with an error
	more   chan struct{}              // closed and replaced with each event
}

// openStream returns once the present state has come: from then on nothing is
// missed.
func openStream(ctx context.Context, api *client.Client) (*stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{cancel: cancel, done: make(chan struct{}), rooms: map[string][]control.Event{}, more: make(chan struct{})}
	go func() {
		defer close(s.done)
		err := api.Watch(ctx, client.WatchOptions{}, s.take)
		if ctx.Err() == nil && err != nil {
			s.breaks(err)
		}
	}()
	_, err := s.wait(ctx, 10*time.Second, func() (control.Event, bool) {
		if len(s.all) == 0 {
			return control.Event{}, false
		}
		return s.all[0], true
	})
	if err != nil {
		s.close()
		return nil, fmt.Errorf("cannot watch the events: %w", err)
	}
	return s, nil
}

// close ends the view.
func (s *stream) close() {
	s.cancel()
	<-s.done
}

func (s *stream) breaks(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
	}
	close(s.more)
	s.more = make(chan struct{})
}

func (s *stream) take(ev control.Event) error {
	late := time.Since(ev.Time)
	s.mu.Lock()
	defer s.mu.Unlock()
	if late < 0 || late > lateEvent {
		return fmt.Errorf("event %s (%s) has come %v after its time", ev.Position().ID(), ev.Name, late)
	}
	if n := len(s.all); n > 0 && (ev.Seq != s.all[n-1].Seq+1 || ev.Epoch != s.all[n-1].Epoch) {
		return fmt.Errorf("after event %s came %s (%s)", s.all[n-1].Position().ID(), ev.Position().ID(), ev.Name)
	}
	s.all = append(s.all, ev)
	if ev.GroupID != "" {
		s.rooms[ev.GroupID] = append(s.rooms[ev.GroupID], ev)
	}
	close(s.more)
	s.more = make(chan struct{})
	return nil
}

// wait waits until look, which is called with the lock held, finds what it wants.
func (s *stream) wait(ctx context.Context, within time.Duration, look func() (control.Event, bool)) (control.Event, error) {
	late := time.NewTimer(within)
	defer late.Stop()
	for {
		s.mu.Lock()
		found, ok := look()
		broken, more := s.broken, s.more
		s.mu.Unlock()
		switch {
		case ok:
			return found, nil
		case broken != nil:
			return found, broken
		}
		select {
		case <-more:
		case <-s.done:
			return found, errors.New("the stream has ended")
		case <-late.C:
			return found, fmt.Errorf("nothing within %v", within)
		case <-ctx.Done():
			return found, ctx.Err()
		}
	}
}

// find waits for the first event of that name in a group.
func (s *stream) find(ctx context.Context, group, name string, within time.Duration) (control.Event, error) {
	ev, err := s.wait(ctx, within, func() (control.Event, bool) {
		i := slices.IndexFunc(s.rooms[group], func(e control.Event) bool { return e.Name == name })
		if i < 0 {
			return control.Event{}, false
		}
		return s.rooms[group][i], true
	})
	if err != nil {
		return ev, fmt.Errorf("the device does not publish %s: %w; of this call came %v", name, err, names(s.of(group)))
	}
	return ev, nil
}

// of are the events of a group so far.
func (s *stream) of(group string) []control.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.rooms[group])
}

// count is how many events have come.
func (s *stream) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// groups is of how many calls an event has come.
func (s *stream) groups() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rooms)
}

// err is what has gone wrong.
func (s *stream) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

func names(events []control.Event) (list []string) {
	for _, ev := range events {
		list = append(list, ev.Name)
	}
	return list
}
