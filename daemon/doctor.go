package daemon

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/hal"
	"callbox/hal/button"
	"callbox/hal/devices"
)

// littleSpace is below what the state directory should not fall: records of years,
// and room for the file system itself.
const littleSpace = 16 << 20 // bytes

// Doctor looks at everything that a call needs and says in plain words what is
// missing.
func (b *backend) Doctor(ctx context.Context) ([]control.Finding, error) {
	p := b.parts
	clock, err := b.Clock(ctx)
	if err != nil {
		return nil, err
	}
	findings := append(p.doctorChanges(), b.doctorDevices()...)
	if b.loop.has.speaker {
		findings = append(findings, doctorVolume(p.engine.Volume())...)
	}
	findings = append(findings, doctorCodecs(p.engine.VideoCodecs(), p.engine.MissingCodecs()))
	if e := p.engine.Encoder(); e.Used != "" && b.loop.has.camera {
		findings = append(findings, doctorEncoder(e))
	}
	findings = append(findings, b.doctorTransports()...)
	findings = append(findings, p.doctorCertificates(p.floor.Read())...)
	findings = append(findings, doctorIssuers(p.gate.Status())...)
	people, err := b.doctorPeople(ctx)
	if err != nil {
		return nil, err
	}
	findings = append(findings, people...)
	findings = append(findings, doctorClock(clock, p.usesClock()), p.doctorStore(), doctorSpace(p.store.Dir(), unix.Statfs))
	if maps, err := os.ReadFile("/proc/self/maps"); err == nil { // without it nothing is known
		findings = append(findings, doctorLibraries(string(maps))...)
	}
	if problem := p.announcer.problem(); problem != nil {
		findings = append(findings, control.Finding{
			Name: "announcement", State: control.StateWarning, Message: problem.Error() + "; the built-in chime is used",
			Remedy: "set call.announcement to a WAV file that can be read, then callboxctl reload",
		})
	}
	return findings, nil
}

// doctorChanges says which keys of the file are not what the daemon runs with. A file with
// mistakes callboxctl doctor tells of.
func (p *parts) doctorChanges() (findings []control.Finding) {
	next, err := p.reload()
	if err != nil {
		return nil
	}
	var reload, restart []string
	for _, key := range config.Diff(p.live.Load(), next) {
		if config.EffectOf(key) == config.AtReload {
			reload = append(reload, key)
		} else {
			restart = append(restart, key)
		}
	}
	for _, changed := range []struct {
		keys   []string
		remedy string
	}{{reload, "callboxctl reload"}, {restart, "systemctl restart callbox"}} {
		if len(changed.keys) > 0 {
			findings = append(findings, control.Finding{
				Name: "configuration", State: control.StateWarning, Remedy: changed.remedy,
				Message: "changed since it was read, and does not count yet: " + strings.Join(changed.keys, ", "),
			})
		}
	}
	return findings
}

// DoctorDevices says which cameras, microphone, speaker and display a daemon that was
// started now would choose, in the words of Doctor.
func DoctorDevices(o hal.Options) (findings []control.Finding) {
	cameras := 0
	for _, c := range devices.Choose(o) {
		f := doctorDevice(part{Choice: c, key: nameKey(c.Kind, &cameras)})
		if c.Kind == devices.Light && o.Light.Required {
			f = needed(f)
		}
		findings = append(findings, f)
	}
	return findings
}

// needed says what a light that does not work means where it is required.
func needed(f control.Finding) control.Finding {
	if f.State == control.StateProblem {
		f.Message += "; without it no call can be answered (hal.light.required)"
	}
	return f
}

func (b *backend) doctorDevices() (findings []control.Finding) {
	b.parts.devices.Look()
	cameras := 0
	for _, d := range b.parts.report() {
		d.key = nameKey(d.Kind, &cameras)
		if s, ok := b.parts.devices.Display.(selfChecked); ok && d.Kind == devices.Display {
			d.Reason = ""
			if problem := s.Problem(); problem != nil {
				d.Reason = problem.Error()
			}
		}
		f := doctorDevice(d)
		if d.Kind == devices.Light && b.parts.devices.Light.Status().Required {
			f = needed(f)
		}
		findings = append(findings, f)
	}
	return findings
}

// nameKey is the key that names the next device of a kind. cameras counts those before it:
// the first is hal.camera.
func nameKey(kind devices.Kind, cameras *int) string {
	if kind != devices.Camera {
		return fmt.Sprintf("hal.%s.name", kind)
	}
	*cameras++
	if *cameras == 1 {
		return "hal.camera.name"
	}
	return fmt.Sprintf("hal.more_cameras[%d].name", *cameras-2)
}

// selfChecked is a device that tells what is wrong with it now. For a moment that may take it
// from other programs.
type selfChecked interface {
	// Problem is nil when the device can be used, or is in use by a call.
	Problem() error
}

func doctorDevice(d part) control.Finding {
	f := control.Finding{Name: string(d.Kind), State: control.StateOK, Message: d.Chosen}
	if d.Kind == devices.Button {
		f.Name += " " + d.Wanted
	}
	switch {
	case d.Chosen == hal.NameNone && d.Reason == "":
		f.State, f.Message = control.StateOff, "none is wanted"
	case d.Virtual && d.Wanted == hal.NameAuto:
		f.State = control.StateProblem
		f.Message = fmt.Sprintf("a virtual %s stands in: %s", d.Kind, d.Reason)
		f.Remedy = fmt.Sprintf("plug one in: it is taken when it comes; or say %s: none; callboxctl devices lists what was found", d.key)
	case d.Reason != "":
		f.State, f.Message, f.Remedy = control.StateProblem, d.Reason, deviceRemedy(d)
	case d.Stable != "":
		f.State, f.Message = control.StateWarning, d.Unsure()
		f.Remedy = fmt.Sprintf("write %q into the configuration instead, its name by the socket that it is plugged into; callboxctl devices lists those of the others", d.Stable)
	case d.Virtual:
		f.State, f.Message, f.Remedy = control.StateWarning, fmt.Sprintf("a virtual %s, as configured", d.Kind), realRemedy(d)
	}
	return f
}

// doctorVolume says that nobody hears the device ring; no finding when it is heard.
func doctorVolume(percent int) []control.Finding {
	if percent > 0 {
		return nil
	}
	return []control.Finding{{
		Name: "volume", State: control.StateWarning, Message: "it is 0: nobody hears it ring, nor the other side",
		Remedy: "callboxctl volume 80",
	}}
}

// doctorCodecs says which codecs calls use for pictures.
func doctorCodecs(used []string, missing error) control.Finding {
	f := control.Finding{Name: "video codecs", State: control.StateOK, Message: strings.Join(used, ", ")}
	if missing != nil {
		f.State, f.Message = control.StateWarning, fmt.Sprintf("%v; %s is used", missing, f.Message)
		f.Remedy = "install OpenH264 (apt-get install libopenh264-7 on Debian 12, libopenh264-8 on Debian 13) and restart the daemon, or set media.video_codecs: [vp8]"
	}
	return f
}

// deviceRemedy is what to do about a part that does not work.
func deviceRemedy(d part) string {
	switch {
	case d.Kind == devices.Light:
		return "let the daemon's user switch it, or correct hal.light (" + control.Guide("hooks.md") + "); callboxctl devices lists the LEDs"
	case d.Kind == devices.Display && d.Wanted == hal.NameAuto && d.Chosen == hal.NameNone:
		return "is the driver of the graphics card loaded? then restart the daemon; or say hal.display.name: none"
	case d.Kind == devices.Display:
		return "calls go on without it and look for it every 2 s, and when one is plugged in; callboxctl devices lists the connectors, for hal.display.name (" + control.Guide("screens.md") + ")"
	case d.Kind != devices.Button:
		return fmt.Sprintf("plug it in: it is taken when it comes; or correct %s; callboxctl devices lists what was found", d.key)
	}
	switch d.button.State {
	case button.Busy:
		return "end the program that has it; it is asked for again every 10 s"
	case button.NoPermission:
		return "let the daemon's user read it, in its unit, too (" + control.Guide("hooks.md") + "), and restart the daemon"
	case button.NoKey:
		return "correct the key in hal.buttons; evtest shows those of a device"
	case button.Missing, button.Found:
	}
	return "plug it in, or correct hal.buttons; callboxctl devices lists what was found"
}

// realRemedy is how to have a real part instead of a virtual one.
func realRemedy(d part) string {
	switch d.Kind {
	case devices.Light:
		return "for a real one set hal.light.name to an LED, which callboxctl devices lists, or to gpio"
	case devices.Display:
		return "for a real one set hal.display.name: auto, or none where nobody reads what it records"
	case devices.Camera, devices.Microphone, devices.Speaker, devices.Button:
	}
	if strings.HasPrefix(d.key, "hal.more_cameras") { // there is no auto beside the first
		return fmt.Sprintf("for a real one set %s to a camera that callboxctl devices lists", d.key)
	}
	return fmt.Sprintf("for a real one set %s: auto", d.key)
}

func (b *backend) doctorTransports() (findings []control.Finding) {
	for _, t := range b.parts.transports() {
		f := control.Finding{Name: "transport " + t.Name, State: control.StateOK, Message: strings.Join(t.URLs, ", ")}
		switch {
		case t.Name != "direct":
			f = b.parts.doctorTransport(t)
		case !t.Up:
			f.State, f.Message = control.StateOff, t.Detail
		case t.Detail != "":
			f.State, f.Message = control.StateWarning, f.Message+": "+t.Detail
			f.Remedy = "set signaling.direct.tls to a certificate that browsers know"
		}
		findings = append(findings, f)
	}
	return append(findings, b.parts.ways.off()...)
}

// usesClock reports whether some rule depends on the time of day.
func (p *parts) usesClock() bool {
	uses := p.live.Load().UsesClock()
	for _, c := range p.store.List() {
		uses = uses || (!c.Revoked && len(c.Hours) > 0)
	}
	return uses
}

func doctorClock(c control.Clock, needed bool) control.Finding {
	f := control.Finding{Name: "clock", State: control.StateOK, Message: c.Wall.Format("2006-01-02 15:04:05 MST") + ", synchronised"}
	if !c.Trusted {
		f.State, f.Message = control.StateWarning, c.Wall.Format("2006-01-02 15:04:05 MST")+", not synchronised"
		f.Remedy = "run an NTP client (systemd-timesyncd, chrony) and let it reach a server"
		if needed {
			f.State = control.StateProblem
			f.Message += ": hours and do-not-disturb fall to their safe side"
		}
	}
	return f
}

func (p *parts) doctorStore() control.Finding {
	f := control.Finding{Name: "records", State: control.StateOK, Message: p.store.Dir()}
	if problems := p.store.Problems(); len(problems) > 0 {
		last := problems[len(problems)-1]
		f.State, f.Message, f.Remedy = control.StateProblem, last.Text, "see the log: journalctl -u callbox"
	}
	return f
}

// doctorSpace looks how much room the file system of the state directory has; statfs
// asks it, as unix.Statfs does.
func doctorSpace(dir string, statfs func(dir string, s *unix.Statfs_t) error) control.Finding {
	f := control.Finding{Name: "disk", State: control.StateOK}
	var s unix.Statfs_t
	if err := statfs(dir, &s); err != nil {
		f.State, f.Message = control.StateProblem, "cannot look at the state directory: "+err.Error()
		f.Remedy = "is the disk alive? see the log: journalctl -u callbox"
		return f
	}
	free := s.Bavail * uint64(s.Bsize) //nolint:gosec // a block size is positive
	f.Message = fmt.Sprintf("%d MiB free in %s", free>>20, dir)
	if free < littleSpace {
		f.State, f.Remedy = control.StateProblem, "make room: call records cannot be written when it is full"
	}
	return f
}
