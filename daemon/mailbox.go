package daemon

import "sync"

// mailbox is the loop's queue. Putting never blocks, because transports and pion
// callbacks must not wait for the loop: what fills it is bounded by the budgets
// of signaling and by the few facts that a media session reports.
type mailbox struct {
	mu    sync.Mutex
	items []any
	wake  chan struct{}
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

func (m *mailbox) put(item any) {
	m.mu.Lock()
	m.items = append(m.items, item)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// take returns everything that is waiting, oldest first.
func (m *mailbox) take() []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = nil
	return items
}
