//go:build device

package sound

import (
	"errors"
	"math"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"callbox/hal"
	"callbox/hal/haltest"
)

// named are the devices under test: those that CALLBOX_TEST_MICROPHONE and
// CALLBOX_TEST_SPEAKER name, else the two ends of snd-aloop.
func named() (microphone, speaker string) {
	microphone, speaker = os.Getenv("CALLBOX_TEST_MICROPHONE"), os.Getenv("CALLBOX_TEST_SPEAKER")
	if microphone == "" && speaker == "" {
		return "Loopback,1", "Loopback,0"
	}
	return microphone, speaker
}

// TestDevice runs the conformance suite with a real sound card, and with
// snd-aloop looks for the played tone at the microphone.
func TestDevice(t *testing.T) {
	found, err := List()
	if err != nil {
		t.Error(err)
	}
	t.Logf("devices: %+v", found)
	microphone, speaker := named()
	for _, c := range []Config{{Microphone: microphone, Speaker: speaker}, {Microphone: microphone}, {Speaker: speaker}} {
		haltest.Sound(t, New(c))
	}
	if os.Getenv("CALLBOX_TEST_SPEAKER") != "" {
		return // the room decides what comes back
	}
	s := New(Config{Microphone: microphone, Speaker: speaker})
	loudest := atomic.Int64{}
	loudest.Store(-120)
	phase, n := 0, 0
	done := make(chan struct{})
	stream, err := s.Open(func(captured, playback []int16) {
		for i := range playback {
			playback[i] = int16(8192 * math.Sin(2*math.Pi*1000*float64(phase)/hal.SampleRate))
			phase++
		}
		loudest.Store(max(loudest.Load(), int64(haltest.ToneLevel(captured, 1000))))
		if n++; n == 200 {
			close(done)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	<-done
	if level := loudest.Load(); level < -14 || level > -9 {
		t.Errorf("the tone came back at %d dB, want about -12", level)
	}
}

// TestBusy opens devices that CALLBOX_TEST_BUSY says another program holds.
func TestBusy(t *testing.T) {
	name := os.Getenv("CALLBOX_TEST_BUSY")
	if name == "" {
		return // nobody holds one
	}
	start := time.Now()
	if _, err := New(Config{Speaker: name}).Open(func(_, _ []int16) {}); !errors.Is(err, hal.ErrBusy) {
		t.Errorf("Open = %v, want %v", err, hal.ErrBusy)
	}
	t.Logf("it took %v", time.Since(start))
}

// TestUnplug waits until somebody unplugs the card, when CALLBOX_TEST_UNPLUG is
// set by whoever will do that.
func TestUnplug(t *testing.T) {
	if os.Getenv("CALLBOX_TEST_UNPLUG") == "" {
		return // nobody will unplug it: nothing to see
	}
	microphone, speaker := named()
	stream, err := New(Config{Microphone: microphone, Speaker: speaker}).Open(func(_, _ []int16) {})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-stream.Gone():
	case <-time.After(time.Minute):
		t.Error("nobody noticed that the card is gone")
	}
	start := time.Now()
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("Close took %v", time.Since(start))
}
