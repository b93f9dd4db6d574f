package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/store"
)

// recorder keeps the call records.
type recorder interface {
	Begin(r store.Record) (id uint64, err error)
	UpdateWith(r store.Record, budgets map[string]store.Budget) error
	EndWith(r store.Record, budgets map[string]store.Budget) error
	SaveBudget(key string, b store.Budget) error
	SetSetting(name string, v any) error
	Refuse(r store.Record) (id uint64, err error)
	RefuseAgain(id uint64, at time.Time) error
}

// journal writes the records of the calls in the background and in order: a disk
// that is slow, full or stuck holds no call up. Its methods may be called from any
// goroutine; none but wait and close waits.
type journal struct {
	store recorder
	log   zerolog.Logger
	done  chan struct{}

	mu    sync.Mutex
	ready *sync.Cond
	queue []func()
	ended bool

	// Of the goroutine of run:
	id       uint64 // of the running call's record
	refusals map[refusal]refusals
}

// newJournal starts the writing; close ends it.
func newJournal(s recorder, log zerolog.Logger) *journal {
	j := &journal{store: s, log: log, done: make(chan struct{}), refusals: map[refusal]refusals{}}
	j.ready = sync.NewCond(&j.mu)
	go j.run()
	return j
}

func (j *journal) run() {
	defer close(j.done)
	for {
		j.mu.Lock()
		for len(j.queue) == 0 && !j.ended {
			j.ready.Wait()
		}
		if len(j.queue) == 0 {
			j.mu.Unlock()
			return
		}
		work := j.queue[0]
		j.queue = j.queue[1:]
		j.mu.Unlock()
		work()
	}
}

func (j *journal) put(work func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.queue = append(j.queue, work)
	j.ready.Signal()
}

// begin writes down that a call began, and says when that was tried. Until its end it
// is the one that update and end mean.
func (j *journal) begin(r store.Record, written func()) {
	j.put(func() {
		id, err := j.store.Begin(r)
		j.id = id
		j.keep(err, r.RoomID)
		written()
	})
}

// update brings the running call's record and its budgets up to date.
func (j *journal) update(r store.Record, budgets map[string]store.Budget) {
	j.put(func() {
		r.ID = j.id
		j.keep(j.store.UpdateWith(r, budgets), r.RoomID)
	})
}

// end closes the running call's record.
func (j *journal) end(r store.Record, budgets map[string]store.Budget) {
	j.put(func() {
		r.ID = j.id
		j.keep(j.store.EndWith(r, budgets), r.RoomID)
	})
}

// save writes a budget down.
func (j *journal) save(key string, b store.Budget) {
	j.put(func() {
		if err := j.store.SaveBudget(key, b); err != nil {
			j.log.Error().Err(err).Str("budget", key).Msg("cannot write what a contact has talked")
		}
	})
}

// set writes a setting down.
func (j *journal) set(name string, v any) {
	j.put(func() {
		if err := j.store.SetSetting(name, v); err != nil {
			j.log.Error().Err(err).Str("setting", name).Msg("cannot write a setting: it is lost at a restart")
		}
	})
}

// wait returns when all that was put before has been tried.
func (j *journal) wait(ctx context.Context) error {
	done := make(chan struct{})
	j.put(func() { close(done) })
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close waits until everything is written, or ctx ends.
func (j *journal) close(ctx context.Context) error {
	j.mu.Lock()
	j.ended = true
	j.ready.Signal()
	j.mu.Unlock()
	select {
	case <-j.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (j *journal) keep(err error, room string) {
	if err != nil {
		j.log.Error().Err(err).Str("room_id", room).Msg("cannot write the call record")
	}
}
