package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// promise is the request of a client that answers data and unlock events.
const promise = "GET /v1/events?handle=data"

// stream serves GET /v1/events: first "status", the present state, then every
// change. A client that comes back with the id of the last event that it has seen
// gets what it missed, if that is still kept.
//
// Each event comes once and in order. A new client's first event has the number of
// the newest event that the state includes, and those up to it are not told again.
// A client that resumes is told all that it has not seen, though the state includes
// it; the state then stands where the client stood, so that one that goes away in
// between loses nothing.
func (s *Server) stream(w http.ResponseWriter, req *http.Request) error {
	from, handles, err := s.wanted(req)
	if err != nil {
		return err
	}
	// Subscribe before asking for the state: nothing can fall between the two.
	sub := s.events.Subscribe(from, handles)
	defer sub.Close()
	first, included, err := s.firstEvents(req.Context(), sub, from != Position{})
	if err != nil {
		return err
	}
	if handles { // it acts for the device, for as long as it stays
		who := peerOf(req.Context())
		logged(s.log.Info(), who, promise, nil)
		defer func() { logged(s.log.Info(), who, "end of "+promise, nil) }()
	}
	out := openEvents(w)
	out.write("retry: 1000\n\n")
	for _, ev := range append(first, sub.Past...) {
		out.event(ev)
	}
	follow(req.Context(), s, out, sub.C, func(ev Event) {
		if ev.Seq > included {
			out.event(ev)
		}
	})
	return nil
}

// wanted reads what the client asks for.
func (s *Server) wanted(req *http.Request) (from Position, handles bool, err error) {
	text := req.Header.Get("Last-Event-ID")
	if text == "" {
		text = req.URL.Query().Get("after")
	}
	if from, err = ParsePosition(text); err != nil {
		return from, false, ErrBadRequest.With(err.Error())
	}
	switch handle := req.URL.Query().Get("handle"); handle {
	case "":
	case "data":
		handles = true
	default:
		return from, false, ErrBadRequest.With(fmt.Sprintf("cannot handle %q; allowed: data", handle))
	}
	return from, handles, nil
}

// firstEvents are the state and, where it is so, that events are missing. included
// is the newest event that need not be told after them.
func (s *Server) firstEvents(ctx context.Context, sub *Subscription, resumed bool) (first []Event, included uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, backendWait)
	defer cancel()
	status, err := s.wholeStatus(ctx)
	if err != nil {
		return nil, 0, err
	}
	at := sub.Start
	if !resumed {
		at.Seq = max(at.Seq, status.Seq)
		included = at.Seq
	}
	first = []Event{{Epoch: at.Epoch, Seq: at.Seq, Time: time.Now(), Name: EventStatus, Data: encode(status)}}
	if sub.Missed {
		data, err := json.Marshal(MissedData{Restarted: sub.Restarted})
		if err != nil {
			return nil, 0, err
		}
		first = append(first, Event{Epoch: at.Epoch, Seq: at.Seq, Time: time.Now(), Name: EventMissed, Data: data})
	}
	return first, included, nil
}
