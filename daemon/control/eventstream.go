package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// eventWriter writes server-sent events (HTML Living Standard, section 9.2) and
// remembers the first error.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

// openEvents begins an answer of server-sent events. Nothing is sent before the
// first flush, which [follow] does.
func openEvents(w http.ResponseWriter) *eventWriter {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	return &eventWriter{w: w, control: http.NewResponseController(w)}
}

// follow tells the client what comes from C, until C is closed, ctx is done, the
// client has gone or the server stops. Where nothing comes it writes a comment now and
// then, so that neither a proxy nor the client takes the connection for dead.
func follow[T any](ctx context.Context, s *Server, out *eventWriter, C <-chan T, tell func(T)) {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		if out.flush(); out.err != nil {
			return // the client has gone: there is nobody to tell
		}
		select {
		case v, ok := <-C:
			if !ok {
				return
			}
			tell(v)
		case <-alive.C:
			out.write(": alive\n\n")
		case <-ctx.Done():
			return
		case <-s.stop:
			return
		}
	}
}

func (o *eventWriter) write(text string) {
	if o.err != nil {
		return
	}
	if o.err = o.control.SetWriteDeadline(time.Now().Add(writeTimeout)); o.err == nil {
		_, o.err = fmt.Fprint(o.w, text)
	}
}

// event writes an event that is kept: with the number by which a client that comes
// back says what it has seen.
func (o *eventWriter) event(ev Event) {
	body, err := json.Marshal(ev)
	if err != nil {
		o.err = err
		return
	}
	o.write(fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", ev.Position().ID(), ev.Name, body))
}

// unnumbered writes an event that is not kept.
func (o *eventWriter) unnumbered(name string, data any) {
	o.write("event: " + name + "\ndata: " + string(encode(data)) + "\n") // encode ends the line
}

func (o *eventWriter) flush() {
	if o.err == nil {
		o.err = o.control.Flush()
	}
}
