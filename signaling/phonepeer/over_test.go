package phonepeer

import (
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// TestNothingIsSentAfterTheEnd but the last word: the device gives no answer in an
// ended room, and a connection on which nothing is answered is held to be dead.
func TestNothingIsSentAfterTheEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(b *bubble, c *Call, room signaling.RoomKey)
		last message.Type // "": the device had it
	}{
		"the device rejects": {end: func(b *bubble, _ *Call, room signaling.RoomKey) { b.device.Reject(room, cause.Rejected) }},
		"the phone gives up": {end: func(_ *bubble, c *Call, _ signaling.RoomKey) { c.Cancel() }, last: message.TypeCancel},
		"the device hangs up": {end: func(b *bubble, _ *Call, room signaling.RoomKey) {
			b.device.Accept(room, doorSDP(), signaling.Limit{})
			b.device.Bye(room, manual)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				c, room, l := b.calls(CallOptions{})
				b.device.Ringing(room, doorSDP(), time.Minute)
				b.want(c, Ringing{Timeout: time.Minute, Preconnect: true})
				b.through(func(text string) []string { // acks are lost
					if m, err := message.Parse(text); err == nil && m.Type == message.TypeAck {
						return nil
					}
					return []string{text}
				})
				l.o.emit(legCandidate(message.Candidate{Candidate: "candidate:1 1 udp 1 192.0.2.1 5000 typ host"}))
				time.Sleep(2 * candidateBatch)
				if n := b.said(message.TypeCandidates); n != 1 {
					t.Fatalf("%d copies of the candidates", n)
				}
				tt.end(b, c, room)
				time.Sleep(time.Minute)
				if n := b.said(message.TypeCandidates); n != 1 {
					t.Errorf("the candidates went on being sent after the end: %d copies", n)
				}
				if n := b.said(tt.last); tt.last != "" && n < 2 {
					t.Errorf("%d copies of the last word, which is not acknowledged", n)
				}
			})
		})
	}
}
