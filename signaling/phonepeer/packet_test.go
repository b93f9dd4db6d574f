package phonepeer

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"golang.org/x/sys/unix"

	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// TestLooksIntoMedia: a call that is measured hands every packet out, sends the sound
// that it is given, and knows the way and when the kernel got what.
func TestLooksIntoMedia(t *testing.T) {
	d := openDoor(t)
	begun := time.Now()
	var sound, picture, wrong atomic.Int64
	c, l := talks(t, d, d.connected(), CallOptions{
		RoomType: message.Video, Sound: Repeat([][]byte{bytes.Repeat([]byte{0xf8}, 100)}),
		OnPacket: func(p Packet) {
			switch {
			case p.Video && p.Codec == webrtc.MimeTypeVP8:
				picture.Add(1)
			case !p.Video && p.Codec == webrtc.MimeTypeOpus:
				sound.Add(1)
			default:
				wrong.Add(1)
			}
		},
	})
	eventually(t, "media flows both ways", func() bool {
		return sound.Load() > 10 && picture.Load() > 3 && l.counts.audio.received().Packets > 10
	})
	if got := l.counts.audio.received(); got.Bytes != 100*got.Packets {
		t.Errorf("%d bytes in %d packets of sound, want 100 each", got.Bytes, got.Packets)
	}
	s := c.Stats()
	if !strings.HasPrefix(s.Way.Local, "host udp 127.0.0.1:") || !strings.HasPrefix(s.Way.Remote, "host udp 127.0.0.1:") && !strings.HasPrefix(s.Way.Remote, "prflx udp 127.0.0.1:") {
		t.Errorf("way = %+v", s.Way)
	}
	if s.Audio.Codec != webrtc.MimeTypeOpus || s.Video.Codec != webrtc.MimeTypeVP8 || s.Audio.Jitter <= 0 || s.Audio.Jitter > time.Second {
		t.Errorf("stats = %+v", s)
	}
	if n, all := c.MediaSince(begun), int(s.Audio.Packets+s.Video.Packets); n < all {
		t.Errorf("%d packets since the beginning, of %d", n, all)
	}
	if n := c.MediaSince(time.Now().Add(time.Minute)); n != 0 {
		t.Errorf("%d packets in a minute", n)
	}
	c.HangUp(cause.ForceFromApp)
	wantEnd(t, c, cause.End{Cause: cause.Hangup, Origin: cause.ForceFromApp}, false)
	if s := c.Stats(); s.Way.Local == "" {
		t.Error("the way is forgotten with the end")
	}
	if wrong.Load() > 0 {
		t.Errorf("%d packets of another kind or codec", wrong.Load())
	}
}

// TestLinger: what comes just after the end is counted, and then the socket is gone.
func TestLinger(t *testing.T) {
	d := openDoor(t)
	p := d.connected()
	c, _ := talks(t, d, p, CallOptions{RoomType: message.Voice, Linger: time.Second})
	eventually(t, "sound comes", func() bool { return c.Stats().Audio.Packets > 10 })
	c.HangUp(cause.Manual)
	wantEnd(t, c, cause.End{Cause: cause.Hangup, Origin: cause.Manual}, false)
	late, err := net.Dial("udp", strings.TrimPrefix(c.Stats().Way.Local, "host udp "))
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	ended := time.Now()
	eventually(t, "a packet after the end is counted", func() bool {
		_, _ = late.Write([]byte{0x80, 111, 0, 1}) // refused once the socket is gone
		return c.MediaSince(ended) > 0
	})
	if err := p.Close(); err != nil { // waits for the socket
		t.Fatal(err)
	}
}

// TestPaddingIsNotLost: a probe has a number of its own among those of the media.
func TestPaddingIsNotLost(t *testing.T) {
	var c counter
	add := func(n uint16) { c.add(&rtp.Header{SequenceNumber: n}, []byte{1}, 1) }
	c.pad(&rtp.Header{SequenceNumber: 9}) // before there is anything to count
	add(10)
	c.pad(&rtp.Header{SequenceNumber: 11})
	c.pad(&rtp.Header{SequenceNumber: 12})
	add(13)
	if r := c.received(); r.Lost != 0 || r.Packets != 2 {
		t.Errorf("received %+v, want 2 packets and none lost", r)
	}
	add(15)
	if r := c.received(); r.Lost != 1 {
		t.Errorf("lost %d, want 1", r.Lost)
	}
}

func TestArrivals(t *testing.T) {
	var a arrivals
	begun := time.Unix(1000, 0)
	for i := range keptArrivals + 100 {
		a.add(begun.Add(time.Duration(i) * time.Second))
	}
	if n := a.since(begun); n != keptArrivals {
		t.Errorf("%d are kept, want %d", n, keptArrivals)
	}
	if n := a.since(begun.Add((keptArrivals + 90) * time.Second)); n != 10 {
		t.Errorf("%d of the last 10", n)
	}
}

// TestStampOf reads what the kernel writes behind a packet, on machines of 64 and 32 bits.
func TestStampOf(t *testing.T) {
	for name, tt := range map[string]struct {
		data []byte
		want bool
	}{
		"64 bits":     {[]byte{0xe8, 3, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0}, true},
		"32 bits":     {[]byte{0xe8, 3, 0, 0, 7, 0, 0, 0}, true},
		"nothing":     {nil, false},
		"a wrong one": {[]byte{1, 2, 3, 4}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var oob []byte
			if tt.data != nil {
				oob = make([]byte, unix.CmsgSpace(len(tt.data)))
				h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
				h.Level, h.Type = unix.SOL_SOCKET, unix.SCM_TIMESTAMPNS
				h.SetLen(unix.CmsgLen(len(tt.data)))
				copy(oob[unix.CmsgLen(0):], tt.data)
			}
			at := stampOf(oob)
			if tt.want != at.Equal(time.Unix(1000, 7)) {
				t.Errorf("stamp = %v", at)
			}
			if !tt.want && time.Since(at) > time.Minute {
				t.Errorf("stamp = %v, want now", at)
			}
		})
	}
}

// TestKeyOfH264 knows the beginning of a keyframe in each of RFC 6184's packets.
func TestKeyOfH264(t *testing.T) {
	for name, tt := range map[string]struct {
		payload []byte
		want    bool
	}{
		"an IDR slice":             {[]byte{0x65, 0x88}, true},
		"another slice":            {[]byte{0x41, 0x9a}, false},
		"parameter sets":           {[]byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce}, false},
		"sets and an IDR slice":    {[]byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce, 0, 2, 0x65, 0x88}, true},
		"a first fragment":         {[]byte{0x7c, 0x85, 1}, true},
		"the middle of one":        {[]byte{0x7c, 0x05, 1}, false},
		"a fragment of another":    {[]byte{0x7c, 0x81, 1}, false},
		"a length beyond the end":  {[]byte{0x78, 0xff, 0xff, 0x67, 0x42}, false},
		"nothing":                  {nil, false},
		"a packet that is cut off": {[]byte{0x78, 0, 9, 0x67}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := keyOfH264(tt.payload); got != tt.want {
				t.Errorf("keyOfH264(% x) = %v", tt.payload, got)
			}
		})
	}
}

// TestPicturesOfH264: pictures end with the marker, and the first one counts from its
// keyframe on, which may lie in several packets.
func TestPicturesOfH264(t *testing.T) {
	var c counter
	c.begin(h264Codec())
	for n, p := range []struct {
		payload []byte
		marker  bool
	}{
		{[]byte{0x41, 0x9a}, true},                                // without a keyframe
		{[]byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce}, false}, // STAP-A: SPS, PPS
		{[]byte{0x7c, 0x85, 1}, false},                            // FU-A of an IDR picture
		{[]byte{0x7c, 0x05, 1}, false},
		{[]byte{0x7c, 0x45, 1}, true},
		{[]byte{0x41, 0x9a}, true},
	} {
		c.add(&rtp.Header{SequenceNumber: uint16(n), Marker: p.marker}, p.payload, time.Duration(n)*time.Second)
	}
	if r := c.received(); r.Pictures != 3 || r.FirstPicture != 4*time.Second {
		t.Errorf("received %+v, want 3 pictures, the first at 4s", r)
	}
}

// TestVideoCodecs: what is offered, and what is sent and got when the device has chosen.
func TestVideoCodecs(t *testing.T) {
	for name, tt := range map[string]struct {
		offers []string
		device string // the codec that it sends
		want   string
	}{
		"both, to a device of H.264": {nil, CodecH264, webrtc.MimeTypeH264},
		"both, to a device of VP8":   {nil, CodecVP8, webrtc.MimeTypeVP8},
		"H.264":                      {[]string{CodecH264}, CodecH264, webrtc.MimeTypeH264},
		"VP8, to a device of all":    {[]string{CodecVP8}, "", webrtc.MimeTypeVP8},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t)
			d.codec = tt.device
			c, l := talks(t, d, d.connectedWith(Options{VideoCodecs: tt.offers}), CallOptions{RoomType: message.Video})
			eventually(t, "pictures flow both ways", func() bool {
				return c.Stats().Video.FirstPicture > 0 && l.counts.video.received().FirstPicture > 0
			})
			in, out := c.Stats().Video, l.counts.video.received()
			if in.Codec != tt.want || out.Codec != tt.want || in.Pictures == 0 || out.Pictures == 0 {
				t.Errorf("the phone gets %+v and sends %+v, want %s", in, out, tt.want)
			}
			c.HangUp(cause.Manual)
			wantEnd(t, c, cause.End{Cause: cause.Hangup, Origin: cause.Manual}, false)
		})
	}
	if _, err := New(Options{VideoCodecs: []string{"av1"}}); !errors.Is(err, ErrArgument) {
		t.Errorf("New with a codec that there is not: %v", err)
	}
}
