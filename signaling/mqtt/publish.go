package mqtt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// outgoing is one publish.
type outgoing struct {
	topic   string
	payload []byte
	retain  bool
	done    func(outcome) // may be nil
}

// outcome is what the broker said to a publish: PUBACK's code, or why there is none.
// Code 0x10, nobody reads there, is a hint and no failure.
type outcome struct {
	code byte
	err  error
}

func (o outcome) refused() bool { return o.code >= codeFailure }

// send publishes what is queued, in order, until Close. Nothing waits for the
// acknowledgement of what went before.
func (c *Client) send() {
	renew := time.NewTicker(c.time.renew)
	defer renew.Stop()
	for {
		var (
			m outgoing
			l *link
		)
		select {
		case <-c.stop:
			return
		case m = <-c.queue:
			if l = c.current(); l == nil {
				continue // a transport stores nothing
			}
		case <-renew.C:
			c.sayPresence()
			continue
		case <-c.presence:
			if l = c.current(); l == nil {
				continue // each connection begins with one
			}
			var err error
			if m, err = c.presenceNow(l); err != nil {
				c.cfg.Log.Error().Err(err).Msg("cannot sign the presence")
				continue
			}
		}
		c.dispatch(l, m)
	}
}

// dispatch returns when m has been written, or cannot be.
func (c *Client) dispatch(l *link, m outgoing) {
	select {
	case c.slots <- struct{}{}:
	case <-l.ctx.Done():
		return
	case <-c.stop:
		return
	}
	select {
	case <-c.written: // of one before, which has ended in another way
	default:
	}
	done := make(chan struct{})
	c.running.Go(func() {
		defer func() { <-c.slots }()
		defer close(done)
		c.publish(l, m)
	})
	select {
	case <-c.written:
	case <-done:
	case <-l.ctx.Done():
	}
}

// publish publishes m and waits for the broker's word.
func (c *Client) publish(l *link, m outgoing) {
	ctx, cancel := context.WithTimeoutCause(l.ctx, c.time.packet, errSilent)
	defer cancel()
	p := &paho.Publish{Topic: m.topic, Payload: m.payload, QoS: 1, Retain: m.retain}
	if !m.retain {
		expiry := uint32(messageExpiry)
		p.Properties = &paho.PublishProperties{MessageExpiry: &expiry}
	}
	ack, err := l.manager.Publish(ctx, p)
	o := outcome{err: err}
	if ack != nil {
		o.code = ack.ReasonCode
	}
	if m.done != nil {
		m.done(o)
	}
	switch {
	case o.refused():
		if m.topic != c.topics.to(c.topics.me) { // the probe is only a try
			l.flaw(fmt.Sprintf("the broker does not let this device write %s (reason code 0x%02x); its ACL must allow that", m.topic, o.code))
		}
	case err == nil, l.ctx.Err() != nil:
	case errors.Is(err, context.DeadlineExceeded):
		c.tell(fmt.Sprintf("%v: %s", errSilent, l.broker))
		_ = l.conn.Close() // a new connection may be better
	default:
		l.flaw(fmt.Sprintf("cannot publish %s: %v", m.topic, err))
	}
}
