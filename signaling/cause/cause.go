// Package cause is the one registry of the reasons for which a call ends.
//
// The words are those of the wire (docs/protocol.md, "Causes"), of the events,
// the log, the records, the exit codes of callboxctl and the phone: one list,
// here. The plug-in event that each cause leads to keeps WeChat's spelling.
package cause

// Cause says why a call ended. The zero value is no cause.
type Cause string

// The causes. Every call ends with exactly one of them.
const (
	Hangup            Cause = "hangup"            // one side ended a call that had been accepted
	Cancelled         Cause = "cancelled"         // the caller gave up while it rang
	AnsweredElsewhere Cause = "answeredElsewhere" // another phone answered first
	Rejected          Cause = "rejected"          // a person declined
	DND               Cause = "dnd"               // do not disturb
	Forbidden         Cause = "forbidden"         // known, and not allowed
	Unsupported       Cause = "unsupported"       // a protocol version that is not spoken here
	BadRequest        Cause = "badRequest"        // a value or an SDP that breaks the rules
	NeedNonce         Cause = "needNonce"         // the clock is not trusted: the token must carry our nonce
	Busy              Cause = "busy"              // another call is running
	Timeout           Cause = "timeout"           // nobody answered
	JoinFailed        Cause = "joinFailed"        // accepted, but media never connected
	Aborted           Cause = "aborted"           // broken off; the detail says by what
)

// Origin says how a hang-up came about. It stands only beside Hangup.
type Origin string

// The origins, spelled as the plug-in spells them.
const (
	Manual         Origin = "manual"         // a person pressed hang-up
	UnloadCallPage Origin = "unloadCallPage" // the call page was closed
	ForceFromApp   Origin = "forceFromApp"   // the app or a script ended it
	Other          Origin = "other"          // the other side ended it
	TimeLimit      Origin = "timeLimit"      // the limit was reached
)

// Detail says what broke a call off. It stands only beside Aborted.
type Detail string

// The details.
const (
	MediaLost   Detail = "mediaLost"
	DeviceLost  Detail = "deviceLost"
	Restarted   Detail = "restarted"
	Revoked     Detail = "revoked"
	Shutdown    Detail = "shutdown"
	Unreachable Detail = "unreachable"
	UnknownRoom Detail = "unknownRoom"
)

// End is the whole reason of an end: what records, events and messages carry.
type End struct {
	Cause  Cause  `json:"cause"`
	Origin Origin `json:"origin,omitzero"`
	Detail Detail `json:"detail,omitzero"`
}

// Entry is one row of the registry.
type Entry struct {
	Cause    Cause
	Event    string // the plug-in's event, at both ends but for JoinFailed: see Cause.Event
	ExitCode int    // of callboxctl verbs that wait for a call
	Meaning  string // one sentence for a person
}

// Registry lists every cause once, in the order of docs/protocol.md.
func Registry() []Entry {
	return []Entry{
		{Hangup, "hangUpVoip", 0, "One side ended the call."},
		{Cancelled, "cancelVoip", 20, "The caller gave up while it rang."},
		{AnsweredElsewhere, "cancelVoip", 21, "Another phone answered first."},
		{Rejected, "rejectVoip", 22, "The call was declined."},
		{DND, "rejectVoip", 23, "Do not disturb is on."},
		{Forbidden, "rejectVoip", 24, "The caller is known but not allowed to call."},
		{Unsupported, "rejectVoip", 25, "The two sides speak different protocol versions."},
		{BadRequest, "rejectVoip", 26, "A value in the request breaks the rules."},
		{NeedNonce, "rejectVoip", 27, "The device's clock is not set: the call token must carry the device's nonce."},
		{Busy, "busy", 28, "The device is in another call."},
		{Timeout, "timeout", 29, "Nobody answered."},
		{JoinFailed, "joinFailCaller", 30, "The call was answered, but picture and sound never connected."},
		{Aborted, "abortVoip", 31, "The call broke off."},
	}
}

// Valid reports whether c is in the registry.
func (c Cause) Valid() bool {
	for _, e := range Registry() {
		if e.Cause == c {
			return true
		}
	}
	return false
}

// Event returns the plug-in event of c, "" for one that is not in the registry. A
// failed join has a name of its own at each end: of who called, and who was called.
func (c Cause) Event(caller bool) string {
	if c == JoinFailed && !caller {
		return "joinFailListener"
	}
	for _, e := range Registry() {
		if e.Cause == c {
			return e.Event
		}
	}
	return ""
}

// Valid reports whether o is one of the origins.
func (o Origin) Valid() bool {
	switch o {
	case Manual, UnloadCallPage, ForceFromApp, Other, TimeLimit:
		return true
	}
	return false
}

// Valid reports whether d is one of the details.
func (d Detail) Valid() bool {
	switch d {
	case MediaLost, DeviceLost, Restarted, Revoked, Shutdown, Unreachable, UnknownRoom:
		return true
	}
	return false
}
