// Package mqtt is the transport of fleets: device and phones meet at an MQTT 5
// broker (docs/protocol.md, "Transports"; docs/mqtt.md).
//
// A message to an address is published on <prefix>/<to>/rx/<from>: QoS 1, not
// retained, gone after 20 s. Connections have no session (clean start, expiry 0),
// so that a broker keeps nothing for later. The device says on its retained status
// topic whether it is there and free: presence, which is advice.
//
// The broker is not trusted. It can drop, delay, repeat and read; a message counts
// by its signature alone, and the address in a topic only says whose budget it
// spends. What the broker sends is bounded and looked at before the MQTT library
// gets it (guard.go): a broker must not be able to end the daemon.
//
// Sizes are in bytes, times on Go's monotonic clock; only TLS looks at the wall
// clock, the one that it is given.
package mqtt
