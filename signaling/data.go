package signaling

import (
	"time"

	"callbox/signaling/budget"
	"callbox/signaling/message"
)

// Why data was refused, as AnswerData tells the phone and DataAnswered the
// daemon; "" is a yes. ErrorTimeout is only told to the daemon.
const (
	ErrorForbidden  = "forbidden"
	ErrorBadRequest = "badRequest"
	ErrorNoHandler  = "noHandler"
	ErrorTimeout    = "timeout" // no answer in time, or the call ended before it
)

// maxWaiting is how many data frames of a talk may wait for their answer.
const maxWaiting = 32

// dataState is what data before the talk is measured against.
type dataState struct {
	nonce     string // the phone's next one, good once; "" before Ringing
	rang      time.Duration
	ringingID string
	own       string               // nonce of ours: that of Ringing
	waiting   map[string]*received // signed ones, by id, until AnswerData
	sent      map[string]*timer    // ours, by id, until their answer; nil for a signed one
}

func (s *dataState) ring(now time.Duration) {
	s.nonce, s.rang, s.waiting = message.NewID(), now, map[string]*received{}
	s.own = s.nonce
}

// phoneData takes data before the talk. It is good only while it rings, with the
// nonce of the moment, and when the phone's own count of the time since ringing
// fits: a transport could hold an "open" back until a burglar stands there.
func (d *Device) phoneData(p Peer, r *room, m *message.Message, rec *received, b message.Data) {
	if r.phase != ringing || b.Nonce != r.data.nonce {
		d.refuse(p, RefusedData)
		d.ack(r, rec, m.ID, message.Ack{Error: ErrorBadRequest})
		return
	}
	r.data.nonce = message.NewID()
	since := (d.o.Clock.Now() - r.data.rang).Seconds()
	switch {
	case since-b.At > dataSkew.Seconds() || b.At-since > dataSkew.Seconds():
		d.refuse(p, RefusedData)
		d.ack(r, rec, m.ID, message.Ack{Error: ErrorBadRequest, Nonce: r.data.nonce})
	case !d.allowed(r, b.Right):
		d.refuse(p, RefusedRight)
		d.ack(r, rec, m.ID, message.Ack{Error: ErrorForbidden, Nonce: r.data.nonce})
	default:
		r.data.waiting[m.ID] = rec
		d.emit(PhoneData{Room: r.key, ID: m.ID, Right: b.Right, Payload: b.Payload})
	}
}

// AnswerData answers PhoneData; errCode is "" or one of the Error constants. It
// sends the ack of signed data itself. frame is the answer to data in a talk, to
// be sent on the data channel, else nil.
func (d *Device) AnswerData(k RoomKey, id, errCode string) (frame []byte) {
	d.mu.Lock()
	defer d.unlock()
	r := d.rooms[k]
	if r == nil {
		return nil
	}
	if rec := r.data.waiting[id]; rec != nil {
		delete(r.data.waiting, id)
		a := message.Ack{Error: errCode}
		if r.phase == ringing {
			a.Nonce = r.data.nonce
		}
		d.ack(r, rec, id, a)
		return nil
	}
	if !r.frames.waiting[id] || r.phase != started {
		return nil
	}
	delete(r.frames.waiting, id)
	r.frames.ids.answered(id, errCode)
	return d.frame(r.key, message.DataAck{ID: id, Error: errCode})
}

// frameState is that of a room's data channel.
type frameState struct {
	budget  budget.Bucket
	waiting map[string]bool // data, by id, until AnswerData
	ids     frameIDs
}

func (s *frameState) open(now time.Duration) {
	s.budget, s.waiting = budget.Full(budget.FrameRate, now), map[string]bool{}
	s.ids.answers = map[string]*verdict{}
}

// ReceiveFrame takes one text frame of the room's data channel. The signed
// fingerprints protect the channel; the daemon must pass on only frames of the
// session that belongs to this room. info and data count after Start; frame is an
// answer to be sent at once, or nil.
func (d *Device) ReceiveFrame(k RoomKey, text []byte) (frame []byte) {
	d.mu.Lock()
	defer d.unlock()
	r := d.inPhase(k, offered, started)
	if r == nil {
		return nil
	}
	if !r.frames.budget.Take(budget.FrameRate, budget.FrameRate, d.o.Clock.Now()) {
		d.refuse(r.peer, RefusedFrame)
		return nil
	}
	f, err := message.ParseFrame(text)
	if err != nil {
		d.refuse(r.peer, RefusedFrame)
		return nil
	}
	if r.revoked {
		d.refuse(r.peer, RefusedRevoked)
		return nil
	}
	switch f := f.(type) {
	case message.ByeFrame:
		d.leave(r, endOf(f.Cause, f.Origin, f.Detail))
	case message.Info:
		if r.phase == started {
			d.emit(PhoneInfo{Room: k, Mic: f.Mic, Camera: f.Camera, Speaker: f.Speaker, Quality: f.Quality})
		}
	case message.DataFrame:
		return d.dataFrame(r, f)
	case message.DataAck:
		d.dataAnswered(r, f.ID, f.Error)
	case message.AcceptFrame, message.StartFrame, message.UnknownFrame:
	}
	return nil
}

func (d *Device) dataFrame(r *room, f message.DataFrame) (frame []byte) {
	before := r.frames.ids.answers[f.ID]
	switch {
	case r.phase != started, r.frames.waiting[f.ID]:
		return nil
	case before != nil && before.given:
		return d.frame(r.key, message.DataAck{ID: f.ID, Error: before.errCode})
	case len(r.frames.waiting) >= maxWaiting, r.frames.ids.full(f.Right):
		d.refuse(r.peer, RefusedFull)
		return d.frame(r.key, message.DataAck{ID: f.ID, Error: ErrorNoHandler})
	case !d.allowed(r, f.Right):
		d.refuse(r.peer, RefusedRight)
		return d.frame(r.key, message.DataAck{ID: f.ID, Error: ErrorForbidden})
	}
	r.frames.waiting[f.ID] = true
	r.frames.ids.note(f.ID, f.Right)
	d.emit(PhoneData{Room: r.key, ID: f.ID, Right: f.Right, Payload: f.Payload})
	return nil
}

// InfoFrame is what the device says of itself on the data channel: on change, at
// most once a second. quality is 0 (lost) to 4 (best).
func InfoFrame(mic, camera, speaker bool, quality int, view string) ([]byte, error) {
	return message.EncodeFrame(message.Info{Mic: mic, Camera: camera, Speaker: speaker, Quality: quality, View: view})
}

// frame writes a frame of ours in a room; nil when it cannot be, which is logged.
func (d *Device) frame(k RoomKey, f message.Frame) []byte {
	p, err := message.EncodeFrame(f)
	if err != nil {
		d.o.Log.Error().Err(err).Str("room_id", k.ID).Msg("cannot write frame")
		return nil
	}
	return p
}
