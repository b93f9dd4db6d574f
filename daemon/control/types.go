// Package control is the local API: HTTP with JSON on a Unix socket, versioned
// under /v1, for a maker's own screen, door button or script, and for callboxctl.
//
// The server decides nothing: it checks, asks a Backend and writes the answer.
// GET /v1/events is a stream of server-sent events (WHATWG HTML, 9.2).
package control

import (
	"encoding/json"
	"time"

	"callbox/signaling/cause"
)

// Status is what the device is doing: GET /v1/status.
type Status struct {
	Name          string            `json:"name"`
	SN            string            `json:"sn"`
	Address       string            `json:"address"`
	Thumbprint    string            `json:"thumbprint"` // of the device's key (dkt)
	Version       string            `json:"version"`
	UptimeSeconds float64           `json:"uptimeSeconds"`
	State         string            `json:"state"` // idle, ringing, connecting, talking, reconnecting
	Call          *Call             `json:"call,omitzero"`
	Devices       []Device          `json:"devices"`
	Transports    []Transport       `json:"transports"`
	Contacts      int               `json:"contacts"`
	Pairing       *PairWindow       `json:"pairing,omitzero"`
	Refused       map[string]uint64 `json:"refused"` // counted by reason since the start
}

// Call is the running call.
type Call struct {
	RoomID           string          `json:"roomId"`
	GroupID          string          `json:"groupId"` // the same, by its older name
	Contact          string          `json:"contact"`
	Phone            string          `json:"phone"` // jkt
	RoomType         string          `json:"roomType"`
	State            string          `json:"state"`
	Since            time.Time       `json:"since"`
	TalkSeconds      int             `json:"talkSeconds"`
	LimitSeconds     float64         `json:"limitSeconds,omitzero"`
	RemainingSeconds float64         `json:"remainingSeconds,omitzero"`
	Deadline         float64         `json:"deadline,omitzero"` // seconds on CLOCK_BOOTTIME
	Microphone       bool            `json:"microphone"`
	Camera           bool            `json:"camera"`
	Media            json.RawMessage `json:"media,omitzero"` // media.Stats
}

// Device is a piece of hardware that was chosen.
type Device struct {
	Kind    string `json:"kind"` // camera, microphone, speaker, display
	Name    string `json:"name"` // "" when there is none
	Wanted  string `json:"wanted"`
	Virtual bool   `json:"virtual"`
	Reason  string `json:"reason,omitzero"` // why it is not what was wanted
}

// Transport is a way on which phones reach the device.
type Transport struct {
	Name   string   `json:"name"`
	Up     bool     `json:"up"`
	URLs   []string `json:"urls,omitzero"`
	Phones int      `json:"phones"` // proven connections
	Detail string   `json:"detail,omitzero"`
}

// PairRequest opens a pairing window: POST /v1/pair.
type PairRequest struct {
	Name    string   `json:"name,omitzero"`    // of the phone; "" takes the one that it says
	Rights  []string `json:"rights,omitzero"`  // default: call, beCalled
	Seconds float64  `json:"seconds,omitzero"` // how long it stays open; default 300
	Force   bool     `json:"force,omitzero"`   // auto or unlock over a self-made certificate
}

// PairWindow is an open pairing window.
type PairWindow struct {
	URL     string    `json:"url"` // of the call page, with the secret in its fragment
	Expires time.Time `json:"expires"`
	Rights  []string  `json:"rights"`
	Name    string    `json:"name,omitzero"`
}

// Contact is a phone that was paired: GET /v1/contacts.
type Contact struct {
	Name       string    `json:"name"`
	Thumbprint string    `json:"thumbprint"` // jkt
	Rights     []string  `json:"rights"`
	MaxSeconds float64   `json:"maxSeconds,omitzero"`
	Added      time.Time `json:"added"`
	SelfSigned bool      `json:"selfSigned,omitzero"`
	Revoked    bool      `json:"revoked,omitzero"`
}

// Record is a call that was: GET /v1/calls, newest first.
type Record struct {
	RoomID       string       `json:"roomId"`
	GroupID      string       `json:"groupId"`
	Contact      string       `json:"contact"`
	Phone        string       `json:"phone"`
	RoomType     string       `json:"roomType"`
	Direction    string       `json:"direction"`
	Started      time.Time    `json:"started"`
	Answered     time.Time    `json:"answered,omitzero"`
	Ended        time.Time    `json:"ended,omitzero"`
	RingSeconds  float64      `json:"ringSeconds"`
	TalkSeconds  float64      `json:"talkSeconds"`
	LimitSeconds float64      `json:"limitSeconds,omitzero"`
	Cause        cause.Cause  `json:"cause,omitzero"` // none: the call is running
	Origin       cause.Origin `json:"origin,omitzero"`
	Detail       cause.Detail `json:"detail,omitzero"`
}

// Version is the software: GET /v1/version.
type Version struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Protocol int    `json:"protocol"`
	Platform string `json:"platform"`
}

// Switch turns something on or off: POST /v1/call/microphone and …/camera.
type Switch struct {
	On bool `json:"on"`
}

// Event is something that happened, as GET /v1/events streams it. The first of a
// stream is "status", with a Status as its data.
type Event struct {
	Seq     uint64          `json:"seq"`
	Time    time.Time       `json:"time"`
	Name    string          `json:"eventName"`
	RoomID  string          `json:"roomId,omitzero"`
	GroupID string          `json:"groupId,omitzero"`
	Data    json.RawMessage `json:"data,omitzero"`
}
