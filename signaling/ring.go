package signaling

import (
	"errors"
	"time"

	"callbox/signaling/cause"
)

var (
	// ErrUnknownPhone means that no contact has the key.
	ErrUnknownPhone = errors.New("no contact has this key")
	// ErrRevoked means that the contact is revoked, or suspended by a pairing alarm.
	ErrRevoked = errors.New("the contact is revoked")
	// ErrRoomTaken means that the room's id has been used.
	ErrRoomTaken = errors.New("the room exists already")
	// ErrFull means that more is under way than the device keeps account of.
	ErrFull = errors.New("too much is under way")
	// ErrClosed means that the Device was closed.
	ErrClosed = errors.New("signaling is closed")
)

// RingRequest is a call from the device to one phone.
type RingRequest struct {
	Phone     string // jkt of the phone's key
	RoomID    string // a fresh one of message.NewID for each phone
	RoomType  RoomType
	TimeLimit Limit         // rounded up to whole milliseconds
	Query     string        // at most message.MaxQuery bytes
	Life      time.Duration // how long the phone may be rung; over 0
}

// Ring rings a phone over every transport that reaches it. The same bytes go
// again and again until the phone answers or Life, on clock.Boot, ends; a phone
// that cannot be reached now is rung when it connects. Whether the contact may be
// called is policy's to say, not asked here.
//
// Events of its room: RingReached, then Offer with Ring set, or RingDeclined; or
// Unanswered when nothing was heard of the phone within Life. A phone that was
// heard of and does not answer within Life is told `cancel timeout`, and no event
// comes: the daemon's own ring timer ends the call.
//
// Errors: ErrUnknownPhone, ErrRevoked, ErrRoomTaken, ErrFull, ErrClosed,
// message.ErrBadRequest, message.ErrTooLarge.
func (d *Device) Ring(r RingRequest) error { return nil }

// CancelRing stops the ringing of a room of Ring, also when the phone's offer has
// come, before Accept. The phone is told c until it acknowledges. It does nothing
// in other rooms and in one that is over.
func (d *Device) CancelRing(k RoomKey, c cause.Cause) {}

// Reachable reports whether a transport reaches the phone with this key now.
func (d *Device) Reachable(jkt string) bool { return false }
