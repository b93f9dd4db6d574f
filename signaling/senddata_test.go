package signaling_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// send sends data that has to be taken.
func (r *rig) send(id, payload string) (frame []byte) {
	r.t.Helper()
	frame, err := r.SendData(r.room(), id, []byte(payload))
	if err != nil {
		r.t.Fatal(err)
	}
	return frame
}

func TestSendDataWhileItRings(t *testing.T) {
	for name, tt := range map[string]struct{ ack, want string }{
		"handled":               {"", ""},
		"nobody handles it":     {"noHandler", "noHandler"},
		"a word of the phone's": {"tired", "tired"},
		"not readable":          {strings.Repeat("x", 65), "badRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				nonce := r.rings().Nonce
				time.Sleep(2 * time.Second)
				id := message.NewID()
				if frame := r.send(id, `{"floor": 3}`); frame != nil {
					t.Errorf("frame %s before the talk", frame)
				}
				m := r.expect(message.TypeData)[0]
				b := m.Body.(message.Data)
				if m.ID != id || b.Nonce != nonce || b.At != 2 || b.Right != "" || string(b.Payload) != `{"floor":3}` {
					t.Errorf("data %+v, %+v", m.Envelope, b)
				}
				time.Sleep(500 * time.Millisecond)
				if again := r.expect(message.TypeData)[0]; again.Text != m.Text {
					t.Error("it was not the same bytes")
				}
				r.expectNoEvent()
				ack := r.phone.Message(message.TypeAck, roomID, members{"ref": id, "error": tt.ack})
				r.deliver(ack, ack)
				if e := expectEvent[signaling.DataAnswered](r); e.Room != r.room() || e.ID != id || e.Error != tt.want {
					t.Errorf("event %+v, want error %q", e, tt.want)
				}
				time.Sleep(time.Minute)
				r.expect()
				r.expectNoEvent()
			})
		})
	}
}

func TestSendDataInATalk(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		a, b := message.NewID(), message.NewID()
		expectFrame(t, r.send(a, `[1, 2]`), message.DataFrame{ID: a, Payload: []byte(`[1,2]`)})
		expectFrame(t, r.send(b, `null`), message.DataFrame{ID: b, Payload: []byte(`null`)})
		r.expect()
		r.ReceiveFrame(r.room(), []byte(`{"t":"dataAck","id":"`+b+`","error":"noHandler"}`))
		if e := expectEvent[signaling.DataAnswered](r); e.ID != b || e.Error != signaling.ErrorNoHandler {
			t.Errorf("event %+v", e)
		}
		r.ReceiveFrame(r.room(), []byte(`{"t":"dataAck","id":"`+b+`"}`)) // once is enough
		r.ReceiveFrame(r.room(), []byte(`{"t":"dataAck","id":"x"}`))
		r.expectNoEvent()
		r.ReceiveFrame(r.room(), []byte(`{"t":"dataAck","id":"`+a+`"}`))
		if e := expectEvent[signaling.DataAnswered](r); e.ID != a || e.Error != "" {
			t.Errorf("event %+v", e)
		}
		time.Sleep(time.Minute)
		r.expectNoEvent()
	})
}

// TestDataThatIsNotAnsweredHarmsNoCall: the phone may be an old page.
func TestDataThatIsNotAnsweredHarmsNoCall(t *testing.T) {
	for name, tt := range map[string]struct {
		bring func(*rig)
		after time.Duration
	}{
		"while it rings": {func(r *rig) { r.rings() }, 30 * time.Second},
		"in a talk":      {(*rig).talks, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				tt.bring(r)
				id := message.NewID()
				r.send(id, `1`)
				time.Sleep(tt.after - time.Millisecond)
				r.expectNoEvent()
				time.Sleep(time.Millisecond)
				if e := expectEvent[signaling.DataAnswered](r); e.ID != id || e.Error != signaling.ErrorTimeout {
					t.Errorf("event %+v", e)
				}
				time.Sleep(time.Minute)
				r.expectNoEvent()
			})
		})
	}
}

func TestCloseWaitsForNoData(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		answered := message.NewID()
		r.send(answered, `1`)
		r.ReceiveFrame(r.room(), []byte(`{"t":"dataAck","id":"`+answered+`"}`))
		r.send(message.NewID(), `2`)
		begin := time.Now()
		r.Close()
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("Close took %v", waited)
		}
	})
}

func TestDataOutlivesAccept(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.rings()
		id := message.NewID()
		r.send(id, `1`)
		r.expect(message.TypeData)
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		r.acked(message.TypeAccept)
		time.Sleep(500 * time.Millisecond)
		r.expect(message.TypeData)
		r.deliver(r.phone.Ack(roomID, id))
		if e := expectEvent[signaling.DataAnswered](r); e.Error != "" {
			t.Errorf("event %+v", e)
		}
	})
}

// TestCandidatesOutliveAccept: those of a call that connects while it rings are
// not said again by accept.
func TestCandidatesOutliveAccept(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.rings()
		r.Candidates(r.room(), [][]byte{[]byte(`{"candidate":"` + hostLine + `"}`)}, true)
		r.expect(message.TypeCandidates)
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		r.acked(message.TypeAccept)
		time.Sleep(500 * time.Millisecond)
		r.expect(message.TypeCandidates)
	})
}

func TestDataIsAnsweredWhenTheCallEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		bring func(*rig)
		end   func(*rig)
		then  []string
	}{
		"cancel":  {func(r *rig) { r.rings() }, func(r *rig) { r.deliver(r.phone.Cancel(roomID)) }, []string{"Cancel"}},
		"reject":  {func(r *rig) { r.rings() }, func(r *rig) { r.Reject(r.room(), cause.Rejected) }, nil},
		"bye":     {(*rig).talks, func(r *rig) { r.deliver(r.phone.Bye(roomID)) }, []string{"Bye"}},
		"our bye": {(*rig).talks, func(r *rig) { r.Bye(r.room(), cause.End{Cause: cause.Hangup}) }, nil},
		"End":     {func(r *rig) { r.rings() }, func(r *rig) { r.End(r.room()) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				tt.bring(r)
				id := message.NewID()
				r.send(id, `1`)
				tt.end(r)
				list := r.emitted()
				if len(list) != 1+len(tt.then) {
					t.Fatalf("events %#v", list)
				}
				if e, ok := list[0].(signaling.DataAnswered); !ok || e.ID != id || e.Error != signaling.ErrorTimeout {
					t.Errorf("event %#v, want an answer before the end", list[0])
				}
				time.Sleep(time.Minute)
				r.expectNoEvent()
				if slices.Contains(types(r.said(r.phone))[1:], message.TypeData) {
					t.Error("data is sent after the end")
				}
			})
		})
	}
}

func TestSendDataErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		bring   func(*rig)
		id      string
		payload string
		want    error
	}{
		"unknown room":            {func(*rig) {}, "", `1`, signaling.ErrNoData},
		"before ringing":          {func(r *rig) { r.offered() }, "", `1`, signaling.ErrNoData},
		"while we ring it":        {func(r *rig) { r.alerts(r.dial()) }, "", `1`, signaling.ErrNoData},
		"with its offer there":    {func(r *rig) { r.answers(r.dial()) }, "", `1`, signaling.ErrNoData},
		"accepted, not started":   {func(r *rig) { r.rings(); r.Accept(r.room(), answerSDP, signaling.Limit{}) }, "", `1`, signaling.ErrNoData},
		"ended":                   {func(r *rig) { r.talks(); r.Bye(r.room(), cause.End{Cause: cause.Hangup}) }, "", `1`, signaling.ErrNoData},
		"closed":                  {func(r *rig) { r.talks(); r.Close() }, "", `1`, signaling.ErrNoData},
		"revoked":                 {func(r *rig) { r.talks(); r.Revoke(r.phone.JKT()) }, "", `1`, signaling.ErrRevoked},
		"over 4 KiB":              {(*rig).talks, "", `"` + strings.Repeat("x", message.MaxPayload-1) + `"`, message.ErrTooLarge},
		"no payload":              {(*rig).talks, "", ``, message.ErrBadRequest},
		"no JSON":                 {(*rig).talks, "", `{`, message.ErrBadRequest},
		"a member twice":          {(*rig).talks, "", `{"a":1,"a":2}`, message.ErrBadRequest},
		"not UTF-8":               {func(r *rig) { r.rings() }, "", "\"\xff\"", message.ErrBadRequest},
		"no id":                   {(*rig).talks, "-", `1`, message.ErrBadRequest},
		"an id that is under way": {func(r *rig) { r.talks(); r.send("AAAAAAAAAAAAAAAAAAAAAA", `1`) }, "AAAAAAAAAAAAAAAAAAAAAA", `1`, message.ErrBadRequest},
		"too many": {func(r *rig) {
			r.talks()
			for range 32 {
				r.send(message.NewID(), `1`)
			}
		}, "", `1`, signaling.ErrFull},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				tt.bring(r)
				r.said(r.phone)
				r.emitted()
				if tt.id == "" {
					tt.id = message.NewID()
				}
				if frame, err := r.SendData(r.room(), tt.id, []byte(tt.payload)); frame != nil || !errors.Is(err, tt.want) {
					t.Errorf("SendData = %s, %v; want %v", frame, err, tt.want)
				}
			})
		})
	}
}

func TestTheLargestDataFitsBothWays(t *testing.T) {
	largest := `"` + strings.Repeat("<", message.MaxPayload-2) + `"`
	inBubble(t, func(t *testing.T, r *rig) {
		r.rings()
		r.send(message.NewID(), largest)
		if b := r.acked(message.TypeData).Body.(message.Data); string(b.Payload) != largest {
			t.Errorf("%d bytes came", len(b.Payload))
		}
		expectEvent[signaling.DataAnswered](r)
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		r.acked(message.TypeAccept)
		r.Start(r.room(), signaling.Limit{})
		r.acked(message.TypeStart)
		id := message.NewID()
		expectFrame(t, r.send(id, largest), message.DataFrame{ID: id, Payload: []byte(largest)})
	})
}

func TestDataInARungCallsTalk(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		o := r.answers(r.dial())
		r.Accept(o.Room, answerSDP, signaling.Limit{})
		r.acked(message.TypeAccept)
		r.Start(o.Room, signaling.Limit{})
		r.acked(message.TypeStart)
		r.deliver(r.phone.Restart(roomID, 1, signalingtest.SDP{Ufrag: "next"}.String())) // all of a talk works
		expectEvent[signaling.Restart](r)
		id := message.NewID()
		expectFrame(t, r.send(id, `1`), message.DataFrame{ID: id, Payload: []byte(`1`)})
	})
}
