package daemon

import (
	"context"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"callbox/daemon/control"
	"callbox/hal/button"
	"callbox/hal/devices"
	"callbox/hal/hotplug"
	"callbox/media"
)

// openHotplug hears of devices that are plugged in; nil when it cannot.
func openHotplug(log zerolog.Logger) *hotplug.Monitor {
	m, err := hotplug.Open()
	if err != nil {
		log.Warn().Err(err).Msg("what is plugged in is found up to 2 s later in a call")
		return nil
	}
	return m
}

// listen tells calls of what is plugged in; the kinds are those of media.DeviceGone.
func (p *parts) listen(kind string) media.Listener {
	kinds := map[string]hotplug.Kind{"camera": hotplug.Cameras, "sound": hotplug.SoundCards, "display": hotplug.Screens}
	return p.hotplug.Listen(kinds[kind])
}

// watchDevices looks for cameras and sound whenever one was plugged in or pulled out, so
// that the log tells of it at once; a call looks by itself. stop waits for the end.
func (p *parts) watchDevices(ctx context.Context) (stop func()) {
	plugs := p.hotplug.ListenBoth(hotplug.Cameras, hotplug.SoundCards)
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { watchPlugs(ctx, plugs.Next, p.devices.Look) })
	return func() {
		cancel()
		watching.Wait()
		plugs.Close()
	}
}

// watchPlugs looks once, because something may have come since the start, and then
// whenever next says that something was plugged, until that says no.
func watchPlugs(ctx context.Context, next func(context.Context) bool, look func()) {
	look()
	for next(ctx) {
		look()
	}
}

// missing says that a configured device of a kind is not there.
func (p *parts) missing(kind devices.Kind) bool {
	return slices.ContainsFunc(p.devices.Now(), func(c devices.Choice) bool { return c.Kind == kind && c.Missing })
}

// absent says why a camera is not there; "" when it is.
func (p *parts) absent(camera string) string {
	for _, c := range p.devices.Now() {
		if c.Kind == devices.Camera && c.Missing && c.Chosen == camera {
			return c.Reason
		}
	}
	return ""
}

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
