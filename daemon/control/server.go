package control

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Time-outs of the API. A request is a few hundred bytes on a local socket.
const (
	headerTimeout = 5 * time.Second
	bodyTimeout   = 5 * time.Second
	idleTimeout   = time.Minute      // of a connection between two requests
	backendWait   = 3 * time.Second  // the loop answers in microseconds, or it is stuck
	writeTimeout  = 10 * time.Second // a client that does not read for so long is gone
	keepAlive     = 15 * time.Second // a comment line on a quiet stream finds dead clients
	stopTimeout   = 2 * time.Second
)

// Options say where the API is served.
type Options struct {
	Path  string // of the socket; its folder is made
	Link  string // of a symbolic link to a socket that is elsewhere than programs look for it; "" makes none
	Group string // owns the socket, so that its members may use it; "" leaves it as the system made it
}

// Server serves the API on a Unix socket.
type Server struct {
	backend Backend
	events  *Events
	log     zerolog.Logger
	http    *http.Server
	sockets *listener
	path    string
	link    string // to path; "" for none
	replies replies
	done    chan struct{}
	stop    chan struct{}
	once    sync.Once
}

// Listen makes the socket (mode 0660) and starts to serve. The socket of a daemon
// that is gone is replaced; one that still answers is an error. A group that is
// not there, or that this process may not give the socket to, is logged: root can
// still use the socket.
func Listen(o Options, backend Backend, events *Events, log zerolog.Logger) (*Server, error) {
	sockets, err := listen(o.Path)
	if err != nil {
		return nil, err
	}
	if err := giveToGroup(o.Path, o.Group); err != nil {
		log.Warn().Err(err).Msg("only root and the daemon's user can use the control socket")
	}
	if err := linkTo(o.Path, o.Link); err != nil {
		log.Warn().Err(err).Msg("the control socket is found by its own path only")
	}
	s := &Server{
		backend: backend, events: events, log: log, sockets: sockets, link: o.Link, path: o.Path,
		replies: replies{now: time.Now}, done: make(chan struct{}), stop: make(chan struct{}),
	}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       withPeer,
	}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(sockets); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error().Err(err).Msg("the control socket has failed")
		}
	}()
	return s, nil
}

// Close ends all requests and streams and removes the socket and the link to it.
func (s *Server) Close() error {
	s.once.Do(func() { close(s.stop) })
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	if to, readErr := os.Readlink(s.link); readErr == nil && to == s.path {
		err = errors.Join(err, os.Remove(s.link))
	}
	return err
}
