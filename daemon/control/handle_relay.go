package control

import (
	"context"
	"net/http"
	"time"
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
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := &eventWriter{w: w, control: http.NewResponseController(w)}
	out.write("retry: 1000\n\n")
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		if out.flush(); out.err != nil {
			return nil // the program has gone: there is nobody to tell
		}
		select {
		case m, ok := <-messages:
			if !ok {
				return nil
			}
			out.write("event: " + EventRelay + "\ndata: " + string(encode(m)) + "\n") // encode ends the line
		case <-alive.C:
			out.write(": alive\n\n")
		case <-req.Context().Done():
			return nil
		case <-s.stop:
			return nil
		}
	}
}
