package control

import (
	"errors"
	"net/http"
)

// Error is what the API answers when it cannot do what was asked. Code is for
// programs and never changes; Message and Remedy are for people.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitzero"`
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

// The errors of the API.
var (
	ErrNoCall = &Error{Code: "noCall", Message: "there is no such call",
		Remedy: "callboxctl status shows the running one"}
	ErrNotRinging = &Error{Code: "notRinging", Message: "the call is not ringing",
		Remedy: "callboxctl hangup ends a call that was answered"}
	ErrNoContact = &Error{Code: "noContact", Message: "there is no such contact",
		Remedy: "callboxctl contacts lists them"}
	ErrBadRequest  = &Error{Code: "badRequest", Message: "the request is malformed"}
	ErrNoTransport = &Error{Code: "noTransport", Message: "no transport is on that a phone could pair over",
		Remedy: "set signaling.direct.enabled: true"}
	ErrBusy = &Error{Code: "notResponding", Message: "the daemon's loop does not answer",
		Remedy: "see its log: journalctl -u callbox"}
	ErrInternal = &Error{Code: "internal", Message: "something went wrong inside",
		Remedy: "see the log: journalctl -u callbox"}
)

// With returns e with another message.
func (e *Error) With(message string) *Error {
	return &Error{Code: e.Code, Message: message, Remedy: e.Remedy}
}

// statusOf maps an error to its HTTP status.
func statusOf(err error) int {
	var e *Error
	if !errors.As(err, &e) {
		return http.StatusInternalServerError
	}
	switch e.Code {
	case ErrNoCall.Code, ErrNoContact.Code:
		return http.StatusNotFound
	case ErrNotRinging.Code, ErrNoTransport.Code:
		return http.StatusConflict
	case ErrBadRequest.Code:
		return http.StatusBadRequest
	case ErrBusy.Code:
		return http.StatusServiceUnavailable
	case "forbidden":
		return http.StatusForbidden
	case "notFound":
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}
