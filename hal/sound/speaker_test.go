package sound

import (
	"errors"
	"slices"
	"testing"

	"callbox/hal"
	"callbox/hal/virtual"
)

// TestOpenSpeaker: the microphone is not looked for, and nothing of it is heard.
func TestOpenSpeaker(t *testing.T) {
	tone, err := virtual.NewTone(440, true)
	if err != nil {
		t.Fatal(err)
	}
	speaker := virtual.NewSpeaker("")
	frames := make(chan bool, 1)
	stream, err := New(Config{Microphone: "nowhere,0", VirtualMicrophone: tone, VirtualSpeaker: speaker}).OpenSpeaker(func(captured, _ []int16) {

		select {
		case frames <- slices.Max(captured) > 0:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if <-frames {
		t.Error("the microphone was heard")
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	if speaker.Samples() == 0 {
		t.Error("nothing was played")
	}
	if _, err := New(Config{Microphone: "nowhere,0", Speaker: "nowhere,1"}).OpenSpeaker(func(_, _ []int16) {}); !errors.Is(err, hal.ErrNotFound) {
		t.Errorf("OpenSpeaker without the speaker = %v", err)
	}
}
