package control_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend remembers what it was asked for.
type backend struct {
	asked   []string
	err     error
	pairing control.PairRequest
}

func (b *backend) note(what string) error {
	b.asked = append(b.asked, what)
	return b.err
}

func (b *backend) Status(context.Context) (control.Status, error) {
	return control.Status{Name: "Front door", State: "idle"}, b.err
}
func (b *backend) Answer(_ context.Context, room string) error { return b.note("answer " + room) }
func (b *backend) Reject(_ context.Context, room string) error { return b.note("reject " + room) }
func (b *backend) HangUp(_ context.Context, room string) error { return b.note("hangup " + room) }
func (b *backend) SetMicrophone(_ context.Context, on bool) error {
	return b.note(map[bool]string{true: "microphone on", false: "microphone off"}[on])
}
func (b *backend) SetCamera(_ context.Context, on bool) error {
	return b.note(map[bool]string{true: "camera on", false: "camera off"}[on])
}
func (b *backend) OpenPairing(_ context.Context, r control.PairRequest) (control.PairWindow, error) {
	b.pairing = r
	return control.PairWindow{URL: "https://door/#pair=x"}, b.note("pair")
}
func (b *backend) ClosePairing(context.Context) error { return b.note("unpair") }
func (b *backend) Contacts(context.Context) ([]control.Contact, error) {
	return nil, b.note("contacts")
}
func (b *backend) Revoke(_ context.Context, who string) (control.Contact, error) {
	return control.Contact{Name: who, Revoked: true}, b.note("revoke " + who)
}
func (b *backend) Calls(context.Context, int) ([]control.Record, error) { return nil, b.note("calls") }
func (b *backend) Version() control.Version                             { return control.Version{Version: "1.2.3"} }

func serve(t *testing.T, b *backend) (*client.Client, *control.Events, string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "control.sock")
	events := control.NewEvents(time.Now)
	server, err := control.Listen(socket, b, events, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		events.Close()
		if err := server.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return client.New(socket), events, socket
}

func TestEveryRequestReachesTheBackend(t *testing.T) {
	b := &backend{}
	c, _, _ := serve(t, b)
	ctx := t.Context()
	status, err := c.Status(ctx)
	if err != nil || status.Name != "Front door" {
		t.Errorf("Status = %+v, %v", status, err)
	}
	if v, err := c.Version(ctx); err != nil || v.Version != "1.2.3" {
		t.Errorf("Version = %+v, %v", v, err)
	}
	for _, do := range []func() error{
		func() error { return c.Answer(ctx, "room-1") },
		func() error { return c.Reject(ctx, "") },
		func() error { return c.HangUp(ctx, "") },
		func() error { return c.SetMicrophone(ctx, false) },
		func() error { return c.SetCamera(ctx, true) },
		func() error { _, err := c.OpenPairing(ctx, control.PairRequest{Name: "Anna", Seconds: 60}); return err },
		func() error { return c.ClosePairing(ctx) },
		func() error { list, err := c.Contacts(ctx); return errors.Join(err, notNil(list != nil)) },
		func() error { _, err := c.Revoke(ctx, "Anna / Bert"); return err },
		func() error { list, err := c.Calls(ctx, 5); return errors.Join(err, notNil(list != nil)) },
	} {
		if err := do(); err != nil {
			t.Error(err)
		}
	}
	want := "answer room-1,reject ,hangup ,microphone off,camera on,pair,unpair,contacts,revoke Anna / Bert,calls"
	if got := strings.Join(b.asked, ","); got != want {
		t.Errorf("the backend was asked\n%s, want\n%s", got, want)
	}
	if b.pairing.Name != "Anna" || b.pairing.Seconds != 60 {
		t.Errorf("pairing = %+v", b.pairing)
	}
}

func notNil(ok bool) error {
	if ok {
		return nil
	}
	return errors.New("an empty list came as null")
}

func TestErrorsKeepTheirCode(t *testing.T) {
	b := &backend{err: control.ErrNoCall}
	c, _, _ := serve(t, b)
	if err := c.HangUp(t.Context(), ""); !errors.Is(err, control.ErrNoCall) {
		t.Errorf("HangUp without a call = %v", err)
	}
	b.err = errors.New("disk on fire")
	if err := c.HangUp(t.Context(), ""); !errors.Is(err, control.ErrInternal) || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("HangUp with a broken daemon = %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	c := client.New(filepath.Join(t.TempDir(), "nobody.sock"))
	if _, err := c.Status(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("Status without a daemon = %v", err)
	}
}

// raw sends a request as another program would.
func raw(t *testing.T, socket, method, path, body string, header map[string]string) (int, string) {
	t.Helper()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	h := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://callbox"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := h.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestRefusals(t *testing.T) {
	b := &backend{}
	_, _, socket := serve(t, b)
	for name, tt := range map[string]struct {
		method, path, body string
		header             map[string]string
		status             int
		says               string
	}{
		"a page in a browser":            {"POST", "/v1/call/answer", "", map[string]string{"Origin": "https://evil.example"}, 403, "browser"},
		"a picture in a page":            {"GET", "/v1/status", "", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "browser"},
		"an unknown path":                {"GET", "/v2/status", "", nil, 404, "/v2/status"},
		"a wrong method":                 {"GET", "/v1/call/answer", "", nil, 404, "GET /v1/call/answer"},
		"no JSON":                        {"POST", "/v1/call/answer", "{", nil, 400, "cannot read"},
		"an unknown member":              {"POST", "/v1/pair", `{"minutes":5}`, nil, 400, "minutes"},
		"two names for two rooms":        {"POST", "/v1/call/answer", `{"roomId":"a","groupId":"b"}`, nil, 400, "differ"},
		"a switch without a position":    {"POST", "/v1/call/camera", `{}`, nil, 400, `\"on\"`},
		"a limit that is no number":      {"GET", "/v1/calls?limit=x", "", nil, 400, "1 to 1000"},
		"an event id that is a word":     {"GET", "/v1/events", "", map[string]string{"Last-Event-ID": "x"}, 400, "number"},
		"a body that never seems to end": {"POST", "/v1/pair", `{"name":"` + strings.Repeat("x", 70_000) + `"}`, nil, 400, "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := raw(t, socket, tt.method, tt.path, tt.body, tt.header)
			if status != tt.status || !strings.Contains(body, tt.says) || !strings.Contains(body, `"code"`) {
				t.Errorf("answer = %d %s, want %d and %q", status, body, tt.status, tt.says)
			}
		})
	}
	if len(b.asked) > 0 {
		t.Errorf("refused requests reached the backend: %v", b.asked)
	}
}

func TestGroupIDIsRoomID(t *testing.T) {
	b := &backend{}
	_, _, socket := serve(t, b)
	if status, body := raw(t, socket, "POST", "/v1/call/answer", `{"groupId":"g"}`, nil); status != 200 {
		t.Errorf("answer = %d %s", status, body)
	}
	if strings.Join(b.asked, "") != "answer g" {
		t.Errorf("asked = %v", b.asked)
	}
}

func TestSocketIsForItsGroup(t *testing.T) {
	_, _, socket := serve(t, &backend{})
	info, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o660 {
		t.Errorf("mode = %o, want 660", mode)
	}
}

func TestSocketThatIsThere(t *testing.T) {
	dir := t.TempDir()
	t.Run("of a dead daemon", func(t *testing.T) {
		path := filepath.Join(dir, "dead.sock")
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		s, err := control.Listen(path, &backend{}, control.NewEvents(time.Now), zerolog.Nop())
		if err != nil {
			t.Fatalf("a stale socket is in the way: %v", err)
		}
		s.Close()
	})
	t.Run("of a living daemon", func(t *testing.T) {
		_, _, socket := serve(t, &backend{})
		if _, err := control.Listen(socket, &backend{}, control.NewEvents(time.Now), zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "another callboxd") {
			t.Errorf("Listen = %v", err)
		}
	})
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(dir, "precious")
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := control.Listen(path, &backend{}, control.NewEvents(time.Now), zerolog.Nop()); err == nil {
			t.Error("Listen replaced a file")
		}
		if _, err := os.Stat(path); err != nil {
			t.Error("Listen removed a file")
		}
	})
}

func TestWatch(t *testing.T) {
	c, events, _ := serve(t, &backend{})
	events.Publish("before", "", nil)
	stop := errors.New("enough")
	var names []string
	err := c.Watch(t.Context(), func(ev control.Event) error {
		names = append(names, ev.Name)
		switch ev.Name {
		case "status":
			events.Publish("ringing", "room-1", map[string]string{"contact": "Anna"})
		case "ringing":
			if ev.RoomID != "room-1" || ev.GroupID != "room-1" || !strings.Contains(string(ev.Data), "Anna") || ev.Seq != 2 {
				t.Errorf("event = %+v", ev)
			}
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || strings.Join(names, " ") != "status ringing" {
		t.Errorf("Watch = %v, saw %v", err, names)
	}
}

func TestResume(t *testing.T) {
	events := control.NewEvents(time.Now)
	for range 1500 {
		events.Publish("x", "", nil)
	}
	for name, tt := range map[string]struct {
		after  uint64
		past   int
		missed bool
	}{
		"from now on":            {0, 0, false},
		"the newest ones":        {1490, 10, false},
		"all that is kept":       {500, 1000, false},
		"more than is kept":      {499, 1000, true},
		"from before a restart":  {9000, 1000, true},
		"nothing happened since": {1500, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := events.Subscribe(tt.after)
			defer s.Close()
			if len(s.Past) != tt.past || s.Missed != tt.missed {
				t.Errorf("past = %d, missed = %v; want %d, %v", len(s.Past), s.Missed, tt.past, tt.missed)
			}
		})
	}
}

// TestSlowReader: a client that does not read is dropped and disturbs nobody.
func TestSlowReader(t *testing.T) {
	events := control.NewEvents(time.Now)
	slow, quick := events.Subscribe(0), events.Subscribe(0)
	got := 0
	for range 300 {
		events.Publish("x", "", nil)
		<-quick.C
		got++
	}
	n := 0
	for range slow.C { // closed by the drop
		n++
	}
	if got != 300 || n != 256 || events.Subscribers() != 1 {
		t.Errorf("quick got %d, slow %d, %d subscribers left", got, n, events.Subscribers())
	}
	quick.Close()
}
