package sound

import (
	"testing"
	"time"
)

func TestDelays(t *testing.T) {
	card, server := &Device{Backend: ALSA}, &Device{Backend: Pulse}
	for name, tt := range map[string]struct {
		microphone, speaker *Device
		capture, playback   time.Duration
	}{
		"card":              {card, card, 0, 10 * time.Millisecond},
		"card's microphone": {card, nil, 0, 0},
		"card's speaker":    {nil, card, 0, 20 * time.Millisecond},
		"server":            {server, server, 20 * time.Millisecond, 20 * time.Millisecond},
		"its microphone":    {server, nil, 0, 0},
		"its speaker":       {nil, server, 0, 30 * time.Millisecond},
	} {
		if capture, playback := delays(tt.microphone, tt.speaker); capture != tt.capture || playback != tt.playback {
			t.Errorf("%s: %v and %v, want %v and %v", name, capture, playback, tt.capture, tt.playback)
		}
	}
}
