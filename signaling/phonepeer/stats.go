package phonepeer

import (
	"math"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Times says when things first happened, counted from Phone.Call or from the device's
// ring; 0: not yet.
type Times struct {
	Challenged time.Duration // the device is there
	Offered    time.Duration
	Ringing    time.Duration
	Accepted   time.Duration
	Connected  time.Duration // ICE and DTLS are done
	Started    time.Duration
	Ended      time.Duration
}

// Media is what went over a call's media connection.
type Media struct {
	Audio, Video Received

	SoundSent    uint64 // frames of 20 ms
	PicturesSent uint64
	Way          Way // what it was last
}

// Received is what came of one kind. Times count as those of Times.
type Received struct {
	Packets uint64 // RTP
	Bytes   uint64 // of their payloads
	Lost    uint64 // packets that have not come, by their sequence numbers
	Codec   string // as webrtc.MimeTypeH264; "" before the first packet
	// Jitter is the mean deviation of the packets' spacing (RFC 3550, 6.4.1).
	Jitter time.Duration
	First  time.Duration
	Last   time.Duration
	// LongestGap is the longest time between two packets.
	LongestGap time.Duration
	// Pictures are those of which the last packet came; only of video.
	Pictures uint64
	// FirstPicture is when the first keyframe was whole; only of video.
	FirstPicture time.Duration
}

// Times are those of the call so far.
func (c *Call) Times() Times {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times
}

// Stats is what the call's connection has carried so far. It stays after the end.
func (c *Call) Stats() Media {
	if l := c.currentLeg(); l != nil {
		return l.stats()
	}
	return Media{}
}

// Begun is when the call began, on the phone's clock.
func (c *Call) Begun() time.Duration { return c.session.begun }

// MediaSince counts the packets of media that reached this machine at t or later, by the
// kernel's clock, of the newest 4096.
func (c *Call) MediaSince(t time.Time) int {
	if l := c.currentLeg(); l != nil {
		return l.mediaSince(t)
	}
	return 0
}

func (l *peerLeg) mediaSince(t time.Time) int { return l.net.media.since(t) }

// counters are those of a leg.
type counters struct {
	audio, video counter

	mu  sync.Mutex
	way Way
}

func (c *counters) lastWay() Way {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.way
}

func (c *counters) keepWay(w Way) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.way = w
}

func (c *counters) stats() Media {
	return Media{Audio: c.audio.received(), Video: c.video.received()}
}

// counter counts one track.
type counter struct {
	mu       sync.Mutex
	r        Received
	codec    webrtc.RTPCodecCapability
	stamp    uint32  // of the last packet
	jitter   float64 // seconds
	highest  uint64  // sequence number, unwrapped
	lowest   uint64
	padding  uint64 // packets of nothing else
	keyframe bool   // one is under way
}

func (c *counter) received() Received {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.r
	r.Codec, r.Jitter = c.codec.MimeType, time.Duration(c.jitter*float64(time.Second))
	if n := c.highest - c.lowest + 1; r.Packets > 0 && n > r.Packets+c.padding {
		r.Lost = n - r.Packets - c.padding
	}
	return r
}

// add counts a packet that came at now.
func (c *counter) add(h *rtp.Header, payload []byte, now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.Packets++
	c.r.Bytes += uint64(len(payload))
	if c.r.Packets == 1 {
		c.r.First = now
		c.lowest = 1<<16 + uint64(h.SequenceNumber) // room for packets from before it
		c.highest = c.lowest
	} else {
		c.r.LongestGap = max(c.r.LongestGap, now-c.r.Last)
		c.spacing(h.Timestamp, now)
		c.number(h)
	}
	c.r.Last, c.stamp = now, h.Timestamp
	switch c.codec.MimeType {
	case webrtc.MimeTypeVP8:
		if begins, key := keyOfVP8(payload); begins {
			c.keyframe = key
		}
		c.picture(h, now)
	case webrtc.MimeTypeH264:
		c.keyframe = c.keyframe || keyOfH264(payload)
		c.picture(h, now)
		c.keyframe = c.keyframe && !h.Marker
	}
}

// pad counts a packet without payload, a probe: it is none, and not lost.
func (c *counter) pad(h *rtp.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.r.Packets > 0 {
		c.padding++
		c.number(h)
	}
}

// number brings the highest sequence number up to date.
func (c *counter) number(h *rtp.Header) {
	c.highest = max(c.highest, c.highest+uint64(int64(int16(h.SequenceNumber-uint16(c.highest)))))
}

// spacing brings the jitter up to date. Packets of one picture come in a burst: only the
// first of each counts.
func (c *counter) spacing(stamp uint32, now time.Duration) {
	if stamp == c.stamp || c.codec.ClockRate == 0 {
		return
	}
	deviation := (now - c.r.Last).Seconds() - float64(int32(stamp-c.stamp))/float64(c.codec.ClockRate)
	c.jitter += (math.Abs(deviation) - c.jitter) / 16
}

func (c *counter) begin(codec webrtc.RTPCodecCapability) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.codec = codec
}

// picture counts one at its last packet.
func (c *counter) picture(h *rtp.Header, now time.Duration) {
	if !h.Marker {
		return
	}
	c.r.Pictures++
	if c.keyframe && c.r.FirstPicture == 0 {
		c.r.FirstPicture = now
	}
}

// receive counts a track until the connection is closed.
func (l *peerLeg) receive(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.o.running.Add(1)
	l.mu.Unlock()
	defer l.o.running.Done()
	count := &l.counts.audio
	if track.Kind() == webrtc.RTPCodecTypeVideo {
		count = &l.counts.video
	}
	codec := track.Codec().RTPCodecCapability
	count.begin(codec)
	buffer := make([]byte, 1500)
	for {
		n, _, err := track.Read(buffer)
		if err != nil {
			return
		}
		var h rtp.Header
		size, err := h.Unmarshal(buffer[:n])
		if err != nil {
			continue
		}
		payload := buffer[size:n]
		if h.Padding && len(payload) > 0 {
			payload = payload[:max(0, len(payload)-int(payload[len(payload)-1]))]
		}
		if len(payload) == 0 {
			count.pad(&h)
		} else {
			at := l.o.since()
			count.add(&h, payload, at)
			if l.o.onPacket != nil {
				l.o.onPacket(Packet{Video: count == &l.counts.video, Codec: codec.MimeType, Header: &h, Payload: payload, At: at})
			}
		}
	}
}
