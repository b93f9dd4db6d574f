package signaling

import "errors"

// ErrNoData means that data can be sent neither while the call rings nor in a talk,
// because the room is not there.
var ErrNoData = errors.New("the room takes no data now")

// SendData sends the maker's own message to the phone; payload is any JSON of at
// most message.MaxPayload bytes, id one of message.NewID. While an incoming call
// rings, after Ringing, it is signed and delivered, and frame is nil. In a talk
// frame is to be sent on the data channel. DataAnswered says what became of it.
//
// Errors: ErrNoData, ErrRevoked, ErrFull, message.ErrBadRequest,
// message.ErrTooLarge.
func (d *Device) SendData(k RoomKey, id string, payload []byte) (frame []byte, err error) {
	return nil, ErrNoData
}
