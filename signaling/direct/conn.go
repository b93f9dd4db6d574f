package direct

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"
)

// conn is one WebSocket. The request's goroutine reads; one more writes and
// closes, one pings.
type conn struct {
	s       *Server
	log     zerolog.Logger
	ws      *websocket.Conn
	raw     net.Conn
	address string // proven; written once, by phones.prove
	queue   chan string
	idle    *time.Timer

	once   sync.Once
	ended  chan struct{} // closed by shut; code, reason and cut are set before
	code   websocket.StatusCode
	reason string
	cut    *time.Timer
}

// serveSignal upgrades to a WebSocket and serves it to its end.
func (s *Server) serveSignal(w http.ResponseWriter, r *http.Request) {
	log := s.cfg.Log.With().Str("remote", r.RemoteAddr).Logger()
	if origins := r.Header.Values("Origin"); len(origins) > 1 || len(origins) == 1 && !s.names.isOrigin(origins[0], r.Host) {
		s.refused.add(RefusedOrigin)
		log.Info().Strs("origin", origins).Msg("direct refused: foreign origin")
		http.Error(w, "pages of this origin may not connect; set signaling.direct.origins if they should", http.StatusForbidden)
		return
	}
	if !slices.Contains(subprotocols(r.Header), subprotocol) {
		s.refused.add(RefusedProtocol)
		log.Info().Msg("direct refused: no subprotocol in common")
		http.Error(w, "this WebSocket speaks only the subprotocol "+subprotocol, http.StatusBadRequest)
		return
	}
	raw, _ := r.Context().Value(rawKey{}).(net.Conn)
	c := &conn{s: s, log: log, raw: raw, queue: make(chan string, maxQueue), ended: make(chan struct{})}
	c.idle = time.AfterFunc(s.time.idle, func() { c.shut(websocket.StatusPolicyViolation, "nothing was heard for too long") })
	defer c.idle.Stop()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // the origin was checked above, against a fixed list
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { c.heard(); return true },
		OnPongReceived:     func(context.Context, []byte) { c.heard() },
	})
	if err != nil {
		s.refused.add(RefusedProtocol)
		log.Info().Err(err).Msg("direct refused: no WebSocket handshake")
		return
	}
	c.ws = ws
	ws.SetReadLimit(maxFrame)
	c.run(context.WithoutCancel(r.Context()))
}

func subprotocols(h http.Header) []string {
	var all []string
	for _, line := range h.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(line, ",") {
			all = append(all, strings.TrimSpace(p))
		}
	}
	return all
}

// run serves the connection; no goroutine of it is left when it returns.
func (c *conn) run(ctx context.Context) {
	var others sync.WaitGroup
	others.Go(func() { c.write(ctx) })
	others.Go(func() { c.ping(ctx) })
	if c.s.phones.open(c) {
		c.receive(ctx)
		c.shut(websocket.StatusNormalClosure, "")
		c.s.phones.end(c)
	} else {
		c.shut(websocket.StatusGoingAway, "this device is shutting down")
	}
	others.Wait()
	c.cut.Stop()
	c.log.Debug().Str("phone", c.address).Int("code", int(c.code)).Str("reason", c.reason).Msg("direct disconnected")
}

// receive proves the phone and hands its messages on until the connection ends.
func (c *conn) receive(ctx context.Context) {
	greeting, err := c.s.cfg.Greet()
	if err != nil {
		c.log.Error().Err(err).Msg("cannot greet a phone")
		c.shut(websocket.StatusInternalError, "this device cannot greet")
		return
	}
	c.queue <- greeting.Text() // the first of all: there is room
	late := time.AfterFunc(c.s.time.hello, func() { c.shut(websocket.StatusPolicyViolation, "no hello in time") })
	defer late.Stop()
	answer, ok := c.read(ctx)
	if !ok || !late.Stop() {
		return
	}
	address, err := greeting.Verify(answer)
	if err != nil {
		c.s.refused.add(RefusedHello)
		c.log.Info().Err(err).Msg("direct refused: bad hello")
		c.shut(websocket.StatusPolicyViolation, "malformed hello")
		return
	}
	c.s.phones.prove(c, address)
	c.log.Debug().Str("phone", address).Msg("direct connected")
	remote := remoteAddr(c.raw).String()
	for {
		msg, ok := c.read(ctx)
		if !ok {
			return
		}
		c.s.cfg.Handler.Receive(address, remote, !c.s.SelfSigned(), msg)
	}
}

// read returns the next text frame. When there is none, it has closed the
// connection with the code that says why.
func (c *conn) read(ctx context.Context) (string, bool) {
	typ, r, err := c.ws.Reader(ctx)
	if err == nil && typ != websocket.MessageText {
		c.s.refused.add(RefusedShape)
		c.shut(websocket.StatusUnsupportedData, "text frames only")
		return "", false
	}
	var msg strings.Builder
	if err == nil {
		_, err = io.Copy(&msg, r)
	}
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		c.s.refused.add(RefusedSize)
		c.shut(websocket.StatusMessageTooBig, "frame over 64 KiB")
		return "", false
	case err != nil:
		return "", false // closed by either end; run shuts
	case !utf8.ValidString(msg.String()):
		c.s.refused.add(RefusedShape)
		c.shut(websocket.StatusInvalidFramePayloadData, "text is not UTF-8")
		return "", false
	}
	select {
	case <-c.ended: // what still comes in is not taken any more
		return "", false
	default:
	}
	c.heard()
	return msg.String(), true
}

func (c *conn) heard() { c.idle.Reset(c.s.time.idle) }

// enqueue queues msg. A phone that lets the queue run full is cut off.
func (c *conn) enqueue(msg string) bool {
	select {
	case <-c.ended:
		return false
	default:
	}
	select {
	case c.queue <- msg:
		return true
	default:
		c.shut(websocket.StatusPolicyViolation, "reads too slowly")
		return false
	}
}

// shut ends the connection, once, and does not wait. The writer sends the close
// frame; a phone that does not answer it, or reads nothing at all, is cut off.
func (c *conn) shut(code websocket.StatusCode, reason string) {
	c.once.Do(func() {
		c.code, c.reason = code, reason
		c.cut = time.AfterFunc(c.s.time.flush+c.s.time.linger, func() { c.raw.Close() })
		close(c.ended)
	})
}

// write sends what is queued, and at the end the close frame.
func (c *conn) write(ctx context.Context) {
	for open := true; open; {
		select {
		case msg := <-c.queue:
			open = c.writeFrame(ctx, msg, c.s.time.write)
		case <-c.ended:
			open = false
		}
	}
	if c.code == websocket.StatusGoingAway {
		c.flush(ctx)
	}
	c.cut.Reset(c.s.time.linger)
	_ = c.ws.Close(c.code, c.reason) // returns when the phone has closed or was cut off
	_ = c.raw.Close()
}

func (c *conn) writeFrame(ctx context.Context, msg string, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, []byte(msg)); err != nil {
		c.shut(websocket.StatusPolicyViolation, "cannot write")
		return false
	}
	return true
}

// flush sends what is still queued, within the flush time.
func (c *conn) flush(ctx context.Context) {
	for until := time.Now().Add(c.s.time.flush); ; {
		select {
		case msg := <-c.queue:
			if !c.writeFrame(ctx, msg, time.Until(until)) {
				return
			}
		default:
			return
		}
	}
}

// ping keeps routers from forgetting the connection; each pong resets the idle
// timer.
func (c *conn) ping(ctx context.Context) {
	tick := time.NewTicker(c.s.time.ping)
	defer tick.Stop()
	for {
		select {
		case <-c.ended:
			return
		case <-tick.C:
		}
		// Ping waits for the pong until the next one is due. That it did not come is
		// the idle timer's to judge; that it could not be written ends the connection.
		once, cancel := context.WithTimeout(ctx, c.s.time.ping)
		_ = c.ws.Ping(once)
		cancel()
	}
}
