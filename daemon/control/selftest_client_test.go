package control_test

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

// TestSelftestEndsWithTheDaemon: whoever tests learns at once that the daemon has stopped,
// while the call is still being waited for.
func TestSelftestEndsWithTheDaemon(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "control.sock")
	events := control.NewEvents(time.Now)
	server, err := control.Listen(control.Options{Path: socket}, &backend{events: events}, events, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	begun, closed := make(chan struct{}), make(chan error, 1)
	go func() {
		<-begun
		events.Close()
		closed <- server.Close()
	}()
	err = client.New(socket).Selftest(t.Context(), testRequest(), func(ctx context.Context, _ control.SelftestTerms) error {
		close(begun)
		return waited(ctx, t)
	})
	if !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("Selftest = %v, want ErrUnreachable", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestSelftestOfADeadDaemon: one that is killed says no last word.
func TestSelftestOfADeadDaemon(t *testing.T) {
	for name, said := range map[string]string{
		"in the test":      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\nevent: selftest\ndata: {}\n\n\r\n",
		"before its terms": "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "control.sock")
			listener, err := net.Listen("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			die := make(chan struct{})
			go func() {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, said)
				if name == "in the test" {
					<-die
				}
			}()
			err = client.New(socket).Selftest(t.Context(), testRequest(), func(ctx context.Context, _ control.SelftestTerms) error {
				close(die)
				return waited(ctx, t)
			})
			if !errors.Is(err, client.ErrUnreachable) {
				t.Errorf("Selftest = %v, want ErrUnreachable", err)
			}
		})
	}
}

// TestSelftestEnds: it ends with what tests, and with who asks.
func TestSelftestEnds(t *testing.T) {
	api, _, _ := serve(t, &backend{})
	burnt := errors.New("the phone has burnt down")
	if err := api.Selftest(t.Context(), testRequest(), func(context.Context, control.SelftestTerms) error { return burnt }); !errors.Is(err, burnt) {
		t.Errorf("Selftest = %v, want %v", err, burnt)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := api.Selftest(ctx, testRequest(), func(ctx context.Context, _ control.SelftestTerms) error {
		cancel()
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Selftest = %v, want %v", err, context.Canceled)
	}
}

func testRequest() control.SelftestRequest {
	r := full[control.SelftestRequest]()
	r.Seconds = 10
	return r
}

// waited is what ends a phone's context; the daemon has to, soon.
func waited(ctx context.Context, t *testing.T) error {
	t.Helper()
	select {
	case <-ctx.Done():
		if !errors.Is(context.Cause(ctx), client.ErrUnreachable) {
			t.Errorf("the phone's context ends with %v", context.Cause(ctx))
		}
	case <-time.After(10 * time.Second):
		t.Error("the phone has not learnt of the daemon's end")
	}
	return nil
}
