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
	out := openEvents(w)
	out.unnumbered(EventSelftest, terms)
	ctx, cancel = context.WithTimeout(req.Context(), time.Duration(r.Seconds*float64(time.Second))+selftestSlack)
	defer cancel()
	var nothing <-chan Empty // there is nothing to tell; that the stream stands is what counts
	follow(ctx, s, out, nothing, nil)
	return nil
}
