package main

import (
	"strings"
	"testing"

	"callbox/daemon/control"
	"callbox/signaling/cause"
)

// TestWhatWasMissedInTheTable: yesterday's "no picture" and "could not connect" are found.
func TestWhatWasMissedInTheTable(t *testing.T) {
	link := &control.TalkLink{RTTMilliseconds: 20}
	camera, yard := control.LostDevice{Kind: "camera", Name: "a"}, control.LostDevice{Kind: "camera", Name: "b"}
	for want, record := range map[string]control.Record{
		"  loss 0.0 %, 20 ms  hangup\n":                                 {Cause: cause.Hangup, Link: link},
		"  loss 0.0 %, 20 ms, no camera, no sound for a time  hangup\n": {Cause: cause.Hangup, Link: link, Lost: []control.LostDevice{camera, yard, {Kind: "sound", Back: true}}},
		"  no camera  hangup\n":                                         {Cause: cause.Hangup, Lost: []control.LostDevice{camera}},
		"  joinFailed: no light\n":                                      {Cause: cause.JoinFailed, Failure: "no light"},
	} {
		var out strings.Builder
		printCalls(&out, []control.Record{record})
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("it says\n%s\nwant the end %q", out.String(), want)
		}
	}
	var out strings.Builder
	if err := writeCSV(&out, []control.Record{{Failure: "=no", Lost: []control.LostDevice{camera, yard}}}); err != nil || !strings.HasSuffix(out.String(), ",'=no,camera a; camera b\n") {
		t.Errorf("%v, CSV is\n%s", err, out.String())
	}
}

// TestRefusalsInTheTable: how often is told, where it was more than once.
func TestRefusalsInTheTable(t *testing.T) {
	for times, want := range map[int]string{0: "dnd\n", 1: "dnd\n", 12: "dnd, 12 times\n"} {
		var out strings.Builder
		printCalls(&out, []control.Record{{Contact: "Anna", Cause: cause.DND, Times: times}})
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("%d times:\n%s\nwant the end %q", times, out.String(), want)
		}
	}
}

// TestWhatIsSent: a camera that is not there is not on.
func TestWhatIsSent(t *testing.T) {
	for want, c := range map[string]control.Call{
		"microphone on, camera off": {Microphone: true, Missing: []string{"camera"}},
		"microphone missing, camera missing, speaker missing, light missing": {Microphone: true, Camera: true, Missing: []string{"camera", "microphone", "speaker", "light"}},
	} {
		if got := dye(sendingText(&c), false); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// TestNamesAreSaidOnce: of what is not there.
func TestNamesAreSaidOnce(t *testing.T) {
	for want, d := range map[string]control.Device{
		"usb-Cam (not there)":                  {Kind: "camera", Name: "usb-Cam", Reason: `camera "usb-Cam" is not there`},
		"usb-Cam (may not be opened)":          {Kind: "camera", Name: "usb-Cam", Reason: `camera "usb-Cam" may not be opened`},
		"virtual (no camera was found)":        {Kind: "camera", Name: "virtual", Reason: "no camera was found"},
		"none (cannot use LED \"led9\": gone)": {Kind: "light", Reason: `cannot use LED "led9": gone`},
	} {
		if got := deviceText(d); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
