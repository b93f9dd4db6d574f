package control

import (
	"context"
	"net/http"
)

func (s *Server) relayIn(ctx context.Context, _ *http.Request, m RelayIn) (Empty, error) {
	if m.From == "" || m.Message == "" {
		return Empty{}, ErrBadRequest.With(`the request needs "from", the phone's address, and "message"`)
	}
	return Empty{}, s.backend.RelayIn(ctx, m)
}

// relayOut serves GET /v1/relay. It is a stream of its own and not part of the
// events: these are numbered and kept for whoever comes back, and a transport keeps
// nothing. What is said while nobody reads is lost here, and sent again by the
// protocol.
func (s *Server) relayOut(w http.ResponseWriter, req *http.Request) error {
	messages, stop, err := s.backend.RelayOut()
	if err != nil {
		return err
	}
	defer stop()
	out := openEvents(w)
	out.write("retry: 1000\n\n")
	follow(req.Context(), s, out, messages, func(m RelayOut) { out.unnumbered(EventRelay, m) })
	return nil
}
