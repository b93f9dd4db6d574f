package daemon

import (
	"encoding/json"
	"errors"
	"time"

	"callbox/daemon/control"
	"callbox/signaling"
	"callbox/signaling/message"
)

// handlerTimeout is how long a program may take to answer the phone's data: a
// person who presses "open" looks at the button that long.
const handlerTimeout = 3 * time.Second

// waitingData is data of the phone that a program is to answer.
type waitingData struct {
	room signaling.RoomKey
	stop func() bool
}

// phoneData hands the maker's own message to the programs. Somebody must have
// promised to answer: an "open the door" that nobody hears must not look done.
func (l *loop) phoneData(ev signaling.PhoneData) {
	refused := ""
	switch {
	case !l.isCurrent(ev.Room):
		refused = signaling.ErrorBadRequest
	case ev.Right != "" && !l.mayUnlock(l.cur.offer):
		refused = signaling.ErrorForbidden
		l.refused["right"]++
	case l.events.Handlers() == 0:
		refused = signaling.ErrorNoHandler
	}
	line := l.log.Info().Str("room_id", ev.Room.ID).Str("right", string(ev.Right)).Str("id", ev.ID)
	if refused != "" {
		line.Str("refused", refused).Msg("data of the phone was refused")
		l.tellData(ev.Room, ev.ID, refused)
		return
	}
	line.Str("contact", l.cur.offer.Contact.Name).Msg("data of the phone waits for a program")
	gen, id := l.cur.gen, ev.ID
	l.cur.waiting[id] = waitingData{room: ev.Room, stop: l.clock.AfterFunc(handlerTimeout, func() {
		l.box.put(request(func() {
			if l.cur.gen == gen {
				_ = l.answerData(control.DataAnswer{ID: id, Error: signaling.ErrorNoHandler}) // it was answered at the same moment
			}
		}))
	})}
	name := control.EventData
	if ev.Right == signaling.RightUnlock {
		name = control.EventUnlock
	}
	payload := json.RawMessage(ev.Payload)
	if len(payload) == 0 {
		payload = json.RawMessage("null")
	}
	l.publish(name, control.MessageData{ID: id, Payload: payload, Contact: l.cur.offer.Contact.Name})
}

// answerData answers data of the phone that waits for it.
func (l *loop) answerData(a control.DataAnswer) error {
	if l.cur == nil {
		return control.ErrNoData
	}
	w, ok := l.cur.waiting[a.ID]
	if !ok {
		return control.ErrNoData
	}
	w.stop()
	delete(l.cur.waiting, a.ID)
	l.cur.log.Info().Str("id", a.ID).Str("error", a.Error).Msg("data of the phone was answered")
	l.tellData(w.room, a.ID, a.Error)
	l.publish(control.EventDataAnswered, a)
	return nil
}

func (l *loop) tellData(room signaling.RoomKey, id, errCode string) {
	if frame := l.signaling.AnswerData(room, id, errCode); frame != nil && l.isCurrent(room) {
		l.sendFrame(frame)
	}
}

// sendData sends the maker's message to the phone. The phone's word comes on the
// channel.
func (l *loop) sendData(payload json.RawMessage) (answer <-chan string, err error) {
	if !l.state.Phase.Active() || (l.cur.dial != nil && !l.cur.dial.joined) {
		return nil, control.ErrNoCall
	}
	id := message.NewID()
	frame, err := l.signaling.SendData(l.cur.room(), id, payload)
	switch {
	case errors.Is(err, message.ErrBadRequest), errors.Is(err, message.ErrTooLarge):
		return nil, control.ErrBadRequest.With(err.Error())
	case errors.Is(err, signaling.ErrNoData):
		return nil, control.ErrNoCall.With("the call takes no data now: it can be sent while it rings and in the talk")
	case err != nil:
		return nil, err
	}
	done := make(chan string, 1)
	l.cur.sent[id] = done
	l.sendFrame(frame)
	return done, nil
}

func (l *loop) dataAnswered(ev signaling.DataAnswered) {
	if l.cur == nil {
		return
	}
	if done := l.cur.sent[ev.ID]; done != nil {
		delete(l.cur.sent, ev.ID)
		done <- ev.Error
	}
}

// forgetData ends what waits for an answer when the call is over.
func (l *loop) forgetData() {
	for id, w := range l.cur.waiting {
		w.stop()
		delete(l.cur.waiting, id)
	}
	for id, done := range l.cur.sent {
		delete(l.cur.sent, id)
		done <- signaling.ErrorTimeout
	}
}
