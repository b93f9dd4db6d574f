// Package client speaks to a callboxd on this machine over its control socket.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"callbox/daemon/control"
)

// ErrUnreachable means that no daemon answers on the socket.
var ErrUnreachable = errors.New("callboxd does not answer")

// maxAnswer bounds what the daemon may answer at once. The largest is a bug
// report.
const maxAnswer = 64 << 20 // bytes

// patience is how long a request may take. The daemon's own limits are shorter: one
// that says nothing for so long is stopped, or stuck as a whole.
const patience = 40 * time.Second

// quickPatience is the same for what a daemon knows at once, in 3 s at most: a person
// waits for it.
const quickPatience = 6 * time.Second

var quick = []string{"/v1/status", "/v1/version"}

// Client speaks to one daemon. It may be used by several goroutines.
type Client struct {
	socket string
	http   *http.Client
}

// New returns a client for the daemon behind socket. It does not connect yet.
func New(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &Client{socket: socket, http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// do sends a request; an answer that is not 200 is an error.
func (c *Client) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("cannot write the request: %w", err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://callbox"+path, in)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, fmt.Errorf("cannot reach callboxd at %s: %w: %w", c.socket, ErrUnreachable, err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, failure(res)
	}
	return res, nil
}

// failure turns an answer that is not 200 into a control.Error.
func failure(res *http.Response) error {
	var body struct {
		Error *control.Error `json:"error"`
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && json.Unmarshal(raw, &body) == nil && body.Error != nil {
		return body.Error
	}
	return fmt.Errorf("the daemon answered %s: %s", res.Status, strings.TrimSpace(string(raw)))
}

// bytesOf sends a request and returns the answer as it is.
func (c *Client) bytesOf(ctx context.Context, method, path string, body any) ([]byte, error) {
	patience := patience
	if slices.Contains(quick, path) {
		patience = quickPatience
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	raw, err := c.readAll(bounded, method, path, body)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, fmt.Errorf("cannot get an answer at %s: %w within %v", c.socket, ErrUnreachable, patience)
	}
	return raw, err
}

func (c *Client) readAll(ctx context.Context, method, path string, body any) ([]byte, error) {
	res, err := c.do(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("cannot read the daemon's answer: %w", err)
	}
	return raw, nil
}

// get sends a request and decodes the answer.
func get[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var v T
	raw, err := c.bytesOf(ctx, method, path, body)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("cannot read the daemon's answer: %w", err)
	}
	return v, nil
}

// done sends a request whose answer says nothing.
func (c *Client) done(ctx context.Context, method, path string, body any) error {
	_, err := get[control.Empty](ctx, c, method, path, body)
	return err
}

// query writes the parameters that are not empty behind path.
func query(path string, pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}
