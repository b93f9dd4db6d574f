package control_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

// description is docs/openapi.yaml as a program reads it.
type description struct {
	Paths  map[string]map[string]operation
	Events map[string]struct{ Data object } `yaml:"x-events"`
	All    struct{ Schemas object }         `yaml:"components"`
}

type operation struct {
	Access    string `yaml:"x-access"`
	Responses map[string]struct {
		Content map[string]struct{ Schema object }
	}
	RequestBody *struct {
		Content map[string]struct {
			Schema  object
			Example any
		}
	} `yaml:"requestBody"`
}

func read(t *testing.T) (description, *validator) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := yaml.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d, &validator{d.All.Schemas}
}

// request is one that the test sends, and what it makes the backend say.
type request struct {
	query, body string
	header      map[string]string
	err         error
}

// TestDescription sends requests to every route of docs/openapi.yaml over the real
// socket: what it describes, and nothing else, must come back. Each documented
// status is brought about, each answer has every member that it can have and is
// checked against the schema of its status.
func TestDescription(t *testing.T) {
	d, v := read(t)
	described := map[string]bool{}
	for path, operations := range d.Paths {
		for method := range operations {
			described[strings.ToUpper(method)+" "+path] = true
		}
	}
	var driven []*route
	for _, r := range control.Routes() {
		key := r.Method() + " " + r.Path()
		op, ok := d.Paths[r.Path()][strings.ToLower(r.Method())]
		if !ok || op.Access != r.Access() {
			t.Errorf("%s is not described, or with the access %q", key, op.Access)
		}
		delete(described, key)
		b := &backend{filled: true}
		_, _, socket := serve(t, b)
		one := &route{t: t, v: v, key: key, op: op, b: b, socket: socket, seen: map[string]bool{}}
		one.beginSlowly() // takes 5 s: for all of them at once
		one.drive(requests(t, r, op))
		driven = append(driven, one)
	}
	for _, r := range driven {
		r.finish()
	}
	for key := range described {
		t.Errorf("%s is described, and there is no such route", key)
	}
}

// requests are those that bring every documented status about.
func requests(t *testing.T, r control.Route, op operation) []request {
	t.Helper()
	good := request{query: examples[r.Method()+" "+r.Path()].query}
	list := []request{{query: "?nonsense=1"}, {header: map[string]string{"Origin": "https://evil.example"}}}
	if op.RequestBody != nil {
		content := op.RequestBody.Content["application/json"]
		raw, err := json.Marshal(content.Example)
		if err != nil {
			t.Fatal(err)
		}
		good.body = string(raw)
		list = append(list, request{body: `{"a":"` + strings.Repeat("x", 70_000) + `"}`},
			request{body: "{}", header: map[string]string{"Content-Type": "text/plain"}})
	}
	list = append(list, good)
	var errs []error
	for _, e := range r.Errors() {
		errs = append(errs, e)
	}
	if r.CanFail() {
		errs = append(errs, control.ErrStuck, errors.New("disk on fire"))
	}
	for n, err := range errs {
		failing := good
		failing.err = err
		failing.body = strings.Replace(good.body, "door-17", fmt.Sprintf("door-%d", 18+n), 1) // a key of its own
		list = append(list, failing)
	}
	return list
}

// route is one that is driven.
type route struct {
	t      *testing.T
	v      *validator
	key    string
	op     operation
	b      *backend
	socket string
	slow   net.Conn
	seen   map[string]bool // statuses
}

func (r *route) target() (method, path string) {
	method, path, _ = strings.Cut(r.key, " ")
	return method, strings.ReplaceAll(path, "{id}", "Anna")
}

// beginSlowly begins a request whose body never comes.
func (r *route) beginSlowly() {
	if r.op.RequestBody == nil {
		return
	}
	method, path := r.target()
	r.slow = dial(r.t, r.socket)
	if _, err := fmt.Fprintf(r.slow, "%s %s HTTP/1.1\r\nHost: callbox\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{", method, path); err != nil {
		r.t.Fatal(err)
	}
}

func (r *route) drive(list []request) {
	method, path := r.target()
	for _, q := range list {
		r.b.failWith(q.err)
		res := r.send(method, path+q.query, q)
		r.check(res) // reads the answer; its connection is closed with the test
	}
	if r.op.RequestBody != nil {
		r.checkExample()
	}
}

// finish takes the answer to the slow request and looks for what is described and
// never came.
func (r *route) finish() {
	if r.slow != nil {
		res, err := http.ReadResponse(bufio.NewReader(r.slow), nil)
		if err != nil {
			r.t.Errorf("%s, slowly: %v", r.key, err)
			return
		}
		r.check(res)
	}
	for status := range r.op.Responses {
		if !r.seen[status] {
			r.t.Errorf("%s: nothing brings the described status %s about", r.key, status)
		}
	}
}

// send sends q as another program would; the body of the answer is left open,
// because a stream has no end.
func (r *route) send(method, target string, q request) *http.Response {
	header := "Content-Type: application/json\r\n"
	if q.body == "" {
		header = ""
	}
	for k, v := range q.header {
		if k == "Content-Type" {
			header = ""
		}
		header += k + ": " + v + "\r\n"
	}
	if q.body != "" {
		header += fmt.Sprintf("Content-Length: %d\r\n", len(q.body))
	}
	res, err := exchange(r.t, r.socket, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: callbox\r\n%s\r\n%s", method, target, header, q.body))
	if err != nil {
		r.t.Errorf("%s: %v", r.key, err)
		return &http.Response{Body: http.NoBody}
	}
	return res
}

// check holds an answer against its description.
func (r *route) check(res *http.Response) {
	r.seen[strconv.Itoa(res.StatusCode)] = true
	described, ok := r.op.Responses[strconv.Itoa(res.StatusCode)]
	if !ok {
		r.t.Errorf("%s answers %d, which is not described", r.key, res.StatusCode)
		return
	}
	content, ok := described.Content[res.Header.Get("Content-Type")]
	if !ok {
		r.t.Errorf("%s answers %d with the type %q, which is not described", r.key, res.StatusCode, res.Header.Get("Content-Type"))
		return
	}
	var value any
	switch res.Header.Get("Content-Type") {
	case "application/json":
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			r.t.Errorf("%s: %v", r.key, err)
			return
		}
		if err := json.Unmarshal(raw, &value); err != nil {
			r.t.Errorf("%s: %v in %s", r.key, err, raw)
			return
		}
	case "text/event-stream": // TestDescribedEvents reads them
		return
	default:
		raw, err := io.ReadAll(res.Body)
		if err != nil || len(raw) == 0 {
			r.t.Errorf("%s: %d bytes, %v", r.key, len(raw), err)
		}
		value = string(raw)
	}
	if err := r.v.check(content.Schema, value, "answer"); err != nil {
		r.t.Errorf("%s, %d: %v", r.key, res.StatusCode, err)
	}
}

// checkExample holds the described request against its own schema.
func (r *route) checkExample() {
	content := r.op.RequestBody.Content["application/json"]
	raw, err := json.Marshal(content.Example)
	if err != nil {
		r.t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		r.t.Fatal(err)
	}
	if err := r.v.check(content.Schema, value, "request"); err != nil {
		r.t.Errorf("%s: the example: %v", r.key, err)
	}
}

// TestDescribedEvents publishes every kind of event with every member and holds
// what comes out of the stream against the description.
func TestDescribedEvents(t *testing.T) {
	d, v := read(t)
	c, events, _ := serve(t, &backend{})
	left := map[string]bool{}
	for name := range d.Events {
		left[name] = true
	}
	publish := func() {
		for _, e := range control.EventTypes() {
			var data any
			if e.Payload != nil {
				p := reflect.New(reflect.TypeOf(e.Payload)).Elem()
				fill(p)
				data = p.Interface()
			}
			events.Publish(e.Name, "room-1", data)
		}
		events.Publish("end", "", nil)
	}
	err := c.Watch(t.Context(), client.WatchOptions{}, func(ev control.Event) error {
		switch {
		case ev.Name == control.EventStatus && ev.RoomID == "":
			publish()
			return nil
		case ev.Name == "end":
			return errEnough
		}
		described, ok := d.Events[ev.Name]
		if !ok {
			t.Errorf("the event %s is not described", ev.Name)
		}
		delete(left, ev.Name)
		var value any
		if ev.Data != nil {
			if err := json.Unmarshal(ev.Data, &value); err != nil {
				return err
			}
		}
		if described.Data == nil != (value == nil) {
			t.Errorf("%s: the payload is %v", ev.Name, value)
		} else if err := v.check(described.Data, value, ev.Name); err != nil {
			t.Error(err)
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Error(err)
	}
	for name := range left {
		t.Errorf("the event %s is described, and there is no such one", name)
	}
}
