package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"callbox/daemon/control"
)

// Selftest lets a phone that is no contact make one test call: each is called once with
// what the phone needs to know, and the phone is welcome until each returns, ctx ends
// or this program does. Errors: those of the daemon, those of each.
func (c *Client) Selftest(ctx context.Context, r control.SelftestRequest, each func(control.SelftestTerms) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	res, err := c.do(ctx, http.MethodPost, "/v1/selftest", r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	done := errors.New("the test is over")
	err = read(ctx, res.Body, func(data []byte) error {
		var terms control.SelftestTerms
		if err := json.Unmarshal(data, &terms); err != nil {
			return fmt.Errorf("cannot read the terms of the test: %w", err)
		}
		if err := each(terms); err != nil {
			return err
		}
		return done
	})
	switch {
	case errors.Is(err, done):
		return nil
	case err == nil:
		return fmt.Errorf("callboxd has stopped: %w", ErrUnreachable)
	}
	return err
}
