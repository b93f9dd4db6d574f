package phonepeer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/coder/websocket"

	"callbox/signaling/hello"
	"callbox/signaling/key"
	"callbox/signaling/message"
)

const (
	subprotocol = "callbox.v1"
	signalPath  = "/signal"
)

// dialer opens connections to one device.
type dialer struct {
	http *http.Transport
	key  *key.Private
	to   address
}

func newDialer(k *key.Private, to address, insecureTLS bool) *dialer {
	return &dialer{key: k, to: to, http: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
			// The device's key is proven by its hello, whatever its certificate says.
			InsecureSkipVerify: insecureTLS,
		},
	}}
}

// wire is one WebSocket whose device has proved itself.
type wire struct {
	ws     *websocket.Conn
	device *key.Public
	epoch  uint64

	queue chan string
	once  sync.Once
	ended chan struct{} // closed by end
	fatal sync.Once
	dead  chan struct{} // closed by cut
}

// dial tries each endpoint once. Errors: ErrUnreachable, ErrKeyChanged,
// ErrUnsupported.
func (d *dialer) dial(ctx context.Context, urls []string) (*wire, error) {
	var errs []error
	for _, u := range urls {
		w, err := d.open(ctx, u)
		if err == nil {
			return w, nil
		}
		if errors.Is(err, ErrKeyChanged) || errors.Is(err, ErrUnsupported) {
			return nil, err
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("%w: %w", ErrUnreachable, errors.Join(errs...))
}

// open opens a WebSocket and exchanges the hellos.
func (d *dialer) open(ctx context.Context, u string) (*wire, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout+helloTimeout)
	defer cancel()
	ws, err := d.upgrade(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to %s: %w", u, err)
	}
	w, err := d.greet(ctx, ws)
	if err != nil {
		_ = ws.CloseNow()
		return nil, fmt.Errorf("cannot connect to %s: %w", u, err)
	}
	return w, nil
}

func (d *dialer) upgrade(ctx context.Context, u string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, u, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: d.http}, Subprotocols: []string{subprotocol}, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, err
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	ws.SetReadLimit(maxFrame)
	return ws, nil
}

// greet takes the device's hello and answers it.
func (d *dialer) greet(ctx context.Context, ws *websocket.Conn) (*wire, error) {
	kind, greeting, err := ws.Read(ctx)
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageText {
		return nil, hello.ErrRefused
	}
	h, err := message.ParseDeviceHello(string(greeting))
	if err != nil {
		return nil, err
	}
	device, err := key.ParsePublic(h.JWK)
	switch {
	case err != nil:
		return nil, err
	case h.SN != d.to.sn: // another device at an old address
		return nil, fmt.Errorf("the device there is %s: %w", h.SN, hello.ErrRefused)
	case device.JKT() != d.to.dkt:
		return nil, ErrKeyChanged
	case !slices.Contains(h.Versions, message.Version):
		return nil, ErrUnsupported
	}
	answer, _, err := hello.Answer(d.key, d.to.dkt, string(greeting))
	if err != nil {
		return nil, err
	}
	if err := ws.Write(ctx, websocket.MessageText, []byte(answer)); err != nil {
		return nil, err
	}
	return &wire{ws: ws, device: device, epoch: h.Epoch, queue: make(chan string, maxQueue),
		ended: make(chan struct{}), dead: make(chan struct{})}, nil
}

// send queues one message; false when the connection is over, or so slow that it
// has to be.
func (w *wire) send(text string) bool {
	select {
	case <-w.ended:
		return false
	default:
	}
	select {
	case w.queue <- text:
		return true
	default:
		w.end()
		return false
	}
}

// end makes the writer close the connection, after what is queued.
func (w *wire) end() { w.once.Do(func() { close(w.ended) }) }

// cut makes the writer close the connection at once, without a word.
func (w *wire) cut() { w.fatal.Do(func() { close(w.dead) }) }

// write sends what is queued until the connection ends, and closes it.
func (w *wire) write() {
	for open := true; open; {
		select {
		case <-w.dead:
			w.end()
			_ = w.ws.CloseNow()
			return
		case text := <-w.queue:
			open = w.writeFrame(text)
		case <-w.ended:
			open = false
		}
	}
	w.end()
	w.flush()
	_ = w.ws.Close(websocket.StatusNormalClosure, "")
}

// flush sends what is still queued, until a frame fails or the connection is cut.
func (w *wire) flush() {
	for {
		select {
		case <-w.dead:
			return
		case text := <-w.queue:
			if !w.writeFrame(text) {
				return
			}
		default:
			return
		}
	}
}

func (w *wire) writeFrame(text string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	return w.ws.Write(ctx, websocket.MessageText, []byte(text)) == nil
}

// read returns the next text frame; false when the connection is over. Other frames
// end it.
func (w *wire) read() (string, bool) {
	kind, p, err := w.ws.Read(context.Background())
	return string(p), err == nil && kind == websocket.MessageText
}
