package mqtt

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// written is a packet as it goes over the wire.
func written(t testing.TB, p packets.Packet) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func publish(qos byte, id uint16, topic string, size int) *packets.Publish {
	return &packets.Publish{QoS: qos, PacketID: id, Topic: topic, Payload: make([]byte, size), Properties: &packets.Properties{}}
}

func TestGuardRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		packet []byte
		want   error // nil: it is let through
	}{
		"CONNACK":               {written(t, &packets.Connack{Properties: &packets.Properties{}}), nil},
		"PUBLISH":               {written(t, publish(1, 1, "a", 10)), nil},
		"PUBLISH of QoS 0":      {written(t, publish(0, 0, "a", 10)), nil},
		"PUBACK":                {written(t, &packets.Puback{PacketID: 1, Properties: &packets.Properties{}}), nil},
		"PUBACK in two bytes":   {[]byte{0x40, 2, 0, 1}, nil},
		"PINGRESP":              {[]byte{0xd0, 0}, nil},
		"DISCONNECT":            {[]byte{0xe0, 2, 0x8e, 0}, nil},
		"CONNACK with a method": {written(t, &packets.Connack{Properties: &packets.Properties{AuthMethod: "x"}}), errBroker},
		"AUTH":                  {written(t, &packets.Auth{Properties: &packets.Properties{}}), errBroker},
		"PUBREC":                {[]byte{0x50, 2, 0, 1}, errBroker},
		"CONNECT":               {written(t, &packets.Connect{ProtocolName: "MQTT", ProtocolVersion: 5, Properties: &packets.Properties{}}), errBroker},
		"type 0":                {[]byte{0, 0}, errBroker},
		"PUBLISH of QoS 2":      {written(t, publish(2, 1, "a", 10)), errBroker},
		"PUBLISH of QoS 3":      {[]byte{0x36, 5, 0, 1, 'a', 0, 0}, errBroker},
		"PUBLISH without id":    {written(t, publish(1, 0, "a", 10)), errBroker},
		"PUBLISH without topic": {written(t, publish(1, 1, "", 10)), errBroker},
		"the largest":           {written(t, publish(1, 1, "a", maxPacket-10)), nil},
		"one byte more":         {written(t, publish(1, 1, "a", maxPacket-9)), errTooLarge},
		"256 MiB announced":     {[]byte{0x30, 0xff, 0xff, 0xff, 0x7f}, errTooLarge},
		"a length of six bytes": {[]byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, errBroker},
		"a topic cut off":       {[]byte{0x30, 3, 0, 9, 'a'}, errBroker},
		"half a packet":         {[]byte{0x40, 4, 0}, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readPacket(bytes.NewBuffer(tt.packet))
			if !errors.Is(err, tt.want) || errors.Is(err, errTooLarge) != errors.Is(tt.want, errTooLarge) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if tt.want == nil && !bytes.Equal(got, tt.packet) {
				t.Errorf("%x became %x", tt.packet, got)
			}
		})
	}
}

// TestGuardWritesPacketsWhole: paho hands a packet over in parts.
func TestGuardWritesPacketsWhole(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	kinds := make(chan byte, 1)
	g := newGuard(ours, time.Second, newRefusals(), func(kind byte) { kinds <- kind })
	want := publish(1, 3, "a/b", 100)
	go func() { _, _ = want.WriteTo(g) }()
	p := make([]byte, 4096)
	n, err := theirs.Read(p) // of a pipe: one write
	if err != nil || !bytes.Equal(p[:n], written(t, want)) {
		t.Errorf("one write had %d bytes, %v; want the whole packet", n, err)
	}
	if kind := <-kinds; kind != packets.PUBLISH {
		t.Errorf("a packet of type %d went out", kind)
	}
}

// TestHostileBroker: a broker that breaks the protocol ends connections, nothing else.
func TestHostileBroker(t *testing.T) {
	for name, tt := range map[string]struct {
		answers [][]byte // the second after the client's SUBSCRIBE
		reason  Reason
	}{
		"a method in CONNACK": {[][]byte{written(t, &packets.Connack{Properties: &packets.Properties{AuthMethod: "x"}})}, RefusedPacket},
		"256 MiB":             {[][]byte{{0x20, 0xff, 0xff, 0xff, 0x7f}}, RefusedSize},
		"PUBREC unasked":      {[][]byte{written(t, &packets.Connack{Properties: &packets.Properties{}}), {0x50, 2, 0, 9}}, RefusedPacket},
		"garbage":             {[][]byte{[]byte("\xff\xff\xff\xff\xff\xff\xff")}, RefusedPacket},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan struct{})
			go func() {
				defer close(served)
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					for _, answer := range tt.answers {
						_, _ = conn.Read(make([]byte, 4096))
						_, _ = conn.Write(answer)
					}
					_, _ = conn.Read(make([]byte, 4096))
					conn.Close()
				}
			}()
			r := newRig(t, Options{Brokers: []string{"mqtt://" + l.Addr().String()}}, nil)
			eventually(t, "it was counted twice", func() bool { return r.Refused()[string(tt.reason)] >= 2 })
			if r.Status().Up {
				t.Error("it is up")
			}
			r.end()
			l.Close()
			<-served
		})
	}
}

func FuzzGuard(f *testing.F) {
	f.Add(written(f, &packets.Connack{Properties: &packets.Properties{}}))
	f.Add(written(f, publish(1, 1, "callbox/1/d.door-1/rx/p.x", 40)))
	f.Add(written(f, &packets.Suback{PacketID: 1, Reasons: []byte{1, 1}, Properties: &packets.Properties{}}))
	f.Add([]byte{0xe0, 2, 0x8e, 0})
	f.Add([]byte(strings.Repeat("\xff", 6)))
	f.Fuzz(func(t *testing.T, wire []byte) {
		in := bytes.NewBuffer(wire)
		for {
			packet, err := readPacket(in)
			if err != nil {
				return
			}
			// What is let through is read by paho without a fault.
			if len(packet) > maxPacket {
				t.Fatalf("a packet of %d bytes", len(packet))
			}
			if _, err := packets.ReadPacket(bytes.NewReader(packet)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
