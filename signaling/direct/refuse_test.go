package direct

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestRefusedUpgrades(t *testing.T) {
	s, _ := start(t, setup{opt: Options{Listen: "127.0.0.1:0", Origins: []string{"https://calls.example.com"}}})
	own := "http://127.0.0.1:" + port(s)
	for name, tt := range map[string]struct {
		host, proto string
		origins     []string
		want        int
		counted     Reason // "": not refused
	}{
		"own origin":                {want: 101, origins: []string{own}},
		"own origin by other name":  {want: 101, origins: []string{"http://localhost:" + port(s)}},
		"configured origin":         {want: 101, origins: []string{"https://calls.example.com"}},
		"no origin":                 {want: 101},
		"forwarded port":            {want: 101, host: "localhost:9", origins: []string{"http://localhost:9"}},
		"foreign origin":            {want: 403, origins: []string{"https://evil.example"}, counted: RefusedOrigin},
		"own host on another port":  {want: 403, origins: []string{"http://127.0.0.1:1"}, counted: RefusedOrigin},
		"own host, other scheme":    {want: 403, origins: []string{"https://127.0.0.1:" + port(s)}, counted: RefusedOrigin},
		"configured name over http": {want: 403, origins: []string{"http://calls.example.com"}, counted: RefusedOrigin},
		"opaque origin":             {want: 403, origins: []string{"null"}, counted: RefusedOrigin},
		"two origins":               {want: 403, origins: []string{own, own}, counted: RefusedOrigin},
		"rebound name":              {want: 421, host: "evil.example", counted: RefusedHost},
		"rebound name and origin":   {want: 421, host: "evil.example", origins: []string{"http://evil.example"}, counted: RefusedHost},
		"foreign address":           {want: 421, host: "192.0.2.9", counted: RefusedHost},
		"other subprotocol":         {want: 400, proto: "mqtt", counted: RefusedProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.Refused()
			proto := "callbox.v1"
			if tt.proto != "" {
				proto = tt.proto
			}
			c, resp, _ := dialWith(t, s, &websocket.DialOptions{Host: tt.host, Subprotocols: []string{proto},
				HTTPHeader: http.Header{"Origin": tt.origins}})
			if c != nil {
				defer c.CloseNow()
			}
			if resp == nil || resp.StatusCode != tt.want {
				t.Fatalf("answer %v, want %d", resp, tt.want)
			}
			wantRefused(t, s, before, tt.counted)
		})
	}
}

// wantRefused wants reason to have been counted once since before, and no other;
// "" is none.
func wantRefused(t *testing.T, s *Server, before map[string]uint64, reason Reason) {
	t.Helper()
	for r, n := range s.Refused() {
		want := before[r]
		if r == string(reason) {
			want++
		}
		if n != want {
			t.Errorf("refused for %s: %d times, want %d", r, n, want)
		}
	}
}

func TestClosedWith(t *testing.T) {
	hello := func(t *testing.T, s *Server, ev events) *websocket.Conn { return prove(t, s, ev, "p.a") }
	greeted := func(t *testing.T, s *Server, _ events) *websocket.Conn { c := dial(t, s); read(t, c); return c }
	text, binary := websocket.MessageText, websocket.MessageBinary
	for name, tt := range map[string]struct {
		begin func(*testing.T, *Server, events) *websocket.Conn
		typ   websocket.MessageType
		send  string
		want  websocket.StatusCode
		count Reason
	}{
		"malformed hello":    {greeted, text, "nonsense", 1008, RefusedHello},
		"wrong nonce":        {greeted, text, "p.a n0", 1008, RefusedHello},
		"binary hello":       {greeted, binary, "p.a n1", 1003, RefusedShape},
		"binary message":     {hello, binary, "x", 1003, RefusedShape},
		"frame over 64 KiB":  {hello, text, strings.Repeat("x", 64<<10+1), 1009, RefusedSize},
		"very long frame":    {hello, text, strings.Repeat("x", 1<<20), 1009, RefusedSize},
		"text that is bytes": {hello, text, "\xff", 1007, RefusedShape},
	} {
		t.Run(name, func(t *testing.T) {
			s, ev := start(t, setup{time: patient}) // cut off while it still writes, it would not see the close frame
			c := tt.begin(t, s, ev)
			go c.Write(t.Context(), tt.typ, []byte(tt.send))
			wantClose(t, c, tt.want)
			// The close frame of a frame that is too long goes out before it is counted.
			for end := time.Now().Add(5 * time.Second); s.Refused()[string(tt.count)] == 0 && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			wantRefused(t, s, nil, tt.count)
		})
	}
	t.Run("frame of 64 KiB is taken", func(t *testing.T) {
		s, ev := start(t, setup{})
		c, big := prove(t, s, ev, "p.a"), strings.Repeat("x", 64<<10)
		write(t, c, big)
		ev.want(t, "receive p.a 127.0.0.1 true "+big)
	})
	t.Run("no hello", func(t *testing.T) {
		s, _ := start(t, setup{time: func(l *timeouts) { l.hello = 20 * time.Millisecond }})
		wantClose(t, dial(t, s), 1008)
	})
}

func TestSilentPhoneIsClosed(t *testing.T) {
	t.Parallel() // it waits; idle counts from the connection, and the hello must come before
	s, ev := start(t, setup{time: func(l *timeouts) { l.ping, l.idle = 10*time.Millisecond, 2*time.Second }})
	prove(t, s, ev, "p.a") // nobody reads, so nobody answers pings
	ev.want(t, "gone p.a")
}

func TestPongsKeepAPhone(t *testing.T) {
	t.Parallel() // it waits
	s, ev := start(t, setup{time: func(l *timeouts) { l.ping, l.idle = 20*time.Millisecond, 3*time.Second }})
	c := prove(t, s, ev, "p.a")
	ctx := c.CloseRead(t.Context()) // answers pings
	select {
	case <-ctx.Done():
		t.Fatal("closed although it answers")
	case got := <-ev:
		t.Fatal(got)
	case <-time.After(4 * time.Second): // longer than idle: the subject of the test
	}
}

func TestSlowReaderIsClosed(t *testing.T) {
	s, ev := start(t, setup{})
	prove(t, s, ev, "p.a")
	msg := strings.Repeat("x", 64<<10)
	for end := time.Now().Add(10 * time.Second); s.Send("p.a", msg); {
		if time.Now().After(end) {
			t.Fatal("a phone that reads nothing takes everything")
		}
	}
	ev.want(t, "gone p.a")
}

func TestConnectionCaps(t *testing.T) {
	s, _ := start(t, setup{})
	var open []net.Conn
	for range maxPerRemote {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	ask := func() error {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")); err != nil {
			return err
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if ask() == nil {
		t.Error("the 17th connection of an address is served")
	}
	open[0].Close()
	for end := time.Now().Add(5 * time.Second); ask() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a place that became free is not given again")
		}
	}
}

func TestCapInAll(t *testing.T) {
	l := newLimitListener(nil, 2, 2)
	var held []*limitConn
	for range 2 {
		a, b := net.Pipe()
		defer b.Close()
		held = append(held, l.admit(a))
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if l.admit(a) != nil {
		t.Error("one too many")
	}
	held[0].Close()
	held[0].Close() // gives one place back, not two
	if l.admit(a) == nil || l.admit(b) != nil {
		t.Error("places are miscounted")
	}
}

func FuzzHostAndOrigin(f *testing.F) {
	for _, s := range []string{"localhost:1", "[::1]:8443", "sn1.local", "https://a.b:8443", "http://[fe80::1%25eth0]", "null", "a:b:c", "http://a@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if host, _, ok := splitHost(s); ok && (host == "" || strings.ContainsAny(host, "/@?#[] ")) {
			t.Errorf("host %q from %q", host, s)
		}
		if o, ok := parseOrigin(s); ok {
			again, ok := parseOrigin(o.scheme + "://" + net.JoinHostPort(o.host, o.port))
			if !ok || again != o {
				t.Errorf("%q reads as %v, then as %v", s, o, again)
			}
		}
	})
}
