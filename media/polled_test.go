package media

import (
	"slices"
	"testing"
	"time"

	"callbox/hal/virtual"
)

// TestStatsWhileConnecting: somebody looks at the figures all the time, from before
// there is an answer. The race detector looks on; and once there is a way, they name it.
func TestStatsWhileConnecting(t *testing.T) {
	tone, err := virtual.NewTone(700, false)
	if err != nil {
		t.Fatal(err)
	}
	e := testEngine(t, func(o *EngineOptions) { o.Sound = virtual.NewSound(tone, virtual.NewSpeaker("")) })
	p := newCuttablePhone(t, e, false)
	p.send(opusCodec(), 20*time.Millisecond, func() []byte { return []byte{0xf8, 0xff, 0xfe} })
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				p.session.Stats()
			}
		}
	}()
	defer func() { close(stop); <-done }()
	p.take(p.answer())
	p.eventually(15*time.Second, "the session is connected", func() bool { return slices.Contains(p.story(), "connected") })
	p.eventually(5*time.Second, "the figures name the way", func() bool {
		s := p.session.Stats()
		return s.LocalCandidate != "" && s.RemoteCandidate != ""
	})
}
