package devices

import (
	"sync"
	"time"

	"callbox/hal"
	"callbox/hal/hotplug"
	"callbox/hal/sound"
	"callbox/hal/virtual"
)

// openSound makes one device of the two halves; nil when both are none.
func openSound(o hal.Options, ch *chooser, microphone, speaker Choice) (hal.Sound, error) {
	d := driver{}
	var err error
	switch {
	case microphone.Virtual && o.Microphone.File != "":
		d.microphone, err = virtual.NewPlayer(o.Microphone.File)
	case microphone.Virtual:
		d.microphone, err = virtual.NewTone(o.Microphone.Tone, false)
	}
	if err != nil {
		return nil, err
	}
	if speaker.Virtual {
		d.speaker = virtual.NewSpeaker(o.Speaker.Record)
	}
	fixed := func(c Choice) bool { return c.Chosen == hal.NameNone || c.Wanted == hal.NameVirtual }
	switch {
	case microphone.Chosen == hal.NameNone && speaker.Chosen == hal.NameNone:
		return nil, nil
	case fixed(microphone) && fixed(speaker):
		return d.drive(microphone, speaker), nil
	}
	return &chosenSound{chooser: ch, drive: d.drive}, nil
}

// driver makes sound devices. Its virtual halves are nil where nothing virtual is
// chosen, and where a real device was there at the start.
type driver struct {
	microphone *virtual.Microphone
	speaker    *virtual.Speaker
}

// drive makes the driver of two halves, of which at most one is none.
func (d driver) drive(microphone, speaker Choice) hal.Sound {
	var c sound.Config
	switch {
	case microphone.Virtual:
		c.VirtualMicrophone = d.microphone
	case microphone.Chosen != hal.NameNone:
		c.Microphone = microphone.Chosen
	}
	switch {
	case speaker.Virtual:
		c.VirtualSpeaker = d.speaker
	case speaker.Chosen != hal.NameNone:
		c.Speaker = speaker.Chosen
	}
	if c.Microphone == "" && c.Speaker == "" {
		return virtual.NewSound(c.VirtualMicrophone, c.VirtualSpeaker)
	}
	return sound.New(c)
}

// chosenSound is what is there of microphone and speaker whenever it is opened. It
// implements hal.Sound.
type chosenSound struct {
	chooser *chooser
	drive   func(microphone, speaker Choice) hal.Sound
}

// Microphone returns the name of the microphone that was chosen last.
func (s *chosenSound) Microphone() string {
	c, _ := s.chooser.sound()
	return half(c)
}

// Speaker returns the name of the speaker that was chosen last.
func (s *chosenSound) Speaker() string {
	_, c := s.chooser.sound()
	return half(c)
}

func half(c Choice) string {
	if c.Chosen == hal.NameNone {
		return ""
	}
	return c.Chosen
}

// Open starts what is there.
func (s *chosenSound) Open(process hal.SoundFunc) (hal.SoundStream, error) {
	return s.Now().Open(process)
}

// OpenSpeaker is Open without the microphone: captured is silence. Its stream, too, ends with
// Gone when a speaker comes for which the virtual one stands in.
func (s *chosenSound) OpenSpeaker(process hal.SoundFunc) (hal.SoundStream, error) {
	_, speaker := s.chooser.lookForSound()
	d := s.drive(Choice{Kind: Microphone, Chosen: hal.NameNone}, speaker)
	if lacking(speaker) {
		d = &lackingSound{Sound: d, plugs: s.chooser.find.Plugs, better: func() bool {
			_, p := s.chooser.lookForSound()
			return !lacking(p)
		}}
	}
	return d.Open(process)
}

// Now returns the device of what is there: without the half that is missing, when the
// other one is not. Its streams end with Gone when a device comes for which the virtual
// one stands in, or which is missing.
func (s *chosenSound) Now() hal.Sound {
	microphone, speaker := s.chooser.lookForSound()
	m, p := microphone, speaker
	switch {
	case m.Missing && !p.Missing && p.Chosen != hal.NameNone:
		m = Choice{Kind: Microphone, Chosen: hal.NameNone}
	case p.Missing && !m.Missing && m.Chosen != hal.NameNone:
		p = Choice{Kind: Speaker, Chosen: hal.NameNone}
	}
	d := s.drive(m, p)
	if !lacking(microphone) && !lacking(speaker) {
		return d
	}
	return &lackingSound{Sound: d, plugs: s.chooser.find.Plugs, better: func() bool {
		m, p := s.chooser.lookForSound()
		return lacking(microphone) && !lacking(m) || lacking(speaker) && !lacking(p)
	}}
}

// lacking says that a better device may come.
func lacking(c Choice) bool { return c.Missing || c.Virtual && c.Wanted == hal.NameAuto }

// lackingSound is opened while a device is missing.
type lackingSound struct {
	hal.Sound
	plugs  *hotplug.Monitor
	better func() bool // whether it has come
}

// Open starts the device, and looks for what it lacks.
func (s *lackingSound) Open(process hal.SoundFunc) (hal.SoundStream, error) {
	inner, err := s.Sound.Open(process)
	if err != nil {
		return nil, err
	}
	out := &lackingStream{
		SoundStream: inner, lookout: newLookout(s.plugs, hotplug.SoundCards, s.better),
		gone: make(chan struct{}), stop: make(chan struct{}),
	}
	out.watch.Go(func() {
		select {
		case <-out.stop:
			return
		case <-inner.Gone():
		case <-out.lookout.found:
		}
		close(out.gone)
	})
	return out, nil
}

// lackingStream implements hal.SoundStream.
type lackingStream struct {
	hal.SoundStream
	lookout    *lookout // for what it lacks
	gone, stop chan struct{}
	closeOnce  sync.Once
	watch      sync.WaitGroup
}

// Gone is closed when the device went away, or a better one has come.
func (s *lackingStream) Gone() <-chan struct{} { return s.gone }

// Better says that it ended because what it lacks has come.
func (s *lackingStream) Better() bool {
	select {
	case <-s.lookout.found:
		return true
	default:
		return false
	}
}

// Underruns is how often the device was served too late; 0 when it does not count.
func (s *lackingStream) Underruns() uint64 {
	if c, ok := s.SoundStream.(interface{ Underruns() uint64 }); ok {
		return c.Underruns()
	}
	return 0
}

// Delays are those of the device; 0 when it does not know them.
func (s *lackingStream) Delays() (capture, playback time.Duration) {
	if c, ok := s.SoundStream.(interface {
		Delays() (capture, playback time.Duration)
	}); ok {
		return c.Delays()
	}
	return 0, 0
}

// Close stops the device.
func (s *lackingStream) Close() error {
	s.closeOnce.Do(func() { close(s.stop) })
	s.watch.Wait()
	s.lookout.close()
	return s.SoundStream.Close()
}
