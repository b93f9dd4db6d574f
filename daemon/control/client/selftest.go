package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"callbox/daemon/control"
)

// ErrStopped means that the daemon went away while it was watched, or tested.
var ErrStopped = fmt.Errorf("callboxd has stopped: %w", ErrUnreachable)

// Selftest lets a phone that is no contact make one test call: each is called once with
// what the phone needs to know, and the phone is welcome until each returns, ctx ends
// or this program does. The context of each ends with ctx, and with ErrUnreachable as soon
// as the daemon does. Errors: those of the daemon, ErrUnreachable, those of each.
func (c *Client) Selftest(ctx context.Context, r control.SelftestRequest, each func(context.Context, control.SelftestTerms) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	res, err := c.do(ctx, http.MethodPost, "/v1/selftest", r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	terms, ended := make(chan control.SelftestTerms, 1), make(chan error, 1)
	stream := io.Reader(res.Body)
	go func() { ended <- readTerms(ctx, stream, terms) }() // ends with ctx, at the latest when Selftest returns
	var begin control.SelftestTerms
	select {
	case begin = <-terms:
	case err := <-ended:
		return stopped(ctx, err)
	}
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan error, 1)
	go func() { done <- each(within, begin) }()
	select {
	case err := <-done:
		return err
	case err := <-ended:
		err = stopped(ctx, err)
		stop(err)
		if came := <-done; ctx.Err() != nil {
			return came
		}
		return err
	}
}

// readTerms hands the one event of a test over and reads until its stream ends.
func readTerms(ctx context.Context, stream io.Reader, terms chan<- control.SelftestTerms) error {
	return read(ctx, stream, func(data []byte) error {
		var t control.SelftestTerms
		if err := json.Unmarshal(data, &t); err != nil {
			return fmt.Errorf("cannot read the terms of the test: %w", err)
		}
		select {
		case terms <- t:
		default: // there is one event
		}
		return nil
	})
}

// stopped is why a stream has ended: the daemon has ended it, or died.
func stopped(ctx context.Context, err error) error {
	if broken := (*net.OpError)(nil); ctx.Err() == nil && (err == nil || errors.As(err, &broken)) {
		return ErrStopped
	}
	return err
}
