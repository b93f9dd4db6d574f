package direct

import "time"

// The limits of docs/protocol.md, "Transports".
const (
	subprotocol    = "callbox.v1"
	signalPath     = "/signal"
	maxFrame       = 64 << 10 // bytes; larger: close 1009
	maxHeader      = 16 << 10 // bytes of an HTTP request's head
	maxPerRemote   = 16       // connections, from accept on: a page takes up to 6
	maxConnections = 64       // in all; each costs some 50 kB with TLS
	maxQueue       = 64       // messages to one phone that reads too slowly
)

// timeouts are all waits of a Server.
type timeouts struct {
	readHeader time.Duration // TLS handshake and request head
	request    time.Duration // a whole request
	response   time.Duration // a whole response: the page over a slow link
	keepAlive  time.Duration // an HTTP connection without a request
	hello      time.Duration // from the upgrade to the phone's hello
	ping       time.Duration // between WebSocket pings
	idle       time.Duration // without a message or a pong
	write      time.Duration // one frame
	flush      time.Duration // messages still queued at Close
	linger     time.Duration // for the phone's half of the closing handshake
	recheck    time.Duration // between looks at certificate files and interfaces
}

func defaultTimeouts() timeouts {
	return timeouts{
		readHeader: 5 * time.Second,
		request:    10 * time.Second,
		response:   30 * time.Second,
		keepAlive:  30 * time.Second, // browsers keep 6 open; the caps count them
		hello:      5 * time.Second,
		ping:       20 * time.Second, // home routers forget a flow after 30 s and more
		idle:       60 * time.Second,
		write:      5 * time.Second,
		flush:      time.Second,
		linger:     time.Second,
		recheck:    2 * time.Second,
	}
}
