package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// Time-outs of the API. A request is a few hundred bytes on a local socket.
const (
	headerTimeout = 5 * time.Second
	backendWait   = 3 * time.Second  // the loop answers in microseconds, or it is stuck
	keepAlive     = 15 * time.Second // a comment line on a quiet stream finds dead clients
	stopTimeout   = 2 * time.Second
)

// Server serves the API on a Unix socket.
type Server struct {
	backend Backend
	events  *Events
	log     zerolog.Logger
	path    string
	http    *http.Server
	done    chan struct{}
	stop    chan struct{}
	once    sync.Once
}

// Options say where the API is served.
type Options struct {
	Path  string // of the socket; its folder is made
	Group string // owns the socket, so that its members may use it; "" leaves it as the system made it
}

// Listen makes the socket (mode 0660) and starts to serve. The socket of a daemon
// that is gone is replaced; one that still answers is an error. A group that is
// not there, or that this process may not give the socket to, is logged: root can
// still use the socket.
func Listen(o Options, backend Backend, events *Events, log zerolog.Logger) (*Server, error) {
	path := o.Path
	if err := removeStale(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the folder of the control socket: %w; set control.socket", err)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on the control socket %s: %w; set control.socket", path, err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		listener.Close()
		return nil, fmt.Errorf("cannot give the group access to the control socket: %w", err)
	}
	s := &Server{backend: backend, events: events, log: log, path: path, done: make(chan struct{}), stop: make(chan struct{})}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       withPeer,
	}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error().Err(err).Msg("the control socket has failed")
		}
	}()
	return s, nil
}

// Close ends all requests and streams and removes the socket.
func (s *Server) Close() error {
	s.once.Do(func() { close(s.stop) })
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	return err
}

// removeStale removes a socket on which nobody answers.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look at the control socket: %w", err)
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("cannot use %s as the control socket: it is another kind of file; set control.socket", path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var d net.Dialer
	if conn, err := d.DialContext(ctx, "unix", path); err == nil {
		conn.Close()
		return fmt.Errorf("cannot use the control socket %s: another callboxd answers on it; stop that one first", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the old control socket: %w", err)
	}
	return nil
}

// peer is who asks, as the kernel says (SO_PEERCRED).
type peer struct {
	uid, pid int
	known    bool
}

type peerKey struct{}

func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, credentials(c))
}

func credentials(c net.Conn) peer {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return peer{}
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return peer{}
	}
	var p peer
	if err := raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			p = peer{uid: int(cred.Uid), pid: int(cred.Pid), known: true}
		}
	}); err != nil {
		return peer{}
	}
	return p
}
