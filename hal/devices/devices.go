// Package devices turns the names of the configuration into drivers: it knows
// all of them, so that nothing else has to.
package devices

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/button"
	"callbox/hal/button/evdev"
	"callbox/hal/clock"
	"callbox/hal/drm"
	"callbox/hal/hotplug"
	"callbox/hal/light"
	"callbox/hal/orient"
	"callbox/hal/screen"
	"callbox/hal/sound"
	"callbox/hal/v4l2"
	"callbox/hal/virtual"
)

// Kind is what a device is for.
type Kind string

// The kinds of devices.
const (
	Camera     Kind = "camera"
	Microphone Kind = "microphone"
	Speaker    Kind = "speaker"
	Display    Kind = "display"
	Light      Kind = "light"
	Button     Kind = "button"
)

// Set is what the device is made of. Each part may be nil, but not the light.
type Set struct {
	Camera     hal.Camera
	CameraMode hal.VideoMode // wanted
	// MoreCameras are beside Camera.
	MoreCameras []More
	Sound       hal.Sound
	Display     hal.Display
	// Light is what media acquires before it opens camera or microphone. A device
	// without a light has a holder that does nothing.
	Light *light.Holder
	fonts *screen.Fonts // of the display; nil: it has none
	// Report says how each part was chosen at Open, in the order of the kinds. Now,
	// Buttons.Status and Light.Status tell how they are.
	Report []Choice

	chooser *chooser // of cameras and sound; nil: they are as in Report
}

// More is a camera beside the first.
type More struct {
	hal.Camera
	Label string // for people; "": its name
	Mode  hal.VideoMode
}

// Close turns the light off. Everything else is closed by whoever opened it.
func (s *Set) Close() error {
	err := s.Light.Close()
	if s.fonts != nil {
		err = errors.Join(err, s.fonts.Close())
	}
	return err
}

// Choice is how one part was chosen.
type Choice struct {
	Kind    Kind
	Wanted  string // as configured
	Chosen  string // a stable name, virtual or none
	Virtual bool
	// Missing says that Chosen is not there, or may not be opened; it is taken when it
	// comes.
	Missing bool
	// Reason says why Chosen is not simply Wanted, or why it is missing, for people; ""
	// when it is there.
	Reason string
	// Stable is the name to configure instead of Wanted, which may be that of an equal
	// device after the next start; "" where that cannot be.
	Stable string
}

// Found is a real device.
type Found struct {
	Kind        Kind
	Name        string // what the configuration says
	Description string // for people
	Driver      string // V4L2, ALSA, PulseAudio, DRM, LED or evdev
	// Also are other names that the configuration may say.
	Also []string
	// Stable is one of Also, by the socket, where the other names may be those of an equal
	// device after the next start; "" where that cannot be.
	Stable string

	unused bool // a connector to which nothing is connected
}

// named reports whether the configuration means the device by a name.
func (f *Found) named(name string) bool { return name == f.Name || slices.Contains(f.Also, name) }

// bySocket reports whether a name of the device is by its socket: those come last.
func (f *Found) bySocket(name string) bool {
	i := slices.Index(f.Also, f.Stable)
	return i >= 0 && slices.Contains(f.Also[i:], name)
}

// List finds all real devices and opens none for streaming. What was found is
// right when there is an error, too: that tells of what could not be asked. Input
// devices that may not be opened are no error: most have no button.
func List() ([]Found, error) {
	found, err := listMedia()
	for _, name := range light.LEDs() {
		found = append(found, Found{Kind: Light, Name: name, Driver: "LED"})
	}
	inputs, errInputs := evdev.List()
	for _, d := range inputs {
		if d.Err == nil {
			found = append(found, Found{Kind: Button, Name: d.Name(), Description: strings.Join(d.Names, ", "), Driver: "evdev"})
		}
	}
	return found, errors.Join(err, errInputs)
}

// listMedia finds cameras, microphones, speakers and displays.
func listMedia() ([]Found, error) {
	cameras, errCameras := listCameras()
	sounds, errSounds := listSounds()
	screens, errScreens := listScreens()
	return slices.Concat(cameras, sounds, screens), errors.Join(errCameras, errSounds, errScreens)
}

func listCameras() ([]Found, error) {
	cameras, err := v4l2.List()
	var found []Found
	for _, d := range cameras {
		found = append(found, Found{Kind: Camera, Name: d.Name, Also: d.Also, Stable: d.Stable, Description: d.Card, Driver: "V4L2"})
	}
	return found, err
}

func listSounds() ([]Found, error) {
	sounds, err := sound.List()
	var found []Found
	for _, d := range sounds {
		if d.Microphone {
			found = append(found, soundFound(Microphone, d))
		}
	}
	for _, d := range sounds {
		if d.Speaker {
			found = append(found, soundFound(Speaker, d))
		}
	}
	return found, err
}

func soundFound(kind Kind, d sound.Device) Found {
	return Found{Kind: kind, Name: d.Name, Also: d.Also, Stable: d.Stable, Description: d.Description, Driver: string(d.Backend)}
}

func listScreens() ([]Found, error) {
	screens, err := drm.List()
	var found []Found
	for _, d := range screens {
		f := Found{Kind: Display, Name: d.Name, Description: "connected", Driver: "DRM", unused: !d.Connected}
		if full := d.Full(); full != d.Name {
			f.Also = []string{full}
		}
		switch {
		case f.unused:
			f.Description = "nothing is connected"
		case d.Mode != "":
			f.Description += ", " + d.Mode
		}
		found = append(found, f)
	}
	return found, err
}

// Finders find what there is at the moment, as List does.
type Finders struct {
	Cameras, Sounds, Screens func() ([]Found, error)
	// Plugs tells when to look again; nil: that is done now and then.
	Plugs *hotplug.Monitor
}

// Open chooses a driver for every part; it opens no device for streaming. What is not
// there is no error: the report says so. Cameras and sound are chosen again whenever
// they are opened: one with a configured name is taken when it comes, and "auto" takes
// what is found then; the virtual device stands in until the first was found.
//
// plugs, which may be nil, tells when something comes. The light is turned off. Close the
// Set at the end, and plugs after that.
func Open(o hal.Options, plugs *hotplug.Monitor, clk clock.Clock, log zerolog.Logger) (*Set, error) {
	return OpenWith(o, listers(plugs), clk, log)
}

// listers are the Finders of the real devices.
func listers(plugs *hotplug.Monitor) Finders {
	return Finders{listCameras, listSounds, listScreens, plugs}
}

// Choose says which cameras, microphone, speaker and display Open would choose at the
// moment. It opens none for streaming, and nothing follows from it.
func Choose(o hal.Options) []Choice {
	return newChooser(o, listers(nil), zerolog.Nop()).all()
}

// OpenWith is Open, where others say what there is: tests do.
func OpenWith(o hal.Options, find Finders, clk clock.Clock, log zerolog.Logger) (_ *Set, err error) {
	s := &Set{
		CameraMode: hal.VideoMode{Width: o.Camera.Size.Width, Height: o.Camera.Size.Height, FrameRate: o.Camera.FrameRate},
		chooser:    newChooser(o, find, log),
	}
	s.Report = s.chooser.all()
	n := len(s.Report)
	cameras, microphone, speaker, display := s.Report[:n-3], s.Report[n-3], s.Report[n-2], s.Report[n-1]

	s.openCameras(o, cameras, clk)
	if s.Sound, err = openSound(o, s.chooser, microphone, speaker); err != nil {
		return nil, err
	}
	if err := s.openDisplay(o.Display, display, clk, log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && s.fonts != nil {
			err = errors.Join(err, s.fonts.Close())
		}
	}()
	buttons, err := lookAtButtons(o.Buttons)
	if err != nil {
		return nil, err
	}
	if s.Light, err = light.Open(o.Light, clk, log); err != nil {
		return nil, err
	}
	s.Report = slices.Concat(s.Report, []Choice{lightChoice(o.Light, s.Light)}, buttons)
	for _, c := range s.Report {
		c.tell(log)
	}
	s.chooser.start()
	return s, nil
}

// tell logs how a part was chosen.
func (c *Choice) tell(log zerolog.Logger) {
	ev := log.Info()
	switch {
	case c.Reason != "":
		ev = log.Warn().Str("reason", c.Reason)
	case c.Stable != "":
		ev = log.Warn().Str("reason", c.Unsure()).Str("instead", c.Stable)
	}
	ev.Str("kind", string(c.Kind)).Str("wanted", c.Wanted).Str("chosen", c.Chosen).Msg("device chosen")
}

// openCamera makes the driver of a camera; grain is for the virtual one.
func openCamera(c Choice, clk clock.Clock, grain int) hal.Camera {
	if c.Virtual {
		return virtual.NewGrainyCamera(clk, grain)
	}
	return v4l2.New(c.Chosen, clk)
}

// openCameras makes the drivers of the chosen cameras.
func (s *Set) openCameras(o hal.Options, chosen []Choice, clk clock.Clock) {
	switch first := chosen[0]; {
	case first.Chosen == hal.NameNone:
	case first.Wanted == hal.NameAuto:
		auto := &autoCamera{chooser: s.chooser, drive: func(c Choice) hal.Camera { return openCamera(c, clk, o.Camera.Grain) }}
		s.Camera = orient.Camera(auto, o.Camera.Rotate, o.Camera.Mirror)
	default:
		s.Camera = orient.Camera(openCamera(first, clk, o.Camera.Grain), o.Camera.Rotate, o.Camera.Mirror)
	}
	for i, m := range o.MoreCameras {
		s.MoreCameras = append(s.MoreCameras, More{
			Camera: orient.Camera(openCamera(chosen[1+i], clk, 0), m.Rotate, m.Mirror), Label: m.Label,
			Mode: hal.VideoMode{
				Width: cmp.Or(m.Size.Width, o.Camera.Size.Width), Height: cmp.Or(m.Size.Height, o.Camera.Size.Height),
				FrameRate: cmp.Or(m.FrameRate, o.Camera.FrameRate),
			},
		})
	}
}

// lightChoice reports the light.
func lightChoice(o hal.LightOptions, h *light.Holder) Choice {
	status := h.Status()
	c := Choice{Kind: Light, Wanted: cmp.Or(o.Name, hal.NameNone), Chosen: status.Name, Virtual: status.Name == hal.NameVirtual}
	if status.Problem != nil {
		c.Reason = status.Problem.Error()
	}
	return c
}

// lookAtButtons reports the buttons.
func lookAtButtons(options []hal.ButtonOptions) ([]Choice, error) {
	if len(options) == 0 {
		return nil, nil
	}
	all, err := button.Look(options)
	if err != nil {
		return nil, err
	}
	var choices []Choice
	for i, status := range all {
		o := options[i]
		where := o.GPIO.String()
		if !o.GPIO.Set() {
			where = fmt.Sprintf("%s of %s", o.Key, cmp.Or(o.Input, hal.NameAuto))
		}
		choices = append(choices, Choice{
			Kind: Button, Wanted: fmt.Sprintf("%s (%s)", o.Name, where),
			Chosen: cmp.Or(status.Device, hal.NameNone), Reason: status.Reason,
		})
	}
	return choices, nil
}
