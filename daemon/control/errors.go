package control

import (
	"errors"
	"net/http"
)

// Error is what the API answers when it cannot do what was asked. Code is for
// programs and never changes; Message and Remedy are for people.
type Error struct {
	Code     string    `json:"code"`
	Message  string    `json:"message"`
	Remedy   string    `json:"remedy,omitzero"`
	Problems []Problem `json:"problems,omitzero"` // of badConfig: all that is wrong, in the order of the file
}

// Problem is one thing that is wrong in the configuration.
type Problem struct {
	Source string `json:"source"`          // file, or environment variable
	Line   int    `json:"line,omitzero"`   // from 1; 0: no place in a file
	Column int    `json:"column,omitzero"` // from 1
	Key    string `json:"key,omitzero"`    // dotted path, for example call.ring_timeout
	Text   string `json:"text"`            // what is wrong; what is allowed
}

func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Message
	}
	return e.Message + "; " + e.Remedy
}

// Is matches errors of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// The errors of a Backend.
var (
	ErrNoCall = &Error{Code: "noCall", Message: "no such call is running",
		Remedy: "callboxctl status shows the one that is, if any; callboxctl calls those that were"}
	ErrNotRinging = &Error{Code: "notRinging", Message: "the call is not ringing",
		Remedy: "callboxctl hangup ends a call that was answered"}
	ErrBusy = &Error{Code: "busy", Message: "a call is running",
		Remedy: "callboxctl hangup ends it"}
	ErrNotAllowed = &Error{Code: "notAllowed", Message: "a rule forbids it",
		Remedy: "callboxctl policy explain shows the rules"}
	ErrNoContact = &Error{Code: "noContact", Message: "there is no such contact",
		Remedy: "callboxctl contacts lists them"}
	ErrExists = &Error{Code: "exists", Message: "there is such a contact already",
		Remedy: "callboxctl contacts lists them"}
	ErrNoDenial = &Error{Code: "noDenial", Message: "that is not denied",
		Remedy: "callboxctl token issuers lists what is"}
	ErrNoData = &Error{Code: "noData", Message: "no such message waits for an answer",
		Remedy: "it must come within 3 s of the event, and once"}
	ErrNoDevice = &Error{Code: "noDevice", Message: "the device has no such part",
		Remedy: "callboxctl devices shows what it has"}
	ErrNoTransport = &Error{Code: "noTransport", Message: "no transport is on that a phone could pair over",
		Remedy: "set signaling.direct.enabled: true, or signaling.mqtt.phone_brokers"}
	ErrBadConfig = &Error{Code: "badConfig", Message: "the configuration has mistakes and was not taken",
		Remedy: "callboxctl check shows them, too"}
	ErrBadRequest   = &Error{Code: "badRequest", Message: "the request is malformed"}
	ErrNotSupported = &Error{Code: "notSupported", Message: "this device cannot do that"}
	ErrStuck        = &Error{Code: "notResponding", Message: "the daemon's loop does not answer",
		Remedy: "see its log: journalctl -u callbox"}
	ErrInternal = &Error{Code: "internal", Message: "something went wrong inside",
		Remedy: "see the log: journalctl -u callbox"}
)

// The errors of the server itself.
var (
	errForbidden   = &Error{Code: "forbidden", Message: "the request is refused"}
	errNotFound    = &Error{Code: "notFound", Message: "there is no such path"}
	errMethod      = &Error{Code: "badMethod", Message: "the path does not take this method"}
	errTooLarge    = &Error{Code: "tooLarge", Message: "the request is too large"}
	errTooSlow     = &Error{Code: "tooSlow", Message: "the request did not arrive in time"}
	errContentType = &Error{Code: "badContentType", Message: "the request is not JSON",
		Remedy: "send Content-Type: application/json"}
	errTooMany = &Error{Code: "tooManyConnections", Message: "too many programs are connected",
		Remedy: "end some of them"}
)

// statuses are the HTTP status of every error code.
var statuses = map[string]int{
	ErrNoCall.Code:       http.StatusNotFound,
	ErrNotRinging.Code:   http.StatusConflict,
	ErrBusy.Code:         http.StatusConflict,
	ErrNotAllowed.Code:   http.StatusForbidden,
	ErrNoContact.Code:    http.StatusNotFound,
	ErrExists.Code:       http.StatusConflict,
	ErrNoData.Code:       http.StatusNotFound,
	ErrNoDenial.Code:     http.StatusNotFound,
	ErrNoDevice.Code:     http.StatusNotFound,
	ErrNoTransport.Code:  http.StatusConflict,
	ErrBadConfig.Code:    http.StatusUnprocessableEntity,
	ErrBadRequest.Code:   http.StatusBadRequest,
	ErrNotSupported.Code: http.StatusNotImplemented,
	ErrStuck.Code:        http.StatusServiceUnavailable,
	ErrInternal.Code:     http.StatusInternalServerError,
	errForbidden.Code:    http.StatusForbidden,
	errNotFound.Code:     http.StatusNotFound,
	errMethod.Code:       http.StatusMethodNotAllowed,
	errTooLarge.Code:     http.StatusRequestEntityTooLarge,
	errTooSlow.Code:      http.StatusRequestTimeout,
	errContentType.Code:  http.StatusUnsupportedMediaType,
	errTooMany.Code:      http.StatusServiceUnavailable,
}

// With returns e with another message.
func (e *Error) With(message string) *Error {
	return &Error{Code: e.Code, Message: message, Remedy: e.Remedy}
}

// WithRemedy returns e with another remedy.
func (e *Error) WithRemedy(remedy string) *Error {
	return &Error{Code: e.Code, Message: e.Message, Remedy: remedy, Problems: e.Problems}
}

// WithProblems returns e with what is wrong in the configuration.
func (e *Error) WithProblems(p []Problem) *Error {
	return &Error{Code: e.Code, Message: e.Message, Remedy: e.Remedy, Problems: p}
}

// statusOf maps an error to its HTTP status.
func statusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		if status, ok := statuses[e.Code]; ok {
			return status
		}
	}
	return http.StatusInternalServerError
}
