package control

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"callbox/signaling/key"
)

// selftestSlack is for how long a test call's phone is welcome beside the talk: the
// ringing, the connecting and the end.
const selftestSlack = 2 * time.Minute

// selftest serves POST /v1/selftest. The phone may call for as long as the client
// stays, so that nothing is left of one that is killed.
func (s *Server) selftest(w http.ResponseWriter, req *http.Request) error {
	var r SelftestRequest
	if err := decode(w, req, &r); err != nil {
		return err
	}
	if r.Seconds == 0 {
		r.Seconds = SelftestDefault
	}
	if !(r.Seconds >= 1 && r.Seconds <= SelftestLongest) {
		return ErrBadRequest.With(fmt.Sprintf("cannot test for %v seconds; allowed: 1 to %d", r.Seconds, SelftestLongest))
	}
	if (r.JWK == key.JWK{}) {
		return ErrBadRequest.With(`the request needs "jwk", the phone's public key`)
	}
	ctx, cancel := context.WithTimeout(req.Context(), backendWait)
	terms, stop, err := s.backend.Selftest(ctx, r)
	cancel()
	if err != nil {
		return err
	}
	defer stop()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := &eventWriter{w: w, control: http.NewResponseController(w)}
	out.write("event: " + EventSelftest + "\ndata: " + string(encode(terms)) + "\n") // encode ends the line
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	over := time.NewTimer(time.Duration(r.Seconds*float64(time.Second)) + selftestSlack)
	defer over.Stop()
	for {
		if out.flush(); out.err != nil {
			return nil // the client has gone: there is nobody to tell
		}
		select {
		case <-alive.C:
			out.write(": alive\n\n")
		case <-over.C:
			return nil
		case <-req.Context().Done():
			return nil
		case <-s.stop:
			return nil
		}
	}
}
