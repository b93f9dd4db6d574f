package control

// The names of the events, spelled as WeChat's plug-in spells those that it has.
// Each stands in EventTypes with its payload.
const (
	// A call begins.
	EventJoinedRoomByCaller = "joinedRoomByCaller" // the caller is in the room
	EventRinging            = "ringing"            // somebody calls the device, or a phone that it calls has begun to ring
	EventRingOver           = "ringOver"           // one of several phones that the device calls does not get the call
	EventHangOnVoip         = "hangOnVoip"         // the callee has answered
	EventStartVoip          = "startVoip"          // media may flow: the time limit runs from here

	// A call goes on.
	EventCalling      = "calling" // every second of the talk
	EventPeerInfo     = "peerInfo"
	EventReconnecting = "reconnecting"
	EventReconnected  = "reconnected"
	EventLimitWarning = "limitWarning"

	// A call ends: one of these by its cause, then endVoip, then finishVoip.
	EventJoinFailCaller   = "joinFailCaller"
	EventJoinFailListener = "joinFailListener"
	EventCancelVoip       = "cancelVoip"
	EventRejectVoip       = "rejectVoip"
	EventBusy             = "busy"
	EventTimeout          = "timeout"
	EventHangUpVoip       = "hangUpVoip"
	EventAbortVoip        = "abortVoip"
	EventEndVoip          = "endVoip"
	EventFinishVoip       = "finishVoip"

	// A caller was turned away; the running call, if any, is not touched.
	EventRefused = "refused"

	// The maker's own messages.
	EventData         = "data"
	EventUnlock       = "unlock"
	EventDataAnswered = "dataAnswered"

	// The hardware.
	EventDeviceLost = "deviceLost"
	EventDeviceBack = "deviceBack"
	EventButton     = "button"

	// Contacts and settings.
	EventPaired       = "paired"
	EventPairingAlarm = "pairingAlarm"
	EventRevoked      = "revoked"
	EventDND          = "dnd"
	EventReloaded     = "reloaded"

	// What a stream says of itself: these are never published.
	EventStatus = "status"
	EventMissed = "missed"
)

// EventType describes one kind of event.
type EventType struct {
	Name    string
	Payload any    // the zero value of the payload's type; nil: the event has none
	People  bool   // the payload names people, or is the maker's own
	Meaning string // for a person
}

// EventTypes lists every kind of event once: those of a stream, then those of a
// call in the order in which they come, then the rest.
func EventTypes() []EventType {
	return []EventType{
		{EventStatus, Status{}, true, "The present state. It is the first event of every stream."},
		{EventMissed, MissedData{}, false, "Events are gone that the client has not seen: what it remembers may be wrong, the state before this event is right."},
		{EventJoinedRoomByCaller, nil, false, "The caller is in the room: the call is set up as far as one side can."},
		{EventRinging, RingingData{}, true, "A phone calls the device, or a phone that the device calls has begun to ring."},
		{EventRingOver, RingOverData{}, true, "A phone that the device calls does not get the call: it declined, did not answer or connect, or another one was first. The call may go on with others."},
		{EventHangOnVoip, AnsweredData{}, true, "The callee has answered."},
		{EventStartVoip, StartData{}, false, "Picture and sound may flow. The time limit and the talk time run from here."},
		{EventCalling, TalkData{}, false, "The talk goes on; comes every second."},
		{EventPeerInfo, PeerInfo{}, false, "The phone says what it sends and how well it hears."},
		{EventReconnecting, nil, false, "Media is lost; the call tries to get it back."},
		{EventReconnected, nil, false, "Media flows again."},
		{EventLimitWarning, LimitData{}, false, "The time limit is near."},
		{EventJoinFailCaller, EndData{}, false, "The device called and was answered, but media never connected."},
		{EventJoinFailListener, EndData{}, false, "The device answered, but media never connected."},
		{EventCancelVoip, EndData{}, false, "The caller gave up, or another phone answered first."},
		{EventRejectVoip, EndData{}, false, "The call was declined or may not be."},
		{EventBusy, EndData{}, false, "The other side is in another call."},
		{EventTimeout, EndData{}, false, "Nobody answered."},
		{EventHangUpVoip, EndData{}, false, "One side ended the call, or its limit did."},
		{EventAbortVoip, EndData{}, false, "The call broke off."},
		{EventEndVoip, EndVoipData{}, true, "The call is over. It comes once a call, after the event of the cause."},
		{EventFinishVoip, TalkData{}, false, "How long the talk was. It is the last event of a call."},
		{EventRefused, RefusedData{}, true, "A caller was turned away without ringing."},
		{EventData, MessageData{}, true, "The phone sends the maker's own message, and waits for POST /v1/call/data/answer."},
		{EventUnlock, MessageData{}, true, "The phone wants the door opened, and may; it waits for POST /v1/call/data/answer."},
		{EventDataAnswered, DataAnswer{}, false, "A data or unlock event was answered, by a program or because its time ran out."},
		{EventDeviceLost, DeviceData{}, false, "A button or the light is gone or, in a call, a camera, sound device (kind microphone or speaker: that half of it) or display. A running call goes on."},
		{EventDeviceBack, DeviceData{}, false, "It is back."},
		{EventButton, ButtonData{}, true, "A button was pressed."},
		{EventPaired, PairedData{}, true, "A phone was paired."},
		{EventPairingAlarm, AlarmData{}, true, "Two phones knew one pairing secret. The first was revoked: pair again where nobody else sees the code."},
		{EventRevoked, RevokedData{}, true, "A contact's trust was taken away."},
		{EventDND, DND{}, false, "Do-not-disturb was turned on or off, or has run out."},
		{EventReloaded, ReloadResult{}, false, "The configuration was read again."},
	}
}
