package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"callbox/daemon/control"
)

// Status returns what the device is doing.
func (c *Client) Status(ctx context.Context) (control.Status, error) {
	return get[control.Status](ctx, c, http.MethodGet, "/v1/status", nil)
}

// Version returns the daemon's version.
func (c *Client) Version(ctx context.Context) (control.Version, error) {
	return get[control.Version](ctx, c, http.MethodGet, "/v1/version", nil)
}

// Call calls one phone or several. It returns at once: the events tell the rest.
func (c *Client) Call(ctx context.Context, r control.CallRequest) (control.CallStarted, error) {
	return get[control.CallStarted](ctx, c, http.MethodPost, "/v1/call", r)
}

// Answer takes the ringing call; id "" is the current one, here and below.
func (c *Client) Answer(ctx context.Context, id string) error { return c.onCall(ctx, "answer", id) }

// Reject declines the ringing call.
func (c *Client) Reject(ctx context.Context, id string) error { return c.onCall(ctx, "reject", id) }

// HangUp ends the call.
func (c *Client) HangUp(ctx context.Context, id string) error { return c.onCall(ctx, "hangup", id) }

func (c *Client) onCall(ctx context.Context, what, id string) error {
	return c.done(ctx, http.MethodPost, "/v1/call/"+what, map[string]string{"roomId": id})
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

// SwitchCamera shows another of the device's cameras in the running call, by its label
// or name, "" the next one, and returns which, and whether it is not there now.
func (c *Client) SwitchCamera(ctx context.Context, camera string) (control.CameraChoice, error) {
	return get[control.CameraChoice](ctx, c, http.MethodPost, "/v1/call/camera/switch", control.CameraChoice{Camera: camera})
}

// SendData sends the maker's own message to the phone of the running call and
// returns what the phone said, within about 5 s.
func (c *Client) SendData(ctx context.Context, payload json.RawMessage) (control.DataResult, error) {
	return get[control.DataResult](ctx, c, http.MethodPost, "/v1/call/data", control.DataRequest{Payload: payload})
}

// AnswerData answers a data or unlock event.
func (c *Client) AnswerData(ctx context.Context, a control.DataAnswer) error {
	return c.done(ctx, http.MethodPost, "/v1/call/data/answer", a)
}

// OpenPairing opens a pairing window.
func (c *Client) OpenPairing(ctx context.Context, r control.PairRequest) (control.PairWindow, error) {
	return get[control.PairWindow](ctx, c, http.MethodPost, "/v1/pair", r)
}

// ClosePairing closes the pairing window.
func (c *Client) ClosePairing(ctx context.Context) error {
	return c.done(ctx, http.MethodDelete, "/v1/pair", nil)
}

// Contacts returns the phones that the device trusts, revoked ones too.
func (c *Client) Contacts(ctx context.Context) ([]control.Contact, error) {
	return get[[]control.Contact](ctx, c, http.MethodGet, "/v1/contacts", nil)
}

// AddContact adds a phone by its key.
func (c *Client) AddContact(ctx context.Context, n control.NewContact) (control.Contact, error) {
	return get[control.Contact](ctx, c, http.MethodPost, "/v1/contacts", n)
}

// ChangeContact changes a contact; who is its name or thumbprint, here and below.
func (c *Client) ChangeContact(ctx context.Context, who string, change control.ContactChange) (control.Contact, error) {
	return get[control.Contact](ctx, c, http.MethodPatch, contactPath(who), change)
}

// ReplaceContact puts another phone's key in the place of a contact's.
func (c *Client) ReplaceContact(ctx context.Context, who string, k control.NewKey) (control.Contact, error) {
	return get[control.Contact](ctx, c, http.MethodPost, contactPath(who)+"/replace", k)
}

// Revoke takes a contact's trust away; its key stays known and refused.
func (c *Client) Revoke(ctx context.Context, who string) (control.Contact, error) {
	return get[control.Contact](ctx, c, http.MethodDelete, contactPath(who), nil)
}

// Forget removes a contact, and its trust with it.
func (c *Client) Forget(ctx context.Context, who string) (control.Contact, error) {
	return get[control.Contact](ctx, c, http.MethodDelete, contactPath(who)+"?forget=true", nil)
}

func contactPath(who string) string { return "/v1/contacts/" + url.PathEscape(who) }

// ExplainPolicy says what would happen to a call.
func (c *Client) ExplainPolicy(ctx context.Context, q control.PolicyQuery) (control.PolicyExplanation, error) {
	return get[control.PolicyExplanation](ctx, c, http.MethodGet, query("/v1/policy/explain",
		"contact", q.Contact, "at", timeText(q.At), "direction", q.Direction, "roomType", q.RoomType), nil)
}

// Issuers returns the issuers of call tokens and what of their tokens is denied.
func (c *Client) Issuers(ctx context.Context) (control.Issuers, error) {
	return get[control.Issuers](ctx, c, http.MethodGet, "/v1/issuers", nil)
}

// Deny refuses the call tokens that d names from now on.
func (c *Client) Deny(ctx context.Context, d control.Denial) (control.Denial, error) {
	return get[control.Denial](ctx, c, http.MethodPost, "/v1/issuers/deny", denialBody(d))
}

// Allow takes a denial back.
func (c *Client) Allow(ctx context.Context, d control.Denial) (control.Denial, error) {
	return get[control.Denial](ctx, c, http.MethodPost, "/v1/issuers/allow", denialBody(d))
}

// denialBody leaves out when it was denied, which is the daemon's to say.
func denialBody(d control.Denial) control.Denial {
	d.Since = time.Time{}
	return d
}

// Calls returns call records, newest first. With q.Limit 0 it returns all, however
// many requests that takes.
func (c *Client) Calls(ctx context.Context, q control.CallQuery) ([]control.Record, error) {
	if q.Limit > 0 {
		return c.page(ctx, q)
	}
	q.Limit = 1000
	all := []control.Record{}
	for {
		page, err := c.page(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < q.Limit {
			return all, nil
		}
		q.After = page[len(page)-1].ID
	}
}

func (c *Client) page(ctx context.Context, q control.CallQuery) ([]control.Record, error) {
	return get[[]control.Record](ctx, c, http.MethodGet, query("/v1/calls",
		"since", timeText(q.Since), "until", timeText(q.Until), "contact", q.Contact,
		"cause", string(q.Cause), "limit", strconv.Itoa(q.Limit), "after", q.After), nil)
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// DND returns whether do-not-disturb is on.
func (c *Client) DND(ctx context.Context) (control.DND, error) {
	return get[control.DND](ctx, c, http.MethodGet, "/v1/dnd", nil)
}

// SetDND turns do-not-disturb on or off.
func (c *Client) SetDND(ctx context.Context, d control.DND) (control.DND, error) {
	return get[control.DND](ctx, c, http.MethodPut, "/v1/dnd", d)
}

// Devices returns the hardware.
func (c *Client) Devices(ctx context.Context) (control.Devices, error) {
	return get[control.Devices](ctx, c, http.MethodGet, "/v1/devices", nil)
}

// Volume returns how loud the speaker is.
func (c *Client) Volume(ctx context.Context) (control.Volume, error) {
	return get[control.Volume](ctx, c, http.MethodGet, "/v1/volume", nil)
}

// SetVolume sets how loud the speaker is, in percent.
func (c *Client) SetVolume(ctx context.Context, percent int) (control.Volume, error) {
	return get[control.Volume](ctx, c, http.MethodPut, "/v1/volume", control.Volume{Percent: percent})
}

// Snapshot returns a JPEG of what the camera sees.
func (c *Client) Snapshot(ctx context.Context) ([]byte, error) {
	return c.bytesOf(ctx, http.MethodGet, "/v1/snapshot", nil)
}

// Clock returns what the device knows about time.
func (c *Client) Clock(ctx context.Context) (control.Clock, error) {
	return get[control.Clock](ctx, c, http.MethodGet, "/v1/clock", nil)
}

// ResetClock lets the daemon forget what it knew of the past of its clock.
func (c *Client) ResetClock(ctx context.Context) (control.Clock, error) {
	return get[control.Clock](ctx, c, http.MethodPost, "/v1/clock/reset", nil)
}

// Doctor returns what the daemon has looked at.
func (c *Client) Doctor(ctx context.Context) ([]control.Finding, error) {
	return get[[]control.Finding](ctx, c, http.MethodGet, "/v1/doctor", nil)
}

// Reload lets the daemon read its configuration again.
func (c *Client) Reload(ctx context.Context) (control.ReloadResult, error) {
	return get[control.ReloadResult](ctx, c, http.MethodPost, "/v1/reload", nil)
}

// Metrics returns the daemon's numbers in Prometheus' text format.
func (c *Client) Metrics(ctx context.Context) ([]byte, error) {
	return c.bytesOf(ctx, http.MethodGet, "/v1/metrics", nil)
}

// BugReport returns the report as the daemon wrote it.
func (c *Client) BugReport(ctx context.Context) (json.RawMessage, error) {
	return c.bytesOf(ctx, http.MethodGet, "/v1/bugreport", nil)
}
