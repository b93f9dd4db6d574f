package control

import (
	"encoding/json"

	"callbox/signaling/cause"
)

// RingingData is the payload of ringing.
type RingingData struct {
	Contact  string          `json:"contact"`
	Phone    string          `json:"phone"`    // jkt
	RoomType string          `json:"roomType"` // voice, video
	IsCaller bool            `json:"isCaller"` // the device called
	Query    string          `json:"query,omitzero"`
	Payload  json.RawMessage `json:"payload,omitzero"` // what the phone's app sent along; any JSON
}

// RingOverData is the payload of ringOver.
type RingOverData struct {
	Contact string       `json:"contact"`
	Phone   string       `json:"phone"` // jkt
	Cause   cause.Cause  `json:"cause"`
	Origin  cause.Origin `json:"origin,omitzero"`
	Detail  cause.Detail `json:"detail,omitzero"`
}

// AnsweredData is the payload of hangOnVoip.
type AnsweredData struct {
	Contact string `json:"contact"`
	Phone   string `json:"phone"`
}

// StartData is the payload of startVoip.
type StartData struct {
	TimeLimit float64 `json:"timeLimit,omitzero"` // seconds; absent: none
}

// TalkData is the payload of calling and finishVoip.
type TalkData struct {
	KeepTime int `json:"keepTime"` // whole seconds of talk
}

// LimitData is the payload of limitWarning.
type LimitData struct {
	SecondsLeft int `json:"secondsLeft"` // 30, 10
}

// PeerInfo is what the phone says of itself: the payload of peerInfo.
type PeerInfo struct {
	Mic     bool `json:"mic"`
	Camera  bool `json:"camera"`
	Speaker bool `json:"speaker"`
	Quality int  `json:"quality"` // 0 unusable to 4 good
}

// EndData is the payload of the event by which a call ends. NewEndData makes it.
type EndData struct {
	Cause    cause.Cause  `json:"cause"`
	Origin   cause.Origin `json:"origin,omitzero"`  // beside the cause hangup
	Detail   cause.Detail `json:"detail,omitzero"`  // beside the cause aborted
	KeepTime int          `json:"keepTime"`         // whole seconds of talk
	Status   string       `json:"status,omitzero"`  // the plug-in's word for who ended it
	ErrMsg   string       `json:"errMsg,omitzero"`  // of joinFailCaller and joinFailListener
	Message  string       `json:"message,omitzero"` // of the same: a sentence for a person
	Error    *EndError    `json:"error,omitzero"`   // of abortVoip
}

// EndError is what abortVoip says went wrong.
type EndError struct {
	ErrMsg string `json:"errMsg"`
}

// EndVoipData is the payload of endVoip.
type EndVoipData struct {
	KeepTime     int    `json:"keepTime"`
	CallerName   string `json:"callerName"`
	ListenerName string `json:"listenerName"`
	RoomType     string `json:"roomType"`
	IsCaller     bool   `json:"isCaller"`     // the device called
	BusinessType int    `json:"businessType"` // 1: the device called the phone, 2: the phone called the device
}

// The values of EndVoipData.BusinessType.
const (
	DeviceToPhone = 1
	PhoneToDevice = 2
)

// RefusedData is the payload of refused.
type RefusedData struct {
	Contact string      `json:"contact"`
	Cause   cause.Cause `json:"cause"`
	Rule    string      `json:"rule,omitzero"` // of the policy, when it decided
}

// MessageData is the payload of data and unlock.
type MessageData struct {
	ID      string          `json:"id"`      // for POST /v1/call/data/answer
	Payload json.RawMessage `json:"payload"` // any JSON; null when there is none
	Contact string          `json:"contact"`
}

// DeviceData is the payload of deviceLost and deviceBack.
type DeviceData struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Error string `json:"error,omitzero"`
}

// ButtonData is the payload of button.
type ButtonData struct {
	Name   string `json:"name"`   // as configured
	Action string `json:"action"` // what it does: answer, hangup, call …
	Done   bool   `json:"done"`   // false: it could not; Reason says why
	Reason string `json:"reason,omitzero"`
}

// PairedData is the payload of paired.
type PairedData struct {
	Name   string   `json:"name"`
	JKT    string   `json:"jkt"`
	Rights []string `json:"rights"`
	Fresh  bool     `json:"fresh"` // false: it was a contact before
}

// AlarmData is the payload of pairingAlarm: the thumbprints of the two keys.
type AlarmData struct {
	First  string `json:"first"`
	Second string `json:"second"`
}

// RevokedData is the payload of revoked.
type RevokedData struct {
	Name string `json:"name"`
	JKT  string `json:"jkt"`
}

// MissedData is the payload of missed.
type MissedData struct {
	Restarted bool `json:"restarted"` // the daemon did, and knows nothing of what was before
}

// NewEndData says how a call ended, in the plug-in's words. isCaller tells that the
// device called, byDevice that the device ended it; keepTime is in whole seconds.
//
// Status is who ended it: of a call that was answered by role (endByCaller,
// endByListener; abortByCaller, abortByListener, unknown), of one that was not by
// how the acting side did it (manual, or other when it was the phone).
func NewEndData(end cause.End, isCaller, byDevice bool, keepTime int) EndData {
	d := EndData{Cause: end.Cause, Origin: end.Origin, Detail: end.Detail, KeepTime: keepTime}
	role := "Listener"
	if isCaller == byDevice {
		role = "Caller"
	}
	switch end.Cause.Event(isCaller) {
	case EventHangUpVoip:
		d.Status = "endBy" + role
	case EventAbortVoip:
		d.Status = "abortBy" + role
		if end.Detail == cause.MediaLost || end.Detail == cause.Unreachable {
			d.Status = "unknown" // the network did it
		}
		d.Error = &EndError{ErrMsg: abortText(end.Detail)}
	case EventCancelVoip, EventRejectVoip, EventTimeout:
		d.Status = string(cause.Other)
		if byDevice {
			d.Status = string(cause.Manual)
		}
	case EventJoinFailCaller, EventJoinFailListener:
		d.ErrMsg = "media did not connect"
		d.Message = "The call was answered, but picture and sound never connected."
	}
	return d
}

func abortText(d cause.Detail) string {
	switch d {
	case cause.MediaLost:
		return "picture and sound were lost and did not come back"
	case cause.DeviceLost:
		return "the device lost a part that the call needs"
	case cause.Restarted:
		return "the device was restarted"
	case cause.Revoked:
		return "the phone's trust, or its right to the call, was taken away"
	case cause.Shutdown:
		return "the device was shut down"
	case cause.Unreachable:
		return "the other side does not answer"
	case cause.UnknownRoom:
		return "the other side knows nothing of the call"
	}
	return "room status is abort"
}
