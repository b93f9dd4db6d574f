package signaling_test

import (
	"slices"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/message"
)

// TestPongTellsTheRights: who asks hears what he may do now, not what pairing gave.
func TestPongTellsTheRights(t *testing.T) {
	for name, rights := range map[string][]signaling.Right{
		"as paired":    {signaling.RightCall},
		"with another": {signaling.RightCall, signaling.RightUnlock},
		"with none":    {},
		"never set":    nil,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				r.book.put(r.phone, rights...)
				r.deliver(r.phone.Ping("cGluZy1yb29tLTAwMDAwMDAwMQ"))
				pong := r.expect(message.TypePong)[0].Body.(message.Pong)
				if pong.Rights == nil || !slices.Equal(pong.Rights, rights) {
					t.Errorf("pong = %+v, want the rights %v", pong, rights)
				}
			})
		})
	}
	t.Run("in a room that rings", func(t *testing.T) {
		inBubble(t, func(t *testing.T, r *rig) {
			r.offered()
			time.Sleep(time.Second)
			r.said(r.phone)
			r.book.put(r.phone)
			r.deliver(r.phone.Ping(roomID))
			if pong := r.expect(message.TypePong)[0].Body.(message.Pong); pong.Rights == nil || len(pong.Rights) > 0 {
				t.Errorf("pong = %+v, want no rights", pong)
			}
		})
	})
}
