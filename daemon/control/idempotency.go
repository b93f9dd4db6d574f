package control

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"
)

const (
	keptReplies = 10 * time.Minute // a program that asks again later means a new call
	maxReplies  = 256              // the oldest go first
)

// replies remembers what requests with an idempotency key were answered, so that a
// program that did not get the answer may ask again without calling twice. Only
// what succeeded is remembered: after an error a second try is one.
type replies struct {
	now func() time.Time // needs a monotonic reading: a wall clock may jump

	mu    sync.Mutex
	byKey map[string]*reply
}

type reply struct {
	request CallRequest
	at      time.Time
	done    chan struct{} // closed once started and err are set
	started CallStarted
	err     error
}

// once calls do, or returns what a request with the same key was answered. The same
// key with another request is ErrBadRequest.
func (r *replies) once(ctx context.Context, request CallRequest, do func() (CallStarted, error)) (CallStarted, error) {
	if request.IdempotencyKey == "" {
		return do()
	}
	own, first := r.claim(request)
	if first {
		own.started, own.err = do()
		if own.err != nil {
			r.forget(own)
		}
		close(own.done)
		return own.started, own.err
	}
	if !reflect.DeepEqual(own.request, request) {
		return CallStarted{}, ErrBadRequest.With(fmt.Sprintf("the idempotencyKey %q belongs to another request", request.IdempotencyKey))
	}
	select {
	case <-own.done:
		return own.started, own.err
	case <-ctx.Done():
		return CallStarted{}, ctx.Err()
	}
}

// claim returns the reply of request's key, and whether it was made just now.
func (r *replies) claim(request CallRequest) (own *reply, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var oldest *reply
	for key, old := range r.byKey {
		if r.now().Sub(old.at) >= keptReplies {
			delete(r.byKey, key)
		} else if oldest == nil || old.at.Before(oldest.at) {
			oldest = old
		}
	}
	if old := r.byKey[request.IdempotencyKey]; old != nil {
		return old, false
	}
	if len(r.byKey) >= maxReplies {
		delete(r.byKey, oldest.request.IdempotencyKey)
	}
	if r.byKey == nil {
		r.byKey = map[string]*reply{}
	}
	own = &reply{request: request, at: r.now(), done: make(chan struct{})}
	r.byKey[request.IdempotencyKey] = own
	return own, true
}

func (r *replies) forget(own *reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byKey[own.request.IdempotencyKey] == own {
		delete(r.byKey, own.request.IdempotencyKey)
	}
}
