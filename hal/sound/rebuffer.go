package sound

import (
	"callbox/hal"
	"callbox/hal/virtual"
)

// rebuffer stands between a device, which comes with any number of samples, and
// a hal.SoundFunc, which takes frames. The real half drives it: the microphone
// where there is one, else the speaker. It keeps copies only, for the device's
// memory is gone when exchange returns. One thread at a time.
type rebuffer struct {
	process hal.SoundFunc
	// source stands in for a microphone, sink for a speaker; nil means silence.
	source *virtual.MicrophoneStream
	sink   *virtual.SpeakerStream

	in  []int16 // captured, less than a frame between calls
	out []int16 // to be played

	captured, playback [hal.FrameSamples]int16
}

// exchange takes captured samples and fills playback; the half that is not real
// is nil. A device that always comes with whole frames gets no extra delay; one
// that does not gets less than a frame, as silence, when it first runs short.
func (r *rebuffer) exchange(playback, captured []int16) {
	if captured != nil {
		r.in = append(r.in, captured...)
		for len(r.in) >= hal.FrameSamples {
			copy(r.captured[:], r.in)
			r.in = r.in[:copy(r.in, r.in[hal.FrameSamples:])]
			r.frame(playback != nil)
		}
	} else {
		for len(r.out) < len(playback) {
			clear(r.captured[:])
			if r.source != nil {
				r.source.Read(r.captured[:])
			}
			r.frame(true)
		}
	}
	short := max(len(playback)-len(r.out), 0)
	clear(playback[:short])
	n := copy(playback[short:], r.out)
	r.out = r.out[:copy(r.out, r.out[n:])]
}

// frame has one frame processed and played, by the real speaker or the sink.
func (r *rebuffer) frame(speaker bool) {
	clear(r.playback[:])
	r.process(r.captured[:], r.playback[:])
	if speaker {
		r.out = append(r.out, r.playback[:]...)
	} else if r.sink != nil {
		r.sink.Write(r.playback[:])
	}
}
