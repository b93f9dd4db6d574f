package sound

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gen2brain/malgo"

	"callbox/hal"
	"callbox/hal/virtual"
)

// Config says what a Sound is made of. At least one name must be set; the other
// half may be virtual, or missing.
type Config struct {
	// Microphone and Speaker are names as in List. "" means that the
	// virtual half is used, and silence where that is nil.
	Microphone, Speaker string
	VirtualMicrophone   *virtual.Microphone
	VirtualSpeaker      *virtual.Speaker
}

// Sound is a real microphone, a real speaker, or both; it implements hal.Sound.
// The devices are looked for anew at each Open, so that one that was unplugged
// and comes back is found again.
type Sound struct {
	config Config
}

// New makes a sound device; its parts need not be there yet.
func New(c Config) *Sound { return &Sound{config: c} }

// Microphone returns the name of the microphone.
func (s *Sound) Microphone() string {
	if s.config.Microphone == "" && s.config.VirtualMicrophone != nil {
		return virtual.Name
	}
	return s.config.Microphone
}

// Speaker returns the name of the speaker.
func (s *Sound) Speaker() string {
	if s.config.Speaker == "" && s.config.VirtualSpeaker != nil {
		return virtual.Name
	}
	return s.config.Speaker
}

// Open starts the device with mono 16-bit samples at 48 kHz in periods of 10 ms.
// Errors wrap hal.ErrNotFound, hal.ErrBusy or hal.ErrGone where that is known.
func (s *Sound) Open(process hal.SoundFunc) (hal.SoundStream, error) {
	microphone, speaker, err := s.find()
	if err != nil {
		return nil, err
	}
	out := &stream{
		rebuffer: rebuffer{process: process},
		gone:     make(chan struct{}), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if microphone == nil && s.config.VirtualMicrophone != nil {
		out.rebuffer.source = s.config.VirtualMicrophone.Open()
	}
	if speaker == nil && s.config.VirtualSpeaker != nil {
		if out.rebuffer.sink, err = s.config.VirtualSpeaker.Open(); err != nil {
			return nil, err
		}
	}
	if err := out.start(microphone, speaker); err != nil {
		if out.rebuffer.sink != nil {
			_ = out.rebuffer.sink.Close() // nothing was recorded
		}
		return nil, fmt.Errorf("cannot open sound device %s: %w", label(microphone, speaker), meaning(err))
	}
	return out, nil
}

// OpenSpeaker is Open without the microphone: captured is silence.
func (s *Sound) OpenSpeaker(process hal.SoundFunc) (hal.SoundStream, error) {
	if s.config.Speaker == "" {
		return virtual.NewSound(nil, s.config.VirtualSpeaker).Open(process)
	}
	return New(Config{Speaker: s.config.Speaker}).Open(process)
}

// find looks the names up; a half without a name is nil.
func (s *Sound) find() (microphone, speaker *Device, err error) {
	found, problems := List()
	find := func(key, name string, fits func(Device) bool) (*Device, error) {
		if name == "" {
			return nil, nil
		}
		var names []string
		for i := range found {
			if !fits(found[i]) {
				continue
			}
			if found[i].Named(name) {
				return &found[i], nil
			}
			names = append(names, found[i].Name)
		}
		list := "there is none"
		if len(names) > 0 {
			list = "set hal." + key + ".name to one of: " + strings.Join(names, ", ")
		}
		return nil, errors.Join(fmt.Errorf("cannot open %s %q: %w; %s", key, name, hal.ErrNotFound, list), problems)
	}
	microphone, errM := find("microphone", s.config.Microphone, func(d Device) bool { return d.Microphone })
	speaker, errS := find("speaker", s.config.Speaker, func(d Device) bool { return d.Speaker })
	switch {
	case errM != nil || errS != nil:
		return nil, nil, errors.Join(errM, errS)
	case microphone == nil && speaker == nil:
		return nil, nil, errors.New("cannot open sound device: neither a microphone nor a speaker is named")
	case microphone != nil && speaker != nil && microphone.Backend != speaker.Backend:
		return nil, nil, fmt.Errorf("cannot open microphone %q of %s with speaker %q of %s; choose both from one of them",
			microphone.Name, microphone.Backend, speaker.Name, speaker.Backend)
	}
	return microphone, speaker, nil
}

func label(devices ...*Device) string {
	var names []string
	for _, d := range devices {
		if d != nil {
			names = append(names, fmt.Sprintf("%q", d.Name))
		}
	}
	return strings.Join(slices.Compact(names), " and ")
}

// meaning adds our sentinel to an error of miniaudio.
func meaning(err error) error {
	switch {
	case errors.Is(err, malgo.ErrBusy):
		return fmt.Errorf("%w: %w", hal.ErrBusy, err)
	case errors.Is(err, malgo.ErrDoesNotExist), errors.Is(err, malgo.ErrNoDevice):
		return fmt.Errorf("%w: %w", hal.ErrGone, err)
	case errors.Is(err, malgo.ErrAccessDenied):
		return refused(err)
	}
	return err
}

// stream implements hal.SoundStream.
type stream struct {
	rebuffer rebuffer
	context  *malgo.AllocatedContext
	device   *malgo.Device

	capture, playback time.Duration // delays

	periods  atomic.Uint64 // calls of the device
	late     underruns
	goneOnce sync.Once
	gone     chan struct{}
	closing  atomic.Bool

	stop, stopped chan struct{} // of the watchdog
	closeOnce     sync.Once
	closeErr      error
}

func (s *stream) Gone() <-chan struct{} { return s.gone }

// Underruns is how often the device came too late for its sound.
func (s *stream) Underruns() uint64 { return s.late.n.Load() }

// Delays is how much later than it was in the air a sample comes to the SoundFunc, beside
// the frame that it is in, and how much later one is heard than the SoundFunc gave it, as
// far as the sound system says.
func (s *stream) Delays() (capture, playback time.Duration) { return s.capture, s.playback }

func (s *stream) start(microphone, speaker *Device) (err error) {
	kind, first := malgo.Duplex, microphone
	switch {
	case microphone == nil:
		kind, first = malgo.Playback, speaker
	case speaker == nil:
		kind = malgo.Capture
	}
	s.capture, s.playback = delays(microphone, speaker)
	quietALSA()
	var said lastWords
	if s.context, err = newContext(first.Backend, said.note); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = said.explain(err)
			s.free()
		}
	}()
	c := malgo.DefaultDeviceConfig(kind)
	c.SampleRate = hal.SampleRate
	c.PeriodSizeInFrames = hal.FrameSamples
	c.Capture.Format, c.Capture.Channels = malgo.FormatS16, 1
	c.Playback.Format, c.Playback.Channels = malgo.FormatS16, 1
	c.Pulse.StreamNameCapture, c.Pulse.StreamNamePlayback = "callbox", "callbox"
	var pin runtime.Pinner // the configuration that malgo passes to C points to the ids
	defer pin.Unpin()
	c.Capture.DeviceID = deviceID(&pin, microphone)
	c.Playback.DeviceID = deviceID(&pin, speaker)
	s.device, err = malgo.InitDevice(s.context.Context, c, malgo.DeviceCallbacks{
		Data: func(playback, captured []byte, _ uint32) {
			s.periods.Add(1)
			s.late.call(time.Now(), max(len(playback), len(captured))/2)
			s.rebuffer.exchange(int16s(playback), int16s(captured))
		},
		Stop: func() {
			if !s.closing.Load() {
				s.lost()
			}
		},
	})
	if err != nil {
		s.device = nil
		return err
	}
	if err := s.device.Start(); err != nil {
		return err
	}
	go func() {
		defer close(s.stopped)
		watch(s.stop, s.periods.Load, present(microphone, speaker), s.lost)
	}()
	return nil
}

// free stops the device, if there is one, and waits for its thread.
func (s *stream) free() {
	if s.device != nil {
		// Uninit alone does not wake a thread that waits for a dead PulseAudio
		// server, and then waits for that thread for ever.
		_ = s.device.Stop()
		s.device.Uninit()
	}
	freeContext(s.context)
}

// deviceID returns miniaudio's form of the id, pinned; nil for no device.
func deviceID(pin *runtime.Pinner, d *Device) unsafe.Pointer {
	if d == nil {
		return nil
	}
	var id malgo.DeviceID
	copy(id[:len(id)-1], d.id)
	pin.Pin(&id)
	return unsafe.Pointer(&id)
}

// int16s looks at little-endian samples of the device as what they are; nil
// stays nil.
func int16s(p []byte) []int16 {
	return unsafe.Slice((*int16)(unsafe.Pointer(unsafe.SliceData(p))), len(p)/2)
}

// present returns a function that says whether the devices' cards are plugged in.
func present(devices ...*Device) func() bool {
	var cards []string
	for _, d := range devices {
		if d != nil && d.Backend == ALSA {
			cards = append(cards, filepath.Join("/proc/asound", d.card)) // a link with the card's id
		}
	}
	return func() bool {
		for _, c := range cards {
			if _, err := os.Stat(c); errors.Is(err, os.ErrNotExist) {
				return false
			}
		}
		return true
	}
}

// lost tells that the device went away.
func (s *stream) lost() {
	s.goneOnce.Do(func() { close(s.gone) })
}

// Close stops the device and waits for its thread.
func (s *stream) Close() error {
	s.closeOnce.Do(func() {
		s.closing.Store(true)
		close(s.stop)
		<-s.stopped
		s.free()
		if s.rebuffer.sink != nil {
			s.closeErr = s.rebuffer.sink.Close()
		}
	})
	return s.closeErr
}

// newContext makes what miniaudio needs for a back end. log, which may be nil, is told
// what it has to say.
func newContext(b Backend, log func(string)) (*malgo.AllocatedContext, error) {
	backend := malgo.Backend(malgo.BackendAlsa)
	if b == Pulse {
		backend = malgo.BackendPulseaudio
	}
	ctx, err := malgo.InitContext([]malgo.Backend{backend}, malgo.ContextConfig{}, log)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", b, err)
	}
	return ctx, nil
}

func freeContext(ctx *malgo.AllocatedContext) {
	_ = ctx.Uninit() // it cannot fail for a context without devices
	ctx.Free()
}
