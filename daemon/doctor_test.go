package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/hal"
	"callbox/hal/button"
	"callbox/hal/devices"
)

// TestDoctorOfDevices: every state of a part, and what to do about it.
func TestDoctorOfDevices(t *testing.T) {
	pressed := func(state button.State, device, reason string) part {
		if device == "" {
			device = "none"
		}
		return part{
			Choice: devices.Choice{Kind: devices.Button, Wanted: "bell (KEY_ENTER of auto)", Chosen: device, Reason: reason},
			button: button.Status{Button: "bell", State: state, Device: device, Reason: reason},
		}
	}
	choice := func(kind devices.Kind, wanted, chosen, reason string) part {
		return part{Choice: devices.Choice{Kind: kind, Wanted: wanted, Chosen: chosen, Virtual: chosen == "virtual", Reason: reason}}
	}
	for name, tt := range map[string]struct {
		part    part
		finding string // its name
		state   string
		message string
		remedy  string // part of it; "" for none
	}{
		"none wanted":     {choice(devices.Camera, "none", "none", ""), "camera", control.StateOff, "none is wanted", ""},
		"found":           {choice(devices.Camera, "auto", "usb-Cam", ""), "camera", control.StateOK, "usb-Cam", ""},
		"one of two":      {part{Choice: devices.Choice{Kind: devices.Microphone, Wanted: "Device,0", Chosen: "Device,0", Stable: "pci-1,0"}}, "microphone", control.StateWarning, "Device,0 is the name of one of several equal devices, and may be that of another one after a restart", `write "pci-1,0" into the configuration instead`},
		"a stand-in":      {choice(devices.Camera, "auto", "virtual", "no camera was found"), "camera", control.StateProblem, "a virtual camera stands in: no camera was found", "hal.camera.name: none"},
		"a missing one":   {choice(devices.Camera, "usb-Cam", "usb-Cam", "camera is not there"), "camera", control.StateProblem, "camera is not there", "taken when it comes"},
		"virtual camera":  {choice(devices.Camera, "virtual", "virtual", ""), "camera", control.StateWarning, "a virtual camera, as configured", "set hal.camera.name: auto"},
		"virtual light":   {choice(devices.Light, "virtual", "virtual", ""), "light", control.StateWarning, "a virtual light, as configured", "set hal.light.name to an LED"},
		"virtual display": {choice(devices.Display, "virtual", "virtual", ""), "display", control.StateWarning, "a virtual display, as configured", "or none"},
		"a screen":        {choice(devices.Display, "auto", "HDMI-A-1", ""), "display", control.StateOK, "HDMI-A-1", ""},
		"no screen":       {choice(devices.Display, "auto", "auto", "no screen is connected"), "display", control.StateProblem, "no screen is connected", "every 2 s"},
		"no connector":    {choice(devices.Display, "auto", "none", "there is no connector"), "display", control.StateProblem, "there is no connector", "driver of the graphics card"},
		"a virtual light that cannot be switched": {choice(devices.Light, "virtual", "virtual", "no such directory"), "light", control.StateProblem, "no such directory", "correct hal.light"},
		"a light that cannot be switched":         {choice(devices.Light, "green:camera", "green:camera", "permission denied"), "light", control.StateProblem, "permission denied", "let the daemon's user switch it"},
		"a button":                                {pressed(button.Found, "event-kbd", ""), "button bell (KEY_ENTER of auto)", control.StateOK, "event-kbd", ""},
		"a missing button":                        {pressed(button.Missing, "", "no input device has KEY_ENTER"), "button bell (KEY_ENTER of auto)", control.StateProblem, "no input device has KEY_ENTER", "plug it in"},
		"a button without a key":                  {pressed(button.NoKey, "", "it has no KEY_ENTER"), "button bell (KEY_ENTER of auto)", control.StateProblem, "it has no KEY_ENTER", "evtest"},
		"a forbidden button":                      {pressed(button.NoPermission, "", "permission denied"), "button bell (KEY_ENTER of auto)", control.StateProblem, "permission denied", "daemon's user"},
		"a button of another":                     {pressed(button.Busy, "", "it is busy"), "button bell (KEY_ENTER of auto)", control.StateProblem, "it is busy", "every 10 s"},
	} {
		tt.part.key = nameKey(tt.part.Kind, new(int))
		got := doctorDevice(tt.part)
		if got.Name != tt.finding || got.State != tt.state || got.Message != tt.message || !strings.Contains(got.Remedy, tt.remedy) || (tt.remedy == "") != (got.Remedy == "") {
			t.Errorf("%s: %+v, want %+v", name, got, tt)
		}
		if tt.part.Kind != devices.Camera && tt.part.Kind != devices.Display && strings.Contains(got.Remedy, "auto") {
			t.Errorf("%s: there is no auto for it: %s", name, got.Remedy)
		}
	}
}

// TestDoctorNamesTheKey: of several cameras each has its own.
func TestDoctorNamesTheKey(t *testing.T) {
	findings := DoctorDevices(hal.Options{
		Camera:      hal.CameraOptions{Name: "usb-none"},
		MoreCameras: []hal.MoreCameraOptions{{Name: "usb-nowhere"}, {Name: hal.NameVirtual}},
		Microphone:  hal.MicrophoneOptions{Name: hal.NameVirtual}, Speaker: hal.SpeakerOptions{Name: "none,0"}, Display: hal.DisplayOptions{Name: hal.NameNone},
	})
	for i, want := range []string{
		"or correct hal.camera.name;", "or correct hal.more_cameras[0].name;", "set hal.more_cameras[1].name to a camera that",
		"set hal.microphone.name: auto", "or correct hal.speaker.name;",
	} {
		if !strings.Contains(findings[i].Remedy, want) {
			t.Errorf("%+v; want %q", findings[i], want)
		}
	}
}

// TestDoctorOfAChangedFile: what differs from what runs is told, with what makes it count.
func TestDoctorOfAChangedFile(t *testing.T) {
	now, next := config.Default(), config.Default()
	var failed error
	p := &parts{reload: func() (*config.Config, error) { return next, failed }}
	p.live.Store(now)
	if got := p.doctorChanges(); len(got) != 0 {
		t.Errorf("nothing has changed: %+v", got)
	}
	next.HAL.Camera.Name, next.Device.Name, next.Call.RingTimeout = "usb-Cam", "Yard", now.Call.RingTimeout+1
	want := []control.Finding{
		{Name: "configuration", State: control.StateWarning, Message: "changed since it was read, and does not count yet: call.ring_timeout", Remedy: "callboxctl reload"},
		{Name: "configuration", State: control.StateWarning, Message: "changed since it was read, and does not count yet: device.name, hal.camera.name", Remedy: "systemctl restart callbox"},
	}
	if got := p.doctorChanges(); !slices.Equal(got, want) {
		t.Errorf("it says %+v\nwant %+v", got, want)
	}
	failed = errors.New("a mistake")
	if got := p.doctorChanges(); len(got) != 0 {
		t.Errorf("of a file with mistakes callboxctl tells: %+v", got)
	}
}

// checkedDisplay is a display that tells what is wrong with it.
type checkedDisplay struct {
	hal.Display
	problem error
}

func (d *checkedDisplay) Problem() error { return d.problem }

type noButtons struct{ buttons }

func (noButtons) Status() []button.Status { return nil }

// TestDoctorAsksTheDisplay: how it is now counts, not how it was at the start.
func TestDoctorAsksTheDisplay(t *testing.T) {
	d := &checkedDisplay{}
	set := &devices.Set{Display: d, Report: []devices.Choice{
		{Kind: devices.Camera, Wanted: "auto", Chosen: "usb-Cam"},
		{Kind: devices.Display, Wanted: "auto", Chosen: "auto", Reason: "no screen is connected"},
	}}
	b := &backend{parts: &parts{devices: set, buttons: noButtons{}}}
	for _, problem := range []error{nil, errors.New("another program has it")} {
		d.problem = problem
		findings := b.doctorDevices()
		want := control.Finding{Name: "display", State: control.StateOK, Message: "auto"}
		if problem != nil {
			want = control.Finding{Name: "display", State: control.StateProblem, Message: problem.Error(), Remedy: findings[1].Remedy}
		}
		if findings[0].State != control.StateOK || findings[1] != want || (problem != nil) != (want.Remedy != "") {
			t.Errorf("with the problem %v doctor says %+v", problem, findings)
		}
	}
}

// TestSnapshotWithTheCameraOff: the remedy is what helps.
func TestSnapshotWithTheCameraOff(t *testing.T) {
	h := newHouse(t)
	h.anna.rings(with("enableListenerCamera", true))
	if err := h.api.SetCamera(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	_, err := h.api.Snapshot(t.Context())
	var told *control.Error
	if !errors.As(err, &told) || !errors.Is(err, control.ErrNotAllowed) || told.Remedy != "callboxctl camera on turns it on" {
		t.Fatalf("Snapshot = %v", err)
	}
	if err := h.api.SetCamera(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := h.api.Snapshot(t.Context()); err != nil {
		t.Errorf("with the camera on: %v", err)
	}
}

// TestDoctorOfCodecs: a missing library is no problem of the call, and is told.
func TestDoctorOfCodecs(t *testing.T) {
	if f := doctorCodecs([]string{"h264", "vp8"}, nil); f.State != control.StateOK || f.Message != "h264, vp8" || f.Remedy != "" {
		t.Errorf("all there: %+v", f)
	}
	f := doctorCodecs([]string{"vp8"}, errors.New("cannot use h264: OpenH264 is not installed"))
	if f.State != control.StateWarning || f.Message != "cannot use h264: OpenH264 is not installed; vp8 is used" || !strings.Contains(f.Remedy, "libopenh264-7 on Debian 12, libopenh264-8 on Debian 13") {
		t.Errorf("missing: %+v", f)
	}
}

func TestDoctorOfTheVolume(t *testing.T) {
	if got := doctorVolume(0); len(got) != 1 || got[0].State != control.StateWarning {
		t.Errorf("at 0: %+v", got)
	}
	if got := doctorVolume(1); got != nil {
		t.Errorf("at 1: %+v", got)
	}
}
