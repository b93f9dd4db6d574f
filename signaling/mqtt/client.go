package mqtt

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/rs/zerolog"

	"callbox/signaling/key"
	"callbox/signaling/message"
)

// Handler gets what phones send. Its methods are called one after the other for one
// connection. They may call Send and SetState, not Close.
type Handler interface {
	// Up says that the broker is there: any address may be sent to.
	Up()
	// Receive takes one message, not yet verified. from is the phone's address as the
	// topic names it; whoever may write to topic can have sent it.
	Receive(from, topic, msg string)
	// Gone says that the broker is not there any more. It follows each Up.
	Gone()
}

// Config is what a Client needs beside its Options. All fields but Password, Nonce and
// Now are needed.
type Config struct {
	// Address is the device's: client id, and user name when the options have none.
	Address string
	// Key signs the presence.
	Key *key.Private
	// Epoch is larger after each start.
	Epoch uint64
	// Handler gets the messages.
	Handler Handler
	// Log gets one line for each change.
	Log zerolog.Logger
	// Password reads the password that Options.PasswordFile names, at every connect;
	// nil: there is none.
	Password func() ([]byte, error)
	// Nonce returns one that a token may carry, for the presence, which is said anew
	// before its nonce is too old; nil: one that nobody asks for.
	Nonce func() string
	// Now is the time by which TLS measures certificates; nil: time.Now.
	Now func() time.Time
}

// Client is the device's end of one broker connection, which it keeps open. Its
// methods may be called from any goroutine.
type Client struct {
	opt     Options
	cfg     Config
	topics  topics
	time    timeouts
	brokers []*url.URL
	tls     *tls.Config
	pauses  *backoff
	refused *refusals

	stop    chan struct{} // closed by Close
	running sync.WaitGroup

	queue    chan outgoing
	presence chan struct{} // the presence is to be published
	slots    chan struct{} // one a publish that is not acknowledged
	written  chan struct{} // a publish went out

	// turn keeps Up and Gone in the order of what they tell. It is held while they
	// run, mu is not: they may send.
	turn sync.Mutex

	mu        sync.Mutex
	manager   *autopaho.ConnectionManager // nil before Start
	cancel    context.CancelFunc
	closed    bool
	state     State
	trying    *url.URL
	conn      net.Conn        // the newest
	link      *link           // nil: there is none
	problem   string          // why there is none
	told      map[string]bool // the problems that were logged since it was up
	said      bool            // the broker has said why it ends the connection
	away      string          // why a connection did not live long
	connected uint64
}

// New checks everything that does not need the network. Errors: ErrURL, ErrPassword,
// ErrCertificate, a prefix that cannot be used.
func New(opt Options, cfg Config) (*Client, error) { return newClient(opt, cfg, defaultTimeouts()) }

func newClient(opt Options, cfg Config, t timeouts) (*Client, error) {
	if cfg.Address == "" || cfg.Key == nil || cfg.Handler == nil {
		return nil, errors.New("cannot make an MQTT client: Address, Key and Handler are needed")
	}
	if err := CheckPrefix(opt.Prefix); err != nil {
		return nil, err
	}
	if len(opt.Brokers) == 0 {
		return nil, fmt.Errorf("cannot use no broker: %w; set signaling.mqtt.brokers", ErrURL)
	}
	if opt.User == "" {
		opt.User = cfg.Address
	}
	if cfg.Nonce == nil {
		cfg.Nonce, t.renew = message.NewID, never
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Client{
		opt: opt, cfg: cfg, topics: topics{opt.Prefix, cfg.Address}, time: t, state: Idle,
		pauses: &backoff{steady: t.steady}, refused: newRefusals(), stop: make(chan struct{}),
		queue: make(chan outgoing, maxQueue), presence: make(chan struct{}, 1),
		slots: make(chan struct{}, maxInFlight), written: make(chan struct{}, 1),
		problem: "not connected yet", told: map[string]bool{},
	}
	for _, text := range opt.Brokers {
		u, err := ParseBroker(text)
		if err != nil {
			return nil, err
		}
		c.brokers = append(c.brokers, u)
	}
	if _, err := cfg.password(); err != nil {
		return nil, err
	}
	var err error
	c.tls, err = opt.tlsConfig(cfg.Now)
	return c, err
}

// Start begins to connect, and to connect again, until Close. A broker that is not
// there is no error.
func (c *Client) Start() error {
	ctx, cancel := context.WithCancel(context.Background())
	noExpiry, receive := uint32(0), uint16(receiveMaximum)
	size := uint32(maxPacket)
	manager, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: c.brokers, KeepAlive: keepAlive, ConnectTimeout: c.time.connect,
		ReconnectBackoff:  func(int) time.Duration { return c.pauses.pause() },
		AttemptConnection: c.attempt,
		OnConnectionUp:    c.connectionUp,
		OnConnectionDown:  c.connectionDown,
		OnConnectError:    c.notConnected,
		ConnectPacketBuilder: func(p *paho.Connect, u *url.URL) (*paho.Connect, error) {
			c.mu.Lock()
			c.trying = u
			c.mu.Unlock()
			password, err := c.cfg.password()
			if err != nil {
				return nil, err
			}
			p.CleanStart = true // autopaho asks for it on the first connection only
			p.UsernameFlag, p.Username = true, c.opt.User
			p.PasswordFlag, p.Password = len(password) > 0, password
			p.WillMessage = &paho.WillMessage{Topic: c.topics.status(), Payload: will(c.cfg.Epoch), QoS: 1, Retain: true}
			p.WillProperties = &paho.WillProperties{}
			p.Properties = &paho.ConnectProperties{
				SessionExpiryInterval: &noExpiry, ReceiveMaximum: &receive, MaximumPacketSize: &size,
			}
			return p, nil
		},
		ClientConfig: paho.ClientConfig{
			ClientID: c.cfg.Address, PacketTimeout: c.time.packet,
			OnPublishReceived:  []func(paho.PublishReceived) (bool, error){c.arrived},
			OnServerDisconnect: c.sentAway,
		},
	})
	if err != nil {
		cancel()
		return fmt.Errorf("cannot start MQTT: %w", err)
	}
	c.mu.Lock()
	c.manager, c.cancel = manager, cancel
	c.mu.Unlock()
	c.running.Go(c.send)
	return nil
}

// attempt opens the way to one broker.
func (c *Client) attempt(ctx context.Context, _ autopaho.ClientConfig, u *url.URL) (net.Conn, error) {
	raw, err := dial(ctx, u, c.tls, c.time.dial)
	if err != nil {
		return nil, err
	}
	conn := newGuard(raw, c.time.write, c.refused, func(kind byte) {
		if kind == packets.PUBLISH {
			select {
			case c.written <- struct{}{}:
			default:
			}
		}
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
	return conn, nil
}

func (c *Client) notConnected(err error) {
	c.mu.Lock()
	u := c.trying
	c.mu.Unlock()
	c.tell(refusedLogin(u, c.opt.User, err))
}

// ephemeral is our end of a connection, which is another one each time.
var ephemeral = regexp.MustCompile(`[^ ]+:[0-9]+->`)

// tell notes why there is no connection, and logs it once until there is one: of a list
// of brokers that are all away each once.
func (c *Client) tell(problem string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.problem = problem
	if line := ephemeral.ReplaceAllString(problem, ""); !c.told[line] {
		c.told[line] = true
		c.cfg.Log.Warn().Str("problem", problem).Msg("mqtt is not connected; trying on")
	}
}

// sentAway notes why the broker has ended the connection.
func (c *Client) sentAway(d *paho.Disconnect) {
	why := disconnected(d)
	c.mu.Lock()
	c.away, c.said = why, true
	c.mu.Unlock()
	c.tell(why)
}

// arrived takes one publish of the broker. It runs on paho's goroutine and must not
// wait for the broker: to publish, there is the queue.
func (c *Client) arrived(p paho.PublishReceived) (bool, error) {
	l := c.current()
	if l == nil {
		return true, nil
	}
	topic, text := p.Packet.Topic, string(p.Packet.Payload)
	if topic == c.topics.status() {
		c.sawPresence(l, text)
		return true, nil
	}
	from, ok := c.topics.sender(topic)
	_, phone := key.PhoneOf(from)
	switch {
	case ok && from == c.topics.me && text == l.probe:
		c.up(l)
	case !ok, !phone:
		c.refused.add(RefusedTopic)
	case p.Packet.Retain:
		c.refused.add(RefusedRetained)
	case !utf8.ValidString(text):
		c.refused.add(RefusedShape)
	default:
		c.up(l) // what is delivered to this device says so as well as the probe
		c.cfg.Handler.Receive(from, topic, text)
	}
	return true, nil
}

// Send queues msg for the address. It is false when the broker is not there; true
// promises nothing about delivery.
func (c *Client) Send(to, msg string) bool {
	m := outgoing{topic: c.topics.to(to), payload: []byte(msg)}
	c.mu.Lock()
	l := c.link
	up := l != nil && l.up
	c.mu.Unlock()
	if !up {
		return false
	}
	if size := len(m.topic) + len(msg); size > l.largest {
		l.flaw(fmt.Sprintf("a message of %d bytes was not sent: the broker takes packets of at most %d bytes", len(msg), l.largest+packetRest))
		return true // it would be as large the next time
	}
	select {
	case c.queue <- m:
	default:
		c.cfg.Log.Warn().Msg("mqtt: the broker is too slow, a message was dropped")
	}
	return true
}

// SetState says what the presence tells. It does not wait for the broker.
func (c *Client) SetState(s State) {
	c.mu.Lock()
	changed := c.state != s && !c.closed
	if changed {
		c.state = s
	}
	c.mu.Unlock()
	if changed {
		c.sayPresence()
	}
}

// Status tells how the transport is.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{Problem: c.problem, Connected: c.connected}
	if l := c.link; l != nil {
		s.Broker, s.Up, s.Problem = l.broker, l.up, cmp.Or(l.waitingFor(), l.wrong)
		if s.Problem == "" && time.Since(l.since) < c.time.steady {
			s.Problem = c.away // and may do so again
		}
	}
	return s
}

// Refused returns how often each reason has occurred since New; a reason that has
// not is there with 0.
func (c *Client) Refused() map[string]uint64 { return c.refused.all() }

// Close says that the device is offline, after what is queued, at most a second,
// disconnects and waits for every goroutine. It may be called more than once.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.state = Offline
	l, manager, cancel := c.link, c.manager, c.cancel
	c.mu.Unlock()
	if !first || manager == nil {
		return nil
	}
	if l != nil {
		c.sayPresence()
		timer := time.NewTimer(c.time.flush)
		select {
		case <-l.offline:
		case <-l.ctx.Done():
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	close(c.stop)
	err := manager.Disconnect(ctx)
	cancel()
	c.down()
	c.running.Wait()
	if err != nil {
		return fmt.Errorf("cannot end MQTT: %w", err)
	}
	return nil
}
