package mqtttest

import (
	"bytes"
	"context"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// Message is a publish that a Client got.
type Message struct {
	Topic, Text string
	Retained    bool
}

// Client is somebody at the broker, over TCP: a phone, or whoever means harm. It does
// not connect again.
type Client struct {
	// Messages are what it got, in order.
	Messages chan Message

	t    testing.TB
	paho *paho.Client
	conn net.Conn
	once sync.Once
}

// Dial logs in as name with the password in a file of Broker.Login. The connection
// ends with the test.
func (b *Broker) Dial(name, passwordFile string) *Client {
	b.t.Helper()
	return b.DialIn(b.t, name, passwordFile)
}

// DialIn is Dial for a part of the broker's test.
func (b *Broker) DialIn(t testing.TB, name, passwordFile string) *Client {
	t.Helper()
	password, err := os.ReadFile(passwordFile)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// A new login counts once the broker has read its file again.
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(b.URL(TCP), "mqtt://"))
		if err != nil {
			t.Fatal(err)
		}
		c := &Client{Messages: make(chan Message, 4096), t: t, conn: conn}
		c.paho = paho.NewClient(paho.ClientConfig{
			Conn: conn, ClientID: name, OnPublishReceived: []func(paho.PublishReceived) (bool, error){c.arrived},
		})
		_, err = c.paho.Connect(ctx, &paho.Connect{
			ClientID: name, KeepAlive: 30, CleanStart: true, UsernameFlag: true, Username: name, PasswordFlag: true,
			Password: bytes.TrimSpace(password),
		})
		if err == nil {
			t.Cleanup(c.Close)
			return c
		}
		if ctx.Err() != nil {
			t.Fatalf("cannot log in as %s: %v", name, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (c *Client) arrived(p paho.PublishReceived) (bool, error) {
	select {
	case c.Messages <- Message{Topic: p.Packet.Topic, Text: string(p.Packet.Payload), Retained: p.Packet.Retain}:
	default: // a test that does not read has enough
	}
	return true, nil
}

// Subscribe returns the broker's reason code.
func (c *Client) Subscribe(filter string) byte {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ack, err := c.paho.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}}})
	if ack == nil {
		c.t.Fatalf("cannot subscribe to %s: %v", filter, err)
	}
	return ack.Reasons[0]
}

// Publish returns the broker's reason code. One goroutine or several.
func (c *Client) Publish(topic, text string, retain bool) byte {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ack, err := c.paho.Publish(ctx, &paho.Publish{Topic: topic, Payload: []byte(text), QoS: 1, Retain: retain})
	if ack == nil {
		c.t.Errorf("cannot publish on %s: %v", topic, err)
		return 0xff
	}
	return ack.ReasonCode
}

// TryPublish publishes where the broker may be gone: then nothing comes of it. It
// returns when the broker has it, or the connection has ended.
func (c *Client) TryPublish(topic, text string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-c.paho.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	_, _ = c.paho.Publish(ctx, &paho.Publish{Topic: topic, Payload: []byte(text), QoS: 1})
	cancel()
	<-done
}

// Next waits for the next message.
func (c *Client) Next() Message {
	c.t.Helper()
	select {
	case m := <-c.Messages:
		return m
	case <-time.After(patience):
		c.t.Fatal("no message came")
		return Message{}
	}
}

// Close leaves the broker.
func (c *Client) Close() {
	c.once.Do(func() {
		_ = c.paho.Disconnect(&paho.Disconnect{})
		_ = c.conn.Close()
	})
}
