package signaling

import (
	"encoding/json"
	"time"

	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// inPhase returns the room when its phase is from first to last.
func (d *Device) inPhase(k RoomKey, first, last phase) *room {
	r := d.rooms[k]
	if d.closed || r == nil || r.phase < first || r.phase > last {
		d.o.Log.Debug().Str("room_id", k.ID).Msg("nothing to answer: the room is not known or has gone on")
		return nil
	}
	return r
}

// Ringing tells the phone that a person is being called. sdp is the answer when
// ICE and DTLS are to be done while it rings, else "".
func (d *Device) Ringing(k RoomKey, sdp string, ringTimeout time.Duration) {
	d.mu.Lock()
	defer d.unlock()
	r := d.inPhase(k, offered, offered)
	if r == nil {
		return
	}
	r.phase, r.answerSDP = ringing, sdp
	r.data.ring(d.o.Clock.Now())
	r.data.ringingID = d.answer(r, r.offer, r.offerID,
		message.Ringing{SDP: sdp, RingTimeout: ringTimeout.Seconds(), Nonce: r.data.nonce})
	if sdp != "" {
		d.ready(r)
	}
}

// Accept tells the phone that the call is answered, with the effective limit.
// sdp is the answer; when Ringing had one, that one counts. frame is the first
// copy for the data channel, nil when it cannot be open yet.
func (d *Device) Accept(k RoomKey, sdp string, limit Limit) (frame []byte) {
	d.mu.Lock()
	defer d.unlock()
	r := d.inPhase(k, offered, ringing)
	if r == nil {
		return nil
	}
	early := r.answerSDP != ""
	if early {
		sdp = r.answerSDP
	}
	r.phase = accepted
	d.delivered(r, r.data.ringingID) // accept says what ringing said
	id := d.answer(r, r.offer, r.offerID, message.Accept{SDP: sdp, TimeLimit: limit})
	d.ready(r)
	if !early {
		return nil
	}
	return d.frame(r.key, message.AcceptFrame{ID: id, TimeLimit: limit})
}

// Start tells the phone that talk and limit begin. frame is the first copy for
// the data channel.
func (d *Device) Start(k RoomKey, limit Limit) (frame []byte) {
	d.mu.Lock()
	defer d.unlock()
	r := d.inPhase(k, accepted, accepted)
	if r == nil {
		return nil
	}
	r.phase = started
	id, _ := d.send(r, "", message.Start{TimeLimit: limit})
	return d.frame(r.key, message.StartFrame{ID: id, TimeLimit: limit})
}

// Reject says no to an offer; it ends the room.
func (d *Device) Reject(k RoomKey, c cause.Cause) {
	d.mu.Lock()
	defer d.unlock()
	r := d.inPhase(k, offered, ringing)
	if r == nil {
		return
	}
	d.withdraw(r)
	d.answer(r, r.offer, r.offerID, message.Reject{Cause: c})
	d.end(r)
}

// Bye tells the phone that the call is over; the media has been stopped before.
// frame is the first copy for the data channel. After a bye or a cancel of the
// phone nothing is sent.
func (d *Device) Bye(k RoomKey, end cause.End) (frame []byte) {
	d.mu.Lock()
	defer d.unlock()
	r := d.inPhase(k, offered, started)
	if r == nil {
		return nil
	}
	d.withdraw(r)
	id, _ := d.send(r, "", message.Bye{Cause: end.Cause, Origin: end.Origin, Detail: end.Detail})
	d.end(r)
	return d.frame(r.key, message.ByeFrame{ID: id, Cause: end.Cause, Origin: end.Origin, Detail: end.Detail})
}

// Candidates sends candidates of ours, each an RTCIceCandidateInit as JSON; end
// says that no more will come.
func (d *Device) Candidates(k RoomKey, candidates [][]byte, end bool) {
	var list []message.Candidate
	for _, text := range candidates {
		var c message.Candidate
		if err := json.Unmarshal(text, &c); err != nil {
			d.o.Log.Error().Err(err).Str("room_id", k.ID).Msg("cannot read a candidate of ours")
			continue
		}
		list = append(list, c)
	}
	if end {
		list = append(list, message.Candidate{})
	}
	d.mu.Lock()
	defer d.unlock()
	r := d.inPhase(k, offered, started)
	if r == nil {
		return
	}
	for len(list) > 0 {
		n := min(len(list), message.MaxCandidates)
		d.send(r, "", message.Candidates{Candidates: list[:n]})
		list = list[n:]
	}
}

// RestartFailed says that there is no answer to the phone's restart of that generation: the
// next one may come.
func (d *Device) RestartFailed(k RoomKey, generation int) {
	d.mu.Lock()
	defer d.unlock()
	r := d.inPhase(k, offered, started)
	if r == nil || generation != r.ice.generation {
		return
	}
	r.ice.ready, r.ice.held = true, nil // of a generation that nobody answers
}

// Restarted answers the phone's restart of that generation.
func (d *Device) Restarted(k RoomKey, generation int, sdp string) {
	d.mu.Lock()
	defer d.unlock()
	r := d.inPhase(k, offered, started)
	if r == nil || r.ice.restart == nil || generation != r.ice.generation || r.ice.ready {
		return
	}
	d.answer(r, r.ice.restart, r.ice.restartID, message.Restarted{Generation: generation, SDP: sdp})
	d.ready(r)
}
