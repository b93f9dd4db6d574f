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
	// Report says how each part was chosen, in the order of the kinds; of buttons
	// and the light it tells how they were at Open. Buttons.Status and Light.Status
	// tell how they are.
	Report []Choice
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
	// Reason says why Chosen is not simply Wanted, for people; "" when it is.
	Reason string
}

// Found is a real device.
type Found struct {
	Kind        Kind
	Name        string // stable: what the configuration says
	Description string // for people
	Driver      string // V4L2, ALSA, PulseAudio, DRM, LED or evdev

	also   string // another name that the configuration may say
	unused bool   // a connector to which nothing is connected
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
	cameras, errCameras := v4l2.List()
	sounds, errSounds := sound.List()
	screens, errScreens := drm.List()
	var found []Found
	for _, d := range cameras {
		found = append(found, Found{Kind: Camera, Name: d.Name, Description: d.Card, Driver: "V4L2"})
	}
	for _, d := range sounds {
		if d.Microphone {
			found = append(found, Found{Kind: Microphone, Name: d.Name, Description: d.Description, Driver: string(d.Backend)})
		}
	}
	for _, d := range sounds {
		if d.Speaker {
			found = append(found, Found{Kind: Speaker, Name: d.Name, Description: d.Description, Driver: string(d.Backend)})
		}
	}
	for _, d := range screens {
		f := Found{Kind: Display, Name: d.Name, Description: "connected", Driver: "DRM", also: d.Full(), unused: !d.Connected}
		switch {
		case f.unused:
			f.Description = "nothing is connected"
		case d.Mode != "":
			f.Description += ", " + d.Mode
		}
		found = append(found, f)
	}
	return found, errors.Join(errCameras, errSounds, errScreens)
}

// Open chooses a driver for every part; it opens no device for streaming. A
// configured name that no device has is an error that wraps hal.ErrNotFound and
// lists those there are; "auto" falls back to the virtual device, and the report
// says so. A light or a button that is not there is no error: the report says so.
//
// The light is turned off. Close the Set at the end.
func Open(o hal.Options, clk clock.Clock, log zerolog.Logger) (*Set, error) {
	found, problems := listMedia()
	return open(o, found, problems, clk, log)
}

func open(o hal.Options, found []Found, problems error, clk clock.Clock, log zerolog.Logger) (_ *Set, err error) {
	s := &Set{CameraMode: hal.VideoMode{Width: o.Camera.Size.Width, Height: o.Camera.Size.Height, FrameRate: o.Camera.FrameRate}}
	camera, errCamera := choose(Camera, o.Camera.Name, without(found, o.MoreCameras), problems)
	microphone, errMicrophone := choose(Microphone, o.Microphone.Name, found, problems)
	speaker, errSpeaker := choose(Speaker, o.Speaker.Name, prefer(found, microphone), problems)
	display, errDisplay := chooseDisplay(o.Display, found, problems)
	if err := errors.Join(errCamera, errMicrophone, errSpeaker, errDisplay); err != nil {
		return nil, err
	}
	s.Report = []Choice{camera, microphone, speaker, display}

	if camera.Chosen != hal.NameNone {
		s.Camera = orient.Camera(openCamera(camera, clk), o.Camera.Rotate, o.Camera.Mirror)
	}
	more, err := s.openMore(o, found, problems, clk)
	if err != nil {
		return nil, err
	}
	if s.Sound, err = openSound(o, microphone, speaker); err != nil {
		return nil, err
	}
	if err := s.openDisplay(o.Display, display, clk); err != nil {
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
	s.Report = slices.Insert(s.Report, 1, more...)
	for _, c := range s.Report {
		ev := log.Info()
		if c.Reason != "" {
			ev = log.Warn().Str("reason", c.Reason)
		}
		ev.Str("kind", string(c.Kind)).Str("wanted", c.Wanted).Str("chosen", c.Chosen).Msg("device chosen")
	}
	return s, nil
}

// without takes out what is chosen beside the first camera, so that auto does not
// choose it, too.
func without(found []Found, more []hal.MoreCameraOptions) []Found {
	return slices.DeleteFunc(slices.Clone(found), func(f Found) bool {
		return f.Kind == Camera && slices.ContainsFunc(more, func(m hal.MoreCameraOptions) bool { return m.Name == f.Name })
	})
}

func openCamera(c Choice, clk clock.Clock) hal.Camera {
	if c.Virtual {
		return virtual.NewCamera(clk)
	}
	return v4l2.New(c.Chosen, clk)
}

// openMore chooses the drivers of the cameras beside the first.
func (s *Set) openMore(o hal.Options, found []Found, problems error, clk clock.Clock) (report []Choice, err error) {
	for i, m := range o.MoreCameras {
		c, err := choose(Camera, m.Name, found, problems)
		if err != nil {
			return nil, fmt.Errorf("hal.more_cameras[%d]: %w", i, err)
		}
		report = append(report, c)
		s.MoreCameras = append(s.MoreCameras, More{
			Camera: orient.Camera(openCamera(c, clk), m.Rotate, m.Mirror), Label: m.Label,
			Mode: hal.VideoMode{
				Width: cmp.Or(m.Size.Width, o.Camera.Size.Width), Height: cmp.Or(m.Size.Height, o.Camera.Size.Height),
				FrameRate: cmp.Or(m.FrameRate, o.Camera.FrameRate),
			},
		})
	}
	return report, nil
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

// openSound makes one device of the two halves; nil when both are none.
func openSound(o hal.Options, microphone, speaker Choice) (hal.Sound, error) {
	var c sound.Config
	var err error
	switch {
	case microphone.Virtual && o.Microphone.File != "":
		c.VirtualMicrophone, err = virtual.NewPlayer(o.Microphone.File)
	case microphone.Virtual:
		c.VirtualMicrophone, err = virtual.NewTone(o.Microphone.Tone, false)
	case microphone.Chosen != hal.NameNone:
		c.Microphone = microphone.Chosen
	}
	if err != nil {
		return nil, err
	}
	switch {
	case speaker.Virtual:
		c.VirtualSpeaker = virtual.NewSpeaker(o.Speaker.Record)
	case speaker.Chosen != hal.NameNone:
		c.Speaker = speaker.Chosen
	}
	switch {
	case c.Microphone != "" || c.Speaker != "":
		return sound.New(c), nil
	case c.VirtualMicrophone != nil || c.VirtualSpeaker != nil:
		return virtual.NewSound(c.VirtualMicrophone, c.VirtualSpeaker), nil
	}
	return nil, nil
}

// choose finds the device for a configured name; "" means auto.
func choose(kind Kind, wanted string, found []Found, problems error) (Choice, error) {
	wanted = cmp.Or(wanted, hal.NameAuto)
	c := Choice{Kind: kind, Wanted: wanted, Chosen: wanted}
	var names []string
	for _, f := range found {
		if f.Kind == kind {
			names = append(names, f.Name)
		}
	}
	switch {
	case wanted == hal.NameNone:
	case wanted == hal.NameVirtual:
		c.Virtual = true
	case wanted == hal.NameAuto && len(names) > 0:
		c.Chosen = names[0]
	case wanted == hal.NameAuto:
		c.Chosen, c.Virtual = hal.NameVirtual, true
		c.Reason = fmt.Sprintf("no %s was found", kind)
		if problems != nil {
			c.Reason += ": " + strings.ReplaceAll(problems.Error(), "\n", "; ")
		}
	case !slices.Contains(names, wanted):
		allowed := append(names, hal.NameAuto, hal.NameVirtual, hal.NameNone)
		err := fmt.Errorf("cannot use %s %q: %w; set hal.%s.name to one of: %s",
			kind, wanted, hal.ErrNotFound, kind, strings.Join(allowed, ", "))
		return c, errors.Join(err, problems)
	}
	return c, nil
}

// prefer puts the speaker that belongs to the chosen microphone first, then
// those of the same driver: one device drives both.
func prefer(found []Found, microphone Choice) []Found {
	driver := ""
	for _, f := range found {
		if f.Kind == Microphone && f.Name == microphone.Chosen {
			driver = f.Driver
		}
	}
	rank := func(f Found) int {
		switch {
		case f.Driver != driver:
			return 2
		case f.Name != microphone.Chosen:
			return 1
		}
		return 0
	}
	sorted := slices.Clone(found)
	slices.SortStableFunc(sorted, func(a, b Found) int { return cmp.Compare(rank(a), rank(b)) })
	return sorted
}
