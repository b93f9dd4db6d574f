//go:build pulse

package sound

import (
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"callbox/hal"
	"callbox/hal/haltest"
	"callbox/hal/haltest/pulse"
	"callbox/hal/virtual"
)

func TestPulseDuplex(t *testing.T) {
	pulse.Start(t, "callbox_a", "callbox_b")
	found, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for name, microphone := range map[string]bool{"callbox_a": false, "callbox_a_mic": true, "callbox_b": false, "callbox_b_mic": true} {
		if !slices.ContainsFunc(found, func(d Device) bool {
			return d.Name == name && d.Microphone == microphone && d.Speaker != microphone && d.Backend == Pulse
		}) {
			t.Errorf("%s is not in %v", name, found)
		}
	}
	for _, d := range found {
		if d.Name == "callbox_a.monitor" {
			t.Error("a monitor is listed")
		}
	}

	s := New(Config{Microphone: "callbox_a_mic", Speaker: "callbox_a"})
	haltest.Sound(t, s)

	// What is played on the sink must come back through its monitor, unbroken.
	const hz = 1000
	heard := make(chan []int16, 1)
	var record []int16
	phase := 0
	stream, err := s.Open(func(captured, playback []int16) {
		for i := range playback {
			playback[i] = int16(8192 * math.Sin(2*math.Pi*hz*float64(phase)/hal.SampleRate))
			phase++
		}
		if record = append(record, captured...); len(record) == 2*hal.SampleRate {
			heard <- record
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	select {
	case got := <-heard:
		// Frame by frame, for a busy machine may make the server miss one.
		var tone, other []float64
		for p := got[hal.SampleRate:]; len(p) > 0; p = p[hal.FrameSamples:] {
			tone = append(tone, haltest.ToneLevel(p[:hal.FrameSamples], hz))
			other = append(other, haltest.ToneLevel(p[:hal.FrameSamples], 2000))
		}
		slices.Sort(tone)
		slices.Sort(other)
		if level := tone[len(tone)/2]; level < -13 || level > -11 {
			t.Errorf("the tone came back at %.1f dB, want about -12", level)
		}
		if level := other[len(other)/2]; level > -50 {
			t.Errorf("another tone came back at %.1f dB", level)
		}
	case <-stream.Gone():
		t.Fatal("the device went away")
	case <-time.After(20 * time.Second):
		t.Fatal("no sound came back")
	}
}

func TestPulseHalves(t *testing.T) {
	pulse.Start(t, "callbox_a")
	tone, err := virtual.NewTone(440, true)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Config{
		"microphone, virtual speaker": {Microphone: "callbox_a_mic", VirtualSpeaker: virtual.NewSpeaker("")},
		"microphone only":             {Microphone: "callbox_a_mic"},
		"speaker, virtual microphone": {Speaker: "callbox_a", VirtualMicrophone: tone},
		"speaker only":                {Speaker: "callbox_a"},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(c)
			haltest.Sound(t, s)
			var loud atomic.Bool
			done := make(chan struct{})
			n := 0
			stream, err := s.Open(func(captured, _ []int16) {
				if slices.Max(captured) > 8000 {
					loud.Store(true)
				}
				if n++; n == 20 {
					close(done)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			<-done
			if err := stream.Close(); err != nil {
				t.Error(err)
			}
			if got, want := loud.Load(), c.VirtualMicrophone != nil; got != want {
				t.Errorf("sound from the microphone: %v, want %v", got, want)
			}
			if v := c.VirtualSpeaker; v != nil && v.Samples() < 20*hal.FrameSamples {
				t.Errorf("the virtual speaker got %d samples", v.Samples())
			}
		})
	}
}

func TestPulseServerDies(t *testing.T) {
	server := pulse.Start(t, "callbox_a")
	s := New(Config{Microphone: "callbox_a_mic", Speaker: "callbox_a"})
	started := make(chan struct{})
	n := 0
	stream, err := s.Open(func(_, playback []int16) {
		clear(playback)
		if n++; n == 5 {
			close(started)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	<-started
	server.Stop()
	select {
	case <-stream.Gone():
	case <-time.After(10 * time.Second):
		t.Error("nobody noticed that the server is gone")
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Open(func(_, _ []int16) {}); !errors.Is(err, hal.ErrNotFound) {
		t.Errorf("Open without a server = %v, want %v", err, hal.ErrNotFound)
	}
}
