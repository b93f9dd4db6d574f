package push

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// SignatureHeader holds "sha256=" and the HMAC-SHA256 of the body with the secret,
// in hexadecimal digits.
const SignatureHeader = "Callbox-Signature"

// minSecret is what a secret must have, in bytes.
const minSecret = 16

// WebhookConfig is what a Webhook is made of.
type WebhookConfig struct {
	URL          string
	Secret       []byte
	AllowPrivate bool
	Device       string // the device's address
	Wall         func() time.Time
	Roots        *x509.CertPool // trusted instead of the system's; tests
}

// Webhook tells a maker's backend that a phone is to be woken. Its methods may be
// called from any goroutine.
type Webhook struct {
	c      WebhookConfig
	client *http.Client
}

// Ring is what the backend gets, as JSON. Nothing in it is secret, and it holds no
// name.
type Ring struct {
	Event       string  `json:"event"`  // ring
	ID          string  `json:"id"`     // the same in each try
	Time        int64   `json:"time"`   // seconds since 1970, by the device's clock
	Device      string  `json:"device"` // its address, d.<sn>
	RoomID      string  `json:"roomId"`
	Phone       string  `json:"phone"`       // jkt of its key
	RingTimeout float64 `json:"ringTimeout"` // seconds, from now
}

// NewWebhook returns a Webhook. Close ends it.
func NewWebhook(c WebhookConfig) (*Webhook, error) {
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, fmt.Errorf("cannot use the webhook %q: it is no https URL", c.URL)
	}
	if len(c.Secret) < minSecret {
		return nil, fmt.Errorf("cannot use a webhook's secret of %d bytes; it needs %d: openssl rand -hex 32", len(c.Secret), minSecret)
	}
	if c.Wall == nil {
		return nil, errors.New("cannot make a webhook without a clock")
	}
	return &Webhook{c: c, client: newClient(c.AllowPrivate, c.Roots, c.Wall)}, nil
}

// Close closes idle connections. No Ring may be running or come after it.
func (w *Webhook) Close() { w.client.CloseIdleConnections() }

// Ring posts that a phone is rung for life in a room. It tries again until it is
// taken or ctx ends. id names it; phone is the thumbprint of the phone's key. Errors:
// ErrAddress; others.
func (w *Webhook) Ring(ctx context.Context, id, roomID, phone string, life time.Duration) error {
	ends := time.Now().Add(life)
	err := retried(ctx, func() error {
		body, err := json.Marshal(Ring{
			Event: "ring", ID: id, Time: w.c.Wall().Unix(), Device: w.c.Device, RoomID: roomID, Phone: phone,
			RingTimeout: time.Until(ends).Round(time.Millisecond).Seconds(),
		})
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.c.URL, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(SignatureHeader, "sha256="+hex.EncodeToString(w.sign(body)))
		_, err = post(w.client, r)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot call the webhook: %w", err)
	}
	return nil
}

func (w *Webhook) sign(body []byte) []byte {
	mac := hmac.New(sha256.New, w.c.Secret)
	mac.Write(body)
	return mac.Sum(nil)
}
