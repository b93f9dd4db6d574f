//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"callbox/daemon/control"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/phonepeer"
)

// TestReconnect: media that is lost in a talk is told, once, and so is its return; the talk
// goes on with pictures, and the record says that it happened.
func TestReconnect(t *testing.T) {
	h := openHousehold(t, 1, deviceOptions{tone: 440, width: 160, height: 120, rate: 10, noDisplay: true, quiet: true}, "Anna", "Nobody")
	p := h.phones[0]
	c, err := p.Call(h.ctx, phonepeer.CallOptions{RoomType: message.Video})
	h.must(err)
	h.find(c.Room, control.EventRinging)
	h.must(h.api.Answer(h.ctx, c.Room))
	h.talks(c, c.Room)
	eventually(t, soon, "pictures come", func() bool { return c.Stats().Video.Packets > 0 })

	c.DropMedia()
	h.find(c.Room, control.EventReconnecting)
	h.awaits(phonepeer.Await[phonepeer.Lost](h.ctx, c))
	if s := h.status(); s.State != "reconnecting" {
		t.Errorf("the state is %s", s.State)
	}
	before := c.Stats().Video.Packets
	c.RestoreMedia()
	h.find(c.Room, control.EventReconnected)
	h.awaits(phonepeer.Await[phonepeer.Back](h.ctx, c))
	if s := h.status(); s.State != "talking" {
		t.Errorf("the state is %s", s.State)
	}
	eventually(t, soon, "pictures come again", func() bool { return c.Stats().Video.Packets > before })

	c.HangUp(cause.Manual)
	h.find(c.Room, control.EventFinishVoip)
	var told []string
	for _, e := range h.stream.of(c.Room) {
		if e.Name == control.EventReconnecting || e.Name == control.EventReconnected {
			told = append(told, e.Name)
		}
	}
	if want := []string{control.EventReconnecting, control.EventReconnected}; !slices.Equal(told, want) {
		t.Errorf("told was %v, want %v", told, want)
	}
	records, err := h.api.Calls(h.ctx, control.CallQuery{Limit: 1})
	h.must(err)
	if r := records[0]; r.RoomID != c.Room || r.Link == nil || r.Link.Reconnects != 1 || r.Cause != cause.Hangup {
		t.Errorf("the record is %+v, link %+v", r, r.Link)
	}
}
