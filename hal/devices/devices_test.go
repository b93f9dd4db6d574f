package devices

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/drm"
	"callbox/hal/haltest"
	"callbox/hal/sound"
	"callbox/hal/v4l2"
	"callbox/hal/virtual"
)

var machine = []Found{
	{Kind: Camera, Name: "usb-Cam-video-index0", Description: "Cam", Driver: "V4L2"},
	{Kind: Camera, Name: "vivid", Description: "vivid", Driver: "V4L2"},
	{Kind: Microphone, Name: "C920,0", Description: "USB Audio", Driver: "ALSA"},
	{Kind: Microphone, Name: "Loopback,0", Description: "Loopback PCM", Driver: "ALSA"},
	{Kind: Speaker, Name: "vc4hdmi0,0", Description: "HDMI", Driver: "ALSA"},
	{Kind: Speaker, Name: "Loopback,0", Description: "Loopback PCM", Driver: "ALSA"},
	{Kind: Speaker, Name: "a_sink", Description: "Sink", Driver: "PulseAudio"},
}

// screens are a machine's connectors; nothing is connected to the first.
var screens = []Found{
	{Kind: Display, Name: "HDMI-A-1", Driver: "DRM", Also: []string{"card0-HDMI-A-1"}, unused: true},
	{Kind: Display, Name: "DSI-1", Driver: "DRM", Also: []string{"card1-DSI-1"}},
}

func options(camera, microphone, speaker, display string) hal.Options {
	o := hal.DefaultOptions()
	o.Camera.Name, o.Microphone.Name, o.Speaker.Name, o.Display.Name = camera, microphone, speaker, display
	return o
}

// fixed finds always the same.
func fixed(found []Found, problems error) Finders {
	f := func() ([]Found, error) { return found, problems }
	return Finders{Cameras: f, Sounds: f, Screens: f}
}

func TestOpen(t *testing.T) {
	for name, tt := range map[string]struct {
		options hal.Options
		found   []Found
		chosen  [4]string // by kind; "*" after a name: with a reason
	}{
		"defaults": {hal.DefaultOptions(), machine, [4]string{"usb-Cam-video-index0", "C920,0", "vc4hdmi0,0", "none"}},
		"defaults, nothing there": {hal.DefaultOptions(), nil,
			[4]string{"virtual*", "virtual*", "virtual*", "none"}},
		"zero options": {hal.Options{Microphone: hal.MicrophoneOptions{Tone: 440}}, nil,
			[4]string{"virtual*", "virtual*", "virtual*", "none"}},
		"all none":             {options("none", "none", "none", "none"), machine, [4]string{"none", "none", "none", "none"}},
		"all virtual":          {options("virtual", "virtual", "virtual", "virtual"), machine, [4]string{"virtual", "virtual", "virtual", "virtual"}},
		"by name":              {options("vivid", "Loopback,0", "Loopback,0", "none"), machine, [4]string{"vivid", "Loopback,0", "Loopback,0", "none"}},
		"speaker of the mic":   {options("none", "Loopback,0", "auto", "none"), machine, [4]string{"none", "Loopback,0", "Loopback,0", "none"}},
		"half real":            {options("none", "C920,0", "virtual", "none"), machine, [4]string{"none", "C920,0", "virtual", "none"}},
		"only cameras there":   {hal.DefaultOptions(), machine[:1], [4]string{"usb-Cam-video-index0", "virtual*", "virtual*", "none"}},
		"speaker without mic":  {options("none", "none", "auto", "none"), machine, [4]string{"none", "none", "vc4hdmi0,0", "none"}},
		"no screen by default": {options("none", "none", "none", ""), screens, [4]string{"none", "none", "none", "none"}},
		"a screen":             {options("none", "none", "none", "auto"), screens, [4]string{"none", "none", "none", "DSI-1"}},
		"a screen by name":     {options("none", "none", "none", "HDMI-A-1"), screens, [4]string{"none", "none", "none", "HDMI-A-1"}},
		"and by its card":      {options("none", "none", "none", "card1-DSI-1"), screens, [4]string{"none", "none", "none", "card1-DSI-1"}},
		"no screen connected":  {options("none", "none", "none", "auto"), screens[:1], [4]string{"none", "none", "none", "auto*"}},
		"no connector":         {options("none", "none", "none", "auto"), machine, [4]string{"none", "none", "none", "none*"}},
		"first one of a sound": {options("none", "auto", "a_sink", "none"), machine[4:], [4]string{"none", "virtual*", "a_sink", "none"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := OpenWith(tt.options, fixed(tt.found, nil), clock.Boot(), zerolog.Nop())
			if err != nil {
				t.Fatal(err)
			}
			for i, kind := range []Kind{Camera, Microphone, Speaker, Display} {
				c := s.Report[i]
				want, reason := strings.CutSuffix(tt.chosen[i], "*")
				if c.Kind != kind || c.Chosen != want || c.Virtual != (want == "virtual") || (c.Reason != "") != reason {
					t.Errorf("%s: %+v, want %q", kind, c, tt.chosen[i])
				}
			}
			checkSet(t, s)
			if err := s.Close(); err != nil {
				t.Errorf("Close = %v", err)
			}
		})
	}
}

// TestMoreCameras: auto does not choose what is beside it, sizes come from the first,
// and what is not there is reported.
func TestMoreCameras(t *testing.T) {
	o := options("auto", "none", "none", "none")
	o.Camera.Rotate = hal.Rotate90
	o.MoreCameras = []hal.MoreCameraOptions{
		{Name: "usb-Cam-video-index0", Label: "Yard", Size: hal.Size{Width: 640, Height: 480}, FrameRate: 15},
		{Name: "virtual", Label: "Test", Mirror: true},
	}
	s, err := OpenWith(o, fixed(machine, nil), clock.Boot(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if s.Camera.Name() != "vivid" || len(s.MoreCameras) != 2 {
		t.Fatalf("cameras %v and %v", s.Camera.Name(), s.MoreCameras)
	}
	for i, want := range []struct {
		name, label string
		mode        hal.VideoMode
	}{
		{"usb-Cam-video-index0", "Yard", hal.VideoMode{Width: 640, Height: 480, FrameRate: 15}},
		{"virtual", "Test", hal.VideoMode{Width: 1280, Height: 720, FrameRate: 30}},
	} {
		if m := s.MoreCameras[i]; m.Name() != want.name || m.Label != want.label || m.Mode != want.mode {
			t.Errorf("camera %d: %q, %q, %+v; want %+v", i, m.Name(), m.Label, m.Mode, want)
		}
		if c := s.Report[1+i]; c.Kind != Camera || c.Chosen != want.name {
			t.Errorf("report %d: %+v", i, c)
		}
	}
	if c := s.Report[3]; c.Kind != Microphone {
		t.Errorf("behind the cameras: %+v", c)
	}
	o.MoreCameras[0].Name = "gone"
	s, err = OpenWith(o, fixed(machine, nil), clock.Boot(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Report[1]; !c.Missing || c.Reason != `camera "gone" is not there; found: usb-Cam-video-index0, vivid` {
		t.Errorf("a missing one: %+v", c)
	}
}

// checkSet compares the drivers with the report.
func checkSet(t *testing.T, s *Set) {
	t.Helper()
	name := func(c Choice) string {
		if c.Chosen == hal.NameNone {
			return ""
		}
		return c.Chosen
	}
	got := [4]string{}
	if s.Camera != nil {
		got[0] = s.Camera.Name()
	}
	if s.Sound != nil {
		got[1], got[2] = s.Sound.Microphone(), s.Sound.Speaker()
	}
	if s.Display != nil {
		got[3] = s.Display.Name()
	}
	for i, c := range s.Report[:4] {
		if got[i] != name(c) {
			t.Errorf("the %s is %q, the report says %q", c.Kind, got[i], c.Chosen)
		}
	}
	if c := s.Report[4]; len(s.Report) != 5 || c.Kind != Light || c.Chosen != hal.NameNone || s.Light == nil {
		t.Errorf("light: %+v of %d", c, len(s.Report))
	}
	switch s.Camera.(type) {
	case nil, *virtual.Camera, *v4l2.Camera, *autoCamera:
	default:
		t.Errorf("camera is a %T", s.Camera)
	}
	now := s.Sound
	if c, ok := now.(*chosenSound); ok {
		now = c.Now()
	}
	if l, ok := now.(*lackingSound); ok {
		now = l.Sound
	}
	_, real := now.(*sound.Sound)
	wantReal := false
	for _, c := range s.Report[1:3] {
		wantReal = wantReal || !c.Virtual && c.Chosen != hal.NameNone
	}
	if real != wantReal {
		t.Errorf("sound is a %T", now)
	}
}

// TestOpenUnknownNames: a device without them goes on, and the report says what is
// missing, what there is, and what could not be asked.
func TestOpenUnknownNames(t *testing.T) {
	problem := errors.New("no permission\nnor here")
	s, err := OpenWith(options("cam2", "mic2", "spk2", "panel"), fixed(machine, problem), clock.Boot(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`camera "cam2" is not there; found: usb-Cam-video-index0, vivid: no permission; nor here`,
		`microphone "mic2" is not there; found: C920,0, Loopback,0: no permission; nor here`,
		`speaker "spk2" is not there; found: vc4hdmi0,0, Loopback,0, a_sink: no permission; nor here`,
		`display "panel" is not there: no permission; nor here`,
	} {
		if c := s.Report[i]; !c.Missing || c.Virtual || c.Chosen != c.Wanted || c.Reason != want {
			t.Errorf("%+v, want the reason %s", c, want)
		}
	}
	checkSet(t, s)
	if _, err := s.Camera.Open(s.CameraMode); !errors.Is(err, hal.ErrNotFound) {
		t.Errorf("the camera: %v", err)
	}
	if _, err := s.Sound.Open(func(_, _ []int16) {}); !errors.Is(err, hal.ErrNotFound) {
		t.Errorf("the sound: %v", err)
	}
}

// TestDisplayOptions: a font that is none is told at the start, and the built-in one is
// used; it is opened only where there is a caption.
func TestDisplayOptions(t *testing.T) {
	o := options("none", "none", "none", "auto")
	o.Display.Font = filepath.Join(t.TempDir(), "none.ttf")
	var said strings.Builder
	with, err := OpenWith(o, fixed(screens, nil), clock.Boot(), zerolog.New(&said))
	if err != nil || with.fonts == nil || !strings.Contains(said.String(), "hal.display.font") {
		t.Fatalf("with a missing font: %v; it says %s", err, said.String())
	}
	if err := with.Close(); err != nil {
		t.Error(err)
	}
	o.Display.Caption = false
	s, err := OpenWith(o, fixed(screens, nil), clock.Boot(), zerolog.Nop())
	if err != nil || s.fonts != nil {
		t.Fatalf("without caption: %v", err)
	}
	if _, ok := s.Display.(*drm.Display); !ok {
		t.Errorf("the display is a %T", s.Display)
	}
}

func TestOpenBadVirtualSound(t *testing.T) {
	o := options("none", "virtual", "none", "none")
	o.Microphone.Tone = 0
	if _, err := OpenWith(o, fixed(nil, nil), clock.Boot(), zerolog.Nop()); err == nil {
		t.Error("a tone of 0 Hz was taken")
	}
	o.Microphone.File = filepath.Join(t.TempDir(), "none.wav")
	if _, err := OpenWith(o, fixed(nil, nil), clock.Boot(), zerolog.Nop()); err == nil {
		t.Error("a missing file was taken")
	}
}

// TestVirtualSetRuns opens what a machine without hardware gets.
func TestVirtualSetRuns(t *testing.T) {
	clk := clock.Boot()
	s, err := Open(options("virtual", "virtual", "virtual", "virtual"), nil, clk, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	haltest.Camera(t, s.Camera, clk, hal.VideoMode{Width: 128, Height: 96, FrameRate: 60})
	haltest.Display(t, s.Display)
}

// List must work on any machine, with whatever it has.
func TestList(t *testing.T) {
	found, err := List()
	if err != nil {
		t.Log(err) // nodes that this user may not open
	}
	for _, f := range found {
		if f.Name == "" || f.Kind == "" || f.Driver == "" {
			t.Errorf("%+v", f)
		}
	}
}

func TestLightAndButtons(t *testing.T) {
	file := filepath.Join(t.TempDir(), "light")
	o := options("none", "none", "none", "none")
	o.Light = hal.LightOptions{Name: hal.NameVirtual, File: file, Required: true}
	o.Buttons = []hal.ButtonOptions{
		{Name: "bell", Key: "KEY_ENTER", Input: "no such device", Action: hal.ActionToggle},
		{Name: "help", GPIO: hal.GPIO{Chip: "no such chip", Line: "7"}, Action: hal.ActionEvent},
	}
	s, err := Open(o, nil, clock.Boot(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Report) != 7 || s.Report[4] != (Choice{Kind: Light, Wanted: "virtual", Chosen: "virtual", Virtual: true}) {
		t.Fatalf("report = %+v", s.Report)
	}
	for i, wanted := range []string{"bell (KEY_ENTER of no such device)", "help (no such chip line 7)"} {
		if c := s.Report[5+i]; c.Kind != Button || c.Wanted != wanted || c.Chosen != "none" || c.Reason == "" {
			t.Errorf("choice = %+v, want %s, none and a reason", c, wanted)
		}
	}
	lit := func() string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := lit(); got != "off\n" {
		t.Errorf("after Open the light is %q", got)
	}
	if _, err := s.Light.Acquire(nil); err != nil || lit() != "on\n" {
		t.Errorf("Acquire = %v, the light is %q", err, lit())
	}
	if err := s.Close(); err != nil || lit() != "off\n" {
		t.Errorf("Close = %v, the light is %q", err, lit())
	}
}

func TestLightThatIsMissing(t *testing.T) {
	o := options("none", "none", "none", "none")
	o.Light = hal.LightOptions{Name: "no such LED"}
	s, err := Open(o, nil, clock.Boot(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Report[4]; c.Kind != Light || c.Wanted != "no such LED" || c.Reason == "" {
		t.Errorf("choice = %+v, want a reason", c)
	}
}

func TestBadLightAndButtons(t *testing.T) {
	for name, change := range map[string]func(*hal.Options){
		"key":   func(o *hal.Options) { o.Buttons = []hal.ButtonOptions{{Name: "bell", Key: "KEY_ENTR"}} },
		"light": func(o *hal.Options) { o.Light.Name = "a/b" },
	} {
		o := options("none", "none", "none", "none")
		change(&o)
		if _, err := Open(o, nil, clock.Boot(), zerolog.Nop()); err == nil {
			t.Errorf("a bad %s was taken", name)
		}
	}
}
