package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

const (
	maxBody      = 64 << 10 // bytes of a request
	defaultCalls = 20
)

// access says who may use a route. The socket's mode lets only its group in; what
// changes something must not be reachable by a browser that was lured to it.
type access int

const (
	noAccess access = iota // the zero value is refused
	readAccess
	writeAccess
)

// route is one line of the API.
type route struct {
	pattern string // as http.ServeMux takes it
	access  access
	handle  func(*Server, http.ResponseWriter, *http.Request) error
}

// routes is the whole API.
var routes = []route{
	{"GET /v1/status", readAccess, (*Server).status},
	{"GET /v1/version", readAccess, (*Server).version},
	{"GET /v1/events", readAccess, (*Server).stream},
	{"GET /v1/contacts", readAccess, (*Server).contacts},
	{"DELETE /v1/contacts/{id}", writeAccess, (*Server).revoke},
	{"GET /v1/calls", readAccess, (*Server).calls},
	{"POST /v1/call/answer", writeAccess, (*Server).answer},
	{"POST /v1/call/reject", writeAccess, (*Server).reject},
	{"POST /v1/call/hangup", writeAccess, (*Server).hangUp},
	{"POST /v1/call/microphone", writeAccess, (*Server).microphone},
	{"POST /v1/call/camera", writeAccess, (*Server).camera},
	{"POST /v1/pair", writeAccess, (*Server).openPairing},
	{"DELETE /v1/pair", writeAccess, (*Server).closePairing},
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) { s.serve(r, w, req) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		s.fail(w, &Error{Code: "notFound", Message: fmt.Sprintf("there is no %s %s", req.Method, req.URL.Path)})
	})
	return mux
}

func (s *Server) serve(r route, w http.ResponseWriter, req *http.Request) {
	who, _ := req.Context().Value(peerKey{}).(peer)
	line := s.log.Debug()
	if r.access == writeAccess {
		line = s.log.Info()
	}
	line.Str("request", req.Method+" "+req.URL.Path).Int("uid", who.uid).Int("pid", who.pid).Msg("control")
	if err := allowed(r.access, who, req); err != nil {
		s.fail(w, err)
		return
	}
	req.Body = http.MaxBytesReader(w, req.Body, maxBody)
	if err := r.handle(s, w, req); err != nil {
		s.fail(w, err)
	}
}

// allowed refuses what comes from a browser, and peers that the kernel does not
// name.
func allowed(a access, who peer, req *http.Request) error {
	switch {
	case a != readAccess && a != writeAccess:
		return &Error{Code: "forbidden", Message: "the route says not who may use it"}
	case req.Header.Get("Origin") != "" || req.Header.Get("Sec-Fetch-Site") != "":
		return &Error{Code: "forbidden", Message: "requests of a browser are refused"}
	case !who.known:
		return &Error{Code: "forbidden", Message: "cannot tell who asks"}
	}
	return nil
}

func (s *Server) fail(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		s.log.Error().Err(err).Msg("a control request failed")
		e = ErrInternal.With(err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(statusOf(err))
	s.encode(w, map[string]*Error{"error": e})
}

func (s *Server) reply(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	s.encode(w, v)
	return nil
}

func (s *Server) encode(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		s.log.Debug().Err(err).Msg("a control client went away")
	}
}

// decode reads a request's body; an empty one leaves v as it is.
func decode(req *http.Request, v any) error {
	dec := json.NewDecoder(req.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return ErrBadRequest.With("cannot read the request: " + err.Error())
	}
	return nil
}

func waiting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, backendWait)
}

func (s *Server) status(w http.ResponseWriter, req *http.Request) error {
	ctx, cancel := waiting(req.Context())
	defer cancel()
	status, err := s.backend.Status(ctx)
	if err != nil {
		return err
	}
	return s.reply(w, status)
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) error {
	return s.reply(w, s.backend.Version())
}

func (s *Server) contacts(w http.ResponseWriter, req *http.Request) error {
	ctx, cancel := waiting(req.Context())
	defer cancel()
	contacts, err := s.backend.Contacts(ctx)
	if err != nil {
		return err
	}
	return s.reply(w, append([]Contact{}, contacts...))
}

func (s *Server) revoke(w http.ResponseWriter, req *http.Request) error {
	ctx, cancel := waiting(req.Context())
	defer cancel()
	contact, err := s.backend.Revoke(ctx, req.PathValue("id"))
	if err != nil {
		return err
	}
	return s.reply(w, contact)
}

func (s *Server) calls(w http.ResponseWriter, req *http.Request) error {
	limit := defaultCalls
	if text := req.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return ErrBadRequest.With(fmt.Sprintf("cannot use limit %q; allowed: 1 to 1000", text))
		}
		limit = n
	}
	ctx, cancel := waiting(req.Context())
	defer cancel()
	calls, err := s.backend.Calls(ctx, CallQuery{Limit: limit})
	if err != nil {
		return err
	}
	return s.reply(w, append([]Record{}, calls...))
}

// onCall reads which call is meant and does something to it.
func (s *Server) onCall(w http.ResponseWriter, req *http.Request, do func(ctx context.Context, roomID string) error) error {
	var r room
	if err := decode(req, &r); err != nil {
		return err
	}
	if r.RoomID == "" {
		r.RoomID = r.GroupID
	} else if r.GroupID != "" && r.GroupID != r.RoomID {
		return ErrBadRequest.With("roomId and groupId differ; they are two names of one thing")
	}
	ctx, cancel := waiting(req.Context())
	defer cancel()
	if err := do(ctx, r.RoomID); err != nil {
		return err
	}
	return s.reply(w, struct{}{})
}

func (s *Server) answer(w http.ResponseWriter, req *http.Request) error {
	return s.onCall(w, req, s.backend.Answer)
}

func (s *Server) reject(w http.ResponseWriter, req *http.Request) error {
	return s.onCall(w, req, s.backend.Reject)
}

func (s *Server) hangUp(w http.ResponseWriter, req *http.Request) error {
	return s.onCall(w, req, s.backend.HangUp)
}

// onSwitch reads {"on": bool} and applies it.
func (s *Server) onSwitch(w http.ResponseWriter, req *http.Request, do func(ctx context.Context, on bool) error) error {
	var body struct {
		On *bool `json:"on"`
	}
	if err := decode(req, &body); err != nil {
		return err
	}
	if body.On == nil {
		return ErrBadRequest.With(`the request needs "on": true or false`)
	}
	ctx, cancel := waiting(req.Context())
	defer cancel()
	if err := do(ctx, *body.On); err != nil {
		return err
	}
	return s.reply(w, Switch{On: *body.On})
}

func (s *Server) microphone(w http.ResponseWriter, req *http.Request) error {
	return s.onSwitch(w, req, s.backend.SetMicrophone)
}

func (s *Server) camera(w http.ResponseWriter, req *http.Request) error {
	return s.onSwitch(w, req, s.backend.SetCamera)
}

func (s *Server) openPairing(w http.ResponseWriter, req *http.Request) error {
	var r PairRequest
	if err := decode(req, &r); err != nil {
		return err
	}
	ctx, cancel := waiting(req.Context())
	defer cancel()
	window, err := s.backend.OpenPairing(ctx, r)
	if err != nil {
		return err
	}
	return s.reply(w, window)
}

func (s *Server) closePairing(w http.ResponseWriter, req *http.Request) error {
	ctx, cancel := waiting(req.Context())
	defer cancel()
	if err := s.backend.ClosePairing(ctx); err != nil {
		return err
	}
	return s.reply(w, struct{}{})
}
