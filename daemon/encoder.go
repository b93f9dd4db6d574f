package daemon

import (
	"fmt"

	"callbox/daemon/control"
	"callbox/media"
)

// kindEncoder is what the API calls the encoder of the camera's pictures among the
// devices.
const kindEncoder = "encoder"

func encoderDevice(e media.EncoderReport) control.Device {
	d := control.Device{Kind: kindEncoder, Name: e.Used, Wanted: e.Wanted, Detail: e.Detail}
	if e.Problem != nil {
		d.Reason = e.Problem.Error()
	}
	return d
}

// doctorEncoder says what pictures are encoded with.
func doctorEncoder(e media.EncoderReport) control.Finding {
	f := control.Finding{Name: kindEncoder, State: control.StateOK, Message: e.Used}
	if e.Detail != "" {
		f.Message += ": " + e.Detail
	}
	switch {
	case e.Problem != nil:
		f.State, f.Message = control.StateWarning, fmt.Sprintf("%v; %s is used", e.Problem, e.Used)
		f.Remedy = control.Guide("encoders.md") + " says what hardware needs; journalctl -k may tell of its driver"
	case e.Failures > 0:
		f.State, f.Message = control.StateWarning, fmt.Sprintf("%s; it has failed in calls since the start: %d", f.Message, e.Failures)
		f.Remedy = "look for its driver in journalctl -k, or set media.encoder: software"
	}
	return f
}

// encoderFailures counts how often the software had to go on in a call.
func encoderFailures(e media.EncoderReport) control.Metric {
	return control.Metric{
		Name: "callbox_encoder_failures_total", Help: "Times that the hardware encoder failed in a call and the software went on.",
		Counter: true, Samples: []control.Sample{{Value: float64(e.Failures)}},
	}
}
