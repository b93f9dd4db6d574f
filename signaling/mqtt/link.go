package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/rs/zerolog"

	"callbox/signaling/message"
)

// packetRest is what a publish has beside topic and payload: header, lengths,
// identifier, expiry.
const packetRest = 32

// link is one connection, from CONNACK on. The client's mutex guards up, wrong and
// pending.
type link struct {
	ctx     context.Context // the connection's life, no request's
	cancel  context.CancelFunc
	manager *autopaho.ConnectionManager
	conn    net.Conn
	broker  string
	largest int    // bytes of topic and payload
	probe   string // sent to ourselves: it shows that the broker delivers
	left    func() // closes offline, once
	offline chan struct{}
	mu      *sync.Mutex
	log     zerolog.Logger

	since     time.Time
	up        bool
	waiting   string   // why it is not up yet
	silent    bool     // nothing came of the first try
	wrong     string   // what does not work on it; "" when all does
	pending   []string // presences of ours that have not come back
	asserting bool     // the presence was said again a moment ago
	again     bool     // and has to be once more
}

// maxPending is how many presences are waited for: where the device may not read
// its own, none comes back.
const maxPending = 8

// flaw notes what does not work on a connection, and logs it once.
func (l *link) flaw(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wrong != text && l.ctx.Err() == nil {
		l.wrong = text
		l.log.Warn().Str("problem", text).Msg("mqtt does not work as it should")
	}
}

// waitingFor says why it is not up; "" when it is. The mutex is held.
func (l *link) waitingFor() string {
	if l.up {
		return ""
	}
	return l.waiting
}

func (c *Client) current() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

// connectionUp is called with each CONNACK. It must not wait.
func (c *Client) connectionUp(manager *autopaho.ConnectionManager, ack *paho.Connack) {
	c.pauses.up()
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &link{
		manager: manager, conn: c.conn, broker: c.trying.Scheme + "://" + c.trying.Host + c.trying.Path, largest: maxPublish,
		probe: message.NewID(), since: time.Now(), offline: make(chan struct{}), mu: &c.mu, log: c.cfg.Log,
		waiting: "connected; the broker has not shown yet that it delivers",
	}
	l.left = sync.OnceFunc(func() { close(l.offline) })
	if ack.Properties != nil && ack.Properties.MaximumPacketSize != nil {
		l.largest = min(l.largest, int(*ack.Properties.MaximumPacketSize)-packetRest)
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	c.link, c.said = l, false
	c.running.Go(func() { c.establish(l) })
}

func (c *Client) connectionDown() bool {
	c.pauses.down()
	c.down()
	return true
}

// down ends the present link.
func (c *Client) down() {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.mu.Lock()
	l, said := c.link, c.said
	c.link = nil
	if l != nil {
		// Mosquitto 2.0 does not say so when it gives the place to another client.
		lived := time.Since(l.since)
		switch {
		case lived >= c.time.steady:
			c.away = ""
		case c.away == "":
			c.away = fmt.Sprintf("a connection to the broker %s was lost after %v; is another client logged in with this device's address?",
				l.broker, lived.Round(time.Millisecond))
		}
	}
	c.mu.Unlock()
	if l == nil {
		return
	}
	l.cancel()
	if !l.up {
		return
	}
	c.cfg.Handler.Gone()
	if !said {
		c.tell(fmt.Sprintf("the connection to the broker %s was lost", l.broker))
	}
}

// up says, once, that the broker delivers to this device.
func (c *Client) up(l *link) {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.mu.Lock()
	first := c.link == l && !l.up
	if first {
		l.up = true
		clear(c.told)
		c.connected++
	}
	c.mu.Unlock()
	if first {
		c.cfg.Log.Info().Str("broker", l.broker).Msg("mqtt connected")
		c.cfg.Handler.Up()
	}
}

// establish subscribes, says that the device is there and tries the way to it.
func (c *Client) establish(l *link) {
	ctx, cancel := context.WithTimeout(l.ctx, c.time.packet)
	defer cancel()
	ack, err := l.manager.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{
		{Topic: c.topics.inbox(), QoS: 1}, {Topic: c.topics.status(), QoS: 1},
	}})
	if l.ctx.Err() != nil {
		return
	}
	problem := ""
	switch {
	case ack == nil:
		problem = fmt.Sprintf("the broker %s does not answer a subscription: %v", l.broker, err)
	case len(ack.Reasons) != 2:
		problem = fmt.Sprintf("the broker %s answers two subscriptions with %d codes", l.broker, len(ack.Reasons))
	case ack.Reasons[0] >= codeFailure:
		problem = fmt.Sprintf("the broker %s does not let this device read %s (reason code 0x%02x); its ACL must allow that", l.broker, c.topics.inbox(), ack.Reasons[0])
	}
	if problem != "" {
		c.tell(problem)
		_ = l.conn.Close() // and again, after a pause
		return
	}
	c.sayPresence()
	// What a broker has lost once need not stay lost, and an ACL can be repaired.
	defer func() {
		for l.ctx.Err() == nil && !c.isUp(l) {
			c.try(l)
		}
	}()
	c.try(l)
	// Mosquitto grants what its ACL forbids, and then delivers nothing: so the code
	// of the inbox says little. That of the status is no reason to do without.
	if code := ack.Reasons[1]; code >= codeFailure {
		l.flaw(fmt.Sprintf("the broker does not let this device read %s (reason code 0x%02x): a false presence would stand", c.topics.status(), code))
	}
	if code := ack.Reasons[0]; code > codeGrantedQoS1 {
		l.flaw(fmt.Sprintf("the broker answered a subscription of QoS 1 with code 0x%02x", code))
	}
}

func (c *Client) isUp(l *link) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return l.up
}

// try sends a message to the device itself, and says so once when it does not come.
func (c *Client) try(l *link) {
	select {
	case c.queue <- outgoing{topic: c.topics.to(c.topics.me), payload: []byte(l.probe), done: func(o outcome) {
		if o.refused() { // a stricter ACL than ours; then nothing can be tried
			c.up(l)
		}
	}}:
	default:
	}
	timer := time.NewTimer(c.time.probe)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.ctx.Done():
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !l.up && !l.silent {
		l.silent = true
		l.waiting = fmt.Sprintf("connected to %s, but it does not deliver to this device: its ACL must let %s read %s and write %s",
			l.broker, c.topics.me, c.topics.inbox(), c.topics.to("+"))
		c.cfg.Log.Warn().Str("problem", l.waiting).Msg("mqtt does not work as it should")
	}
}

// sayPresence has the sender publish the presence.
func (c *Client) sayPresence() {
	select {
	case c.presence <- struct{}{}:
	default: // it is about to
	}
}

// presenceNow is the presence as it is now.
func (c *Client) presenceNow(l *link) (outgoing, error) {
	c.mu.Lock()
	state := c.state
	c.mu.Unlock()
	m := outgoing{topic: c.topics.status(), payload: will(c.cfg.Epoch), retain: true}
	if state == Offline {
		m.done = func(outcome) { l.left() }
		return m, nil
	}
	text, err := SignPresence(c.cfg.Key, Presence{From: c.cfg.Address, State: state, Epoch: c.cfg.Epoch, Nonce: c.cfg.Nonce()})
	if err != nil {
		return m, err
	}
	m.payload = []byte(text)
	c.mu.Lock()
	if l.pending = append(l.pending, text); len(l.pending) > maxPending {
		l.pending = l.pending[1:]
	}
	c.mu.Unlock()
	return m, nil
}

// sawPresence compares what stands on the status topic with what the device has
// said. The will of a connection before this one, and what others have written, is
// answered with the truth, but not at the speed of whoever writes.
func (c *Client) sawPresence(l *link, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(l.pending, text); i >= 0 {
		l.pending = l.pending[i+1:]
		return
	}
	if l.again = true; l.asserting || c.closed {
		return
	}
	l.asserting = true
	c.cfg.Log.Info().Msg("mqtt: another presence stood in the place of the device's; it is said again")
	c.running.Go(func() { c.assert(l) })
}

// assert says the presence again until nobody has contradicted it for a while.
func (c *Client) assert(l *link) {
	timer := time.NewTicker(c.time.reassert)
	defer timer.Stop()
	for {
		c.mu.Lock()
		l.asserting, l.again = l.again, false
		more := l.asserting
		c.mu.Unlock()
		if !more {
			return
		}
		c.sayPresence()
		select {
		case <-timer.C:
		case <-l.ctx.Done():
			return
		}
	}
}

// errSilent means that a broker has not acknowledged in time.
var errSilent = errors.New("the broker does not acknowledge")
