package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/selftest"
	"callbox/signaling/cause"
)

// theFigures are those of a device that works.
func theFigures() selftest.Figures {
	return selftest.Figures{
		Device: selftest.Device{Name: "Front \x1b[2Jdoor", SN: "door-1", Thumbprint: "BO3J5mMcqAQ3v9gDeQrn6NvqYMQ2-pVtuDCyTlimvQ8", Version: "0.1.0"},
		RoomID: "t5rn1vjKATGtABxhojbYaA", RoomType: "video", Asked: 10, Limit: 10,
		Parts: selftest.Parts{Camera: "Doorcam", Microphone: "Codec", Speaker: "Codec"},
		Hardware: []selftest.Part{
			{Kind: "camera", Name: "Doorcam", Wanted: "auto"}, {Kind: "microphone", Name: "Codec", Wanted: "Codec"},
			{Kind: "speaker", Name: "Codec", Wanted: "auto"}, {Kind: "display", Wanted: "none"},
		},
		Volume: new(70),
		Times:  selftest.Times{Ringing: 15.8, Accepted: 1659.7, Connected: 24.6, Started: 1659.8, FirstSound: 1670.1, FirstPicture: 1755.6},
		Down: selftest.Stream{
			Sound:   selftest.Track{Codec: "opus", Packets: 466, Jitter: 2.5, Gap: 41.6, Bitrate: 24061},
			Picture: selftest.Track{Codec: "VP8", Packets: 1030, Jitter: 2.2, Gap: 88.8, Bitrate: 1103198},
			Width:   1280, Height: 720, Rate: 29.5,
		},
		Up:    selftest.Up{Known: true},
		Way:   selftest.Way{Phone: "host udp 192.0.2.7:45222", Device: "host udp 192.0.2.7:50676", RoundTrip: 0.1},
		Level: &selftest.Level{RMS: -42.1, Peak: -20.7},
		Echo:  selftest.Echo{Measured: true, Floor: 60.6, Level: -20.4, Periods: 3},
		End:   selftest.End{Cause: cause.Hangup, Origin: cause.TimeLimit, ByDevice: true, Talk: 9.97, Known: true, Device: 1.1, Phone: 8.9},
	}
}

// phoneSays makes a program that says lines as the phone, and then waits for the end of
// its input when it is told to.
func phoneSays(t *testing.T, waits bool, lines ...selftest.Line) {
	t.Helper()
	var said bytes.Buffer
	for _, line := range lines {
		if err := json.NewEncoder(&said).Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	words, program := filepath.Join(dir, "words"), filepath.Join(dir, "phone")
	script := "#!/bin/sh\ncat " + words + "\n"
	if waits {
		script += "touch " + filepath.Join(dir, "talking") + "\ncat >/dev/null\ntouch " + filepath.Join(dir, "hung-up") + "\n"
	}
	for file, text := range map[string]string{words: said.String(), program: script} {
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CALLBOX_PHONE", program)
}

// TestSelftest compares what people and programs see of a test with testdata.
func TestSelftest(t *testing.T) {
	t.Setenv("CALLBOX_CONTROL_SOCKET", "")
	good, loud, quiet, gone, bare := theFigures(), theFigures(), theFigures(), theFigures(), theFigures()
	bare.Hardware[0] = selftest.Part{Kind: "camera", Name: "usb-Front_Cam", Wanted: "usb-Front_Cam", Reason: `camera "usb-Front_Cam" is not there`}
	bare.Hardware[1] = selftest.Part{Kind: "microphone", Name: "virtual", Wanted: "auto", Virtual: true, Reason: "no microphone was found"}
	bare.Hardware[2] = selftest.Part{Kind: "speaker", Name: "virtual", Wanted: "virtual", Virtual: true}
	demo := theFigures()
	for i := range 3 {
		demo.Hardware[i].Name, demo.Hardware[i].Wanted, demo.Hardware[i].Virtual = "virtual", "virtual", true
	}
	loud.Echo.Heard, loud.Echo.Loss, loud.Echo.Delay, loud.Echo.Method = true, 22, 180, "waveform"
	quiet.Level = &selftest.Level{RMS: -96.3, Peak: -96.3}
	quiet.End.After = 2
	gone.Times, gone.End = selftest.Times{}, selftest.End{Cause: cause.DND, ByDevice: true}
	now := selftest.Line{Now: "calling"}
	failing := func(code, message string) selftest.Line {
		return selftest.Line{Error: &control.Error{Code: code, Message: message}}
	}
	for name, tt := range map[string]struct {
		args  []string
		lines []selftest.Line
		code  int
	}{
		"selftest":             {nil, []selftest.Line{now, {Figures: &good}}, exitOK},
		"selftest-json":        {[]string{"--json"}, []selftest.Line{now, {Figures: &good}}, exitOK},
		"selftest-warning":     {nil, []selftest.Line{{Figures: &loud}}, exitOK},
		"selftest-strict":      {[]string{"--strict"}, []selftest.Line{{Figures: &loud}}, exitUnwell},
		"selftest-bar":         {[]string{"--bar", "echo=25", "--bar", "ring=20"}, []selftest.Line{{Figures: &loud}}, exitUnwell},
		"selftest-failed":      {nil, []selftest.Line{{Figures: &quiet}}, exitUnwell},
		"selftest-bare":        {nil, []selftest.Line{{Figures: &bare}}, exitUnwell},
		"selftest-demo":        {nil, []selftest.Line{{Figures: &demo}}, exitOK},
		"selftest-required":    {[]string{"--require", "camera,speaker"}, []selftest.Line{{Figures: &demo}}, exitUnwell},
		"selftest-has-all":     {[]string{"--require", "camera", "--require", "speaker,microphone"}, []selftest.Line{{Figures: &good}}, exitOK},
		"selftest-no-kind":     {[]string{"--require", "lens"}, nil, exitUsage},
		"selftest-no-codec":    {[]string{"--codec", "av1"}, nil, exitUsage},
		"selftest-dnd":         {nil, []selftest.Line{now, {Figures: &gone}}, causeCode(cause.DND)},
		"selftest-busy":        {nil, []selftest.Line{failing(control.ErrBusy.Code, "a call is running")}, exitNotNow},
		"selftest-busy-json":   {[]string{"--json"}, []selftest.Line{failing(control.ErrBusy.Code, "a call is running")}, exitNotNow},
		"selftest-direct-off":  {nil, []selftest.Line{{Error: control.ErrNoTransport}}, exitNotNow},
		"selftest-unreachable": {nil, []selftest.Line{failing(selftest.Unreachable, "cannot reach callboxd at /x: callboxd does not answer")}, exitUnreachable},
		"selftest-silent":      {nil, []selftest.Line{now}, exitFailed},
		"selftest-short":       {[]string{"--for", "500ms"}, nil, exitUsage},
		"selftest-no-bar":      {[]string{"--bar", "speed=1"}, nil, exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			_, socket := startDoor(t)
			phoneSays(t, false, tt.lines...)
			code, out, errs := ctl(t, "", append([]string{"selftest", "--socket", socket}, tt.args...)...)
			if code != tt.code {
				t.Errorf("exit code = %d, want %d", code, tt.code)
			}
			if errs != "" {
				out += "--- stderr\n" + errs
			}
			golden(t, name, strings.ReplaceAll(out, os.Getenv("CALLBOX_PHONE"), "PHONE"))
		})
	}
}

// TestSelftestInterrupted: Ctrl-C lets the phone hang up, and has a code of its own.
func TestSelftestInterrupted(t *testing.T) {
	_, socket := startDoor(t)
	phoneSays(t, true, selftest.Line{Now: "talking for 10s"})
	beside := filepath.Dir(os.Getenv("CALLBOX_PHONE"))
	ctx, cancel := context.WithCancel(t.Context())
	var pressing sync.WaitGroup
	defer pressing.Wait()
	pressing.Go(func() { // once the phone talks: before, there is nothing to hang up
		defer cancel()
		for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(beside, "talking")); err == nil {
				return
			}
		}
		t.Error("the phone never talks")
	})
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"selftest", "--socket", socket}, strings.NewReader(""), &out, &errs); code != exitInterrupted || out.Len()+errs.Len() > 0 {
		t.Errorf("exit code = %d, %s%s; want %d and no word", code, &out, &errs, exitInterrupted)
	}
	if _, err := os.Stat(filepath.Join(beside, "hung-up")); err != nil {
		t.Errorf("the phone has not hung up: %v", err)
	}
}

func TestNoPhone(t *testing.T) {
	_, socket := startDoor(t)
	t.Setenv("PATH", "")
	t.Setenv("CALLBOX_PHONE", "")
	if code, _, errs := ctl(t, "", "selftest", "--socket", socket); code != exitFailed || !strings.Contains(errs, "install it beside callboxctl") {
		t.Errorf("exit code = %d, %s", code, errs)
	}
}
