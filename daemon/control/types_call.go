package control

import (
	"encoding/json"
	"time"

	"callbox/signaling/cause"
)

// The modes of a call to several phones.
const (
	Together = "together" // all ring at once, the first answer wins
	InTurn   = "inTurn"   // one after the other, in the given order
)

// The directions of a call, seen from the device.
const (
	In  = "in"
	Out = "out"
)

// MaxPhones is how many phones one call can be for, whether they ring at once or in
// turn. Those of its groups count, too.
const MaxPhones = 8

// GroupPrefix before a name in CallRequest.To means every contact of that group.
const GroupPrefix = "group:"

// CallRequest calls one phone or several: POST /v1/call.
type CallRequest struct {
	To             []string `json:"to"`                      // contacts by name or thumbprint, or "group:NAME"; with those of the groups at most 8 phones
	Mode           string   `json:"mode,omitzero"`           // together, inTurn; absent: as call.dial_mode in the configuration says
	RoomType       string   `json:"roomType,omitzero"`       // video (default), voice
	TimeLimit      float64  `json:"timeLimit,omitzero"`      // seconds; 0: no wish. A rule may make it shorter, never longer
	Query          string   `json:"query,omitzero"`          // free text for the phone's app, at most 1024 bytes
	IdempotencyKey string   `json:"idempotencyKey,omitzero"` // the same key within 10 minutes answers the same and calls nobody anew
}

// CallStarted is the answer of POST /v1/call. Nobody has answered yet, and perhaps
// no phone has been reached: the events tell.
//
// Each phone has a room of its own. RoomID is that of the first one; GroupID is
// common to all rooms of one call, and stands in the events of each of them. In a
// call of one phone the two are the same. The event of the cause, endVoip and
// finishVoip come once a group: when the call is over, not when one of its phones is.
type CallStarted struct {
	RoomID  string `json:"roomId"`
	GroupID string `json:"groupId"`
}

// room is the body of the requests that concern a call.
type room struct {
	RoomID  string `json:"roomId,omitzero"`
	GroupID string `json:"groupId,omitzero"`
}

// DataRequest sends the maker's own message to the phone of the running call:
// POST /v1/call/data.
type DataRequest struct {
	ID      string          `json:"id,omitzero"` // 1 to 128 bytes; "" makes one
	Payload json.RawMessage `json:"payload"`     // any JSON, at most 4 KiB
}

// DataResult is what came of a DataRequest. Error is "" when a program on the
// phone took it, else the phone's word (forbidden, badRequest, noHandler), or
// timeout when it did not answer within 5 s.
type DataResult struct {
	ID    string `json:"id"`
	Error string `json:"error"`
}

// DataAnswer acknowledges a data or unlock event: POST /v1/call/data/answer. Error
// "" says that it was done.
type DataAnswer struct {
	ID    string `json:"id"`
	Error string `json:"error,omitzero"` // forbidden, badRequest, noHandler
}

// CallQuery chooses records: GET /v1/calls. Zero members choose all.
type CallQuery struct {
	Since   time.Time   // started at or after
	Until   time.Time   // started before
	Contact string      // name or thumbprint
	Cause   cause.Cause // "running" for those without an end
	Limit   int         // 1 to 1000; the server sets it
	After   string      // Record.ID: only older ones than that
}

// Running in CallQuery.Cause chooses the calls that have not ended.
const Running cause.Cause = "running"

// Record is a call that was: GET /v1/calls, newest first.
type Record struct {
	ID           string       `json:"id"` // opaque, unique; ?after=ID continues behind it
	RoomID       string       `json:"roomId"`
	GroupID      string       `json:"groupId"`
	Contact      string       `json:"contact"`
	Phone        string       `json:"phone"`
	RoomType     string       `json:"roomType"`
	Direction    string       `json:"direction"` // in, out
	Started      time.Time    `json:"started"`
	Answered     time.Time    `json:"answered,omitzero"`
	Ended        time.Time    `json:"ended,omitzero"`
	RingSeconds  float64      `json:"ringSeconds"`
	TalkSeconds  float64      `json:"talkSeconds"`
	LimitSeconds float64      `json:"limitSeconds,omitzero"`
	Cause        cause.Cause  `json:"cause,omitzero"` // none: the call is running
	Origin       cause.Origin `json:"origin,omitzero"`
	Detail       cause.Detail `json:"detail,omitzero"`
	EndedBy      string       `json:"endedBy,omitzero"` // device, phone
	Auto         bool         `json:"auto,omitzero"`    // answered without a person
	Failure      string       `json:"failure,omitzero"` // why media failed, for an engineer
	Lost         []LostDevice `json:"lost,omitzero"`    // devices that were gone in the call, each once
	Link         *TalkLink    `json:"link,omitzero"`    // how well media flowed; none of a talk under a second
	Rings        []RingRecord `json:"rings,omitzero"`   // of a call of the device: the phones that it rang
	Times        int          `json:"times,omitzero"`   // of refused calls: so many in a row, each within a minute of the one before; none: one
}

// LostDevice is a device that was gone in a call, or was not there when it began.
type LostDevice struct {
	Kind  string `json:"kind"` // camera, sound, or one half of it: microphone, speaker; display, light
	Name  string `json:"name"`
	Error string `json:"error,omitzero"`
	Back  bool   `json:"back,omitzero"` // it came back before the end
}

// TalkLink is how well the media of a talk flowed, from a look each second.
type TalkLink struct {
	SendBitrate    float64 `json:"sendBitrate"`    // bit/s, the mean
	ReceiveBitrate float64 `json:"receiveBitrate"` // the same

	SendLoss         float64 `json:"sendLoss"`         // share of our packets that the phone missed, 0 to 1, the mean
	ReceiveLoss      float64 `json:"receiveLoss"`      // share of the phone's packets that we missed, the mean
	SendLossWorst    float64 `json:"sendLossWorst"`    // of a second
	ReceiveLossWorst float64 `json:"receiveLossWorst"` // the same

	RTTMilliseconds      float64 `json:"rttMilliseconds"` // the mean; 0: never measured
	RTTMillisecondsWorst float64 `json:"rttMillisecondsWorst"`

	SendJitterMilliseconds    float64 `json:"sendJitterMilliseconds"`    // of sound, the mean
	ReceiveJitterMilliseconds float64 `json:"receiveJitterMilliseconds"` // the same

	FramesSent       uint64  `json:"framesSent"`
	FramesSkipped    uint64  `json:"framesSkipped"` // of the camera: damaged, or more than the device can encode
	FramesShown      uint64  `json:"framesShown"`
	Freezes          uint64  `json:"freezes"`
	Reconnects       uint64  `json:"reconnects"` // times that media was lost
	ConcealedSeconds float64 `json:"concealedSeconds"`

	SendCodec       string  `json:"sendCodec,omitzero"` // the last ones
	ReceiveCodec    string  `json:"receiveCodec,omitzero"`
	LocalCandidate  string  `json:"localCandidate,omitzero"` // host, srflx, prflx, relay
	RemoteCandidate string  `json:"remoteCandidate,omitzero"`
	CPU             float64 `json:"cpu"` // cores that the daemon used, the mean
}

// RingRecord is how the ringing of one phone went.
type RingRecord struct {
	RoomID  string       `json:"roomId"`
	Contact string       `json:"contact"`
	Phone   string       `json:"phone"`
	Reached bool         `json:"reached"`        // the phone has shown that it got the ring
	Cause   cause.Cause  `json:"cause,omitzero"` // none: it got the call, or still rings
	Origin  cause.Origin `json:"origin,omitzero"`
	Detail  cause.Detail `json:"detail,omitzero"`
}

// PairRequest opens a pairing window: POST /v1/pair.
type PairRequest struct {
	Name    string   `json:"name,omitzero"`    // of the phone; "" takes the one that it says
	Rights  []string `json:"rights,omitzero"`  // default: call, beCalled
	Seconds float64  `json:"seconds,omitzero"` // how long it stays open; default 300
	Force   bool     `json:"force,omitzero"`   // auto or unlock over a self-made certificate
	// Replaces is the name or the thumbprint of a contact: the phone takes its place,
	// with its name, rights, groups and limits, and the old key is refused. Name and
	// Rights cannot be chosen then.
	Replaces string `json:"replaces,omitzero"`
}

// PairWindow is an open pairing window.
type PairWindow struct {
	URL     string    `json:"url"` // of the call page, with the secret in its fragment
	Expires time.Time `json:"expires"`
	Rights  []string  `json:"rights"`
	Name    string    `json:"name,omitzero"`
	// Replaces is the name of the contact whose place the phone takes; "": it becomes
	// another one.
	Replaces string `json:"replaces,omitzero"`
}
