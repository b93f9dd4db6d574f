package daemon

import (
	"context"
	"sync"

	"callbox/hal/devices"
	"callbox/media"
	"callbox/media/tone"
)

// announcer plays the announcement of an automatic answer: the configured file,
// else the built-in chime.
type announcer struct {
	engine *media.Engine

	mu  sync.Mutex
	pcm []int16
	err error // why the file is not used
}

// load reads the announcement; "" is the built-in one. A file that cannot be read
// must not keep the device from answering, but somebody is told.
func (a *announcer) load(path string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pcm, a.err = tone.AutoAnswer(), nil
	if path == "" {
		return nil
	}
	pcm, err := tone.ReadFile(path)
	if err != nil {
		a.err = err
		return err
	}
	a.pcm = pcm
	return nil
}

// Announce plays it.
func (a *announcer) Announce(ctx context.Context) error {
	a.mu.Lock()
	pcm := a.pcm
	a.mu.Unlock()
	return a.engine.Announce(ctx, pcm)
}

// Tone plays a sound of a call, for toneTimeout at most when it does not go on.
func (a *announcer) Tone(ctx context.Context, s sound) error {
	pcm, again := s.samples()
	if !again {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, toneTimeout)
		defer cancel()
	}
	return a.engine.Tone(ctx, pcm, again)
}

// problem is why the configured file is not used; nil when it is, or none is
// configured.
func (a *announcer) problem() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// hardwareOf says what of the device's parts phones are told.
func hardwareOf(d *devices.Set) hardware {
	return hardware{
		camera:     d.Camera != nil,
		microphone: d.Sound != nil && d.Sound.Microphone() != "",
		speaker:    d.Sound != nil && d.Sound.Speaker() != "",
	}
}
