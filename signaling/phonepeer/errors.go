package phonepeer

import (
	"errors"
	"fmt"

	"callbox/signaling/cause"
)

var (
	// ErrClosed means that the phone was closed.
	ErrClosed = errors.New("phone is closed")
	// ErrNotPaired means that the phone knows no device yet.
	ErrNotPaired = errors.New("phone knows no device")
	// ErrNotConnected means that the phone has never been connected.
	ErrNotConnected = errors.New("phone is not connected")
	// ErrUnreachable means that the device does not answer at any endpoint.
	ErrUnreachable = errors.New("device does not answer")
	// ErrKeyChanged means that a device with the right serial number has another
	// key than the one that the phone holds.
	ErrKeyChanged = errors.New("device has another key than the one that the phone was paired with")
	// ErrUnsupported means that device and phone speak no version in common.
	ErrUnsupported = errors.New("device speaks no version of the protocol that the phone speaks")
	// ErrPairingRefused means that the device did not take the pairing: the window is
	// closed, or the secret is not its own.
	ErrPairingRefused = errors.New("device refused the pairing")
	// ErrBreach means that the device broke the protocol.
	ErrBreach = errors.New("device breaks the protocol")
	// ErrArgument means that an option cannot be used.
	ErrArgument = errors.New("option cannot be used")
	// ErrState means that the call is not where this can be done.
	ErrState = errors.New("not in this state of the call")
	// ErrData means that the device did not take the data; the text says why.
	ErrData = errors.New("device did not take the data")
)

// EndError is the error of what a call's end has prevented.
type EndError struct{ Ended Ended }

// Error names the cause of the end.
func (e *EndError) Error() string {
	text := fmt.Sprintf("call ended: %s", e.Ended.End.Cause)
	if d := e.Ended.End.Detail; d != "" {
		text += ", " + string(d)
	}
	return text
}

// Is lets errors.Is find ErrUnreachable in an attempt that nobody has answered.
func (e *EndError) Is(target error) bool {
	return target == ErrUnreachable && e.Ended.End.Detail == cause.Unreachable
}
