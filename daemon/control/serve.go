package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

const maxBody = 64 << 10 // bytes of a request

// endpoint is what a route does, with the types it takes and gives.
type endpoint struct {
	body     reflect.Type // nil: it takes none
	answer   reflect.Type // nil: see produces
	produces string
	serve    func(*Server, http.ResponseWriter, *http.Request) error
}

const jsonType = "application/json"

// takes makes an endpoint that reads a JSON body and answers with JSON.
func takes[In, Out any](h func(*Server, context.Context, *http.Request, In) (Out, error)) endpoint {
	return endpoint{reflect.TypeFor[In](), reflect.TypeFor[Out](), jsonType,
		func(s *Server, w http.ResponseWriter, req *http.Request) error {
			var in In
			if err := decode(w, req, &in); err != nil {
				return err
			}
			out, err := h(s, req.Context(), req, in)
			if err != nil {
				return err
			}
			s.reply(w, out)
			return nil
		}}
}

// gives makes an endpoint without a body that answers with JSON.
func gives[Out any](h func(*Server, context.Context, *http.Request) (Out, error)) endpoint {
	return endpoint{nil, reflect.TypeFor[Out](), jsonType,
		func(s *Server, w http.ResponseWriter, req *http.Request) error {
			out, err := h(s, req.Context(), req)
			if err != nil {
				return err
			}
			s.reply(w, out)
			return nil
		}}
}

// raw makes an endpoint without a body that answers with bytes.
func raw(contentType string, h func(*Server, context.Context) ([]byte, error)) endpoint {
	return endpoint{nil, nil, contentType,
		func(s *Server, w http.ResponseWriter, req *http.Request) error {
			out, err := h(s, req.Context())
			if err != nil {
				return err
			}
			s.send(w, http.StatusOK, contentType, out)
			return nil
		}}
}

// takesAndStreams makes an endpoint that reads a JSON body and answers for as long as
// the client stays.
func takesAndStreams[In any](h func(*Server, http.ResponseWriter, *http.Request) error) endpoint {
	return endpoint{reflect.TypeFor[In](), nil, "text/event-stream", h}
}

// streams makes an endpoint that answers for as long as the client stays.
func streams(h func(*Server, http.ResponseWriter, *http.Request) error) endpoint {
	return endpoint{nil, nil, "text/event-stream", h}
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, r := range routes() {
		methods[r.path] = append(methods[r.path], r.method)
		mux.HandleFunc(r.method+" "+r.path, func(w http.ResponseWriter, req *http.Request) { s.serve(r, w, req) })
	}
	for path, known := range methods {
		allow := strings.Join(known, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Allow", allow)
			s.refuse(w, req, errMethod.With(fmt.Sprintf("%s does not take %s; allowed: %s", req.URL.Path, req.Method, allow)))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		s.refuse(w, req, errNotFound.With(fmt.Sprintf("there is no %s %s", req.Method, req.URL.Path)))
	})
	return mux
}

// refuse answers a request that no route takes.
func (s *Server) refuse(w http.ResponseWriter, req *http.Request, err error) {
	boundBody(w, req)
	s.fail(w, err)
}

func (s *Server) serve(r route, w http.ResponseWriter, req *http.Request) {
	boundBody(w, req)
	who := peerOf(req.Context())
	err := allowed(r.access, who, req)
	if err == nil {
		err = s.ask(r, w, req)
	}
	if err != nil {
		s.fail(w, err)
	}
	if r.access == readAccess {
		return
	}
	line := s.log.Info()
	if r.path == "/v1/relay" && err == nil {
		line = s.log.Debug() // a call has dozens
	}
	logged(line, who, req.Method+" "+req.URL.Path, err)
}

// logged writes down who asked for something, and why it was refused.
func logged(line *zerolog.Event, who peer, request string, err error) {
	line = line.Str("request", request).Int("uid", who.uid).Int("gid", who.gid).Int("pid", who.pid)
	if err != nil {
		line = line.Int("status", statusOf(err)).Str("refused", err.Error())
	}
	line.Msg("control")
}

// ask lets the endpoint answer, in the time that it has.
func (s *Server) ask(r route, w http.ResponseWriter, req *http.Request) error {
	if r.endpoint.body == nil && req.ContentLength != 0 {
		return ErrBadRequest.With(fmt.Sprintf("%s %s takes no body", r.method, r.path))
	}
	for name, values := range req.URL.Query() {
		known := slices.ContainsFunc(r.query, func(p parameter) bool { return p.in == "query" && p.name == name })
		if !known || len(values) > 1 {
			return ErrBadRequest.With(fmt.Sprintf("cannot use the query parameter %q: %s %s takes each of %s once", name, r.method, r.path, names(r.query)))
		}
	}
	if r.endpoint.produces != "text/event-stream" {
		wait := r.wait
		if wait == 0 {
			wait = backendWait
		}
		ctx, cancel := context.WithTimeout(req.Context(), wait)
		defer cancel()
		req = req.WithContext(ctx)
	}
	err := r.endpoint.serve(s, w, req)
	if errors.Is(err, context.DeadlineExceeded) {
		return ErrStuck
	}
	return err
}

func names(query []parameter) string {
	var list []string
	for _, p := range query {
		if p.in == "query" {
			list = append(list, p.name)
		}
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// boundBody bounds the size of a request and the time in which it must arrive,
// also where nobody reads it: the server itself reads the rest away.
func boundBody(w http.ResponseWriter, req *http.Request) {
	if req.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // a socket has deadlines
	}
	req.Body = http.MaxBytesReader(w, req.Body, maxBody)
}

// decode reads a request's body; an empty one leaves v as it is.
func decode(w http.ResponseWriter, req *http.Request, v any) error {
	if req.ContentLength == 0 {
		return nil
	}
	if err := contentType(req); err != nil {
		return err
	}
	body, err := io.ReadAll(req.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge.With(fmt.Sprintf("the request is larger than %d bytes", maxBody))
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return errTooSlow.With(fmt.Sprintf("the request did not arrive within %v", bodyTimeout))
	case err != nil:
		return ErrBadRequest.With("cannot read the request: " + err.Error())
	}
	// The deadline is for the body alone: the answer may take longer.
	if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return ErrBadRequest.With("cannot read the request: " + err.Error())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return ErrBadRequest.With("cannot read the request: something follows the JSON")
	}
	return nil
}

// contentType refuses what is not JSON in UTF-8.
func contentType(req *http.Request) error {
	kind, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	known := kind == jsonType || (kind == "application/merge-patch+json" && req.Method == http.MethodPatch)
	if charset := strings.ToLower(params["charset"]); err != nil || !known || (charset != "" && charset != "utf-8") {
		return errContentType.With(fmt.Sprintf("cannot read a request of the type %q", req.Header.Get("Content-Type")))
	}
	return nil
}

func (s *Server) fail(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		s.log.Error().Err(err).Msg("a control request failed")
		e = ErrInternal.With(err.Error())
	}
	s.send(w, statusOf(e), jsonType, encode(map[string]*Error{"error": e}))
}

func (s *Server) reply(w http.ResponseWriter, v any) { s.send(w, http.StatusOK, jsonType, encode(v)) }

// encode writes v as JSON. It comes from this program: a value that cannot be
// written is a fault of ours, and the client is told.
func encode(v any) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return encode(map[string]*Error{"error": ErrInternal.With(err.Error())})
	}
	return []byte(b.String())
}

func (s *Server) send(w http.ResponseWriter, status int, contentType string, body []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // a socket has deadlines
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		s.log.Debug().Err(err).Msg("a control client went away")
	}
}
