package mqtt

import "time"

// The rules of docs/protocol.md, "Transports".
const (
	keepAlive     = 30 // seconds; a silent broker is noticed after one or two of them
	messageExpiry = 20 // seconds that a broker may hold a message back
	firstPause    = time.Second
	longestPause  = time.Minute
)

// Sizes.
const (
	maxPacket      = 64 << 10 // of one packet, as the broker is told; a larger one ends the connection
	maxPublish     = 48 << 10 // of one message and its topic: the largest message has 32 KiB
	maxQueue       = 256      // messages that wait for the broker
	maxInFlight    = 32       // publishes that the broker has not acknowledged
	receiveMaximum = 64       // of ours, which the broker may have under way
)

// never is a wait that ends after the device.
const never = 1 << 62

// timeouts are all waits of a Client.
type timeouts struct {
	dial     time.Duration // TCP, TLS and WebSocket
	connect  time.Duration // and CONNACK
	write    time.Duration // one packet
	packet   time.Duration // for SUBACK and PUBACK; then the broker is held for dead
	probe    time.Duration // for the way to this device and back
	steady   time.Duration // a connection that lived as long was a good one: the pauses begin anew
	reassert time.Duration // between two answers to a foreign presence
	renew    time.Duration // of the presence, for its nonce
	flush    time.Duration // of what is queued, and of the last presence, at Close
}

func defaultTimeouts() timeouts {
	return timeouts{
		dial:     10 * time.Second,
		connect:  15 * time.Second,
		write:    10 * time.Second,
		packet:   10 * time.Second,
		probe:    5 * time.Second,
		steady:   time.Minute,
		reassert: 5 * time.Second,
		renew:    2 * time.Minute, // a nonce in a token is good for 5
		flush:    time.Second,
	}
}
