package media

import (
	"testing"
	"time"
)

// TestFeedbackOfAClosedSession: a call may be over before the goroutine that reads
// what the phone says of our track has begun.
func TestFeedbackOfAClosedSession(t *testing.T) {
	p := talkOver(t, false)
	p.eventually(15*time.Second, "sound flows", func() bool { return p.heard.Load() > 0 })
	if err := p.session.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, transceiver := range p.session.pc.GetTransceivers() {
		sender := transceiver.Sender()
		if sender == nil || sender.Track() != nil {
			continue
		}
		n++
		p.session.readFeedback(sender, transceiver.Kind()) // it ends, and does not look for the track
	}
	if n == 0 {
		t.Error("no sender has lost its track")
	}
}
