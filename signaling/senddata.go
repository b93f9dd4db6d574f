package signaling

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"callbox/signaling/message"
)

// ErrNoData means that a room takes no data: it neither rings nor talks.
var ErrNoData = errors.New("data can be sent while a call rings and in the talk only")

// SendData sends the maker's own message to the phone; payload is any JSON of at
// most message.MaxPayload bytes, id one of message.NewID. While an incoming call
// rings, after Ringing, it is signed and delivered, and frame is nil. In a talk
// frame is to be sent on the data channel. DataAnswered says what became of it.
//
// Errors: ErrNoData, ErrRevoked, ErrFull, message.ErrBadRequest,
// message.ErrTooLarge.
func (d *Device) SendData(k RoomKey, id string, payload []byte) (frame []byte, err error) {
	if frame, err = d.sendData(k, id, payload); err != nil {
		return nil, fmt.Errorf("cannot send data: %w", err)
	}
	return frame, nil
}

func (d *Device) sendData(k RoomKey, id string, payload []byte) (frame []byte, err error) {
	if len(payload) > message.MaxPayload {
		return nil, fmt.Errorf("%d bytes: %w; at most %d are", len(payload), message.ErrTooLarge, message.MaxPayload)
	}
	if !message.ValidID(id) || !jsontext.Value(payload).IsValid() {
		return nil, fmt.Errorf("id %q or the payload: %w", id, message.ErrBadRequest)
	}
	d.mu.Lock()
	defer d.unlock()
	r := d.rooms[k]
	if d.closed || r == nil || r.phase != ringing && r.phase != started {
		return nil, ErrNoData
	}
	_, twice := r.data.sent[id]
	switch {
	case r.revoked:
		return nil, ErrRevoked
	case twice:
		return nil, fmt.Errorf("id %q again: %w", id, message.ErrBadRequest)
	case len(r.data.sent) >= maxWaiting:
		return nil, ErrFull
	case r.phase == ringing:
		return nil, d.signData(r, id, payload)
	}
	frame, err = message.EncodeFrame(message.DataFrame{ID: id, Payload: payload})
	if err == nil {
		r.data.sent[id] = d.after(frameAnswer, func() { d.dataAnswered(r, id, ErrorTimeout) })
	}
	return frame, err
}

// signData sends data before the talk, with the nonce that ringing had.
func (d *Device) signData(r *room, id string, payload []byte) error {
	e := d.roomEnvelope(r, "")
	e.ID = id
	b := message.Data{Nonce: r.data.own, At: (d.o.Clock.Now() - r.data.rang).Seconds(), Payload: payload}
	text, _, err := message.Sign(d.o.Key, e, b)
	if err != nil {
		return err
	}
	r.data.sent[id] = nil // its delivery ends it
	d.deliver(r, &outgoing{id: id, text: text, kind: message.TypeData, left: messageLife})
	return nil
}

// dataAcked notes what a message of the phone answers.
func (d *Device) dataAcked(r *room, m *message.Message) {
	refusal := ""
	if b, ok := m.Body.(message.Ack); ok {
		refusal = b.Error
	} else if m.Invalid != nil {
		refusal = ErrorBadRequest
	}
	d.dataAnswered(r, m.Ref, refusal)
}

// dataAnswered tells the daemon, once, what became of data of ours.
func (d *Device) dataAnswered(r *room, id, refusal string) {
	t, ok := r.data.sent[id]
	if !ok {
		return
	}
	t.cancel()
	delete(r.data.sent, id)
	d.emit(DataAnswered{Room: r.key, ID: id, Error: refusal})
}

// dataLost answers for a phone that will not: the room is over.
func (d *Device) dataLost(r *room) {
	for id := range r.data.sent {
		d.delivered(r, id)
		d.dataAnswered(r, id, ErrorTimeout)
	}
}
