package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// stream serves GET /v1/events: first "status", the present state, numbered like
// the event that it includes; then every change. A client that comes back with
// Last-Event-ID gets what it missed, if that is still kept.
func (s *Server) stream(w http.ResponseWriter, req *http.Request) error {
	from, err := ParsePosition(req.Header.Get("Last-Event-ID"))
	if err != nil {
		return ErrBadRequest.With(err.Error())
	}
	after := from.Seq
	// Subscribe before asking for the state: what happens in between is then seen
	// twice, never missed; the number tells.
	sub := s.events.Subscribe(from, false)
	defer sub.Close()
	ctx, cancel := waiting(req.Context())
	defer cancel()
	seq := s.events.Seq()
	status, err := s.backend.Status(ctx)
	if err != nil {
		return err
	}
	data, err := json.Marshal(status)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	first := []Event{{Seq: seq, Time: time.Now(), Name: "status", Data: data}}
	if sub.Missed {
		first = append(first, Event{Seq: seq, Time: time.Now(), Name: "missed"})
	}
	for _, ev := range append(first, sub.Past...) {
		if err := writeEvent(w, ev); err != nil {
			return nil //nolint:nilerr // the client has gone: there is nobody to tell
		}
	}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		if err := out.Flush(); err != nil {
			return nil //nolint:nilerr // as above
		}
		select {
		case ev, ok := <-sub.C:
			if !ok {
				return nil
			}
			if ev.Seq <= seq && after == 0 {
				continue // the state above includes it
			}
			if err := writeEvent(w, ev); err != nil {
				return nil //nolint:nilerr // as above
			}
		case <-alive.C:
			if _, err := fmt.Fprint(w, ": alive\n\n"); err != nil {
				return nil //nolint:nilerr // as above
			}
		case <-req.Context().Done():
			return nil
		case <-s.stop:
			return nil
		}
	}
}

func writeEvent(w http.ResponseWriter, ev Event) error {
	body, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", ev.Seq, ev.Name, body)
	return err
}
