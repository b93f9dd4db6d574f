package control_test

import (
	"encoding/json"
	"os"
	"testing"

	"callbox/daemon/control"
	"callbox/signaling/cause"
)

// TestBothEndsSayTheSame compares what the device's event says of an end with what the
// phone's says, by the golden file that both phones hold to: the same event, cause and
// detail, and the same side that did it.
func TestBothEndsSayTheSame(t *testing.T) {
	text, err := os.ReadFile("../../signaling/testdata/states.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Ends []struct {
			End                cause.End
			IsCaller, ByDevice bool
			Event              string
			Data               control.EndData
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Ends) < 4*len(cause.Registry()) {
		t.Fatalf("%d ends: the golden file is not complete", len(golden.Ends))
	}
	for _, phone := range golden.Ends {
		event := phone.End.Cause.Event(!phone.IsCaller)
		device := control.NewEndData(phone.End, !phone.IsCaller, phone.ByDevice, 4)
		if event != phone.Event && phone.End.Cause != cause.JoinFailed {
			t.Errorf("%+v: the event is %s at the device and %s at the phone", phone.End, event, phone.Event)
		}
		if device.Cause != phone.Data.Cause || device.Detail != phone.Data.Detail {
			t.Errorf("%+v: the device says %+v, the phone %+v", phone.End, device, phone.Data)
		}
		switch phone.Event {
		case control.EventHangUpVoip, control.EventAbortVoip:
			// What the network did is nobody's at the device: the phone names who gave up waiting.
			if device.Status != phone.Data.Status && device.Status != "unknown" {
				t.Errorf("%+v: the status is %s at the device and %s at the phone", phone.End, device.Status, phone.Data.Status)
			}
		case control.EventCancelVoip, control.EventRejectVoip:
			// Each side says how it was done where it was done, and other of the other side.
			if (device.Status == "other") == (phone.Data.Status == "other") && phone.End.Origin != cause.Other {
				t.Errorf("%+v: the status is %s at the device and %s at the phone", phone.End, device.Status, phone.Data.Status)
			}
		}
	}
}
