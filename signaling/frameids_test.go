package signaling_test

import (
	"fmt"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/message"
)

func dataFrame(id string, right signaling.Right) []byte {
	if right == "" {
		return fmt.Appendf(nil, `{"t":"data","id":%q}`, id)
	}
	return fmt.Appendf(nil, `{"t":"data","id":%q,"right":%q}`, id, right)
}

// TestADataFrameTwice: the second gets the answer of the first and opens nothing.
func TestADataFrameTwice(t *testing.T) {
	for _, right := range []signaling.Right{"", signaling.RightUnlock} {
		for _, said := range []string{"", signaling.ErrorNoHandler} {
			t.Run(fmt.Sprintf("right %q, answered %q", right, said), func(t *testing.T) {
				inBubble(t, func(t *testing.T, r *rig) {
					r.book.put(r.phone, signaling.RightCall, signaling.RightUnlock)
					r.talks()
					if frame := r.ReceiveFrame(r.room(), dataFrame("a", right)); frame != nil {
						t.Errorf("answered before the daemon did: %s", frame)
					}
					expectEvent[signaling.PhoneData](r)
					if frame := r.ReceiveFrame(r.room(), dataFrame("a", right)); frame != nil {
						t.Errorf("the second was answered before the first: %s", frame)
					}
					r.expectNoEvent()
					expectFrame(t, r.AnswerData(r.room(), "a", said), message.DataAck{ID: "a", Error: said})
					time.Sleep(time.Hour)
					expectFrame(t, r.ReceiveFrame(r.room(), dataFrame("a", right)), message.DataAck{ID: "a", Error: said})
					r.expectNoEvent()
					r.ReceiveFrame(r.room(), dataFrame("b", right)) // another id is another wish
					expectEvent[signaling.PhoneData](r)
				})
			})
		}
	}
}

// TestARefusedFrameMayComeAgain: nothing was done, so the right of then counts.
func TestARefusedFrameMayComeAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		expectFrame(t, r.ReceiveFrame(r.room(), dataFrame("a", signaling.RightUnlock)), message.DataAck{ID: "a", Error: signaling.ErrorForbidden})
		r.expectNoEvent()
		r.book.put(r.phone, signaling.RightCall, signaling.RightUnlock)
		r.ReceiveFrame(r.room(), dataFrame("a", signaling.RightUnlock))
		expectEvent[signaling.PhoneData](r)
	})
}

// TestDataFramesOfALongTalk: plain data never ends, and pushes no "open" out of the
// memory; when that is full, nothing more is opened.
func TestDataFramesOfALongTalk(t *testing.T) {
	const remembered = 512
	inBubble(t, func(t *testing.T, r *rig) {
		r.book.put(r.phone, signaling.RightCall, signaling.RightUnlock)
		r.talks()
		send := func(id string, right signaling.Right) (frame []byte) {
			time.Sleep(time.Second / 20) // the budget
			if frame = r.ReceiveFrame(r.room(), dataFrame(id, right)); frame == nil {
				expectEvent[signaling.PhoneData](r)
				expectFrame(t, r.AnswerData(r.room(), id, ""), message.DataAck{ID: id})
			}
			return frame
		}
		for i := range remembered {
			if frame := send(fmt.Sprint("open ", i), signaling.RightUnlock); frame != nil {
				t.Fatalf("open %d was answered %s", i, frame)
			}
		}
		for i := range remembered + 10 {
			if frame := send(fmt.Sprint("plain ", i), ""); frame != nil {
				t.Fatalf("data %d was answered %s", i, frame)
			}
		}
		for _, id := range []string{"open 0", fmt.Sprint("open ", remembered-1), fmt.Sprint("plain ", remembered)} {
			expectFrame(t, send(id, ""), message.DataAck{ID: id})
		}
		r.expectRefused(nil, map[signaling.Reason]uint64{})
		expectFrame(t, send("one more", signaling.RightUnlock), message.DataAck{ID: "one more", Error: signaling.ErrorNoHandler})
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{signaling.RefusedFull: 1})
	})
}
