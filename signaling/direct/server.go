package direct

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	stdlog "log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// Greeting is the device's side of one connection's hello.
type Greeting interface {
	// Text is our signed hello, with a nonce that is fresh for the connection.
	Text() string
	// Verify reads the phone's answer to it and returns the phone's proven
	// address, p.<jkt>.
	Verify(answer string) (address string, err error)
}

// Handler gets what phones send. Its methods are called from several goroutines,
// but for one connection one after the other. They may call Send, not Close.
type Handler interface {
	// Up says that a phone has proven its address on a new connection, be it its
	// first or a further one. It comes before the first Receive from there.
	Up(address string)
	// Receive takes one message, not yet verified, of a proven address. remote is
	// the IP address that it comes from. secure says that nobody in between could
	// have replaced the page: it was served on loopback or with the maker's
	// certificate.
	Receive(address, remote string, secure bool, msg string)
	// Gone says that the address's last connection has ended.
	Gone(address string)
}

// Config is what a Server needs beside its Options. All fields but Page and Now
// are needed.
type Config struct {
	// SN is the device's serial number: the device is <sn>.local too.
	SN string
	// Page holds the phone page with index.html at its root; nil: none.
	Page fs.FS
	// CertDir is the directory in which a self-made certificate is kept.
	CertDir string
	// Greet makes the hello of a new connection. It is called from several
	// goroutines.
	Greet func() (Greeting, error)
	// Handler gets the messages.
	Handler Handler
	// Log is where connections and refusals are logged.
	Log zerolog.Logger
	// Now is the wall clock for self-made certificates, nil: time.Now. It may
	// stand at 1970.
	Now func() time.Time
}

// Server serves phones on the device's own listener. Its methods may be called
// from any goroutine.
type Server struct {
	opt     Options
	cfg     Config
	time    timeouts
	loop    bool // on loopback: http
	names   *reach
	certs   certificates // nil on loopback
	http    *http.Server
	phones  phones
	refused *refusals
	running sync.WaitGroup // the accept loop, every request and connection

	mu       sync.Mutex
	listener *limitListener
	closed   bool
}

// New checks everything that does not need the network. Errors: a listen address
// or a certificate that cannot be used.
func New(opt Options, cfg Config) (*Server, error) {
	return newServer(opt, cfg, defaultTimeouts(), thisMachine())
}

// machine is what a Server asks the machine.
type machine struct {
	addresses func() []netip.Addr // of all interfaces that are up
	hostname  func() (string, error)
}

func newServer(opt Options, cfg Config, t timeouts, m machine) (*Server, error) {
	host, _, err := net.SplitHostPort(opt.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w; set signaling.direct.listen to host:port, for example :8443", opt.Listen, err)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{opt: opt, cfg: cfg, time: t, loop: isLoopback(host), refused: newRefusals()}
	s.names = newReach(opt, cfg.SN, host, m, t.recheck)
	s.phones.handler = cfg.Handler
	if !s.loop {
		if opt.TLS.Certificate != "" || opt.TLS.Key != "" {
			s.certs, err = newMakerCertificate(opt.TLS, t.recheck, cfg.Log)
		} else {
			s.certs, err = newSelfSigned(cfg.CertDir, s.names, t.recheck, cfg.Now, cfg.Log)
		}
		if err != nil {
			return nil, err
		}
		s.names.certs = s.certs
	}
	mux := http.NewServeMux()
	mux.HandleFunc(signalPath, s.serveSignal)
	mux.Handle("/", page{fs: cfg.Page, log: cfg.Log})
	s.http = &http.Server{
		Handler:           s.guard(mux),
		ReadHeaderTimeout: t.readHeader,
		ReadTimeout:       t.request,
		WriteTimeout:      t.response,
		IdleTimeout:       t.keepAlive,
		MaxHeaderBytes:    maxHeader,
		Protocols:         new(http.Protocols),
		ErrorLog:          stdlog.New(debugWriter{cfg.Log}, "", 0),
		ConnContext:       withRaw,
	}
	// A WebSocket upgrade needs HTTP/1.1.
	s.http.Protocols.SetHTTP1(true)
	return s, nil
}

// Start binds the listener and serves until Close. Errors: the address cannot be
// bound.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.listener != nil {
		return errors.New("cannot start the direct server: it was started or closed before")
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.opt.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %q: %w; %s", s.opt.Listen, err, remedy(err))
	}
	s.listener = newLimitListener(l, maxConnections, maxPerRemote)
	s.names.bound(l.Addr().(*net.TCPAddr).AddrPort())
	var serve net.Listener = s.listener
	if !s.loop {
		serve = tls.NewListener(s.listener, &tls.Config{
			MinVersion: tls.VersionTLS12,
			NextProtos: []string{"http/1.1"},
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return s.certs.certificate(), nil
			},
		})
	}
	s.running.Go(func() {
		if err := s.http.Serve(serve); !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Log.Error().Err(err).Str("listen", s.opt.Listen).Msg("direct listener failed")
		}
	})
	s.cfg.Log.Info().Stringer("address", l.Addr()).Bool("selfSigned", s.SelfSigned()).Msg("direct listening")
	return nil
}

// remedy says what to do about a listener that cannot be bound.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program has this port (ss -ltnp shows which): stop it or set signaling.direct.listen to another port"
	case errors.Is(err, syscall.EACCES):
		return "ports below 1024 need CAP_NET_BIND_SERVICE: set signaling.direct.listen to a higher port, for example :8443"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "no interface has this address: set signaling.direct.listen to one of this machine's, or to :8443 for all"
	default:
		return "set signaling.direct.listen to an address of this machine, for example :8443"
	}
}

// Close says goodbye to every phone (close 1001, after what is queued for it, at
// most a second, and the closing handshakes, another), stops listening and waits for every goroutine. When
// ctx ends before, the rest is cut off. It may be called more than once.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	l := s.listener
	s.mu.Unlock()
	s.phones.shut()
	ctx, cancel := context.WithTimeout(ctx, s.time.flush+s.time.linger)
	defer cancel()
	stopCut := context.AfterFunc(ctx, func() {
		_ = s.http.Close()
		l.cut()
	})
	defer stopCut()
	err := s.http.Shutdown(ctx) // does not know the upgraded connections
	s.running.Wait()
	l.wait()
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil // what was left has been cut off
	}
	return err
}

// Send queues msg for the phone with address to. It is false when no proven
// connection of that phone takes it; true promises nothing about delivery.
func (s *Server) Send(to, msg string) bool { return s.phones.send(to, msg) }

// Phones is the number of phones that are connected and proven.
func (s *Server) Phones() int { return s.phones.count() }

// SelfSigned says that the device made its own certificate, so that browsers
// warn once.
func (s *Server) SelfSigned() bool {
	_, own := s.certs.(*selfSigned)
	return own
}

// Addr is the bound address; nil before Start.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// URLs are the page's addresses for people, the most useful first; none before
// Start.
func (s *Server) URLs() []string { return s.addresses("http", "/") }

// Endpoints are the WebSocket's addresses, in the same order, for the pairing
// code; none before Start.
func (s *Server) Endpoints() []string { return s.addresses("ws", signalPath) }

func (s *Server) addresses(scheme, path string) []string {
	if s.Addr() == nil {
		return nil
	}
	if !s.loop {
		scheme += "s"
	}
	var urls []string
	for _, host := range s.names.forPeople() {
		urls = append(urls, scheme+"://"+host+path)
	}
	return urls
}

// guard counts the request, so that Close can wait for it, and refuses a Host
// that is not ours: with DNS rebinding, a foreign name leads here.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			http.Error(w, "this device is shutting down", http.StatusServiceUnavailable)
			return
		}
		s.running.Add(1)
		s.mu.Unlock()
		defer s.running.Done()
		if !s.names.isHost(r.Host) {
			s.refused.add(RefusedHost)
			s.cfg.Log.Info().Str("remote", r.RemoteAddr).Str("host", r.Host).Msg("direct refused: foreign host name")
			http.Error(w, "this device is not known by this name; set signaling.direct.names if it should be", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// debugWriter takes what net/http has to say of broken connections. That a handler
// has panicked is a defect of ours, which net/http would hide.
type debugWriter struct{ log zerolog.Logger }

func (w debugWriter) Write(p []byte) (int, error) {
	line := w.log.Debug()
	if bytes.HasPrefix(p, []byte("http: panic")) {
		line = w.log.Error()
	}
	line.Msg(strings.TrimSpace(string(p)))
	return len(p), nil
}
