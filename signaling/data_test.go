package signaling_test

import (
	"strings"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
)

func TestDataWhileItRings(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.book.put(r.phone, signaling.RightCall, signaling.RightUnlock)
		nonce := r.rings().Nonce
		time.Sleep(3 * time.Second)
		data := r.phone.Data(roomID, nonce, 2.5, "unlock")
		r.deliver(data)
		e := expectEvent[signaling.PhoneData](r)
		if e.Right != signaling.RightUnlock || string(e.Payload) != `"hello"` || e.ID == "" {
			t.Errorf("event %+v", e)
		}
		r.deliver(data)
		r.expect() // the daemon has not answered
		if frame := r.AnswerData(r.room(), e.ID, ""); frame != nil {
			t.Error("signed data was answered by a frame")
		}
		ack := r.expect(message.TypeAck)[0]
		next := ack.Body.(message.Ack)
		if next.Error != "" || next.Nonce == "" || ack.Ref != e.ID {
			t.Errorf("ack %+v", next)
		}
		r.deliver(data)
		if r.expect(message.TypeAck)[0].Text != ack.Text {
			t.Error("the duplicate got another ack")
		}
		r.expectNoEvent()
		r.deliver(r.phone.Data(roomID, nonce, 3, "unlock")) // the nonce is spent
		if b := r.expect(message.TypeAck)[0].Body.(message.Ack); b.Error != "badRequest" || b.Nonce != "" {
			t.Errorf("ack %+v, want badRequest", b)
		}
		r.deliver(r.phone.Data(roomID, next.Nonce, 3, ""))
		r.AnswerData(r.room(), expectEvent[signaling.PhoneData](r).ID, signaling.ErrorNoHandler)
		if b := r.expect(message.TypeAck)[0].Body.(message.Ack); b.Error != "noHandler" || b.Nonce == "" {
			t.Errorf("ack %+v, want noHandler", b)
		}
	})
}

func TestRefusedDataMayBeTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		nonce := r.rings().Nonce
		r.deliver(r.phone.Data(roomID, nonce, 0, "unlock"))
		b := r.expect(message.TypeAck)[0].Body.(message.Ack)
		if b.Error != "forbidden" || b.Nonce == "" {
			t.Fatalf("ack %+v, want forbidden and the next nonce", b)
		}
		r.deliver(r.phone.Data(roomID, b.Nonce, 60, ""))
		b = r.expect(message.TypeAck)[0].Body.(message.Ack)
		if b.Error != "badRequest" || b.Nonce == "" {
			t.Fatalf("ack %+v, want badRequest and the next nonce", b)
		}
		r.deliver(r.phone.Data(roomID, b.Nonce, 0, ""))
		expectEvent[signaling.PhoneData](r)
	})
}

func TestFramesInATalk(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		info := []byte(`{"t":"info","mic":true,"camera":false,"speaker":true,"quality":3}`)
		data := []byte(`{"t":"data","id":"a","payload":{"x":1}}`)
		r.rings()
		r.ReceiveFrame(r.room(), info)
		r.ReceiveFrame(r.room(), data)
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		r.acked(message.TypeAccept)
		r.ReceiveFrame(r.room(), info)
		r.ReceiveFrame(r.room(), data)
		r.expectNoEvent() // before start
		r.Start(r.room(), signaling.Limit{})
		r.acked(message.TypeStart)
		r.ReceiveFrame(r.room(), info)
		if e := expectEvent[signaling.PhoneInfo](r); !e.Mic || e.Camera || !e.Speaker || e.Quality != 3 {
			t.Errorf("info %+v", e)
		}
		if frame := r.ReceiveFrame(r.room(), data); frame != nil {
			t.Errorf("data was answered before the daemon did: %s", frame)
		}
		if e := expectEvent[signaling.PhoneData](r); e.ID != "a" || e.Right != "" || string(e.Payload) != `{"x":1}` {
			t.Errorf("data %+v", e)
		}
		expectFrame(t, r.AnswerData(r.room(), "a", ""), message.DataAck{ID: "a"})
		if r.AnswerData(r.room(), "a", "") != nil || r.AnswerData(r.room(), "b", "") != nil {
			t.Error("an answer to nothing")
		}
		r.ReceiveFrame(r.room(), []byte(`{"t":"of a later version"}`))
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{})
	})
}

func TestFramesRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		expectFrame(t, r.ReceiveFrame(r.room(), []byte(`{"t":"data","id":"a","right":"unlock"}`)), message.DataAck{ID: "a", Error: "forbidden"})
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{signaling.RefusedRight: 1})
		before := r.Refused()
		r.ReceiveFrame(r.room(), []byte(`{"t":"info","t":"bye"}`))
		r.ReceiveFrame(r.room(), []byte(`{"t":"data","id":"a","payload":"`+strings.Repeat("x", message.MaxFrame)+`"}`))
		r.expectRefused(before, map[signaling.Reason]uint64{signaling.RefusedFrame: 2})
		r.ReceiveFrame(signaling.RoomKey{ID: roomID, Phone: "another"}, byeFrame(t))
		r.expectNoEvent()
		for range 100 {
			r.ReceiveFrame(r.room(), []byte(`{"t":"info","mic":true,"camera":true,"speaker":true,"quality":4}`))
		}
		if n := len(r.emitted()); n > 20 {
			t.Errorf("%d of 100 frames came through at once, want at most 20", n)
		}
		time.Sleep(time.Second)
		r.ReceiveFrame(r.room(), byeFrame(t))
		if e := expectEvent[signaling.Bye](r); e.End != (cause.End{Cause: cause.Hangup, Origin: cause.Manual}) {
			t.Errorf("bye %+v", e)
		}
	})
}

func TestUnlockIsReadAtEachUse(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		r.book.put(r.phone, signaling.RightCall, signaling.RightUnlock) // given during the talk
		r.ReceiveFrame(r.room(), []byte(`{"t":"data","id":"a","right":"unlock"}`))
		if e := expectEvent[signaling.PhoneData](r); e.Right != signaling.RightUnlock {
			t.Errorf("data %+v", e)
		}
		expectFrame(t, r.AnswerData(r.room(), "a", ""), message.DataAck{ID: "a"})
		r.book.put(r.phone, signaling.RightCall)
		expectFrame(t, r.ReceiveFrame(r.room(), []byte(`{"t":"data","id":"b","right":"unlock"}`)), message.DataAck{ID: "b", Error: "forbidden"})
	})
}

func TestInfoFrame(t *testing.T) {
	p, err := signaling.InfoFrame(true, false, true, 2, "Yard")
	if err != nil {
		t.Fatal(err)
	}
	expectFrame(t, p, message.Info{Mic: true, Speaker: true, Quality: 2, View: "Yard"})
}
