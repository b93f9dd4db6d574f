package control_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

func TestRefusals(t *testing.T) {
	b := &backend{}
	_, _, socket := serve(t, b)
	long := strings.Repeat("x", 70_000)
	type header = map[string]string
	for name, tt := range map[string]struct {
		method, path, body string
		header             header
		status             int
		says               string
	}{
		"a page in a browser":             {"POST", "/v1/call/answer", "", header{"Origin": "https://evil.example"}, 403, "browser"},
		"a page without an origin":        {"POST", "/v1/call/answer", "", header{"Origin": "null"}, 403, "browser"},
		"a picture in a page":             {"GET", "/v1/status", "", header{"Sec-Fetch-Site": "cross-site"}, 403, "browser"},
		"a navigation":                    {"GET", "/v1/snapshot", "", header{"Sec-Fetch-Mode": "navigate"}, 403, "browser"},
		"a name that was rebound":         {"GET", "/v1/status", "", header{"Host": "evil.example"}, 403, "another host"},
		"an address":                      {"GET", "/v1/status", "", header{"Host": "127.0.0.1:8080"}, 403, "another host"},
		"an unknown path":                 {"GET", "/v2/status", "", nil, 404, "/v2/status"},
		"a wrong method":                  {"GET", "/v1/call/answer", "", nil, 405, "allowed: POST"},
		"a body that a GET has":           {"GET", "/v1/status", "{}", nil, 400, "takes no body"},
		"an unknown parameter":            {"GET", "/v1/calls?sinc=x", "", nil, 400, "sinc"},
		"a parameter twice":               {"GET", "/v1/calls?limit=1&limit=2", "", nil, 400, "once"},
		"no JSON":                         {"POST", "/v1/call/answer", "{", nil, 400, "cannot read"},
		"two objects":                     {"POST", "/v1/call/answer", "{}{}", nil, 400, "follows"},
		"a form":                          {"POST", "/v1/call/answer", "roomId=x", header{"Content-Type": "application/x-www-form-urlencoded"}, 415, "x-www-form"},
		"text that is JSON":               {"POST", "/v1/call/answer", "{}", header{"Content-Type": "text/plain"}, 415, "application/json"},
		"a body of no type":               {"POST", "/v1/call/answer", "{}", header{"Content-Type": ""}, 415, "application/json"},
		"another charset":                 {"POST", "/v1/call/answer", "{}", header{"Content-Type": "application/json; charset=utf-16"}, 415, "utf-16"},
		"a merge patch that is none":      {"POST", "/v1/call/answer", "{}", header{"Content-Type": "application/merge-patch+json"}, 415, "merge-patch"},
		"an unknown member":               {"POST", "/v1/pair", `{"minutes":5}`, nil, 400, "minutes"},
		"a switch without a position":     {"POST", "/v1/call/camera", `{}`, nil, 400, `\"on\"`},
		"a call to an empty name":         {"POST", "/v1/call", `{"to":[""]}`, nil, 400, "empty"},
		"a call to an empty group":        {"POST", "/v1/call", `{"to":["group:"]}`, nil, 400, "empty"},
		"a call in an unknown mode":       {"POST", "/v1/call", `{"to":["a"],"mode":"random"}`, nil, 400, "inTurn"},
		"a call to nobody":                {"POST", "/v1/call", `{"to":[]}`, nil, 400, "cannot call 0 phones; allowed: 1 to 8"},
		"a call to nine":                  {"POST", "/v1/call", `{"to":["a","b","c","d","e","f","g","h","i"]}`, nil, 400, "cannot call 9 phones; allowed: 1 to 8"},
		"a call of an unknown type":       {"POST", "/v1/call", `{"to":["a"],"roomType":"fax"}`, nil, 400, "voice, video"},
		"a call with a negative limit":    {"POST", "/v1/call", `{"to":["a"],"timeLimit":-1}`, nil, 400, "timeLimit"},
		"a call with too much of a query": {"POST", "/v1/call", `{"to":["a"],"query":"` + long[:1025] + `"}`, nil, 400, "1024"},
		"data without a payload":          {"POST", "/v1/call/data", `{}`, nil, 400, "payload"},
		"data with too much":              {"POST", "/v1/call/data", `{"payload":"` + long[:5000] + `"}`, nil, 400, "4096"},
		"an answer to nothing":            {"POST", "/v1/call/data/answer", `{}`, nil, 400, "id"},
		"an answer with another word":     {"POST", "/v1/call/data/answer", `{"id":"x","error":"oops"}`, nil, 400, "noHandler"},
		"a limit that is no number":       {"GET", "/v1/calls?limit=x", "", nil, 400, "1 to 1000"},
		"a time that is none":             {"GET", "/v1/calls?since=yesterday", "", nil, 400, "2026-11-24T"},
		"a cause that is none":            {"GET", "/v1/calls?cause=gone", "", nil, 400, "gone"},
		"an event id that is a word":      {"GET", "/v1/events", "", header{"Last-Event-ID": "x"}, 400, "id of an event"},
		"an event id that is half of one": {"GET", "/v1/events?after=ab-7", "", nil, 400, "id of an event"},
		"a promise that is none":          {"GET", "/v1/events?handle=everything", "", nil, 400, "data"},
		"a volume above all":              {"PUT", "/v1/volume", `{"percent":101}`, nil, 400, "0 to 100"},
		"half a percent":                  {"PUT", "/v1/volume", `{"percent":0.5}`, nil, 400, "whole"},
		"no volume":                       {"PUT", "/v1/volume", `{}`, nil, 400, "0 to 100"},
		"quiet until yesterday":           {"PUT", "/v1/dnd", `{"on":true,"until":"2020-01-01T00:00:00Z"}`, nil, 400, "over"},
		"an end of nothing":               {"PUT", "/v1/dnd", `{"on":false,"until":"2099-01-01T00:00:00Z"}`, nil, 400, "until"},
		"a test without a key":            {"POST", "/v1/selftest", `{}`, nil, 400, "public key"},
		"a test of an hour":               {"POST", "/v1/selftest", `{"seconds":3600}`, nil, 400, "1 to 600"},
		"a contact without a key":         {"POST", "/v1/contacts", `{"name":"Bert"}`, nil, 400, "public key"},
		"a contact with a private key":    {"POST", "/v1/contacts", `{"name":"Bert","jwk":{"kty":"EC","crv":"P-256","x":"x","y":"y","d":"secret"}}`, nil, 400, `\"d\"`},
		"another key that is none":        {"POST", "/v1/contacts/Anna/replace", `{}`, nil, 400, "public key"},
		"a window with two names":         {"POST", "/v1/pair", `{"replaces":"Anna","name":"Bert"}`, nil, 400, "place"},
		"a window with other rights":      {"POST", "/v1/pair", `{"replaces":"Anna","rights":["call"]}`, nil, 400, "place"},
		"a contact without a name":        {"PATCH", "/v1/contacts/Anna", `{"name":null}`, nil, 400, "without a name"},
		"a day that never ends":           {"PATCH", "/v1/contacts/Anna", `{"daySeconds":1e99}`, nil, 400, "daySeconds"},
		"forgetting perhaps":              {"DELETE", "/v1/contacts/Anna?forget=maybe", "", nil, 400, "maybe"},
		"a policy of nobody":              {"GET", "/v1/policy/explain", "", nil, 400, "contact"},
		"a policy sideways":               {"GET", "/v1/policy/explain?contact=Anna&direction=up", "", nil, 400, "in, out"},
		"a body that is too large":        {"POST", "/v1/pair", `{"name":"` + long + `"}`, nil, 413, "65536"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := send(t, socket, tt.method, tt.path, tt.body, tt.header)
			if status != tt.status || !strings.Contains(body, tt.says) || !strings.Contains(body, `"code"`) {
				t.Errorf("answer = %d %s, want %d and %q", status, body, tt.status, tt.says)
			}
		})
	}
	if asked := b.all(); len(asked) > 0 {
		t.Errorf("refused requests reached the backend: %v", asked)
	}
}

func TestAccepted(t *testing.T) {
	_, _, socket := serve(t, &backend{})
	type header = map[string]string
	for name, tt := range map[string]struct {
		method, path, body string
		header             header
	}{
		"an empty body":           {"POST", "/v1/call/answer", "", nil},
		"a charset that is ours":  {"POST", "/v1/call/answer", "{}", header{"Content-Type": "Application/JSON; Charset=UTF-8"}},
		"a merge patch":           {"PATCH", "/v1/contacts/Anna", "{}", header{"Content-Type": "application/merge-patch+json"}},
		"localhost":               {"GET", "/v1/status", "", header{"Host": "localhost"}},
		"localhost with a port":   {"GET", "/v1/status", "", header{"Host": "LOCALHOST:80"}},
		"unix":                    {"GET", "/v1/status", "", header{"Host": "unix"}},
		"the plug-in's word":      {"POST", "/v1/call/hangup", `{"groupId":"g"}`, nil},
		"a picture of the camera": {"GET", "/v1/snapshot", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if status, body := send(t, socket, tt.method, tt.path, tt.body, tt.header); status != 200 {
				t.Errorf("answer = %d %s", status, body)
			}
		})
	}
	res, err := exchange(t, socket, "GET /v1/version HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n")
	if err != nil || res.StatusCode != 200 {
		t.Errorf("an empty host = %v, %v", res, err)
	}
}

func TestGroupIDIsRoomID(t *testing.T) {
	for body, want := range map[string]string{
		`{"groupId":"g"}`: "answer g", `{"roomId":"r"}`: "answer r", `{"roomId":"r","groupId":"g"}`: "answer r", `{}`: "answer ",
	} {
		b := &backend{}
		_, _, socket := serve(t, b)
		if status, answer := send(t, socket, "POST", "/v1/call/answer", body, nil); status != 200 {
			t.Errorf("%s = %d %s", body, status, answer)
		}
		if got := strings.Join(b.all(), ""); got != want {
			t.Errorf("%s: asked %q, want %q", body, got, want)
		}
	}
}

// TestSlow: who does not send in 5 s is let go, in the body with an answer.
func TestSlow(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 5 s: the time-outs of a real socket")
	}
	_, _, socket := serve(t, &backend{})
	var both sync.WaitGroup
	both.Go(func() {
		began := time.Now()
		res, err := exchange(t, socket, "POST /v1/pair HTTP/1.1\r\nHost: callbox\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"name\":")
		if err != nil {
			t.Errorf("a slow body got no answer: %v", err)
			return
		}
		body, _ := io.ReadAll(res.Body)
		if took := time.Since(began); res.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(body), "tooSlow") || took < 4*time.Second {
			t.Errorf("a slow body = %d %s after %v", res.StatusCode, body, took)
		}
	})
	both.Go(func() {
		began := time.Now()
		_, err := exchange(t, socket, "POST /v1/pair HTTP/1.1\r\nHost: call")
		if took := time.Since(began); err == nil || errors.Is(err, os.ErrDeadlineExceeded) || took < 4*time.Second {
			t.Errorf("slow headers: %v after %v; the connection must be closed", err, took)
		}
	})
	both.Go(func() { // refused before the body is read: the rest must not hold the connection
		res, err := exchange(t, socket, "POST /v1/pair HTTP/1.1\r\nHost: evil\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"name\":")
		if err != nil || res.StatusCode != http.StatusForbidden {
			t.Errorf("a refused slow body = %v, %v", res, err)
		}
	})
	both.Wait()
}

// TestTooManyConnections: the daemon's own user has a few in reserve.
func TestTooManyConnections(t *testing.T) {
	_, _, socket := serve(t, &backend{})
	for range control.MaxConnections + control.Reserved {
		conn := dial(t, socket)
		if _, err := io.WriteString(conn, "GET "); err != nil {
			break // full by now: the connection by which serve looked was not gone yet
		}
	}
	res, err := exchange(t, socket, "")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), `"tooManyConnections"`) {
		t.Errorf("one too many = %d %s, %v", res.StatusCode, body, err)
	}
}

// TestRequestsAreLogged: what changes something, or looks into the room, is one
// line with who asked.
func TestRequestsAreLogged(t *testing.T) {
	var log lockedBuffer
	b := &backend{}
	c, _, socket := serveLogged(t, b, zerolog.New(&log))
	for _, do := range []func() error{
		func() error { _, err := c.Status(t.Context()); return err },
		func() error { _, err := c.Contacts(t.Context()); return err },
		func() error { return c.HangUp(t.Context(), "") },
		func() error { _, err := c.Snapshot(t.Context()); return err },
		func() error { return watchOnce(t, c, log.String, false) },
		func() error { return watchOnce(t, c, log.String, true) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	send(t, socket, "DELETE", "/v1/contacts/Anna", "", map[string]string{"Origin": "https://evil.example"})
	var got []string
	for line := range strings.Lines(log.String()) {
		var l struct {
			Request, Refused string
			UID, GID, PID    int
			Status           int
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if l.UID != os.Geteuid() || l.GID != os.Getegid() || l.PID != os.Getpid() {
			t.Errorf("the line does not say who asked: %s", line)
		}
		got = append(got, fmt.Sprintf("%s %d", l.Request, l.Status))
	}
	want := "POST /v1/call/hangup 0, GET /v1/snapshot 0, GET /v1/events?handle=data 0, end of GET /v1/events?handle=data 0, DELETE /v1/contacts/Anna 403"
	if strings.Join(got, ", ") != want {
		t.Errorf("logged %v, want %s", got, want)
	}
}

// watchOnce opens a stream and leaves it at the first event. A promise is in the log
// from its begin, and its end follows.
func watchOnce(t *testing.T, c *client.Client, log func() string, handle bool) error {
	t.Helper()
	err := c.Watch(t.Context(), client.WatchOptions{Handle: handle}, func(control.Event) error {
		if handle && !strings.Contains(log(), `"request":"GET /v1/events?handle=data"`) {
			t.Errorf("the promise is not in the log: %s", log())
		}
		return errEnough
	})
	for end := time.Now().Add(10 * time.Second); handle && !strings.Contains(log(), `"request":"end of `); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("the end of the promise is not in the log")
		}
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
