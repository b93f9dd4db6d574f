package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"callbox/signaling/cause"
	"callbox/signaling/message"
)

const (
	maxName      = 256  // bytes of a name, a thumbprint or a key
	maxDataID    = 128  // bytes, as on the wire
	maxLimit     = 1000 // records of one answer
	defaultLimit = 20
	maxSeconds   = 1 << 31 // as on the wire
)

func (s *Server) status(ctx context.Context, _ *http.Request) (Status, error) {
	return s.wholeStatus(ctx)
}

// wholeStatus has lists where there is nothing.
func (s *Server) wholeStatus(ctx context.Context) (Status, error) {
	status, err := s.backend.Status(ctx)
	status.Devices, status.Transports = notNil(status.Devices), notNil(status.Transports)
	if status.Refused == nil {
		status.Refused = map[string]uint64{}
	}
	return status, err
}

func (s *Server) version(context.Context, *http.Request) (Version, error) {
	return s.backend.Version(), nil
}

func (s *Server) call(ctx context.Context, _ *http.Request, r CallRequest) (CallStarted, error) {
	if r.RoomType == "" {
		r.RoomType = string(message.Video)
	}
	if err := checkCall(r); err != nil {
		return CallStarted{}, err
	}
	return s.replies.once(ctx, r, func() (CallStarted, error) { return s.backend.Call(ctx, r) })
}

func checkCall(r CallRequest) error {
	if err := CheckPhones(len(r.To)); err != nil {
		return err
	}
	switch {
	case slices.ContainsFunc(r.To, func(name string) bool {
		return name == "" || name == GroupPrefix || len(name) > maxName
	}):
		return ErrBadRequest.With(fmt.Sprintf(`"to" has a name that is empty or longer than %d bytes`, maxName))
	case r.Mode != "" && r.Mode != Together && r.Mode != InTurn:
		return ErrBadRequest.With(fmt.Sprintf("there is no mode %q; allowed: together, inTurn", r.Mode))
	case len(r.Query) > message.MaxQuery:
		return ErrBadRequest.With(fmt.Sprintf("the query has %d bytes; allowed: %d", len(r.Query), message.MaxQuery))
	case len(r.IdempotencyKey) > maxName:
		return ErrBadRequest.With(fmt.Sprintf("the idempotencyKey has %d bytes; allowed: %d", len(r.IdempotencyKey), maxName))
	}
	if err := checkSeconds("timeLimit", r.TimeLimit); err != nil {
		return err
	}
	return checkRoomType(r.RoomType)
}

// CheckPhones refuses a call to too many phones, or to none.
func CheckPhones(n int) error {
	if n < 1 || n > MaxPhones {
		return ErrBadRequest.With(fmt.Sprintf("cannot call %d phones; allowed: 1 to %d, with those of the groups", n, MaxPhones))
	}
	return nil
}

func checkRoomType(t string) error {
	if t != string(message.Voice) && t != string(message.Video) {
		return ErrBadRequest.With(fmt.Sprintf("there is no roomType %q; allowed: voice, video", t))
	}
	return nil
}

func checkSeconds(name string, seconds float64) error {
	if !(seconds >= 0 && seconds <= maxSeconds) {
		return ErrBadRequest.With(fmt.Sprintf("cannot use %s %v; allowed: 0 (none) to %d seconds", name, seconds, int64(maxSeconds)))
	}
	return nil
}

// which returns the call that is meant. A group's id stands for its room.
func (r room) which() string {
	if r.RoomID != "" {
		return r.RoomID
	}
	return r.GroupID
}

func (s *Server) answer(ctx context.Context, _ *http.Request, r room) (Empty, error) {
	return Empty{}, s.backend.Answer(ctx, r.which())
}

func (s *Server) reject(ctx context.Context, _ *http.Request, r room) (Empty, error) {
	return Empty{}, s.backend.Reject(ctx, r.which())
}

func (s *Server) hangUp(ctx context.Context, _ *http.Request, r room) (Empty, error) {
	return Empty{}, s.backend.HangUp(ctx, r.which())
}

// position is the body of a switch: on must be there.
type position struct {
	On *bool `json:"on"`
}

func (p position) check() error {
	if p.On == nil {
		return ErrBadRequest.With(`the request needs "on": true or false`)
	}
	return nil
}

func (s *Server) microphone(ctx context.Context, _ *http.Request, p position) (Switch, error) {
	if err := p.check(); err != nil {
		return Switch{}, err
	}
	return Switch{*p.On}, s.backend.SetMicrophone(ctx, *p.On)
}

func (s *Server) camera(ctx context.Context, _ *http.Request, p position) (Switch, error) {
	if err := p.check(); err != nil {
		return Switch{}, err
	}
	return Switch{*p.On}, s.backend.SetCamera(ctx, *p.On)
}

func (s *Server) switchCamera(ctx context.Context, _ *http.Request, c CameraChoice) (CameraChoice, error) {
	return s.backend.SwitchCamera(ctx, c.Camera)
}

func (s *Server) sendData(ctx context.Context, _ *http.Request, r DataRequest) (DataResult, error) {
	var payload bytes.Buffer
	if err := json.Compact(&payload, r.Payload); err != nil {
		return DataResult{}, ErrBadRequest.With(`the request needs a "payload": any JSON`)
	}
	if r.Payload = payload.Bytes(); len(r.Payload) > message.MaxPayload {
		return DataResult{}, ErrBadRequest.With(fmt.Sprintf("the payload has %d bytes; allowed: %d", len(r.Payload), message.MaxPayload))
	}
	if r.ID == "" {
		r.ID = message.NewID()
	}
	if len(r.ID) > maxDataID {
		return DataResult{}, ErrBadRequest.With(fmt.Sprintf("the id has %d bytes; allowed: %d", len(r.ID), maxDataID))
	}
	return s.backend.SendData(ctx, r)
}

// dataErrors are the words that a phone is told why its message was not taken.
var dataErrors = []string{"", "forbidden", "badRequest", "noHandler"}

func (s *Server) answerData(ctx context.Context, _ *http.Request, a DataAnswer) (Empty, error) {
	if a.ID == "" || len(a.ID) > maxDataID {
		return Empty{}, ErrBadRequest.With("the request needs the id of the event that it answers")
	}
	if !slices.Contains(dataErrors, a.Error) {
		return Empty{}, ErrBadRequest.With(fmt.Sprintf("there is no error %q; allowed: none, forbidden, badRequest, noHandler", a.Error))
	}
	return Empty{}, s.backend.AnswerData(ctx, a)
}

func (s *Server) calls(ctx context.Context, req *http.Request) ([]Record, error) {
	v := req.URL.Query()
	q := CallQuery{Contact: v.Get("contact"), Cause: cause.Cause(v.Get("cause")), After: v.Get("after"), Limit: defaultLimit}
	var err error
	if q.Since, err = timeOf(v.Get("since")); err != nil {
		return nil, err
	}
	if q.Until, err = timeOf(v.Get("until")); err != nil {
		return nil, err
	}
	if q.Cause != "" && q.Cause != Running && !q.Cause.Valid() {
		return nil, ErrBadRequest.With(fmt.Sprintf("there is no cause %q; %s lists them", q.Cause, Guide("causes.md")))
	}
	if text := v.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > maxLimit {
			return nil, ErrBadRequest.With(fmt.Sprintf("cannot use limit %q; allowed: 1 to %d", text, maxLimit))
		}
	}
	records, err := s.backend.Calls(ctx, q)
	return notNil(records), err
}

// timeOf reads a time of a query; "" is the zero time.
func timeOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, ErrBadRequest.With(fmt.Sprintf("cannot use the time %q; write it like 2026-11-24T18:30:05Z", text))
	}
	return t, nil
}

// notNil makes an empty list of none, so that it is [] in JSON.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Server) dnd(ctx context.Context, _ *http.Request) (DND, error) { return s.backend.DND(ctx) }

// dndRequest is the body of PUT /v1/dnd.
type dndRequest struct {
	On    *bool     `json:"on"`
	Until time.Time `json:"until,omitzero"`
}

func (s *Server) setDND(ctx context.Context, _ *http.Request, r dndRequest) (DND, error) {
	switch {
	case r.On == nil:
		return DND{}, position{}.check()
	case !*r.On && !r.Until.IsZero():
		return DND{}, ErrBadRequest.With(`"until" belongs to "on": true`)
	case !r.Until.IsZero() && !r.Until.After(time.Now()):
		return DND{}, ErrBadRequest.With(fmt.Sprintf(`"until" %s is over by the device's clock, which says %s`,
			r.Until.Format(time.RFC3339), time.Now().Format(time.RFC3339)))
	}
	return s.backend.SetDND(ctx, DND{On: *r.On, Until: r.Until})
}

func (s *Server) endDND(ctx context.Context, _ *http.Request) (DND, error) {
	return s.backend.SetDND(ctx, DND{})
}

// wholePercent reads a number that must be whole.
func wholePercent(p *float64) (int, error) {
	if p == nil || *p != math.Trunc(*p) || *p < 0 || *p > 100 {
		return 0, ErrBadRequest.With(`the request needs "percent": a whole number from 0 to 100`)
	}
	return int(*p), nil
}
