package client

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// silent is a daemon that takes requests and never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestPatience: a daemon that hangs is told, soon where a person waits for what it knows at
// once.
func TestPatience(t *testing.T) {
	for name, tt := range map[string]struct {
		ask  func(context.Context, *Client) error
		want time.Duration
	}{
		"status":  {func(ctx context.Context, c *Client) error { _, err := c.Status(ctx); return err }, 6 * time.Second},
		"version": {func(ctx context.Context, c *Client) error { _, err := c.Version(ctx); return err }, 6 * time.Second},
		"doctor":  {func(ctx context.Context, c *Client) error { _, err := c.Doctor(ctx); return err }, 40 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			err := tt.ask(t.Context(), &Client{socket: "/run/x.sock", http: &http.Client{Transport: silent{}}})
			if took := time.Since(start); took != tt.want || !errors.Is(err, ErrUnreachable) {
				t.Errorf("%s: %v after %v, want %v after %v", name, err, took, ErrUnreachable, tt.want)
			}
		})
	}
}
