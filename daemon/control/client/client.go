// Package client speaks to a callboxd on this machine over its control socket.
package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"callbox/daemon/control"
)

// ErrUnreachable means that no daemon answers on the socket.
var ErrUnreachable = errors.New("callboxd does not answer")

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

// Status returns what the device is doing.
func (c *Client) Status(ctx context.Context) (control.Status, error) {
	return get[control.Status](ctx, c, http.MethodGet, "/v1/status", nil)
}

// Version returns the daemon's version.
func (c *Client) Version(ctx context.Context) (control.Version, error) {
	return get[control.Version](ctx, c, http.MethodGet, "/v1/version", nil)
}

// Answer takes the ringing call; roomID "" is the current one, here and below.
func (c *Client) Answer(ctx context.Context, roomID string) error {
	return c.onCall(ctx, "answer", roomID)
}

// Reject declines the ringing call.
func (c *Client) Reject(ctx context.Context, roomID string) error {
	return c.onCall(ctx, "reject", roomID)
}

// HangUp ends the call.
func (c *Client) HangUp(ctx context.Context, roomID string) error {
	return c.onCall(ctx, "hangup", roomID)
}

func (c *Client) onCall(ctx context.Context, what, roomID string) error {
	_, err := get[struct{}](ctx, c, http.MethodPost, "/v1/call/"+what, map[string]string{"roomId": roomID})
	return err
}

// SetMicrophone turns the device's microphone in the running call on or off.
func (c *Client) SetMicrophone(ctx context.Context, on bool) error {
	_, err := get[control.Switch](ctx, c, http.MethodPost, "/v1/call/microphone", control.Switch{On: on})
	return err
}

// SetCamera turns the device's camera in the running call on or off.
func (c *Client) SetCamera(ctx context.Context, on bool) error {
	_, err := get[control.Switch](ctx, c, http.MethodPost, "/v1/call/camera", control.Switch{On: on})
	return err
}

// OpenPairing opens a pairing window.
func (c *Client) OpenPairing(ctx context.Context, r control.PairRequest) (control.PairWindow, error) {
	return get[control.PairWindow](ctx, c, http.MethodPost, "/v1/pair", r)
}

// ClosePairing closes the pairing window.
func (c *Client) ClosePairing(ctx context.Context) error {
	_, err := get[struct{}](ctx, c, http.MethodDelete, "/v1/pair", nil)
	return err
}

// Contacts returns the phones that were paired.
func (c *Client) Contacts(ctx context.Context) ([]control.Contact, error) {
	return get[[]control.Contact](ctx, c, http.MethodGet, "/v1/contacts", nil)
}

// Revoke takes a contact's trust away, by its name or thumbprint.
func (c *Client) Revoke(ctx context.Context, nameOrThumbprint string) (control.Contact, error) {
	return get[control.Contact](ctx, c, http.MethodDelete, "/v1/contacts/"+url.PathEscape(nameOrThumbprint), nil)
}

// Calls returns the newest call records, newest first.
func (c *Client) Calls(ctx context.Context, limit int) ([]control.Record, error) {
	return get[[]control.Record](ctx, c, http.MethodGet, fmt.Sprintf("/v1/calls?limit=%d", limit), nil)
}

// Watch calls each for every event until ctx ends, the daemon stops (nil) or each
// returns an error. The first event is "status".
func (c *Client) Watch(ctx context.Context, each func(control.Event) error) error {
	res, err := c.do(ctx, http.MethodGet, "/v1/events", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return failure(res)
	}
	lines := bufio.NewReader(res.Body)
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
		var ev control.Event
		if err := json.Unmarshal(data, &ev); err != nil {
			return fmt.Errorf("cannot read an event: %w", err)
		}
		if err := each(ev); err != nil {
			return err
		}
	}
}

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
	return res, nil
}

// get sends a request and decodes the answer.
func get[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var v T
	res, err := c.do(ctx, method, path, body)
	if err != nil {
		return v, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return v, failure(res)
	}
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		return v, fmt.Errorf("cannot read the daemon's answer: %w", err)
	}
	return v, nil
}

// failure turns an answer that is not 200 into a control.Error.
func failure(res *http.Response) error {
	var body struct {
		Error *control.Error `json:"error"`
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err == nil && json.Unmarshal(raw, &body) == nil && body.Error != nil {
		return body.Error
	}
	return fmt.Errorf("the daemon answered %s: %s", res.Status, strings.TrimSpace(string(raw)))
}
