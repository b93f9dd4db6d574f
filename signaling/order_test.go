package signaling_test

import (
	"testing"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// TestTheDaemonHearsOfAnEndFirst: a phone closes the connection as soon as its last
// word is acknowledged. The daemon must not see that before it knows why.
func TestTheDaemonHearsOfAnEndFirst(t *testing.T) {
	for name, end := range map[string]func(r *rig) (last string){
		"bye in a talk": func(r *rig) string {
			r.talks()
			return r.phone.Bye(roomID)
		},
		"cancel while it rings": func(r *rig) string {
			r.rings()
			return r.phone.Cancel(roomID)
		},
		"reject of an answered ring": func(r *rig) string {
			r.answers(r.dial())
			return r.phone.Reject(roomID, cause.Rejected)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				last := end(r)
				r.said(r.phone)
				told := false
				r.emit = func(ev signaling.Event) {
					told = true
					if early := r.wire.take(); len(early) != 0 {
						t.Errorf("%d messages have left before %T", len(early), ev)
					}
				}
				r.deliver(last)
				r.expect(message.TypeAck)
				if !told {
					t.Error("the daemon was told nothing")
				}
			})
		})
	}
}
