package daemon

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/hal/haltest"
	"callbox/hal/wav"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/phonepeer"
)

// TestAutoAnswerIsHeard: a phone with the right is answered without a person, after
// a chime from the device's real speaker; nothing of the microphone leaves before.
func TestAutoAnswerIsHeard(t *testing.T) {
	const chime = 1400 * time.Millisecond // at least: a little of it is still being played
	h := newHouse(t)
	recording := filepath.Join(t.TempDir(), "speaker.wav")
	h.cfg.Call.Answer = config.AnswerAuto
	h.cfg.HAL.Speaker.Record = recording
	h.restart()

	phone, err := phonepeer.New(phonepeer.Options{Name: "Grandma", Loopback: true, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	window, err := h.api.OpenPairing(t.Context(), control.PairRequest{Rights: []string{"call", "auto"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := phone.Pair(t.Context(), window.URL); err != nil {
		t.Fatal(err)
	}
	if err := phone.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	call, err := phone.Call(t.Context(), phonepeer.CallOptions{RoomType: message.Voice})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := phonepeer.Await[phonepeer.Accepted](t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if took := call.Times().Accepted; took < chime {
		t.Errorf("answered after %v: the chime alone takes 1.5 s", took)
	}
	if _, err := phonepeer.Await[phonepeer.Started](t.Context(), call); err != nil {
		t.Fatal(err)
	}
	h.eventually("the phone hears the door", func() bool { return call.Stats().Audio.Packets > 0 })
	if media := call.Stats(); media.Audio.First < chime {
		t.Errorf("sound came after %v, before the chime was over", media.Audio.First)
	}
	call.HangUp(cause.Manual)
	if _, err := call.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.eventually("the call is over", func() bool { return h.status().State == "idle" })
	file, err := os.Open(recording)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sound, err := wav.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	// The chime rises through these notes, 190 ms each.
	for i, hz := range []float64{523.25, 659.26, 783.99, 1046.5} {
		loudest := -120.0
		for at := 0; at+7200 <= len(sound); at += 480 {
			loudest = max(loudest, haltest.ToneLevel(sound[at:at+7200], hz))
		}
		if loudest < -20 {
			t.Errorf("note %d (%v Hz) reaches only %.0f dB in what the speaker played", i+1, hz, loudest)
		}
	}
	records, err := h.api.Calls(t.Context(), control.CallQuery{Limit: 10})
	if err != nil || len(records) != 1 || !records[0].Auto || records[0].EndedBy != "phone" {
		t.Errorf("records = %+v, %v", records, err)
	}
}
