package control

import (
	"time"
)

// The longest that some requests take, beside backendWait.
const (
	dataWait     = 6 * time.Second  // the phone has 5 s
	storeWait    = 10 * time.Second // an fsync on a worn card
	hardwareWait = 10 * time.Second // a camera that has to be opened
	reportWait   = 30 * time.Second
)

// route is one line of the API.
type route struct {
	method, path string
	access       access
	endpoint     endpoint
	wait         time.Duration // for the backend; 0 is backendWait
	query        []parameter
	errors       []*Error // beside those that every route has
	certain      bool     // answers whatever the backend does
	summary      string
}

// parameter is one of a query or a header.
type parameter struct {
	name, in, format, meaning string // format: string, integer, boolean, date-time
}

// Errors that several routes share.
var (
	onRing = []*Error{ErrNoCall, ErrNotRinging}
	onCall = []*Error{ErrNoCall}
	onWho  = []*Error{ErrNoContact}
)

// routes is the whole API: path, who may use it, what it takes and gives. The
// manual (docs/api.md) and the description (docs/openapi.yaml) are held to it.
func routes() []route {
	return []route{
		{"GET", "/v1/status", readAccess, gives((*Server).status), 0, nil, nil, false,
			"What the device is doing."},
		{"GET", "/v1/version", readAccess, gives((*Server).version), 0, nil, nil, true,
			"The versions of daemon and protocol."},
		{"GET", "/v1/events", readAccess, streams((*Server).stream), 0, []parameter{
			{"after", "query", "string", "resume behind this event: an id, or a bare number"},
			{"handle", "query", "string", "data: this client promises to answer data and unlock events"},
			{"Last-Event-ID", "header", "string", "as after; it wins over it"},
		}, nil, false, "The present state, then every event, as server-sent events."},

		{"POST", "/v1/call", operateAccess, takes((*Server).call), 0, nil,
			[]*Error{ErrNoContact, ErrNotAllowed, ErrBusy, ErrNotSupported}, false,
			"Call one phone or several."},
		{"POST", "/v1/call/answer", operateAccess, takes((*Server).answer), 0, nil, append(onRing, ErrNoDevice), false,
			"Answer the call that rings."},
		{"POST", "/v1/call/reject", operateAccess, takes((*Server).reject), 0, nil, onRing, false,
			"Decline the call that rings."},
		{"POST", "/v1/call/hangup", operateAccess, takes((*Server).hangUp), 0, nil, onCall, false,
			"End the running call, whatever it is doing."},
		{"POST", "/v1/call/microphone", operateAccess, takes((*Server).microphone), 0, nil, append(onCall, ErrNoDevice), false,
			"Turn the device's microphone in the call on or off."},
		{"POST", "/v1/call/camera", operateAccess, takes((*Server).camera), 0, nil, append(onCall, ErrNotAllowed, ErrNoDevice), false,
			"Turn the device's camera in the call on or off."},
		{"POST", "/v1/call/camera/switch", operateAccess, takes((*Server).switchCamera), 0, nil, append(onCall, ErrNoDevice), false,
			"Show another of the device's cameras in the call."},
		{"POST", "/v1/call/data", operateAccess, takes((*Server).sendData), dataWait, nil, append(onCall, ErrNotSupported), false,
			"Send the maker's own message to the phone and wait for its answer."},
		{"POST", "/v1/call/data/answer", operateAccess, takes((*Server).answerData), 0, nil, []*Error{ErrNoData}, false,
			"Answer a data or unlock event."},

		{"GET", "/v1/calls", readAccess, gives((*Server).calls), storeWait, []parameter{
			{"since", "query", "date-time", "started at this time or later"},
			{"until", "query", "date-time", "started before this time"},
			{"contact", "query", "string", "a name or a thumbprint"},
			{"cause", "query", "string", "a cause of the registry, or running"},
			{"limit", "query", "integer", "how many, 1 to 1000; 20 when it is absent"},
			{"after", "query", "string", "the id of a record: only older ones"},
		}, nil, false, "The call records, newest first."},
		{"GET", "/v1/dnd", readAccess, gives((*Server).dnd), 0, nil, nil, false,
			"Whether do-not-disturb is on."},
		{"PUT", "/v1/dnd", operateAccess, takes((*Server).setDND), storeWait, nil, []*Error{ErrNotSupported}, false,
			"Turn do-not-disturb on or off."},
		{"DELETE", "/v1/dnd", operateAccess, gives((*Server).endDND), storeWait, nil, []*Error{ErrNotSupported}, false,
			"Turn do-not-disturb off."},

		{"GET", "/v1/contacts", readAccess, gives((*Server).contacts), 0, nil, nil, false,
			"The phones that the device trusts, revoked ones too."},
		{"POST", "/v1/contacts", adminAccess, takes((*Server).addContact), storeWait, nil, []*Error{ErrExists, ErrNotSupported}, false,
			"Add a phone by its public key."},
		{"PATCH", "/v1/contacts/{id}", adminAccess, takes((*Server).changeContact), storeWait, nil, append(onWho, ErrExists, ErrNotSupported), false,
			"Change a contact: a merge patch (RFC 7396)."},
		{"POST", "/v1/contacts/{id}/replace", adminAccess, takes((*Server).replaceContact), storeWait, nil, append(onWho, ErrExists, ErrNotSupported), false,
			"Put another phone's key in the place of a contact's."},
		{"DELETE", "/v1/contacts/{id}", adminAccess, gives((*Server).dropContact), storeWait, []parameter{
			{"forget", "query", "boolean", "true removes the contact; otherwise its key stays known and refused"},
		}, append(onWho, ErrNotSupported), false, "Revoke a contact, or remove it."},
		{"POST", "/v1/pair", adminAccess, takes((*Server).openPairing), 0, nil, append(onWho, ErrNoTransport), false,
			"Open a pairing window."},
		{"DELETE", "/v1/pair", adminAccess, gives((*Server).closePairing), 0, nil, nil, false,
			"Close the pairing window."},
		{"GET", "/v1/policy/explain", readAccess, gives((*Server).explain), 0, []parameter{
			{"contact", "query", "string", "a name or a thumbprint; required"},
			{"at", "query", "date-time", "when; now when it is absent"},
			{"direction", "query", "string", "in (default), out"},
			{"roomType", "query", "string", "video (default), voice"},
		}, append(onWho, ErrNotSupported), false, "What would happen to a call, and which rule decides."},

		{"GET", "/v1/issuers", readAccess, gives((*Server).issuers), 0, nil, []*Error{ErrNotSupported}, false,
			"The issuers of call tokens, and what of their tokens is denied."},
		{"POST", "/v1/issuers/deny", adminAccess, takes((*Server).deny), storeWait, nil, []*Error{ErrNotSupported}, false,
			"Refuse the call tokens of an issuer, a subject or a key, or one token, at once."},
		{"POST", "/v1/issuers/allow", adminAccess, takes((*Server).allow), storeWait, nil, []*Error{ErrNoDenial, ErrNotSupported}, false,
			"Take a denial back."},

		{"POST", "/v1/relay", operateAccess, takes((*Server).relayIn), 0, nil, []*Error{ErrNotSupported}, false,
			"Hand in a message that a phone has sent over a channel of the maker's."},
		{"GET", "/v1/relay", operateAccess, streams((*Server).relayOut), 0, nil, []*Error{ErrNotSupported}, false,
			"The messages to phones, as server-sent events named relay, while the client stays."},

		{"GET", "/v1/devices", readAccess, gives((*Server).devices), hardwareWait, nil, []*Error{ErrNotSupported}, false,
			"The hardware in use and the hardware there is."},
		{"GET", "/v1/volume", readAccess, gives((*Server).volume), 0, nil, []*Error{ErrNoDevice, ErrNotSupported}, false,
			"How loud the speaker is."},
		{"PUT", "/v1/volume", operateAccess, takes((*Server).setVolume), storeWait, nil, []*Error{ErrNoDevice, ErrNotSupported}, false,
			"Set how loud the speaker is."},
		{"GET", "/v1/snapshot", operateAccess, raw("image/jpeg", (*Server).snapshot), hardwareWait, nil,
			[]*Error{ErrNoDevice, ErrNotAllowed, ErrNotSupported}, false,
			"A picture of the camera."},
		{"GET", "/v1/clock", readAccess, gives((*Server).clock), 0, nil, nil, false,
			"What the device knows about time."},
		{"POST", "/v1/clock/reset", adminAccess, gives((*Server).resetClock), storeWait, nil, []*Error{ErrNotSupported}, false,
			"Forget what the device knew of the past of its clock."},

		{"GET", "/v1/doctor", readAccess, gives((*Server).doctor), hardwareWait, nil, []*Error{ErrNotSupported}, false,
			"What is missing, in plain words."},
		{"POST", "/v1/reload", adminAccess, gives((*Server).reload), hardwareWait, nil, []*Error{ErrBadConfig, ErrNotSupported}, false,
			"Read the configuration again."},
		{"GET", "/v1/metrics", readAccess, raw(metricsType, (*Server).metrics), 0, nil, nil, false,
			"Numbers for Prometheus."},
		{"POST", "/v1/selftest", adminAccess, takesAndStreams[SelftestRequest]((*Server).selftest), 0, nil,
			[]*Error{ErrExists, ErrBusy, ErrNoTransport}, false,
			"Let a phone that is no contact make one test call, while the client stays."},
		{"GET", "/v1/bugreport", adminAccess, gives((*Server).bugReport), reportWait, nil, nil, true,
			"What helps to find a fault, in one document."},
	}
}
