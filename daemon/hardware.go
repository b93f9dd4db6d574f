package daemon

import (
	"callbox/daemon/control"
	"callbox/hal/button"
	"callbox/hal/devices"
)

// notifyingButtons and notifyingLight tell of themselves, in a call and outside of
// one; of camera, sound and display only a media session knows.
type (
	notifyingButtons interface{ Notify(func(button.Status)) }
	notifyingLight   interface{ Notify(func(problem error)) }
)

// watch has the loop told when a button or the light is gone or back.
func (l *loop) watch(b notifyingButtons, light notifyingLight) {
	b.Notify(func(s button.Status) { l.box.put(request(func() { l.buttonChanged(s) })) })
	light.Notify(func(problem error) { l.box.put(request(func() { l.lightChanged(problem) })) })
}

func (l *loop) buttonChanged(s button.Status) {
	data := control.DeviceData{Kind: string(devices.Button), Name: s.Button}
	if s.State == button.Found {
		l.publishAnywhere(control.EventDeviceBack, data)
		return
	}
	data.Error = s.Reason
	l.publishAnywhere(control.EventDeviceLost, data)
}

func (l *loop) lightChanged(problem error) {
	data := control.DeviceData{Kind: string(devices.Light), Name: string(devices.Light)}
	if problem == nil {
		l.publishAnywhere(control.EventDeviceBack, data)
		return
	}
	data.Error = problem.Error()
	l.publishAnywhere(control.EventDeviceLost, data)
}

// publishDevice publishes what a session tells of its devices. Of the light it tells
// only what lightChanged knows already.
func (l *loop) publishDevice(name string, data control.DeviceData) {
	if data.Kind != string(devices.Light) {
		l.publish(name, data)
	}
}

// publishAnywhere publishes what happens in a call or outside of one.
func (l *loop) publishAnywhere(name string, data any) {
	if l.state.Phase.Active() {
		l.publish(name, data)
		return
	}
	l.events.Publish(name, "", data)
}
