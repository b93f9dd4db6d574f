package phonepeer

import (
	"bytes"
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
	add := func(n uint16) { c.add(&rtp.Header{SequenceNumber: n}, []byte{1}, false, 1) }
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
