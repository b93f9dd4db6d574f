package sound

import "time"

const (
	watchEvery = 250 * time.Millisecond
	// startPatience is how long a device may take for its first samples:
	// PulseAudio took 1.8 s.
	startPatience = 5 * time.Second
	// runPatience is how long a running device may be silent.
	runPatience = 2 * time.Second
)

// watch calls lost when the device stops delivering or is unplugged, and returns
// after that or when stop is closed. miniaudio does not notice an ALSA card that
// is unplugged: its thread polls on for ever.
func watch(stop <-chan struct{}, periods func() uint64, present func() bool, lost func()) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	last, patience, quiet := periods(), startPatience, time.Duration(0)
	if last > 0 {
		patience = runPatience
	}
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if n := periods(); n != last {
			last, patience, quiet = n, runPatience, 0
			continue
		}
		quiet += watchEvery
		if !present() || quiet >= patience {
			lost()
			return
		}
	}
}
