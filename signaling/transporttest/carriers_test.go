package transporttest

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"

	"callbox/signaling"
	"callbox/signaling/direct"
	"callbox/signaling/hello"
	"callbox/signaling/key"
	"callbox/signaling/mqtt"
	"callbox/signaling/mqtttest"
	"callbox/signaling/relay"
	"callbox/signaling/signalingtest"
)

// end is what a transport tells the device's end; signaling.Device is one.
type end interface {
	Up(p signaling.Peer)
	Gone(p signaling.Peer)
	Attach(t signaling.Transport)
	Detach(t signaling.Transport)
	Receive(p signaling.Peer, text string)
}

// line is a phone's way to the device.
type line interface {
	say(text string)
	close()
}

// carrier is a transport that serves one device.
type carrier interface {
	// line connects a phone; hear is called with each message to it.
	line(t testing.TB, p *signalingtest.Phone, hear func(text string)) line
}

// opener puts a carrier in front of the device's end.
type opener func(t testing.TB, s *scene, e end) carrier

// transports are all there are. They share one broker.
func transports(t testing.TB) map[string]opener {
	t.Helper()
	all := map[string]opener{"direct": openDirect, "relay": openRelay}
	broker := mqtttest.Start(t, mqtttest.Options{})
	all["mqtt"] = func(t testing.TB, s *scene, e end) carrier { return openMQTT(t, s, e, broker, mqtttest.TLS) }
	return all
}

// directCarrier is the device's own listener.
type directCarrier struct {
	server *direct.Server
	end    end
}

type greeting struct{ *hello.Greeting }

func (g greeting) Verify(answer string) (string, error) {
	jkt, err := g.Greeting.Verify(answer)
	return key.PhoneAddress(jkt), err
}

func openDirect(t testing.TB, s *scene, e end) carrier {
	t.Helper()
	c := &directCarrier{end: e}
	server, err := direct.New(direct.Options{Enabled: true, Listen: "127.0.0.1:0"}, direct.Config{
		SN: s.sn, CertDir: t.TempDir(), Handler: c, Log: zerolog.Nop(),
		Greet: func() (direct.Greeting, error) {
			g, err := hello.Greet(s.key, s.sn, 1)
			return greeting{g}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.server = server
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close(context.Background()) })
	return c
}

func (c *directCarrier) peer(address, remote string, secure bool) signaling.Peer {
	return signaling.Peer{Transport: c.server, Budget: address, Remote: remote, Address: address, Proven: true, Secure: secure}
}
func (c *directCarrier) Up(address string)   { c.end.Up(c.peer(address, "", false)) }
func (c *directCarrier) Gone(address string) { c.end.Gone(c.peer(address, "", false)) }
func (c *directCarrier) Receive(address, remote string, secure bool, msg string) {
	c.end.Receive(c.peer(address, remote, secure), msg)
}

type directLine struct {
	ws     *websocket.Conn
	reader sync.WaitGroup
}

func (c *directCarrier) line(t testing.TB, p *signalingtest.Phone, hear func(text string)) line {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true}
	ws, _, err := websocket.Dial(ctx, c.server.Endpoints()[0], &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{"callbox.v1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(1 << 20)
	_, greeting, err := ws.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := p.Hello(string(greeting))
	if err != nil {
		t.Fatal(err)
	}
	l := &directLine{ws: ws}
	l.say(answer)
	l.reader.Go(func() {
		for {
			_, text, err := ws.Read(context.Background())
			if err != nil {
				return // either end has closed
			}
			hear(string(text))
		}
	})
	return l
}

func (l *directLine) say(text string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = l.ws.Write(ctx, websocket.MessageText, []byte(text)) // what is not sent is waited for in vain
}

func (l *directLine) close() {
	_ = l.ws.CloseNow()
	l.reader.Wait()
}

// mqttCarrier is a broker.
type mqttCarrier struct {
	broker *mqtttest.Broker
	client *mqtt.Client
	end    end
	device string
}

func openMQTT(t testing.TB, s *scene, e end, b *mqtttest.Broker, scheme string) carrier {
	t.Helper()
	c := &mqttCarrier{broker: b, end: e, device: key.DeviceAddress(s.sn)}
	client, err := mqtt.New(mqtt.Options{
		Enabled: true, Brokers: []string{b.URL(scheme)}, CA: b.CA, Prefix: mqtttest.Prefix,
	}, mqtt.Config{Address: c.device, Key: s.key, Epoch: 1, Handler: c, Log: zerolog.Nop(), Password: mqtttest.Password(b.Login(c.device))})
	if err != nil {
		t.Fatal(err)
	}
	c.client = client
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := client.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the broker is there", func() bool { return client.Status().Up })
	return c
}

func (c *mqttCarrier) Up()   { c.end.Attach(c.client) }
func (c *mqttCarrier) Gone() { c.end.Detach(c.client) }
func (c *mqttCarrier) Receive(from, topic, msg string) {
	c.end.Receive(signaling.Peer{Transport: c.client, Budget: "mqtt " + topic, Address: from}, msg)
}

type mqttLine struct {
	client *mqtttest.Client
	topic  string
	stop   chan struct{}
	reader sync.WaitGroup
}

func (c *mqttCarrier) line(t testing.TB, p *signalingtest.Phone, hear func(text string)) line {
	t.Helper()
	return c.lineAs(t, p.Address(), hear)
}

// lineAs logs in at the broker and speaks on that address's topic.
func (c *mqttCarrier) lineAs(t testing.TB, address string, hear func(text string)) line {
	l := &mqttLine{
		client: c.broker.DialIn(t, address, c.broker.Login(address, c.device)),
		topic:  mqtttest.Prefix + "/" + c.device + "/rx/" + address, stop: make(chan struct{}),
	}
	if code := l.client.Subscribe(mqtttest.Prefix + "/" + address + "/rx/+"); code > 1 {
		t.Fatalf("subscribe: 0x%02x", code)
	}
	l.reader.Go(func() {
		for {
			select {
			case m := <-l.client.Messages:
				if strings.HasSuffix(m.Topic, "/rx/"+c.device) {
					hear(m.Text)
				}
			case <-l.stop:
				return
			}
		}
	})
	return l
}

func (l *mqttLine) say(text string) { l.client.TryPublish(l.topic, text) }

func (l *mqttLine) close() {
	close(l.stop)
	l.client.Close()
	l.reader.Wait()
}

// relayCarrier is a maker's program.
type relayCarrier struct {
	relay *relay.Relay
	end   end
}

func openRelay(t testing.TB, _ *scene, e end) carrier {
	t.Helper()
	c := &relayCarrier{end: e}
	c.relay = relay.New(c)
	t.Cleanup(c.relay.Close)
	return c
}

func (c *relayCarrier) Up()   { c.end.Attach(c.relay) }
func (c *relayCarrier) Gone() { c.end.Detach(c.relay) }
func (c *relayCarrier) Receive(from, msg string) {
	c.end.Receive(signaling.Peer{Transport: c.relay, Budget: "relay " + from, Address: from}, msg)
}

type relayLine struct {
	t       testing.TB
	relay   *relay.Relay
	carrier *relay.Carrier
	address string
	reader  sync.WaitGroup
}

func (c *relayCarrier) line(t testing.TB, p *signalingtest.Phone, hear func(text string)) line {
	t.Helper()
	carrier, err := c.relay.Carry()
	if err != nil {
		t.Fatal(err)
	}
	l := &relayLine{t: t, relay: c.relay, carrier: carrier, address: p.Address()}
	l.reader.Go(func() {
		for m := range carrier.C {
			if m.To == l.address {
				hear(m.Text)
			}
		}
	})
	return l
}

func (l *relayLine) say(text string) { _ = l.relay.Receive(l.address, text) }

func (l *relayLine) close() {
	l.carrier.Close()
	l.reader.Wait()
}

const patience = 20 * time.Second

// eventually waits for what must come to be.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came about that %s", what)
		}
	}
}
