package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"callbox/daemon/control"
)

// WatchOptions choose what Watch tells. The zero value is all from now on.
type WatchOptions struct {
	// After resumes behind this position; the zero value starts now.
	After control.Position
	// Handle promises to answer data and unlock events with AnswerData, within 3 s.
	Handle bool
}

// Watch calls each for every event until ctx ends, the daemon stops (nil) or each
// returns an error. The first event is control.EventStatus.
func (c *Client) Watch(ctx context.Context, o WatchOptions, each func(control.Event) error) error {
	after, handle := "", ""
	if o.After != (control.Position{}) {
		after = o.After.ID()
	}
	if o.Handle {
		handle = "data"
	}
	res, err := c.do(ctx, http.MethodGet, query("/v1/events", "after", after, "handle", handle), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return read(ctx, res.Body, func(data []byte) error {
		var ev control.Event
		if err := json.Unmarshal(data, &ev); err != nil {
			return fmt.Errorf("cannot read an event: %w", err)
		}
		return each(ev)
	})
}

// read calls each for the data of every server-sent event, until the stream ends.
func read(ctx context.Context, stream io.Reader, each func(data []byte) error) error {
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return ctx.Err()
			}
			return fmt.Errorf("cannot read events: %w", err)
		}
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		if !ok {
			continue
		}
		if err := each(data); err != nil {
			return err
		}
	}
}
