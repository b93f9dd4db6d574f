// Package direct is the transport that needs nobody else: the device serves a
// WebSocket and the phone's page on a listener of its own (docs/protocol.md,
// "Transports").
//
// A connection begins with two signed hellos, the device's first; from then on
// every text frame is one message of the phone whose key was proven. The package
// signs and reads nothing itself: a Greeting does, and a Handler gets the
// messages. Like every transport it never retries, orders or stores.
//
// A phone that connects again while its old connection is still open (another
// network, a tab that was duplicated) keeps both: the newest open one gets its
// messages, what arrives on an older one is still taken, and when the newest
// ends the next one follows. Closing the older one instead would let two ends
// that both reconnect throw each other out for ever; a dead one idles out.
//
// Sizes are in bytes, times on Go's monotonic clock; only certificates look at
// the wall clock.
package direct
