//go:build e2e

package e2e

import (
	"context"

	"callbox/daemon/control"
	"callbox/signaling/cause"
	"callbox/signaling/phonepeer"
)

// dials lets the device call contacts.
func (h *household) dials(mode string, limit float64, to ...string) control.CallStarted {
	h.t.Helper()
	started, err := h.api.Call(h.ctx, control.CallRequest{To: to, Mode: mode, RoomType: string(h.roomType()), TimeLimit: limit})
	h.must(err)
	return started
}

// isRung waits until a phone rings for its person.
func (h *household) isRung(p *phonepeer.Phone) *phonepeer.Incoming {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.ctx, soon)
	defer cancel()
	in, err := p.Incoming(ctx)
	h.must(err)
	return in
}

// dialsOne lets the device call one phone, up to its ringing.
func (h *household) dialsOne(limit float64) (*phonepeer.Phone, *phonepeer.Incoming) {
	h.t.Helper()
	p := h.anyPhone()
	started := h.dials("", limit, p.Name())
	in := h.isRung(p)
	if in.Room != started.RoomID || in.Room != started.GroupID {
		h.t.Fatalf("the device calls in room %s of group %s, the phone rings in %s", started.RoomID, started.GroupID, in.Room)
	}
	return p, in
}

// outgoing is what a call of the device to one phone must leave behind.
func outgoing(in *phonepeer.Incoming, p *phonepeer.Phone, end cause.End, byDevice bool) account {
	a := incoming(in.Call, p, end, byDevice)
	a.outgoing = true
	return a
}

func (h *household) callsOut(how talkEnd) {
	h.t.Helper()
	p, in := h.dialsOne(how.limit().Seconds())
	in.Answer()
	h.talks(in.Call, in.Room)
	end, byDevice := h.ends(in.Call, how)
	h.phoneEnds(in.Call, end, byDevice)
	h.heard(in.Call, how)
	a := outgoing(in, p, end, byDevice)
	a.talked = true
	h.settle(a)
}

func (h *household) declined(why cause.Cause) {
	h.t.Helper()
	p, in := h.dialsOne(0)
	in.Decline(why)
	end := cause.End{Cause: why}
	h.phoneEnds(in.Call, end, false)
	h.settle(outgoing(in, p, end, false))
}

func (h *household) givenUp() {
	h.t.Helper()
	p, in := h.dialsOne(0)
	h.must(h.api.HangUp(h.ctx, in.Room))
	end := cause.End{Cause: cause.Cancelled}
	h.phoneEnds(in.Call, end, true)
	h.settle(outgoing(in, p, end, true))
}

func (h *household) notAnswered() {
	h.t.Helper()
	p, in := h.dialsOne(0)
	end := cause.End{Cause: cause.Timeout}
	h.phoneEnds(in.Call, end, true)
	h.settle(outgoing(in, p, end, true))
}

// unreachable calls a phone that is off: there is no other end.
func (h *household) unreachable() {
	h.t.Helper()
	started := h.dials("", 0, h.absent)
	h.settle(account{
		group: started.GroupID, room: started.RoomID, jkt: h.keyOf(h.absent), outgoing: true, byDevice: true,
		end: cause.End{Cause: cause.Aborted, Detail: cause.Unreachable},
	})
}

// keyOf is the thumbprint of a contact's key.
func (h *household) keyOf(name string) string {
	for jkt, contact := range h.phone {
		if contact == name {
			return jkt
		}
	}
	h.t.Fatalf("no phone is called %s", name)
	return ""
}

// everyone are all phones in any order, and the names of their contacts.
func (h *household) everyone() (phones []*phonepeer.Phone, to []string) {
	for _, i := range h.random.Perm(len(h.phones)) {
		phones = append(phones, h.phones[i])
		to = append(to, h.phones[i].Name())
	}
	return phones, to
}

// together rings all phones; any of them answers, and the others are told so.
func (h *household) together() {
	h.t.Helper()
	phones, to := h.everyone()
	started := h.dials(control.Together, 0, to...)
	rung := make([]*phonepeer.Incoming, len(phones))
	for i, p := range phones {
		rung[i] = h.isRung(p)
	}
	winner := h.random.IntN(len(phones))
	rung[winner].Answer()
	for i, in := range rung {
		if i != winner {
			h.phoneEnds(in.Call, cause.End{Cause: cause.AnsweredElsewhere}, true)
		}
	}
	h.wins(started, phones[winner], rung[winner])
}

// inTurn rings one phone after the other: the first declines, the second answers,
// the rest never ring.
func (h *household) inTurn() {
	h.t.Helper()
	phones, to := h.everyone()
	started := h.dials(control.InTurn, 0, to...)
	first := h.isRung(phones[0])
	first.Decline("")
	h.phoneEnds(first.Call, cause.End{Cause: cause.Rejected}, false)
	second := h.isRung(phones[1])
	second.Answer()
	h.wins(started, phones[1], second)
}

// wins is the rest of a call to several phones, from its answer on.
func (h *household) wins(started control.CallStarted, p *phonepeer.Phone, in *phonepeer.Incoming) {
	h.t.Helper()
	h.talks(in.Call, started.GroupID)
	end, byDevice := h.ends(in.Call, endsByPhone)
	h.phoneEnds(in.Call, end, byDevice)
	a := outgoing(in, p, end, byDevice)
	a.group, a.talked = started.GroupID, true
	h.settle(a)
}
