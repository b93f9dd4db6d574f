package signaling

import (
	"strings"
	"time"

	"callbox/signaling/message"
	"callbox/signaling/sdp"
)

// iceState is the offer that counts now, and candidates that came too early.
type iceState struct {
	current    *sdp.Offer
	generation int
	ready      bool            // the daemon has answered current
	count      int             // candidates of current, in its SDP and trickled
	past       map[string]bool // ufrags of former generations
	held       []message.Candidate
	restart    *received // the phone's message that Restarted answers
	restartID  string
	restarted  time.Duration // when, for generation > 0
}

// phoneCandidates passes on what belongs to the offer that is answered, keeps
// what is too early and drops what is too late or not usable (RFC 8838).
func (d *Device) phoneCandidates(p Peer, r *room, b message.Candidates) {
	var now []message.Candidate
	for _, c := range b.Candidates {
		switch fragment := ufrag(c); {
		case r.ice.past[fragment]:
		case c.Candidate != "" && !sdp.Usable(c.Candidate, d.o.AllowLoopback):
			r.ice.count++ // a browser sends its TCP candidates too: no refusal, but no room either
		case fragment != "" && fragment != r.ice.current.Ufrag, !r.ice.ready:
			if len(r.ice.held) >= message.MaxCandidates {
				d.refuse(p, RefusedCandidates)
				continue
			}
			r.ice.held = append(r.ice.held, c)
		default:
			now = append(now, c)
		}
	}
	d.passOn(p, r, now)
}

// passOn emits candidates of the current generation, at most 40 of it.
func (d *Device) passOn(p Peer, r *room, list []message.Candidate) {
	e := Candidates{Room: r.key}
	for _, c := range list {
		if c.Candidate == "" {
			e.End = true
			continue
		}
		if r.ice.count++; r.ice.count > message.MaxCandidates {
			d.refuse(p, RefusedCandidates)
			continue
		}
		text, err := c.JSON()
		if err != nil {
			d.refuse(p, RefusedCandidates)
			continue
		}
		e.Candidates = append(e.Candidates, text)
	}
	if len(e.Candidates) > 0 || e.End {
		d.emit(e)
	}
}

// ready says that the daemon has answered the current offer: what was kept for
// it may go on.
func (d *Device) ready(r *room) {
	if r.ice.ready {
		return
	}
	r.ice.ready = true
	held := r.ice.held
	r.ice.held = nil
	if len(held) > 0 {
		d.phoneCandidates(r.peer, r, message.Candidates{Candidates: held})
	}
}

// ufrag is the fragment that a candidate belongs to, "" when it does not say.
func ufrag(c message.Candidate) string {
	if c.UsernameFragment != nil {
		return *c.UsernameFragment
	}
	fields := strings.Fields(c.Candidate)
	for i := 8; i+1 < len(fields); i += 2 { // extensions: RFC 8839, 5.1
		if fields[i] == "ufrag" {
			return fields[i+1]
		}
	}
	return ""
}

// mayRestart reports whether a restart is to be looked at now. One that is too
// early or too soon is not acknowledged, so it comes again.
func (d *Device) mayRestart(p Peer, r *room, m *message.Message) bool {
	b, ok := m.Body.(message.Restart)
	if !ok || b.Generation <= r.ice.generation {
		return true
	}
	if !r.ice.ready {
		return false
	}
	if r.ice.generation > 0 && d.o.Clock.Now()-r.ice.restarted < restartRest {
		d.refuse(p, RefusedRestart)
		return false
	}
	return true
}

func (d *Device) phoneRestarts(p Peer, r *room, m *message.Message, rec *received, b message.Restart) {
	if b.Generation <= r.ice.generation { // idempotent
		d.ack(r, rec, m.ID, message.Ack{})
		return
	}
	next, err := sdp.CheckRestart(r.ice.current, b.SDP, r.roomType, d.o.AllowLoopback)
	if err != nil {
		d.o.Log.Info().Err(err).Str("room_id", r.key.ID).Msg("restart refused")
		d.refuse(p, RefusedSDP)
		d.ack(r, rec, m.ID, message.Ack{Error: ErrorBadRequest})
		return
	}
	r.ice.past[r.ice.current.Ufrag] = true
	r.ice.current, r.ice.generation, r.ice.count, r.ice.ready = next, b.Generation, next.Candidates, false
	r.ice.restart, r.ice.restartID, r.ice.restarted = rec, m.ID, d.o.Clock.Now()
	d.ackLater(r, rec, m.ID)
	d.emit(Restart{Room: r.key, Generation: b.Generation, SDP: next.SDP})
}

// NeedRestart asks the phone for a restart with that generation, and hands it fresh
// ICE servers for it.
func (d *Device) NeedRestart(k RoomKey, generation int) {
	d.mu.Lock()
	defer d.unlock()
	r := d.inPhase(k, accepted, started)
	if r == nil {
		return
	}
	all := d.iceServers(Peer{Proven: true}, k)
	e, b := d.roomEnvelope(r, ""), message.NeedRestart{Generation: generation, ICEServers: all}
	text, id := d.sign(e, b)
	if text == "" {
		return
	}
	o := &outgoing{id: id, text: text, kind: b.Type(), left: messageLife}
	if open := withoutCredentials(all); len(open) < len(all) {
		b.ICEServers = open
		if o.open, o.openID = d.sign(e, b); o.open == "" {
			return
		}
	}
	d.deliver(r, o)
}

// iceServers are those for a room that p may be handed.
func (d *Device) iceServers(p Peer, k RoomKey) []ICEServer {
	if d.o.ICEServers == nil {
		return nil
	}
	all := d.o.ICEServers(k)
	if p.Proven {
		return all
	}
	return withoutCredentials(all)
}

// withoutCredentials leaves out servers whose credentials anybody might read.
func withoutCredentials(list []ICEServer) (open []ICEServer) {
	for _, s := range list {
		if s.Username == "" && s.Credential == "" {
			open = append(open, s)
		}
	}
	return open
}
