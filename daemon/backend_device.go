package daemon

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"callbox/daemon/control"
	"callbox/hal"
	"callbox/hal/button"
	"callbox/hal/devices"
	"callbox/media"
)

// settingVolume is where the volume survives a restart.
const settingVolume = "volume"

func (b *backend) Devices(context.Context) (control.Devices, error) {
	found, err := devices.List()
	b.parts.devices.Look()
	out := control.Devices{Chosen: b.chosen(), Found: []control.FoundDevice{}}
	for _, f := range found {
		out.Found = append(out.Found, control.FoundDevice{
			Kind: string(f.Kind), Name: f.Name, Description: f.Description, Driver: f.Driver, OtherNames: f.Also, StableName: f.Stable,
		})
	}
	if err != nil {
		out.Detail = err.Error()
	}
	return out, nil
}

// chosen is the hardware that the daemon uses.
func (b *backend) chosen() []control.Device {
	out := []control.Device{}
	for _, d := range b.parts.report() {
		out = append(out, control.Device{
			Kind: string(d.Kind), Name: deviceName(d.Chosen), Wanted: d.Wanted, Virtual: d.Virtual, Reason: d.Reason,
			Button: d.button.Button, State: string(d.button.State),
		})
	}
	if e := b.parts.engine.Encoder(); e.Used != "" && b.loop.has.camera {
		out = append(out, encoderDevice(e))
	}
	return out
}

// part is how one part was chosen, and of a button how it is now.
type part struct {
	devices.Choice
	button button.Status // zero of what is no button
	key    string        // that names it in the configuration; only doctor needs it
}

// report says how each part is chosen, and how buttons and the light are now; of cameras
// and sound, how they were when they were last looked for.
func (p *parts) report() []part {
	var report []part
	states := p.buttons.Status() // in the order of the report
	for _, c := range p.devices.Now() {
		one := part{Choice: c}
		switch c.Kind {
		case devices.Button:
			one.button, states = states[0], states[1:]
			one.Chosen, one.Reason = cmp.Or(one.button.Device, hal.NameNone), one.button.Reason
		case devices.Light:
			one.Reason = ""
			if problem := p.devices.Light.Status().Problem; problem != nil {
				one.Reason = problem.Error()
			}
		case devices.Camera, devices.Microphone, devices.Speaker, devices.Display:
		}
		report = append(report, one)
	}
	return report
}

// deviceName is what the API calls a chosen device: "" when there is none.
func deviceName(chosen string) string {
	if chosen == hal.NameNone {
		return ""
	}
	return chosen
}

func (b *backend) Volume(context.Context) (control.Volume, error) {
	if !b.loop.has.speaker {
		return control.Volume{}, control.ErrNoDevice.With("the device has no speaker")
	}
	return control.Volume{Percent: b.parts.engine.Volume()}, nil
}

func (b *backend) SetVolume(ctx context.Context, v control.Volume) (control.Volume, error) {
	if _, err := b.Volume(ctx); err != nil {
		return control.Volume{}, err
	}
	b.parts.engine.SetVolume(v.Percent)
	b.parts.journal.set(settingVolume, v.Percent)
	return v, nil
}

func (b *backend) Snapshot(ctx context.Context) ([]byte, error) {
	jpeg, _, err := b.parts.engine.Snapshot(ctx)
	switch {
	case errors.Is(err, media.ErrNoCamera):
		return nil, control.ErrNoDevice.With("the device has no camera")
	case errors.Is(err, media.ErrCameraOff):
		return nil, control.ErrNotAllowed.With("the camera is switched off in the running call").WithRemedy("callboxctl camera on turns it on")
	case errors.Is(err, hal.ErrBusy):
		return nil, control.ErrNoDevice.With(err.Error())
	case errors.Is(err, hal.ErrNotFound):
		if why := b.parts.absent(b.parts.devices.Camera.Name()); why != "" {
			return nil, control.ErrNoDevice.With(why)
		}
		return nil, control.ErrNoDevice.With(err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return nil, control.ErrStuck.With("the camera gave no picture in time")
	}
	return jpeg, err
}

func (b *backend) Clock(ctx context.Context) (control.Clock, error) {
	return ask(ctx, b.loop, func() (control.Clock, error) {
		now := b.loop.now()
		c := control.Clock{Wall: now.Wall, Trusted: now.Trusted, BootSeconds: now.Boot.Seconds(), TimeZone: zoneName(now.Wall.Location())}
		if !now.Trusted {
			c.Detail = "the kernel does not hold the clock for synchronised: is an NTP client running?"
		}
		return c, nil
	})
}

// zoneName is the IANA name of a time zone, for people; the system's is known to
// Go only as Local.
func zoneName(zone *time.Location) string {
	if zone != time.Local {
		return zone.String()
	}
	if name := strings.TrimPrefix(os.Getenv("TZ"), ":"); name != "" {
		return name
	}
	link, err := os.Readlink("/etc/localtime")
	if _, name, ok := strings.Cut(link, "zoneinfo/"); err == nil && ok {
		return name
	}
	return "UTC" // what localtime(5) says of a system without the file
}

// transports describes the ways on which phones reach the device.
func (p *parts) transports() []control.Transport {
	if p.direct == nil {
		return append([]control.Transport{{Name: "direct", Detail: "off: signaling.direct.enabled is false"}}, p.ways.shown()...)
	}
	t := control.Transport{Name: "direct", Up: true, URLs: p.direct.URLs(), Phones: p.direct.Phones()}
	if p.direct.SelfSigned() {
		t.Detail = "certificate made by the device: a browser warns once"
	}
	return append([]control.Transport{t}, p.ways.shown()...)
}

// selfSigned reports whether somebody between phone and device could replace the
// page that pairs.
func (p *parts) selfSigned() bool { return p.direct != nil && p.direct.SelfSigned() }

// trusting is how many phones are trusted.
func (p *parts) trusting() int {
	n := 0
	for _, c := range p.store.List() {
		if !c.Revoked {
			n++
		}
	}
	return n
}
