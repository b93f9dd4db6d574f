// Package turntest runs Debian's coturn, the TURN server that most makers have, for
// tests: on free ports of loopback, with a secret of its own. It relays between
// loopback addresses, which no server should do that others can reach.
package turntest

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"callbox/hal/haltest"
)

// startTimeout is what a busy machine may need to start the server.
const startTimeout = 20 * time.Second

// Server is a running coturn.
type Server struct {
	// Secret is what it shares with those who make credentials.
	Secret string
	// URL is its turn: URL, over UDP.
	URL string

	mu  sync.Mutex
	log strings.Builder
}

// Start runs coturn until the test ends. Without the program the test is skipped, and fails in CI.
func Start(t testing.TB) *Server {
	t.Helper()
	program, err := exec.LookPath("turnserver")
	if err != nil {
		haltest.Missing(t, "coturn's turnserver")
	}
	s := &Server{Secret: rand.Text()}
	for range 3 { // somebody else may take the port in between
		if s.try(t, program) {
			return s
		}
	}
	t.Fatalf("cannot start coturn; it said:\n%s", s.Log())
	return nil
}

func (s *Server) try(t testing.TB, program string) bool {
	t.Helper()
	port := freePort(t)
	dir := t.TempDir()
	s.URL = fmt.Sprintf("turn:127.0.0.1:%d?transport=udp", port)
	cmd := exec.Command(program, "-n", //nolint:noctx // it is ended by a signal, so that it can put its relays away
		"--listening-ip=127.0.0.1", fmt.Sprintf("--listening-port=%d", port), "--relay-ip=127.0.0.1",
		"--use-auth-secret", "--static-auth-secret="+s.Secret, "--realm=callbox.test", "--fingerprint",
		"--allow-loopback-peers", "--cli-password="+rand.Text(), "--no-cli", // without a password it refuses loopback
		"--no-tls", "--no-dtls", "--no-multicast-peers", "--relay-threads=1", "--verbose",
		"--log-file=stdout", "--pidfile="+filepath.Join(dir, "pid"), "--userdb="+filepath.Join(dir, "db"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot start coturn: %v", err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.read(out, fmt.Sprintf("UDP listener opened on: 127.0.0.1:%d", port), ready)
		_ = cmd.Wait() // it ends by our signal
	}()
	end := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	}
	select {
	case <-ready:
		t.Cleanup(end)
		return true
	case <-ended:
	case <-time.After(startTimeout):
		end()
	}
	return false
}

// read keeps what the server says, and closes ready at the line that has sign.
func (s *Server) read(out io.Reader, sign string, ready chan<- struct{}) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		s.mu.Lock()
		s.log.WriteString(lines.Text() + "\n")
		s.mu.Unlock()
		if ready != nil && strings.Contains(lines.Text(), sign) {
			close(ready)
			ready = nil
		}
	}
}

// Log is what the server has said.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// freePort is a port that is free for UDP and TCP, as is the one after it, which
// coturn takes as well.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		var sockets []io.Closer
		port, free := haltest.Port(), true
		keep := func(c io.Closer, err error) {
			if err != nil {
				free = false
				return
			}
			sockets = append(sockets, c)
		}
		keep(net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port))) //nolint:noctx // a test's own sockets
		for _, p := range []int{port, port + 1} {
			keep(net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", p))) //nolint:noctx // the same
		}
		for _, c := range sockets {
			c.Close()
		}
		if free {
			return port
		}
	}
	t.Fatal("cannot find a free port")
	return 0
}
