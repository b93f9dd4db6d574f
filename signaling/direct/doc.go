// Package direct is the transport that needs nobody else: the device serves a
// WebSocket and the phone's page on a listener of its own (docs/protocol.md,
// "Transports").
package direct
