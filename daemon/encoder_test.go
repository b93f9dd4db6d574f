package daemon

import (
	"errors"
	"strings"
	"testing"

	"callbox/daemon/control"
	"callbox/media"
)

// TestDoctorOfEncoders: which one is used, and why not the hardware.
func TestDoctorOfEncoders(t *testing.T) {
	gone := errors.New("cannot open the encoder h264_vaapi: permission denied")
	for name, tt := range map[string]struct {
		report  media.EncoderReport
		state   string
		message string
		remedy  string // part of it; "" for none
	}{
		"software":         {media.EncoderReport{Wanted: "auto", Used: "openh264"}, control.StateOK, "openh264", ""},
		"hardware":         {media.EncoderReport{Wanted: "auto", Used: "h264_vaapi", Detail: "3.1 ms a picture"}, control.StateOK, "h264_vaapi: 3.1 ms a picture", ""},
		"it does not work": {media.EncoderReport{Wanted: "auto", Used: "openh264", Problem: gone}, control.StateWarning, gone.Error() + "; openh264 is used", "docs/encoders.md"},
		"it has failed":    {media.EncoderReport{Wanted: "auto", Used: "h264_vaapi", Failures: 2}, control.StateWarning, "h264_vaapi; it has failed in calls since the start: 2", "media.encoder: software"},
	} {
		got := doctorEncoder(tt.report)
		if got.Name != "encoder" || got.State != tt.state || got.Message != tt.message || !strings.Contains(got.Remedy, tt.remedy) || (tt.remedy == "") != (got.Remedy == "") {
			t.Errorf("%s: %+v, want %+v", name, got, tt)
		}
		d := encoderDevice(tt.report)
		if d.Kind != "encoder" || d.Name != tt.report.Used || d.Wanted != "auto" || d.Detail != tt.report.Detail || (d.Reason != "") != (tt.report.Problem != nil) {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// TestEncoderIsTold in the device's API.
func TestEncoderIsTold(t *testing.T) {
	h := newHouse(t)
	status, err := h.api.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	listed, err := h.api.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for where, list := range map[string][]control.Device{"status": status.Devices, "devices": listed.Chosen} {
		if last := list[len(list)-1]; last != (control.Device{Kind: "encoder", Name: "openh264", Wanted: "auto"}) {
			t.Errorf("%s: %+v", where, last)
		}
	}
	findings, err := h.api.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range findings {
		found = found || f == (control.Finding{Name: "encoder", State: control.StateOK, Message: "openh264"})
	}
	if !found {
		t.Errorf("doctor does not tell: %+v", findings)
	}
}
