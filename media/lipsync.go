package media

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"callbox/hal"
)

const (
	// mostHold is how long a picture waits for its sound at the most: what the queue of
	// pictures has room for, at 60 a second.
	mostHold = 200 * time.Millisecond
	// mostApart is what the phone's reports may say that sound and picture are apart;
	// more is a clock that was set.
	mostApart = 2 * time.Second
	// steady is by which part of a change the sound's way is believed, for each packet.
	steady = 16
)

// lipSync says when a picture is to be shown, so that it comes with the sound of the
// same moment: sound waits in the playout buffer and in its device, pictures would not.
// What the display adds is not in it.
type lipSync struct {
	mu             sync.Mutex
	sound, picture phoneClock
	way            time.Duration // from the phone's clock, when a sound was made, to ours, when it is played
	known          bool
}

// phoneClock tells by the sender reports of a track what its RTP times are on the
// phone's clock (RFC 3550, 6.4.1).
type phoneClock struct {
	set  bool
	rate time.Duration // of the RTP times, in Hz
	rtp  uint32
	at   time.Duration // since the beginning of the NTP era
}

func (c *phoneClock) time(rtp uint32) time.Duration {
	return c.at + time.Duration(int32(rtp-c.rtp))*time.Second/c.rate
}

// report takes what the phone says of the clock of one of its tracks.
func (l *lipSync) report(kind webrtc.RTPCodecType, r *rtcp.SenderReport) {
	seconds, fraction := time.Duration(r.NTPTime>>32), time.Duration(r.NTPTime&0xffffffff)
	c := phoneClock{set: true, rate: videoClock, rtp: r.RTPTime, at: seconds*time.Second + fraction*time.Second>>32}
	l.mu.Lock()
	defer l.mu.Unlock()
	if kind == webrtc.RTPCodecTypeVideo {
		l.picture = c
		return
	}
	c.rate = hal.SampleRate
	l.sound = c
}

// played notes when, on our clock, a sound of an RTP time will be heard.
func (l *lipSync) played(rtp uint32, when time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.sound.set {
		return
	}
	way := when - l.sound.time(rtp)
	if apart := way - l.way; !l.known || apart > mostApart || apart < -mostApart {
		l.way, l.known = way, true
		return
	}
	l.way += (way - l.way) / steady
}

// hold is how long a picture of an RTP time waits at a time on our clock; 0 when the
// phone has not told enough, and when it is late already.
func (l *lipSync) hold(rtp uint32, now time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.known || !l.picture.set {
		return 0
	}
	wait := l.picture.time(rtp) + l.way - now
	if wait > mostApart {
		return 0
	}
	return min(max(wait, 0), mostHold)
}
