package phonepeer

import (
	"fmt"
	"math"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"callbox/signaling/message"
)

// infoSender says on the data channel what this phone sends: on change, and at most
// once a second. It belongs to the loop.
type infoSender struct {
	loop *loop
	send func(message.Frame) bool
	want message.Info

	on    bool
	sent  message.Info
	said  bool
	next  time.Duration
	timer *timer
}

// start lets it speak: info counts from start on.
func (i *infoSender) start() {
	i.on = true
	i.flush()
}

func (i *infoSender) set(change func(*message.Info)) {
	change(&i.want)
	i.flush()
}

func (i *infoSender) flush() {
	i.timer.cancel()
	if !i.on || i.said && i.sent == i.want {
		return
	}
	if wait := i.next - i.loop.clock.Now(); wait > 0 {
		i.timer = i.loop.after(wait, i.flush)
		return
	}
	if i.send(i.want) { // else the channel is not open: it flushes when it is
		i.sent, i.said, i.next = i.want, true, i.loop.clock.Now()+infoRest
	}
}

func (i *infoSender) stop() {
	i.on = false
	i.timer.cancel()
}

// dataState is the maker's own messages of one call, which wait for their answers.
// It belongs to the loop.
type dataState struct {
	nonce   string // for our next one while it rings; "" when there is none
	theirs  string // nonce of the device's own, all through the ringing; "" before
	rang    time.Duration
	waiting map[string]*dataWait
	early   []earlyData         // of the device: it has overtaken its ringing
	unsent  []message.DataFrame // of ours: the channel opens a little after the talk has begun
}

type earlyData struct {
	id   string
	body message.Data
}

type dataWait struct {
	done  chan error
	timer *timer
}

// rings says that the device's ringing has come, which makes data possible.
func (s *session) rings(nonce string) {
	d := &s.data
	if d.theirs != "" {
		return
	}
	d.nonce, d.theirs, d.rang = nonce, nonce, s.phone.o.Clock.Now()
	early := d.early
	d.early = nil
	for _, e := range early {
		s.deviceData(e.id, e.body)
	}
}

// deviceData takes signed data of the device: good only while it rings, with the nonce
// of its ringing, and when its count of the time since fits.
func (s *session) deviceData(id string, b message.Data) {
	switch since := (s.phone.o.Clock.Now() - s.data.rang).Seconds(); {
	case s.data.theirs == "" && s.state.phase < connecting:
		if len(s.data.early) < maxEarly {
			s.data.early = append(s.data.early, earlyData{id, b})
		}
	case s.state.phase != ringing, b.Nonce != s.data.theirs, math.Abs(since-b.At) > dataSkew.Seconds():
		s.mail.ack(id, message.Ack{Error: "badRequest"})
	default:
		s.call.events.add(Data{Payload: b.Payload})
		s.mail.ack(id, message.Ack{})
	}
}

// acked takes the answer to data; one that was sent while it rings may bring the next
// nonce.
func (d *dataState) acked(id string, a message.Ack) {
	w := d.waiting[id]
	if w == nil {
		return
	}
	if a.Nonce != "" {
		d.nonce = a.Nonce
	}
	if a.Error != "" {
		d.settle(id, fmt.Errorf("%w: %s", ErrData, a.Error))
		return
	}
	d.settle(id, nil)
}

func (d *dataState) settle(id string, err error) {
	if w := d.waiting[id]; w != nil {
		delete(d.waiting, id)
		w.timer.cancel()
		w.done <- err
	}
}

func (d *dataState) stop() {
	for id := range d.waiting {
		d.settle(id, fmt.Errorf("%w: the call has ended", ErrData))
	}
}

// sendData sends the maker's own message: in a talk on the data channel, while it
// rings as a signed message. done gets the outcome, once.
func (s *session) sendData(payload []byte, right message.Right) (done chan error) {
	done = make(chan error, 1)
	now := s.phone.o.Clock.Now()
	switch s.state.phase {
	case talking, reconnecting:
		id := message.NewID()
		frame := message.DataFrame{ID: id, Right: right, Payload: jsontext.Value(payload)}
		if !s.sendFrame(frame) {
			s.data.unsent = append(s.data.unsent, frame)
		}
		s.data.waiting[id] = &dataWait{done: done, timer: s.phone.loop.after(dataTimeout, func() { s.unansweredData(id) })}
	case ringing:
		if s.data.nonce == "" {
			done <- fmt.Errorf("%w: the answer to the last is not here", ErrState)
			return done
		}
		id := message.NewID()
		body := message.Data{Nonce: s.data.nonce, At: (now - s.data.rang).Seconds(), Right: right, Payload: jsontext.Value(payload)}
		s.data.nonce = "" // good once
		s.data.waiting[id] = &dataWait{done: done}
		if _, _, err := s.mail.post(draft{id: id, life: firstLife, expired: func() { s.unansweredData(id) }}, body); err != nil {
			s.data.settle(id, err)
		}
	default:
		done <- fmt.Errorf("%w: data can be sent while the device rings and in the talk", ErrState)
	}
	return done
}

// channelOpen sends what has waited for the data channel.
func (s *session) channelOpen() {
	s.info.flush()
	unsent := s.data.unsent
	s.data.unsent = nil
	for _, frame := range unsent {
		s.sendFrame(frame)
	}
}

func (s *session) unansweredData(id string) {
	s.data.settle(id, fmt.Errorf("%w: %w", ErrData, ErrUnreachable))
}
