//go:build pulse

package sound

import (
	"slices"
	"testing"
	"time"

	"callbox/hal"
	"callbox/hal/haltest/pulse"
)

// TestPulseDelays: a pulse that is played comes back through a null sink after what the
// stream says that playing and capturing take.
func TestPulseDelays(t *testing.T) {
	pulse.Start(t, "callbox_a")
	const every, count = 100, 12 // frames, pulses
	frame, played := 0, 0
	var ways []time.Duration
	done := make(chan struct{})
	stream, err := New(Config{Microphone: "callbox_a_mic", Speaker: "callbox_a"}).Open(func(captured, playback []int16) {
		if i := slices.IndexFunc(captured, func(v int16) bool { return v > 8000 }); i >= 0 && played > 0 && frame-played < every/2 {
			ways = append(ways, time.Duration(frame-played)*hal.FrameLength-time.Duration(hal.FrameSamples-i)*time.Second/hal.SampleRate)
			played = 0
			if len(ways) == count {
				close(done)
			}
		}
		clear(playback)
		if frame++; frame%every == 0 {
			for i := range 48 {
				playback[i] = 16000
			}
			played = frame - 1
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	select {
	case <-done:
	case <-time.After(40 * time.Second):
		t.Fatal("the pulses do not come back")
	}
	slices.Sort(ways)
	capture, playback := stream.(interface {
		Delays() (capture, playback time.Duration)
	}).Delays()
	way := ways[len(ways)/2]
	t.Logf("%v in the middle of %v", way, ways)
	if off := way - capture - playback; off.Abs() > 25*time.Millisecond { // it depends on what else the machine does
		t.Errorf("it takes %v, and is said to take %v and %v", way, capture, playback)
	}
}
