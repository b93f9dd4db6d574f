package mqtt

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// errBroker means that a broker broke the rules of MQTT 5, or those that it was
// told; the connection is ended.
var errBroker = errors.New("the broker breaks the protocol")

// guard is a connection to a broker that hands only whole, sound packets on, of the
// kinds that this client has use for. paho.golang 0.23 takes memory for what a
// packet's header announces, up to 256 MiB, reads a length of any number of bytes,
// and calls an authenticator that there is none of when a CONNACK names a method.
//
// It also writes each packet in one piece: paho hands it over in up to four.
type guard struct {
	net.Conn
	in      *bufio.Reader
	packet  []byte // checked, and not read yet
	limit   time.Duration
	refused *refusals
	wrote   func(kind byte) // a packet of this kind went out

	mu  sync.Mutex // held from Lock to Unlock
	out []byte
}

// maxHeader is the longest fixed header: a type and four bytes of length (MQTT 5,
// 2.1).
const maxHeader = 5

func newGuard(c net.Conn, limit time.Duration, r *refusals, wrote func(kind byte)) *guard {
	return &guard{Conn: c, in: bufio.NewReader(c), limit: limit, refused: r, wrote: wrote}
}

// Read returns bytes of packets that were checked. One goroutine at a time.
func (g *guard) Read(p []byte) (int, error) {
	if len(g.packet) == 0 {
		packet, err := readPacket(g.in)
		switch {
		case errors.Is(err, errTooLarge):
			g.refused.add(RefusedSize)
		case errors.Is(err, errBroker):
			g.refused.add(RefusedPacket)
		}
		if err != nil {
			return 0, err
		}
		g.packet = packet
	}
	n := copy(p, g.packet)
	g.packet = g.packet[n:]
	return n, nil
}

// errTooLarge means that a packet is larger than the broker was told.
var errTooLarge = fmt.Errorf("packet over %d bytes: %w", maxPacket, errBroker)

// readPacket reads one packet and checks it. Errors: errTooLarge, errBroker, those
// of r.
func readPacket(r io.ByteReader) ([]byte, error) {
	var packet []byte
	next := func() (byte, error) {
		b, err := r.ReadByte()
		packet = append(packet, b)
		return b, err
	}
	if _, err := next(); err != nil {
		return nil, err
	}
	size, more := 0, true
	for shift := 0; more; shift += 7 {
		b, err := next()
		if err != nil {
			return nil, err
		}
		if len(packet) > maxHeader {
			return nil, fmt.Errorf("length of a packet: %w", errBroker)
		}
		size |= int(b&0x7f) << shift
		more = b&0x80 != 0
	}
	if len(packet)+size > maxPacket {
		return nil, errTooLarge
	}
	for range size {
		if _, err := next(); err != nil {
			return nil, err
		}
	}
	return packet, checkPacket(packet)
}

// checkPacket refuses what cannot be read and what a broker has no reason to send
// to this client.
func checkPacket(packet []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("packet that cannot be read (%v): %w", p, errBroker)
		}
	}()
	cp, err := packets.ReadPacket(bytes.NewReader(packet))
	if err != nil {
		return fmt.Errorf("packet that cannot be read (%w): %w", err, errBroker)
	}
	switch c := cp.Content.(type) {
	case *packets.Connack:
		if c.Properties.AuthMethod != "" {
			return fmt.Errorf("authentication that was not asked for: %w", errBroker)
		}
	case *packets.Publish:
		if c.QoS > 1 || c.Topic == "" || (c.QoS == 1) != (c.PacketID != 0) {
			return fmt.Errorf("publish of QoS %d, topic %q, identifier %d: %w", c.QoS, c.Topic, c.PacketID, errBroker)
		}
	case *packets.Puback, *packets.Suback, *packets.Pingresp, *packets.Disconnect:
	default:
		return fmt.Errorf("packet of type %d: %w", cp.Type, errBroker)
	}
	return nil
}

// Lock begins a packet; paho holds it while it writes one.
func (g *guard) Lock() { g.mu.Lock() }

// Write takes a part of a packet. Between Lock and Unlock.
func (g *guard) Write(p []byte) (int, error) {
	g.out = append(g.out, p...)
	return len(p), nil
}

// Unlock sends the packet. A broker that takes none is held for dead: the reader
// learns it.
func (g *guard) Unlock() {
	defer g.mu.Unlock()
	if len(g.out) == 0 {
		return
	}
	kind := g.out[0] >> 4
	_ = g.SetWriteDeadline(time.Now().Add(g.limit)) // what fails shows in the write
	if _, err := g.Conn.Write(g.out); err != nil {
		_ = g.Close()
	}
	g.out = g.out[:0]
	g.wrote(kind)
}
