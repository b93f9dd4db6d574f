package control

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"time"
)

const (
	reportEvents = 200
	maxStacks    = 256 << 10 // bytes
)

// bugReport collects what helps to find a fault. What cannot be had is named, and
// does not stop the rest: a report is wanted when things are broken.
func (s *Server) bugReport(ctx context.Context, _ *http.Request) (BugReport, error) {
	r := BugReport{Created: time.Now(), Version: s.backend.Version(), Goroutines: runtime.NumGoroutine(), Stacks: stacks()}
	failed := func(what string, err error) bool {
		if err != nil {
			r.Problems = append(r.Problems, what+": "+err.Error())
		}
		return err != nil
	}
	part := func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, backendWait) }
	collect(part, s.wholeStatus, func(v Status, err error) {
		if !failed("status", err) {
			r.Status = &v
			r.hideSecret()
		}
	})
	collect(part, s.backend.Clock, func(v Clock, err error) {
		if !failed("clock", err) {
			r.Clock = &v
		}
	})
	collect(part, s.backend.Devices, func(v Devices, err error) {
		if !failed("devices", err) {
			v.Chosen, v.Found = notNil(v.Chosen), notNil(v.Found)
			r.Devices = &v
		}
	})
	collect(part, s.backend.Doctor, func(v []Finding, err error) {
		failed("doctor", err)
		r.Doctor = notNil(v)
	})
	collect(part, s.backend.Metrics, func(v []Metric, err error) {
		failed("metrics", err)
		r.Metrics = string(writeMetrics(append(v, s.process()...)))
	})
	collect(part, s.backend.ReportParts, func(v ReportParts, err error) {
		failed("configuration and records", err)
		r.People, r.Config, r.Records = v.People, v.Config, notNil(v.Records)
	})
	r.Events = withoutPeople(s.events.Recent(reportEvents))
	if !r.People {
		r.hidePeople()
	}
	return r, nil
}

func collect[T any](part func() (context.Context, context.CancelFunc), get func(context.Context) (T, error), take func(T, error)) {
	ctx, cancel := part()
	defer cancel()
	take(get(ctx))
}

// hidden stands where the name of a person was.
const hidden = "(hidden)"

// hidePeople takes names, thumbprints and addresses of people out of what the
// server itself has collected.
func (r *BugReport) hidePeople() {
	if r.Status == nil {
		return
	}
	if r.Status.Pairing != nil {
		r.Status.Pairing.Name = hidden
	}
	if r.Status.Call != nil {
		call := *r.Status.Call
		call.Contact, call.Phone, call.Media = hidden, hidden, nil // media names the phone's address
		call.Dialing = nil
		r.Status.Call = &call
	}
}

// hideSecret takes the secret of an open pairing window out, for whoever is asked.
func (r *BugReport) hideSecret() {
	if r.Status.Pairing != nil {
		window := *r.Status.Pairing
		window.URL = ""
		r.Status.Pairing = &window
	}
}

// withoutPeople takes the payloads out that name people or are the maker's own.
func withoutPeople(events []Event) []Event {
	harmless := map[string]bool{}
	for _, t := range EventTypes() {
		harmless[t.Name] = !t.People
	}
	for i, ev := range events {
		if !harmless[ev.Name] {
			events[i].Data = nil
		}
	}
	return events
}

// stacks is what all goroutines are doing.
func stacks() string {
	buf := make([]byte, maxStacks)
	return strings.ToValidUTF8(string(buf[:runtime.Stack(buf, true)]), "?")
}
