// Package push wakes phones that no transport reaches: browsers by Web Push (RFC
// 8030, 8291, 8292), a maker's own apps through a webhook of the maker's backend.
//
// What is sent is a wake-up and no news: the room's id, encrypted for the one phone,
// and no name. The phone learns who calls from the ring that it gets once it has
// connected. Times are durations of one ring; after it everything is pointless.
package push

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"callbox/signaling"
	"callbox/signaling/base64url"
	"callbox/signaling/key"
)

// ErrGone means that the subscription is over: the browser has ended it.
var ErrGone = errors.New("push subscription is gone")

// SenderOptions are what a Sender is made of.
type SenderOptions struct {
	Key     *key.Private // of VAPIDKey
	Hosts   []string     // as Options.Hosts
	Contact string       // as Options.Contact
	Wall    func() time.Time
	Private bool           // as Options.AllowPrivate
	Roots   *x509.CertPool // trusted instead of the system's: tests
}

// Sender sends Web Push messages. Its methods may be called from any goroutine.
type Sender struct {
	o      SenderOptions
	public string
	client *http.Client
}

// NewSender returns a Sender. Close ends it.
func NewSender(o SenderOptions) (*Sender, error) {
	if o.Key == nil || o.Wall == nil {
		return nil, errors.New("cannot make a push sender without a key and a clock")
	}
	public, err := applicationServerKey(o.Key.Public())
	if err != nil {
		return nil, err
	}
	return &Sender{o: o, public: public, client: newClient(o.Private, o.Roots, o.Wall)}, nil
}

// Close closes idle connections. No Wake may be running or come after it.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Key is the applicationServerKey that browsers subscribe with, base64url.
func (s *Sender) Key() string { return s.public }

// Check reports what is wrong with a subscription. Errors:
// signaling.ErrBadSubscription, signaling.ErrPushService.
func (s *Sender) Check(sub signaling.PushSubscription) error {
	_, err := s.endpoint(sub.Endpoint)
	if err == nil {
		_, err = readKeys(sub)
	}
	if err != nil {
		return fmt.Errorf("cannot use a push subscription: %w", err)
	}
	return nil
}

// endpoint reads where to post: https, at one of the services.
func (s *Sender) endpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("its endpoint %q is no https URL: %w", text, signaling.ErrBadSubscription)
	}
	for _, host := range s.o.Hosts {
		if serves(host, u) {
			return u, nil
		}
	}
	return nil, fmt.Errorf("its service is %q: %w; signaling.push.hosts lists those that are", u.Host, signaling.ErrPushService)
}

// serves reports whether host, or a name below it, is where u leads.
func serves(host string, u *url.URL) bool {
	port := "443"
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	}
	name, wanted := strings.ToLower(u.Hostname()), strings.ToLower(host)
	return (name == wanted || strings.HasSuffix(name, "."+wanted)) && (u.Port() == port || u.Port() == "" && port == "443")
}

// wakeUp is the message that the page's service worker gets.
type wakeUp struct {
	V      int    `json:"v"`
	T      string `json:"t"` // ring
	RoomID string `json:"roomId"`
}

// Wake asks the phone's push service to wake it for a ring in a room that may last
// life. It tries again until it is taken or ctx ends, which should be at the end of
// the ring. Errors: ErrGone, and then the subscription is to be forgotten;
// signaling.ErrBadSubscription; signaling.ErrPushService; ErrAddress; others.
func (s *Sender) Wake(ctx context.Context, sub signaling.PushSubscription, roomID string, life time.Duration) error {
	fail := func(err error) error { return fmt.Errorf("cannot wake a phone: %w", err) }
	u, err := s.endpoint(sub.Endpoint)
	if err != nil {
		return fail(err)
	}
	k, err := readKeys(sub)
	if err != nil {
		return fail(err)
	}
	text, err := json.Marshal(wakeUp{V: 1, T: "ring", RoomID: roomID})
	if err != nil {
		return fail(err)
	}
	body, err := encrypt(k, text)
	if err != nil {
		return fail(err)
	}
	ends := time.Now().Add(life)
	err = retried(ctx, func() error { return s.send(ctx, u, body, roomID, time.Until(ends)) })
	if err != nil {
		return fail(err)
	}
	return nil
}

// send is one try; left is what is left of the ring.
func (s *Sender) send(ctx context.Context, u *url.URL, body []byte, roomID string, left time.Duration) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	authorization, err := s.authorization(u)
	if err != nil {
		return err
	}
	topic := sha256.Sum256([]byte(roomID))
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set("Content-Encoding", "aes128gcm")
	r.Header.Set("TTL", strconv.Itoa(max(0, int(math.Ceil(left.Seconds())))))
	r.Header.Set("Urgency", "high")
	r.Header.Set("Topic", base64url.Encode(topic[:24])) // a second copy takes the first one's place (RFC 8030, 5.4)
	status, err := post(s.client, r)
	if status == http.StatusNotFound || status == http.StatusGone {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return err
}
