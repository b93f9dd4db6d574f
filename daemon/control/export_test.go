package control

import (
	"context"
	"reflect"
	"time"
)

// What the tests of the whole API look at.
var (
	Routes       = routes
	Statuses     = statuses
	WriteText    = writeMetrics
	CommonErrors = []*Error{ErrBadRequest, errForbidden, errTooLarge, errTooSlow, errContentType, ErrStuck, ErrInternal}
)

// Names and limits that tests need.
const (
	MaxConnections = maxConnections
	Reserved       = reserved
)

// Route is one line of the API.
type Route = route

// The parts of a route.
func (r route) Method() string                        { return r.method }
func (r route) Path() string                          { return r.path }
func (r route) Access() string                        { return r.access.String() }
func (r route) Endpoint() endpoint                    { return r.endpoint }
func (r route) Query() []parameter                    { return r.query }
func (r route) Errors() []*Error                      { return r.errors }
func (r route) Summary() string                       { return r.summary }
func (r route) CanFail() bool                         { return !r.certain }
func (p parameter) Name() string                      { return p.name }
func (p parameter) In() string                        { return p.in }
func (p parameter) Format() string                    { return p.format }
func (p parameter) Meaning() string                   { return p.meaning }
func (e endpoint) Produces() string                   { return e.produces }
func (e endpoint) Types() (body, answer reflect.Type) { return e.body, e.answer }

// NewReplies returns what remembers idempotency keys.
func NewReplies(now func() time.Time) *replies { return &replies{now: now} }
func (r *replies) Once(ctx context.Context, c CallRequest, do func() (CallStarted, error)) (CallStarted, error) {
	return r.once(ctx, c, do)
}
