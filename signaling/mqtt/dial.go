package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"
)

// subprotocol is that of MQTT over WebSocket (MQTT 5, 6).
const subprotocol = "mqtt"

// dial opens the way to a broker.
func dial(ctx context.Context, u *url.URL, config *tls.Config, limit time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	switch u.Scheme {
	case "mqtts":
		d := tls.Dialer{Config: config}
		return d.DialContext(ctx, "tcp", u.Host)
	case "ws", "wss":
		return dialWeb(ctx, u, config)
	default:
		var d net.Dialer
		return d.DialContext(ctx, "tcp", u.Host)
	}
}

func dialWeb(ctx context.Context, u *url.URL, config *tls.Config) (net.Conn, error) {
	// One transport for one connection: it keeps nothing open for a next one.
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}
	options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{subprotocol}}
	ws, _, err := websocket.Dial(ctx, u.String(), options) //nolint:bodyclose // its response has none to be closed
	if err != nil {
		return nil, err
	}
	if ws.Subprotocol() != subprotocol {
		_ = ws.CloseNow()
		return nil, errors.New("the server does not speak MQTT over this WebSocket; is the path right?")
	}
	ws.SetReadLimit(maxPacket)
	return webConn{websocket.NetConn(context.WithoutCancel(ctx), ws, websocket.MessageBinary), ws}, nil
}

// webConn closes without the closing handshake, for which NetConn waits 5 s: MQTT
// has said goodbye before, or there is nobody to say it to.
type webConn struct {
	net.Conn
	ws *websocket.Conn
}

func (c webConn) Close() error { return c.ws.CloseNow() }

// failure puts what a person can do beside why a broker was not reached.
func failure(u *url.URL, err error) string {
	var unknown *tls.CertificateVerificationError
	at := u.Scheme + "://" + u.Host + u.Path
	switch {
	case errors.Is(err, ErrPassword), errors.Is(err, ErrCertificate):
		return err.Error()
	case errors.As(err, &unknown):
		return fmt.Sprintf("cannot trust the broker %s: %v; set signaling.mqtt.ca to the authority that made its certificate, and look at the device's clock", at, unknown.Err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("cannot reach the broker %s: it does not answer", at)
	}
	return fmt.Sprintf("cannot reach the broker %s: %v", at, err)
}
