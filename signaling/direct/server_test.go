package direct

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// greeter takes hellos of the form "<address> <nonce>".
type greeter struct{ n atomic.Int64 }

// greeting is one connection's nonce.
type greeting string

func (g *greeter) greet() (Greeting, error) { return greeting(fmt.Sprint("n", g.n.Add(1))), nil }

func (g greeting) Text() string { return "hello " + string(g) }

func (g greeting) Verify(answer string) (string, error) {
	address, n, ok := strings.Cut(answer, " ")
	if !ok || n != string(g) {
		return "", errors.New("cannot verify")
	}
	return address, nil
}

// events is a Handler that writes down what happens.
type events chan string

func (e events) Up(a string)   { e <- "up " + a }
func (e events) Gone(a string) { e <- "gone " + a }
func (e events) Receive(a, remote string, secure bool, msg string) {
	e <- fmt.Sprint("receive ", a, " ", remote, " ", secure, " ", msg)
}

func (e events) want(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case got := <-e:
			if got != w {
				t.Fatalf("event %q, want %q", got, w)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("no event, want %q", w)
		}
	}
}

var testPage = fstest.MapFS{
	"index.html":      {Data: []byte("<!doctype html>")},
	"assets/app.js":   {Data: []byte("export {}")},
	"assets/font.bin": {Data: []byte("x")},
}

func testMachine(addrs ...string) machine {
	var list []netip.Addr
	for _, a := range addrs {
		list = append(list, netip.MustParseAddr(a))
	}
	return machine{addresses: func() []netip.Addr { return list }, hostname: func() (string, error) { return "Door", nil }}
}

type setup struct {
	opt  Options
	page fs.FS
	time func(*timeouts)
}

// start runs a server until the test ends.
func start(t *testing.T, with setup) (*Server, events) {
	t.Helper()
	if with.opt.Listen == "" {
		with.opt.Listen = "127.0.0.1:0"
	}
	if with.page == nil {
		with.page = testPage
	}
	limits := defaultTimeouts()
	limits.flush, limits.linger = 200*time.Millisecond, 200*time.Millisecond
	if with.time != nil {
		with.time(&limits)
	}
	ev := make(events, 100)
	s, err := newServer(with.opt, Config{SN: "SN1", Page: with.page, CertDir: t.TempDir(), Greet: (&greeter{}).greet, Handler: ev,
		Log: zerolog.Nop()}, limits, testMachine("192.0.2.7", "2001:db8::7", "fe80::1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s, ev
}

// patient has the server wait for a phone that is slow because the machine is: one that
// reads and answers costs no more.
func patient(l *timeouts) { l.flush, l.linger = 10*time.Second, 10*time.Second }

// client trusts whatever certificate it meets and keeps no connection.
func client(t *testing.T) *http.Client {
	tr := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

func port(s *Server) string {
	_, p, _ := strings.Cut(s.Addr().String(), "127.0.0.1:")
	if p == "" {
		p = s.Addr().String()[strings.LastIndex(s.Addr().String(), ":")+1:]
	}
	return p
}

func dialWith(t *testing.T, s *Server, opt *websocket.DialOptions) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	scheme := "ws"
	if !s.loop {
		scheme = "wss"
	}
	opt.HTTPClient = client(t)
	c, resp, err := websocket.Dial(t.Context(), scheme+"://127.0.0.1:"+port(s)+"/signal", opt)
	if err == nil {
		t.Cleanup(func() { c.CloseNow() })
	}
	return c, resp, err
}

func dial(t *testing.T, s *Server) *websocket.Conn {
	t.Helper()
	c, _, err := dialWith(t, s, &websocket.DialOptions{Subprotocols: []string{"callbox.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	_, p, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func write(t *testing.T, c *websocket.Conn, msg string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(msg)); err != nil {
		t.Fatal(err)
	}
}

// prove dials and proves address.
func prove(t *testing.T, s *Server, ev events, address string) *websocket.Conn {
	t.Helper()
	c := dial(t, s)
	_, nonce, _ := strings.Cut(read(t, c), " ")
	write(t, c, address+" "+nonce)
	ev.want(t, "up "+address)
	return c
}

func wantClose(t *testing.T, c *websocket.Conn, want websocket.StatusCode) {
	t.Helper()
	for {
		if _, _, err := c.Read(t.Context()); err != nil {
			if got := websocket.CloseStatus(err); got != want {
				t.Fatalf("closed with %d (%v), want %d", got, err, want)
			}
			return
		}
	}
}

func TestMessagesBothWays(t *testing.T) {
	for name, tt := range map[string]struct {
		listen string
		secure bool
	}{"loopback": {"127.0.0.1:0", true}, "self-made certificate": {":0", false}} {
		t.Run(name, func(t *testing.T) {
			s, ev := start(t, setup{opt: Options{Listen: tt.listen}})
			if s.Send("p.a", "x") {
				t.Error("sent to nobody")
			}
			c := prove(t, s, ev, "p.a")
			write(t, c, "up")
			ev.want(t, fmt.Sprint("receive p.a 127.0.0.1 ", tt.secure, " up"))
			if !s.Send("p.a", "down") || read(t, c) != "down" {
				t.Error("not delivered")
			}
			if s.Phones() != 1 || s.SelfSigned() == tt.secure {
				t.Errorf("phones = %d, self-signed = %v", s.Phones(), s.SelfSigned())
			}
			c.Close(websocket.StatusNormalClosure, "")
			ev.want(t, "gone p.a")
			if s.Phones() != 0 || s.Send("p.a", "x") {
				t.Error("phone is still there")
			}
		})
	}
}

func TestNewestConnectionGetsMessages(t *testing.T) {
	s, ev := start(t, setup{})
	older, newer := prove(t, s, ev, "p.a"), prove(t, s, ev, "p.a")
	s.Send("p.a", "1")
	if got := read(t, newer); got != "1" {
		t.Fatal(got)
	}
	write(t, older, "still heard")
	ev.want(t, "receive p.a 127.0.0.1 true still heard")
	if s.Phones() != 1 {
		t.Errorf("phones = %d, want 1", s.Phones())
	}
	newer.Close(websocket.StatusNormalClosure, "")
	// Close returns when the server has answered; the registry follows.
	for s.phones.connections("p.a") != 1 {
		time.Sleep(time.Millisecond)
	}
	s.Send("p.a", "2")
	if got := read(t, older); got != "2" {
		t.Fatal(got)
	}
	older.Close(websocket.StatusNormalClosure, "")
	ev.want(t, "gone p.a")
}

func TestCloseFlushesAndSaysGoodbye(t *testing.T) {
	s, ev := start(t, setup{time: patient})
	c := prove(t, s, ev, "p.a")
	for i := range 20 {
		s.Send("p.a", fmt.Sprint(i))
	}
	done := make(chan error)
	go func() { done <- s.Close(context.Background()) }()
	for i := range 20 {
		if got := read(t, c); got != fmt.Sprint(i) {
			t.Fatalf("got %s, want %d", got, i)
		}
	}
	wantClose(t, c, websocket.StatusGoingAway)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ev.want(t, "gone p.a")
	if err := s.Close(context.Background()); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if s.Start() == nil {
		t.Error("a closed server starts again")
	}
}

func TestStartSaysWhatToDo(t *testing.T) {
	s, _ := start(t, setup{})
	other, err := New(Options{Listen: s.Addr().String()}, Config{SN: "a", Greet: (&greeter{}).greet, Handler: events(nil)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	err = other.Start()
	for _, want := range []string{s.Addr().String(), "signaling.direct.listen", "another program"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
}

func TestAddressesForPeople(t *testing.T) {
	s, _ := start(t, setup{opt: Options{Listen: ":0", Names: []string{"door.example.com"}}})
	p := ":" + port(s)
	want := fmt.Sprint([]string{"https://door.example.com" + p + "/", "https://192.0.2.7" + p + "/",
		"https://[2001:db8::7]" + p + "/", "https://sn1.local" + p + "/"})
	if got := fmt.Sprint(s.URLs()); got != want {
		t.Errorf("URLs = %s\nwant   %s", got, want)
	}
	if got := s.Endpoints()[3]; got != "wss://sn1.local"+p+"/signal" {
		t.Errorf("endpoint %s", got)
	}
	s, _ = start(t, setup{})
	if got := fmt.Sprint(s.URLs(), s.Endpoints()); got != fmt.Sprintf("[http://%[1]v/] [ws://%[1]v/signal]", s.Addr()) {
		t.Errorf("loopback: %s", got)
	}
}

// connections is the number of proven connections of address.
func (p *phones) connections(address string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.proven[address])
}
