package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"callbox/daemon/control"
)

// Relay hands in a message that a phone has sent over a channel of the maker's.
func (c *Client) Relay(ctx context.Context, m control.RelayIn) error {
	return c.done(ctx, http.MethodPost, "/v1/relay", m)
}

// Relayed calls each for every message that is to be carried to a phone, until ctx
// ends, the daemon stops (nil) or each returns an error. listening, when not nil, is
// called once messages can come.
func (c *Client) Relayed(ctx context.Context, listening func(), each func(control.RelayOut) error) error {
	res, err := c.do(ctx, http.MethodGet, "/v1/relay", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if listening != nil {
		listening()
	}
	return read(ctx, res.Body, func(data []byte) error {
		var m control.RelayOut
		if err := json.Unmarshal(data, &m); err != nil {
			return fmt.Errorf("cannot read a message: %w", err)
		}
		return each(m)
	})
}
