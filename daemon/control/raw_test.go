package control_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

func dial(t *testing.T, socket string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// send sends a request as another program would.
func send(t *testing.T, socket, method, path, body string, header map[string]string) (status int, answer string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://callbox"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		if k == "Host" {
			req.Host = v
		}
		req.Header.Set(k, v)
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
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

// exchange writes bytes and reads the answer that they lead to.
func exchange(t *testing.T, socket, text string) (*http.Response, error) {
	t.Helper()
	conn := dial(t, socket)
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return http.ReadResponse(bufio.NewReader(conn), nil)
}

// pages is a backend with 2500 records.
type pages struct{ *backend }

func (p *pages) Calls(_ context.Context, q control.CallQuery) ([]control.Record, error) {
	first := 0
	if q.After != "" {
		n, err := strconv.Atoi(q.After)
		if err != nil {
			return nil, err
		}
		first = n + 1
	}
	var out []control.Record
	for i := first; i < 2500 && len(out) < q.Limit; i++ {
		out = append(out, control.Record{ID: strconv.Itoa(i)})
	}
	return out, nil
}

func servePages(t *testing.T, b control.Backend) (*client.Client, string) {
	t.Helper()
	socket := t.TempDir() + "/control.sock"
	events := control.NewEvents(time.Now)
	server, err := control.Listen(control.Options{Path: socket}, b, events, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close(); server.Close() })
	return client.New(socket), socket
}
